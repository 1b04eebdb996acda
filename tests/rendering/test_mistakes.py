"""The known mistakes, and wrong cycles, in every format."""

from __future__ import annotations

import json

import pytest

import clearprop as cp
from clearprop.rendering.formats import FORMATS, write
from clearprop.rendering.mistakes import explain_mistake, mistakes_result


@pytest.mark.parametrize("format", list(FORMATS))
def test_every_format_prints_the_bank_and_what_a_network_shows(format: str) -> None:
    assert "slope_left_out" in write(mistakes_result(cp.mistakes()), format).replace("\\_", "_")
    shown = write(mistakes_result(cp.mistakes(cp.load("lecture"))), format)
    assert "half_kept" in shown.replace("\\_", "_").replace("\\allowbreak", "").replace("{}", "")


def test_names_stay_whole_in_a_list_that_is_folded() -> None:
    shown = write(mistakes_result(cp.mistakes()))
    assert {each.name for each in cp.mistakes()} <= {*shown.split()}
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("student") >= sum("student" in each.source for each in cp.mistakes())  # nothing is cut off


def test_a_wrong_cycle_has_the_wrong_line_beside_the_right_one() -> None:
    result = explain_mistake(cp.cycle(cp.load("lecture")), "slope_left_out", "dE/dnet_o1", "dE/dw5")
    shown = write(result)
    assert "∂E_total/∂sum_o1 = ∂E_total/∂output_o1 * ∂output_o1/∂sum_o1" in shown
    assert "∂E_total/∂sum_o1 = ∂E_total/∂output_o1 = 0.68493" in shown
    assert "∂E_total/∂w5      0.08020           0.41170  follows from it" in shown
    lines = json.loads(write(result, "json"))["lines"]
    assert [(line["quantity"], line["rewritten"]) for line in lines] == [
        ("∂E_total/∂sum_o1", True),
        ("∂E_total/∂w5", False),
    ]
    assert lines[0]["wrong"]["expression"] == "∂E_total/∂output_o1"
