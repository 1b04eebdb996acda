"""Gradients: the lecture, PyTorch, a second forward pass in extended precision; planted mistakes are caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.propagation.networks import (
    ACTIVATIONS,
    L,
    agrees,
    batch_of_four,
    differences,
    error,
    needs_wide,
    random_problems,
    torch_error,
)
from tests.support import LECTURE_GRADIENTS, problems

import clearprop as cp
from clearprop.propagation.backward import backward
from clearprop.propagation.forward import forward, total_error
from clearprop.propagation.update import initial_state, update
from clearprop.rendering.document import shown_number


@needs_wide
@settings(max_examples=60)
@given(random_problems())
def test_error_and_gradients_of_random_networks(problem: cp.Problem) -> None:
    done = cp.cycle(problem, "all")
    network = problem.network
    weights = [problem.parameters.weights(n).astype(L) for n in range(network.depth)]
    biases = [problem.parameters.biases(n).astype(L) for n in range(network.depth)]
    assert done.error == pytest.approx(float(error(problem, weights, biases)), rel=1e-12)
    assert agrees(problem, done.gradients)
    after = [done.updated.weights(n).astype(L) for n in range(network.depth)]
    after_biases = [done.updated.biases(n).astype(L) for n in range(network.depth)]
    assert done.error_after == pytest.approx(float(error(problem, after, after_biases)), rel=1e-12)


@needs_wide
@pytest.mark.parametrize("name", list(ACTIVATIONS))
@pytest.mark.parametrize("bias", ["unit", "shared", "none"])
def test_each_activation_in_a_hidden_and_in_the_last_layer(name: str, bias: Any) -> None:
    rng = np.random.default_rng(len(name))
    network = cp.Network(2, [cp.Dense(3, name, bias), cp.Dense(3, name, bias)], cp.Objective(cp.loss("huber"), "mean"))
    parameters = cp.Parameters.random(network)
    # Smaller for exp: an exp of an exp is so large that differences of the error have no digits for small derivatives.
    parameters.vector[:] = rng.normal(size=parameters.vector.size) * (0.3 if name == "exp" else 1.0)
    examples = cp.Examples(rng.normal(size=(4, 2)), rng.normal(size=(4, 3)))
    problem = cp.Problem(network, parameters, penalty=cp.Penalty(0.1, 0.2), examples=examples)
    _, smooth = differences(problem)
    assert smooth.mean() > 0.9
    assert agrees(problem, cp.cycle(problem, "all").gradients)


@needs_wide
def test_planted_mistakes_are_caught() -> None:
    problem = batch_of_four()
    done = cp.cycle(problem, "all")
    right = done.gradients.of
    assert agrees(problem, right)

    def planted(change: Callable[[cp.Parameters], None]) -> cp.Parameters:
        copy = right.with_vector(right.vector.copy())
        change(copy)
        return copy

    def updated_output_weights(wrong: cp.Parameters) -> None:
        """Hidden gradients from output weights that were already updated."""
        hidden = done.trace.outputs[0]
        delta = (done.gradients.signals[1] @ done.updated.weights(1)) * (1 - hidden**2)
        wrong.weights(0)[:] = delta.T @ done.examples.inputs / 4 + 0.1 * problem.parameters.weights(0)

    def old_output_weights(wrong: cp.Parameters) -> None:
        """The same with the old ones: this is no mistake."""
        hidden = done.trace.outputs[0]
        delta = (done.gradients.signals[1] @ problem.parameters.weights(1)) * (1 - hidden**2)
        wrong.weights(0)[:] = delta.T @ done.examples.inputs / 4 + 0.1 * problem.parameters.weights(0)

    def one_signal_for_the_shared_bias(wrong: cp.Parameters) -> None:
        wrong.biases(1)[:] = done.gradients.signals[1].mean(axis=0)[0]

    def mean_for_the_shared_bias(wrong: cp.Parameters) -> None:
        wrong.biases(1)[:] /= 3

    def penalty_per_example(wrong: cp.Parameters) -> None:
        wrong.weights(0)[:] += 3 * 0.1 * problem.parameters.weights(0)

    def penalty_on_biases(wrong: cp.Parameters) -> None:
        wrong.biases(0)[:] += 0.1 * 0.5

    def sum_over_examples(wrong: cp.Parameters) -> None:
        wrong.vector[:] *= 4

    def missing_half(wrong: cp.Parameters) -> None:
        wrong.vector[:] *= 2

    assert agrees(problem, planted(old_output_weights))
    for mistake in (
        updated_output_weights,
        one_signal_for_the_shared_bias,
        mean_for_the_shared_bias,
        penalty_per_example,
        penalty_on_biases,
        sum_over_examples,
        missing_half,
    ):
        assert not agrees(problem, planted(mistake)), mistake.__name__


@needs_wide
def test_weights_of_examples_dropped_or_normalised_are_caught() -> None:
    plain = batch_of_four()
    assert plain.examples is not None
    weights = np.array([0.5, 2.0, 1.0, 3.0])
    problem = replace(plain, examples=replace(plain.examples, weights=weights))
    right = cp.cycle(problem, "all").gradients.of
    assert agrees(problem, right)
    assert not agrees(problem, cp.cycle(plain, "all").gradients)
    penalty = 0.1 * problem.parameters.vector * right.layout.is_weight
    # The mean is over four examples, not over a weight of 6.5.
    assert not agrees(problem, right.with_vector((right.vector - penalty) * 4 / 6.5 + penalty))
    assert not agrees(problem, right.with_vector(right.vector + 0.5 * penalty))


def test_a_shared_trained_bias_gets_the_sum_and_a_frozen_one_stays() -> None:
    for trained in (True, False):
        layers = [cp.Dense(3, "tanh", "shared", train_bias=trained), cp.Dense(2, "logistic", train_bias=trained)]
        network = cp.Network(2, layers)
        examples = cp.Examples.of([[0.3, -0.7]], [[0.2, 0.9]])
        done = cp.cycle(cp.Problem(network, optimizer=cp.SGD(0.5), examples=examples))
        signals = done.gradients.signals
        # A frozen one has its gradient all the same.
        assert done.gradients["b1"] == pytest.approx(signals[0].sum(), rel=1e-14)
        assert done.gradients["b_y2"] == pytest.approx(signals[1][0, 1], rel=1e-14)
        assert (done.updated["b1"] == 0) is (not trained)
        assert (done.updated["b_y2"] == 0) is (not trained)
        assert done.updated["w1"] != done.parameters["w1"]


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_penalty_does_not_grow_with_the_batch(reduction: Any) -> None:
    network = cp.Network(2, [cp.Dense(3, "identity")], cp.Objective(cp.loss("squared_error"), "sum", reduction))
    parameters = cp.Parameters.of(network, [[[1.0, -2.0], [0.0, 3.0], [0.5, 0.5]]], [[1.0, 2.0, 3.0]])
    for rows in (1, 4):
        examples = cp.Examples(np.zeros((rows, 2)), np.tile([1.0, 2.0, 3.0], (rows, 1)))
        problem = cp.Problem(network, parameters, penalty=cp.Penalty(l2=0.2, l1=0.5), examples=examples)
        done = cp.cycle(problem, "all")
        assert done.error == pytest.approx(0.1 * 14.5 + 0.5 * 7)
        np.testing.assert_allclose(
            done.gradients.of.weights(0), 0.2 * parameters.weights(0) + 0.5 * np.sign(parameters.weights(0))
        )
        assert done.gradients.of.biases(0).tolist() == [0, 0, 0]


@pytest.mark.parametrize(("name", "shown"), LECTURE_GRADIENTS.items())
def test_gradients_of_the_lecture(name: str, shown: str) -> None:
    assert shown_number(cp.cycle(cp.load("lecture")).gradients[name], 5, "truncate") == shown


@given(problems(max_depth=6) | problems(max_depth=6, weights=True))
def test_gradients_agree_with_pytorch(problem: cp.Problem) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: gradients are not compared with it")
    depth = problem.network.depth
    weights = [torch.tensor(problem.parameters.weights(n).copy(), requires_grad=True) for n in range(depth)]
    biases = [torch.tensor(problem.parameters.biases(n).copy(), requires_grad=True) for n in range(depth)]
    total = torch_error(torch, problem, weights, biases)
    total.backward()
    done = cp.cycle(problem, "all")
    assert done.error == pytest.approx(total.item(), rel=1e-10, abs=1e-10)
    for n in range(depth):
        np.testing.assert_allclose(done.gradients.of.weights(n), weights[n].grad, rtol=1e-10, atol=1e-10)
        if biases[n].numel():
            np.testing.assert_allclose(done.gradients.of.biases(n), biases[n].grad, rtol=1e-10, atol=1e-10)


def test_penalty_is_added_once_per_batch_and_not_on_biases() -> None:
    network = cp.Network(2, [cp.Dense(1, "identity")])
    parameters = cp.Parameters.of(network, [[[2.0, -3.0]]], [[5.0]])
    examples = cp.Examples(np.zeros((4, 2)), np.full((4, 1), 5.0))
    done = cp.cycle(cp.Problem(network, parameters, penalty=cp.Penalty(l2=0.1, l1=1.0), examples=examples), "all")
    assert done.error == done.penalty == pytest.approx(0.5 * 0.1 * 13 + 5)
    assert dict(done.gradients.of.items()) == pytest.approx({"w1": 1.2, "w2": -1.3, "b_y1": 0.0})


def test_float32_stays_float32() -> None:
    problem = cp.load("ring")
    assert problem.examples is not None
    small = problem.parameters.with_vector(problem.parameters.vector.astype("float32"))
    trace = forward(problem.network, small, problem.examples.inputs.astype("float32"))
    targets = problem.examples.targets.astype("float32")
    assert {a.dtype for a in (*trace.sums, *trace.outputs)} == {np.dtype("float32")}
    gradients = backward(trace, targets, problem.penalty)
    assert gradients.of.vector.dtype == np.float32
    changed = update(cp.Adam(), small, gradients.of, initial_state(cp.Adam(), small))
    assert changed.parameters.vector.dtype == np.float32
    exact = total_error(forward(problem.network, problem.parameters, problem.examples.inputs), targets, problem.penalty)
    assert float(total_error(trace, targets, problem.penalty)) == pytest.approx(float(exact), rel=1e-6)
