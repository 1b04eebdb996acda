"""Following a sheet: values, bands, and what rewritten lines change."""

from __future__ import annotations

import numpy as np
import pytest

import clearprop as cp
from clearprop.checking.bank import BANK
from clearprop.checking.following import Sheets, follow, follow_rewritten
from clearprop.checking.order import Order
from clearprop.checking.spelling import meant
from clearprop.derivation.lines import Lines

CYCLE = cp.cycle(cp.load("lecture"))


def sheets(order: Order, numbers: dict[str, list[float]], unit: float) -> Sheets:
    at = {order.position[meant(CYCLE, name)]: np.array(values) for name, values in numbers.items()}
    count = len(next(iter(at.values())))
    given = {place: ~np.isnan(values) for place, values in at.items()}
    value = {place: np.nan_to_num(values) for place, values in at.items()}
    return Sheets(count, given, value, {place: np.full(count, unit) for place in at}, lambda values: 0 * values)


def order(*names: str) -> Order:
    return Order(Lines(CYCLE), tuple(meant(CYCLE, name) for name in names))


def test_a_line_is_expected_from_the_numbers_of_its_own_sheet() -> None:
    made = order("sum_h1", "output_h1")
    followed = follow(made, sheets(made, {"sum_h1": [0.41, 1.0, np.nan]}, 0.005))
    found = followed.value[made.position[meant(CYCLE, "output_h1")]]
    assert found == pytest.approx(1 / (1 + np.exp(-np.array([0.41, 1.0, 0.41]))), rel=1e-12)


def test_the_band_is_what_rounding_above_may_do() -> None:
    made = order("output_h1", "sum_o1")
    followed = follow(made, sheets(made, {"output_h1": [0.6, np.nan]}, 0.05))
    band = followed.band[made.position[meant(CYCLE, "sum_o1")]]
    assert band == pytest.approx([0.05 * 0.5, 0.0], abs=1e-12)


def test_the_band_passes_through_lines_that_are_left_out() -> None:
    made = order("sum_o1", "dE/dw5")
    followed = follow(made, sheets(made, {"sum_o1": [1.02]}, 0.005))
    lines = Lines(CYCLE)

    def gradient(total: float) -> float:
        return lines.values({meant(CYCLE, "sum_o1"): total})[meant(CYCLE, "dE/dw5")]

    moved = max(abs(gradient(total) - gradient(1.02)) for total in (1.015, 1.025))
    assert followed.band[made.position[meant(CYCLE, "dE/dw5")]] == pytest.approx([moved], rel=1e-9)


def test_a_rewritten_line_changes_what_follows_through_lines_left_out_only() -> None:
    made = order("dE/dw5", "new_w5", "dE/dw1")
    one = sheets(made, {"dE/dw5": [0.0802], "new_w5": [0.4519]}, 5e-5)
    base = follow(made, one)
    rule = BANK["slope_left_out"].rewrite(made.lines)
    formulas = {
        at: made.formula(tree)
        for at in made.leading
        if (line := made.own(at)) is not None and (tree := rule(line)) is not None
    }
    changed = follow_rewritten(made, one, base, formulas)
    names = {CYCLE.names.text(made.quantities[at]) for at in changed.value}
    assert {"∂E_total/∂sum_o1", "∂E_total/∂w5", "∂E_total/∂w1"} <= names
    assert "new_w5" not in names
    assert changed.value[made.position[meant(CYCLE, "dE/dw5")]] == pytest.approx([0.684925 * 0.601088], rel=1e-5)
