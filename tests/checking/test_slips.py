"""Slips of the pen."""

from __future__ import annotations

import pytest

import clearprop as cp
from clearprop.checking.marked import Marked
from clearprop.checking.slips import SLIPS


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        ("0.60108", "digits_cut_off"),
        ("-0.60109", "sign_slip"),
        ("6.0109", "power_of_ten"),
        ("0.06011", "power_of_ten"),
        ("0.61009", "digits_swapped"),
        ("0.60111", "last_digit"),
        ("0.60159", "one_digit_off"),
    ],
)
def test_a_slip_is_named_where_no_mistake_fits(text: str, slip: str) -> None:
    found = cp.check(cp.load("lecture"), {"output_h1": text})
    assert isinstance(found, Marked)
    assert [each.name for each in found.mistakes] == [slip]
    assert found.mistakes[0].says == SLIPS[slip].says


def test_a_first_digit_is_no_last_digit() -> None:
    found = cp.check(cp.load("lecture"), {"sum_h1": "1"})
    assert isinstance(found, Marked)
    assert (found.mistakes, found.unexplained) == ((), ("sum_h1",))


def test_numbers_above_may_have_been_rounded_too_early() -> None:
    done = cp.cycle(cp.load("lecture"))
    early = round(round(done["output_o1"], 3) - 0.05, 5)
    found = cp.check(cp.load("lecture"), {"output_o1": "0.7349", "dE/dout_o1": f"{early:.5f}"})
    assert isinstance(found, Marked)
    assert [each.name for each in found.mistakes] in (["rounded_early"], ["last_digit"])
