"""Candidates: mistakes everywhere, or in one place."""

from __future__ import annotations

import clearprop as cp
from clearprop.checking.bank import BANK
from clearprop.checking.candidates import EVERYWHERE, PART, UNIT, candidates
from clearprop.checking.order import Order
from clearprop.derivation.lines import Lines


def made(name: str) -> list[tuple[int, list[str]]]:
    lines = Lines(cp.cycle(cp.load("lecture")))
    order = Order(lines, tuple(lines.quantities()))
    names = lines.cycle.names.text
    found = candidates(order, [BANK[name]])
    return [(each.width, [names(order.quantities[at]) for at in sorted(each.formulas)]) for each in found]


def test_a_mistake_may_be_made_everywhere_in_one_layer_or_for_one_unit() -> None:
    found = made("slope_left_out")
    everywhere = [f"∂E_total/∂sum_{unit}" for unit in ("o1", "o2", "h1", "h2")]
    assert (EVERYWHERE, everywhere) in found
    assert [lines for width, lines in found if width == PART] == [everywhere[:2], everywhere[2:]]
    assert [lines for width, lines in found if width == UNIT] == [[each] for each in everywhere]


def test_what_a_wider_one_of_another_mistake_describes_is_left_out() -> None:
    lines = Lines(cp.cycle(cp.load("lecture")))
    order = Order(lines, tuple(lines.quantities()))
    found = candidates(order, [BANK["bias_left_out"], BANK["bias_after_activation"]])
    sums_only = [
        each
        for each in found
        if each.of.name == "bias_after_activation" and all(at in found[0].formulas for at in each.formulas)
    ]
    assert found[0].of.name == "bias_left_out"
    assert sums_only == []
