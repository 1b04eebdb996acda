"""Local derivatives: every expression with its numbers put in gives the factor's value."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from tests.support import problems

import clearprop as cp
from clearprop.derivation.derive import Derivations
from clearprop.derivation.lines import Lines
from clearprop.derivation.local_derivatives import Links
from clearprop.expressions import Symbol, evaluate
from clearprop.network import names as q


@given(problems(weights=True))
def test_every_printed_slope_gives_its_value(problem: cp.Problem) -> None:
    done = cp.cycle(problem)
    derivations = Derivations(done)
    for index in range(len(done.parameters)):
        for term in derivations.gradient(index).terms:
            for factor in term.factors:
                shown = float(evaluate(factor.plugged, {}))
                assert shown == pytest.approx(factor.value, rel=1e-6, abs=1e-9)
                if factor.working is not None and isinstance(factor.quantity, q.Derivative):
                    assert isinstance(factor.quantity.by, q.Output | q.Sum | q.Parameter)


@given(problems())
def test_a_factor_is_its_line(problem: cp.Problem) -> None:
    """Expression and number of every local derivative are those of the lines, made once."""
    done = cp.cycle(problem)
    lines = Lines(done)
    links = Links(lines)
    for layer in range(problem.network.depth):
        output, total = q.Output(layer, 0), q.Sum(layer, 0)
        factor = links(output, total)
        assert factor.expression == lines[factor.quantity].expression
        assert links(output, total) is factor
    weight = links(q.Sum(0, 0), q.Parameter(0))
    assert (weight.expression, weight.value) == (Symbol(q.Input(0)), problem.examples.inputs[0, 0])  # type: ignore[union-attr]


DROPPING = """
notation = "lecture"
[inputs]
names = ["i"]
[[layers]]
units = ["h"]
activation = "tanh"
weights = [[0.5]]
bias = false
dropout = {dropout}
[[layers]]
units = ["o"]
weights = [[1.0]]
bias = false
[[examples]]
inputs = [1.0]
targets = [0.0]
"""


@pytest.mark.parametrize(
    ("dropout", "shown", "factor"),
    [
        (0.0, "∂output_h/∂sum_h = 1 - tanh(sum_h)²   (derivative of tanh)", 1),
        (0.5, "∂output_h/∂sum_h = 2 * (1 - tanh(sum_h)²)   (dropout: kept and scaled)", 2),
    ],
)
def test_the_slope_is_printed_with_the_mask_of_dropout(dropout: float, shown: str, factor: float) -> None:
    cycle = cp.cycle(cp.read(DROPPING.format(dropout=dropout)))
    printed = cp.explain(cycle, "∂output_h/∂sum_h").text()
    assert shown in printed
    assert f"{factor * (1 - math.tanh(0.5) ** 2):.5f}" in printed
