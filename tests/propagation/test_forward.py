"""The forward pass: the lecture's numbers, the share of an error, precision, and a pass from a later layer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.propagation.networks import (
    small,
)
from tests.support import LECTURE

import clearprop as cp
from clearprop.propagation.backward import backward
from clearprop.propagation.forward import batch_errors, error_share, forward, forward_from, output_errors
from clearprop.rendering.document import shown_number


def test_a_forward_pass_from_a_later_layer_is_the_same() -> None:
    problem = cp.load("deep")
    assert problem.examples is not None
    whole = forward(problem.network, problem.parameters, problem.examples.inputs)
    again = forward_from(1, whole, problem.parameters)
    for one, other in zip(whole.outputs, again.outputs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("name", "shown"), LECTURE.items())
def test_forward_and_error_of_the_lecture(name: str, shown: str) -> None:
    assert shown_number(cp.cycle(cp.load("lecture"))[name], 5, "truncate") == shown


@pytest.mark.parametrize("outputs", [1, 2, 3, 5])
@pytest.mark.parametrize("over_outputs", ["sum", "mean"])
def test_the_reported_loss_is_what_is_differentiated(outputs: int, over_outputs: Any) -> None:
    """A mean hides a missing ½ with exactly two outputs, so other numbers of outputs too."""
    objective = cp.Objective(cp.loss("half_squared_error"), over_outputs, "mean")
    network = cp.Network(2, [cp.Dense(outputs, "identity")], objective)
    rng = np.random.default_rng(3)
    x, t = rng.normal(size=(4, 2)), rng.normal(size=(4, outputs))
    problem = cp.Problem(network, examples=cp.Examples(x, t))
    done = cp.cycle(problem, "all")
    w = problem.parameters.weights(0)
    scale = outputs if over_outputs == "mean" else 1
    assert done.error == pytest.approx(0.5 * ((x @ w.T - t) ** 2).sum() / 4 / scale, rel=1e-13)
    expected = (x @ w.T - t).T @ x / 4 / scale
    np.testing.assert_allclose(done.gradients.of.weights(0), expected, rtol=1e-12)


@pytest.mark.parametrize("over_outputs", ["sum", "mean"])
@pytest.mark.parametrize("name", ["half_squared_error", "binary_cross_entropy"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_weights_keep_the_precision_of_the_sums(dtype: Any, name: str, over_outputs: Any) -> None:
    network = cp.Network(2, [cp.Dense(2, "logistic")], cp.Objective(cp.loss(name), over_outputs))
    parameters = cp.Parameters.random(network)
    weights = np.array([1 / 3, 2.0, 0.1])
    inputs, targets = np.ones((3, 2), dtype), np.full((3, 2), 0.25, dtype)
    trace = forward(network, parameters.with_vector(parameters.vector.astype(dtype)), inputs, weights=weights)
    gradients = backward(trace, targets, cp.Penalty())
    arrays = (output_errors(trace, targets), batch_errors(trace, targets), *gradients.signals, gradients.of.vector)
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
    plain = output_errors(replace(trace, weights=None), targets)
    np.testing.assert_array_equal(output_errors(trace, targets), plain * weights.astype(dtype)[:, None])


def test_the_share_of_an_error_is_one_number_unless_examples_count_differently() -> None:
    problem = small()
    assert problem.examples is not None
    plain = forward(problem.network, problem.parameters, problem.examples.inputs)
    assert error_share(plain) == 0.5
    weighted: Any = error_share(replace(plain, weights=problem.examples.weights))
    assert weighted.tolist() == [[0.25], [1.0], [0.5]]


def test_a_pass_from_a_later_layer_keeps_the_weights() -> None:
    problem = small()
    assert problem.examples is not None
    inputs, targets, weights = problem.examples.inputs, problem.examples.targets, problem.examples.weights
    whole = forward(problem.network, problem.parameters, inputs, weights=weights)
    again = forward_from(1, whole, problem.parameters)
    np.testing.assert_array_equal(output_errors(again, targets), output_errors(whole, targets))
