"""Gradients against central differences: right ones agree, and planted mistakes are caught."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.propagation.networks import (
    small,
    with_examples,
)
from tests.support import problems

import clearprop as cp
from clearprop.types import Array
from clearprop.verification.finite_differences import verify


@given(problems(max_depth=6))
def test_gradients_agree_with_central_differences(problem: cp.Problem) -> None:
    report = verify(problem)
    assert report.agrees, [layer.worst for layer in report.layers]
    assert report.worst <= 1e-7


def lecture_gradients_with_updated_output_weights() -> tuple[cp.Problem, cp.Parameters]:
    """The bug of a famous published example: hidden gradients from already updated output weights."""
    problem = cp.load("lecture")
    done = cp.cycle(problem)
    signal = done.gradients.signals[1][0]
    hidden = done.trace.outputs[0][0]
    wrong = done.gradients.of.with_vector(done.gradients.of.vector.copy())
    delta = (signal @ done.updated.weights(1)) * hidden * (1 - hidden)
    wrong.weights(0)[:] = np.outer(delta, done.examples.inputs[0])
    return problem, wrong


def test_an_early_update_is_caught() -> None:
    problem, wrong = lecture_gradients_with_updated_output_weights()
    report = verify(problem, gradients=wrong)
    assert not report.agrees
    assert report.layers[0].worst is not None
    assert report.layers[0].worst.relative_error > 1e-3


def test_a_dropped_path_and_a_wrong_slope_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = cp.load("lecture")
    done = cp.cycle(problem)
    wrong = done.gradients.of.with_vector(done.gradients.of.vector.copy())
    # w1 reaches the error through o1 and o2; here the path through o2 is dropped.
    wrong.vector[0] = 0.0015996999217386286
    assert not verify(problem, gradients=wrong).agrees

    def wrong_slopes(self: Any, sums: Array, upstream: Array) -> Array:
        return np.asarray(upstream * self.outputs(sums))

    monkeypatch.setattr("clearprop.rules.activations.Activation.pull_back", wrong_slopes)
    assert not verify(problem).agrees


def test_points_on_a_kink_are_set_apart_and_counted() -> None:
    text = """
    [inputs]
    count = 1
    [[layers]]
    units = 1
    activation = "relu"
    weights = [[1.0]]
    [[examples]]
    inputs = [0.0]
    targets = [1.0]
    """
    report = verify(cp.read(text))
    # Moving the bias crosses relu's zero; moving the weight, whose input is 0, does not.
    assert [layer.kinks for layer in report.layers] == [1]
    assert report.agrees


@given(problems(weights=True), st.sampled_from([1, "all"]))
def test_weighted_gradients_agree_with_central_differences(problem: cp.Problem, example: Any) -> None:
    report = verify(problem, example)
    assert report.agrees, [layer.worst for layer in report.layers]
    assert report.worst <= 1e-7


@pytest.mark.parametrize("over_outputs", ["sum", "mean"])
@pytest.mark.parametrize("over_examples", ["sum", "mean"])
@pytest.mark.parametrize("example", [2, "all"])
def test_they_do_with_dropout(over_outputs: str, over_examples: str, example: Any) -> None:
    problem = small(over_outputs, over_examples, dropout=0.4)
    assert any(np.any(mask == 0) for mask in cp.cycle(problem, example).trace.masks if mask is not None)
    assert verify(problem, example).agrees


@pytest.mark.parametrize("name", ["xor", "ring"])
@pytest.mark.parametrize("example", [3, "all"])
def test_they_do_under_fused_losses(name: str, example: Any) -> None:
    problem = cp.load(name)
    assert problem.examples is not None
    weighted = with_examples(problem, weights=np.linspace(0.0, 3.0, len(problem.examples)))
    assert verify(weighted, example).agrees
    assert not verify(weighted, example, gradients=cp.cycle(problem, example).gradients.of).agrees


def test_a_weight_left_out_of_the_gradient_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clearprop.propagation.backward.error_share", lambda trace: 0.5)
    assert verify(with_examples(small(), weights=None)).agrees
    assert not verify(small()).agrees


def test_of_a_large_network_a_sample_of_every_layer_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """In proportion to its size, spread evenly, and at least one of each."""
    monkeypatch.setattr("clearprop.verification.finite_differences.LARGE", 50)
    monkeypatch.setattr("clearprop.verification.finite_differences.SAMPLE_LARGE", 10)
    network = cp.Network(9, [cp.Dense(8, "tanh"), cp.Dense(1)])  # 80 and 9 parameters
    problem = cp.Problem(network, examples=cp.Examples.of(np.linspace(-1, 1, 9)[None], [[0.5]]))
    layers = verify(problem).layers
    assert [(layer.parameters, len(layer.checks)) for layer in layers] == [(80, 9), (9, 1)]
    assert [check.index for check in layers[0].checks] == [80 * i // 9 for i in range(9)]
    assert verify(problem, sample=1).layers[1].checks[0].index == 80
    assert [len(layer.checks) for layer in verify(problem, sample=89).layers] == [80, 9]


@pytest.mark.parametrize("sample", [0, -3])
def test_a_sample_has_at_least_one_gradient(sample: int) -> None:
    with pytest.raises(cp.ClearpropError, match=f"^sample: expected a whole number of at least 1, found {sample}$"):
        verify(cp.load("lecture"), sample=sample)


def test_agreement_over_nothing_compared_is_no_agreement() -> None:
    """A condition that is nan decides as it is written: a slope of 1, not that of the other branch."""
    network = cp.Network(1, [cp.Dense(1, "where(0 * log(z) < 1, 3, z)", bias=False)])
    problem = cp.Problem(network, examples=cp.Examples(np.array([[-1.0]]), np.array([[1.0]])))
    problem = replace(problem, parameters=problem.parameters.with_vector(np.array([1.0])))
    assert cp.cycle(problem).gradients["w1"] == 2.0
    report = verify(problem)
    assert not report.compared
    assert not report.agrees


def test_weights_of_inputs_that_are_not_scaled_are_moved_less() -> None:
    """Inputs of thousands, as of a model with a scaler within its first weights: the rule's own error stays small."""
    network = cp.Network(2, [cp.Dense(3, "tanh"), cp.Dense(2, "softmax")])
    parameters = cp.Parameters.random(network, 3)
    parameters.weights(0)[:] /= 3000
    examples = cp.Examples.of([[2500.0, -4000.0], [1800.0, 900.0]], [[1.0, 0.0], [0.0, 1.0]])
    found = cp.verify(cp.Problem(network, parameters, examples=examples))
    assert found.agrees
    assert found.worst < 1e-9
