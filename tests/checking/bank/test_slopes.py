"""Mistakes with the slope of the activation, as lines."""

from __future__ import annotations

from tests.checking.planted import marked, says

import clearprop as cp
from clearprop.checking.bank import BANK
from clearprop.derivation.lines import Lines
from clearprop.expressions import text
from clearprop.rendering.document import View


def test_a_slope_is_wrong_at_its_own_line_only() -> None:
    sheet = marked("logistic").students["slope_of_output"]
    assert says(sheet) == {"slope_of_output"}
    assert sheet.first_wrong == "∂output_y1/∂sum_y1"
    assert sheet.mistakes[0].lines == tuple(f"∂output_{u}/∂sum_{u}" for u in ("y1", "y2", "h1_1", "h1_2"))


def test_the_wrong_line_is_printed_as_an_expression() -> None:
    lines = Lines(cp.cycle(cp.load("lecture")))
    line = lines[lines.cycle.names.find("doutput_o1/dsum_o1")]
    shown = {
        name: text(tree, View(lines.cycle.names).name)
        for name in ("slope_of_sum", "slope_is_output", "tanh_slope_plus")
        if (tree := BANK[name].rewrite(lines)(line)) is not None
    }
    assert shown == {"slope_of_sum": "sum_o1 * (1 - sum_o1)", "slope_is_output": "output_o1"}
