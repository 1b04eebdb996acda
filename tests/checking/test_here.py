"""The formulas around a line."""

from __future__ import annotations

import clearprop as cp
from clearprop.checking.here import Here, mean, swapped, with_numbers
from clearprop.derivation.lines import Lines
from clearprop.expressions import Symbol, parse, text
from clearprop.network import names as q

LINES = Lines(cp.cycle(cp.load("lecture")))


def shown(tree: object) -> str:
    return text(tree, LINES.cycle.names.text)  # type: ignore[arg-type]


def test_formulas_are_those_of_the_lines_until_a_part_is_replaced() -> None:
    here = Here(LINES)
    assert here.weighted(1, 0) == LINES[q.Sum(1, 0)].expression
    assert shown(here.weighted(1, 0, bias=None)) == "output_h1 * w5 + output_h2 * w6"
    assert shown(here.weighted(1, 0, seen=lambda i: here.total(0, i))) == "sum_h1 * w5 + sum_h2 * w6 + b2"
    assert [shown(term) for term in here.handed_back(0, 1)] == [
        "∂E_total/∂sum_o1 * w6",
        "∂E_total/∂sum_o2 * w8",
    ]


def test_the_line_in_which_the_loss_is_differentiated() -> None:
    here = Here(LINES)
    total = q.TotalError()
    assert here.is_first_signal(q.Derivative(total, q.Output(1, 1))) == 1
    assert here.is_first_signal(q.Derivative(total, q.Sum(1, 1))) is None
    assert here.is_first_signal(q.Derivative(total, q.Output(0, 1))) is None


def test_parts_of_trees_are_replaced() -> None:
    names = {"a": "a", "b": "b"}
    assert text(swapped(parse("a - 2 * b", names), {"a": "b", "b": "a"})) == "b - 2 * a"
    assert text(with_numbers(parse("a * b", names), {"a": 1.0})) == "b"
    assert text(mean([Symbol("a"), Symbol("b")])) == "(a + b) / 2"
