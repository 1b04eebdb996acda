"""What a check says, as a structure."""

from __future__ import annotations

import pytest

import clearprop as cp
from clearprop.checking.marked import Marked, MarkedClass


def test_the_structure_of_a_sheet() -> None:
    found = cp.check(cp.load("lecture"), {"sum_h1": "0.41", "new_w5": "0.5481", "E": ""})
    assert isinstance(found, Marked)
    structure = found.structure()
    assert structure["lines"][0] == {
        "quantity": "sum_h1", "given": "0.41", "expected": pytest.approx(0.41), "true": pytest.approx(0.41),
        "verdict": "right", "band": 0.005,
    }  # fmt: skip
    assert structure["first_wrong"] == "new_w5"
    assert {"name", "says", "lines", "tied_with"} <= set(structure["mistakes"][0])
    assert structure["marks"] == {"right": 1, "carried": 0, "unfollowed": 0, "wrong": 1, "missing": 1, "of": 3}
    assert repr(found) == "Marked(1 of 3, first_wrong='new_w5')"
    assert "new_w5" in str(found)


def test_the_structure_of_a_class() -> None:
    found = cp.check(
        cp.load("lecture"), {"Ana": {"sum_h1": "0.41"}, "Bo": {"sum_h1": "0.16"}, "Cy": {"sum_h1": "0.16"}}
    )
    assert isinstance(found, MarkedClass)
    structure = found.structure()
    assert set(structure["students"]) == {"Ana", "Bo", "Cy"}
    assert structure["common"][0] == {"name": "bias_left_out", "students": 2}
    assert not found.all_right
    assert "bias_left_out" in str(found)
