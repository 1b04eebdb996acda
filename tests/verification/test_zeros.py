"""Gradients that are exactly 0: each with the factor that makes it so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import clearprop as cp
from clearprop.verification.zeros import why_zero, zero_gradients


def cycle(network: cp.Network, weights: list[list[list[float]]], inputs: list[list[float]], targets: float) -> cp.Cycle:
    examples = cp.Examples.of(inputs, [[targets]] * len(inputs))
    return cp.cycle(cp.Problem(network, cp.Parameters.of(network, weights), examples=examples), "all")


def test_nothing_is_said_where_no_gradient_is_zero() -> None:
    done = cp.cycle(cp.load("lecture"))
    assert [why_zero(done, layer) for layer in range(2)] == ["", ""]


def test_an_input_that_is_zero_and_a_unit_without_slope() -> None:
    network = cp.Network(2, [cp.Dense(2, "relu", bias=False), cp.Dense(1, bias=False)])
    done = cycle(network, [[[-1.0, 1.0], [1.0, 1.0]], [[1.0, 1.0]]], [[1.0, 0.0], [2.0, 0.0]], 9.0)
    assert zero_gradients(done, 0) == [0, 1, 3]
    assert why_zero(done, 0) == (
        "3 of 4 gradients are exactly 0 (w1, w2 and w4): the slope of relu is 0 for both examples in h1_1; "
        "x2 is 0 for both examples"
    )
    assert why_zero(done, 1) == "1 of 2 gradients is exactly 0 (w5): h1_1 is 0 for both examples"


def test_weights_of_zero_let_no_error_back() -> None:
    network = cp.Network(1, [cp.Dense(2, "tanh", bias=False), cp.Dense(1, bias=False)])
    done = cycle(network, [[[1.0], [2.0]], [[0.0, 0.0]]], [[1.0]], 1.0)
    assert why_zero(done, 0) == "both gradients are exactly 0 (w1 and w2): no error comes back to h1_1 and h1_2"


def test_an_error_of_zero_and_contributions_that_cancel() -> None:
    network = cp.Network(1, [cp.Dense(1, bias=False)])
    assert why_zero(cycle(network, [[[2.0]]], [[1.0]], 2.0), 0) == (
        "the one gradient is exactly 0 (w1): the slope of the error is 0 at y1"
    )
    problem = cp.Problem(network, cp.Parameters.of(network, [[[0.0]]]))
    opposite = replace(problem, examples=cp.Examples.of(np.array([[1.0], [1.0]]), np.array([[1.0], [-1.0]])))
    assert why_zero(cp.cycle(opposite, "all"), 0) == (
        "the one gradient is exactly 0 (w1): what the examples contribute cancels out"
    )


def test_an_input_that_is_0_wherever_an_error_comes_back() -> None:
    """Neither the input nor the error signal is 0 in both examples, and nothing cancels."""
    network = cp.Network(2, [cp.Dense(1, "relu", bias="none"), cp.Dense(1, bias="none")])
    parameters = cp.Parameters.of(network, [[[1.0, -1.0]], [[1.0]]])
    examples = cp.Examples(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.0], [0.0]]))
    done = cp.cycle(cp.Problem(network, parameters, examples=examples), "all")
    assert why_zero(done, 0) == "1 of 2 gradients is exactly 0 (w2): in each example the error signal or the input is 0"
