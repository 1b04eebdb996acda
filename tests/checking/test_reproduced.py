"""Mistakes through the whole cycle."""

from __future__ import annotations

import pytest

import clearprop as cp
from clearprop.checking.bank import BANK
from clearprop.checking.candidates import candidates
from clearprop.checking.order import Order
from clearprop.checking.reproduced import computed, reproduced
from clearprop.derivation.lines import Lines

LINES = Lines(cp.cycle(cp.load("lecture")))
ORDER = Order(LINES, tuple(LINES.quantities()))
FOUND = candidates(ORDER)


def test_each_combination_has_the_numbers_of_its_own_cycle() -> None:
    single = next(each for each in FOUND if each.of.name == "slope_left_out")
    numbers = computed(ORDER, [(), (single,)], range(len(ORDER.quantities)))
    wrong = LINES.rewritten(BANK["slope_left_out"].rewrite(LINES)).values()
    for at, quantity in enumerate(ORDER.quantities):
        assert numbers[at] == pytest.approx([ORDER.true(at), wrong[quantity]], rel=1e-9)


def test_fewest_changes_come_first() -> None:
    at = [
        place
        for place, quantity in enumerate(ORDER.quantities)
        if LINES.cycle.names.text(quantity).startswith("∂E_total/∂w")
    ]
    wrong = LINES.rewritten(BANK["slope_left_out"].rewrite(LINES)).values()
    values = {place: wrong[ORDER.quantities[place]] for place in at}
    found = reproduced(ORDER, values, dict.fromkeys(at, 1e-6), at, FOUND)
    assert [[each.of.name for each in combination] for combination in found] == [["slope_left_out"]]
