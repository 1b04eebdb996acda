"""The formulas of one example: each local derivative and each error alone, where explanations show less."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.derivation.example_lines import ExampleLines
from clearprop.derivation.lines import Lines
from clearprop.expressions import evaluate, symbols
from clearprop.network import names as q


def value(done: cp.Cycle, quantity: Any) -> float:
    """The number of a quantity from its formula, down to the quantities that are given."""
    formula = ExampleLines(done)[quantity]
    if formula is None:
        return done.value(quantity)
    tree = formula.expression
    return float(evaluate(tree, {key: value(done, key) for key in symbols(tree)}))


def test_the_slopes_of_a_softmax_layer_with_dropout_are_those_before_the_mask() -> None:
    """∂(mask·y_v)/∂z_u against a central difference through the same mask."""
    network = cp.Network(2, [cp.Dense(3, "softmax", dropout=0.4), cp.Dense(1)])
    problem = cp.Problem(network, examples=cp.Examples(np.array([[0.3, -0.7]]), np.array([[0.5]])))
    cycles = (cp.cycle(problem, 1, step=step) for step in range(1, 50))
    masks = ((done, np.asarray(done.trace.masks[0])[0]) for done in cycles)
    done, mask = next((done, mask) for done, mask in masks if 0 < np.count_nonzero(mask) < 3)
    sums, h = done.trace.sums[0][0], 1e-6
    for u in range(3):
        moved = [network.layers[0].rule.outputs((sums + sign * h * np.eye(3)[u])[None])[0] for sign in (1, -1)]
        for v in range(3):
            expected = mask[v] * (moved[0][v] - moved[1][v]) / (2 * h)
            found = value(done, q.Derivative(q.Output(0, v), q.Sum(0, u)))
            assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_a_parameter_has_a_slope_only_on_the_sums_it_belongs_to() -> None:
    example = ExampleLines(cp.cycle(cp.load("lecture")))
    assert example[q.Derivative(q.Sum(0, 0), q.Parameter(2))] is None  # w2 goes into h2
    assert example[q.Derivative(q.Sum(1, 0), q.Parameter(0))] is None
    assert example[q.Derivative(q.Output(0, 0), q.Sum(0, 1))] is not None  # 0


def test_gradients_by_inputs_agree_with_central_differences() -> None:
    done = cp.cycle(cp.load("lecture"))
    h = 1e-6
    i1, error = q.Input(0), q.TotalError()
    moved = [Lines(done).values({i1: done.value(i1) + sign * h})[error] for sign in (1, -1)]
    assert value(done, q.Derivative(error, i1)) == pytest.approx((moved[0] - moved[1]) / (2 * h), rel=1e-7)
