"""Validation rows, early stopping, the norm of the gradient, and losses over many rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import problems

import clearprop as cp
from clearprop.propagation.forward import forward, total_error
from clearprop.training.reference import Reference
from clearprop.training.stopping import Status


def with_rows_aside(problem: cp.Problem, aside: list[int]) -> cp.Problem:
    """The problem with these examples set aside."""
    assert problem.examples is not None
    learnt = np.setdiff1d(np.arange(len(problem.examples)), aside)
    return replace(problem, examples=replace(problem.examples, training=learnt, validation=np.array(aside)))


@given(problems(weights=True), st.integers(0, 2))
def test_losses_are_those_of_the_rows_by_themselves(problem: cp.Problem, place: int) -> None:
    assert problem.examples is not None
    if len(problem.examples) < 2:
        return
    aside = [place % len(problem.examples)]
    engine = Reference(split := with_rows_aside(problem, aside), "float64")
    assert split.examples is not None
    learnt = replace(problem, examples=split.examples.take(split.examples.learnt))
    assert engine.loss() == pytest.approx(cp.cycle(learnt, "all").error, rel=1e-12, abs=1e-15)
    seen = split.examples.take(np.array(aside))
    trace = forward(problem.network, problem.parameters, seen.inputs, weights=seen.weights)
    expected = float(total_error(trace, seen.targets, cp.Penalty()))  # the error alone, without the penalty
    assert engine.validation_loss() == pytest.approx(expected, rel=1e-12, abs=1e-15)


@given(problems(weights=True))
def test_the_norm_is_that_of_the_gradient_of_all_that_is_trained(problem: cp.Problem) -> None:
    gradient = cp.cycle(problem, "all").gradients.of
    expected = float(np.linalg.norm(gradient.vector[gradient.layout.trainable]))
    assert Reference(problem, "float64").gradient_norm() == pytest.approx(expected, rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
@pytest.mark.parametrize("over", ["sum", "mean"])
def test_blocks_make_no_difference(block: int, over: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    iris = cp.load("iris")
    objective = cp.Objective(iris.network.loss.rule, over_examples=over)
    problem = replace(iris, network=cp.Network(iris.network.inputs, iris.network.layers, objective))
    problem = replace(problem, penalty=cp.Penalty(0.01))
    whole = Reference(problem, "float64")
    expected = whole.loss(), whole.validation_loss(), whole.gradient_norm()
    monkeypatch.setattr("clearprop.propagation.blocks.BLOCK", block)
    parts = Reference(problem, "float64")
    assert (parts.loss(), parts.validation_loss(), parts.gradient_norm()) == pytest.approx(expected, rel=1e-12)


def test_early_stopping_keeps_the_weights_of_the_best_epoch() -> None:
    """Few rows and many weights: the validation loss falls, then rises."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(24, 5))
    y = (x[:, :1] + 0.8 * rng.normal(size=(24, 1)) > 0).astype(float)
    network = cp.Network(5, [cp.Dense(30, "tanh"), cp.Dense(1, "logistic")], "binary_cross_entropy")
    problem = with_rows_aside(cp.Problem(network, examples=cp.Examples(x, y)), list(range(0, 24, 3)))
    problem = replace(problem, optimizer=cp.Adam(0.02), settings=cp.Settings(patience=15, dtype="float64"))
    fit = cp.train(problem)
    best = int(np.argmin(fit.history.validation))
    assert (fit.status, fit.epochs) == (Status.EARLY_STOPPING, best + 15)
    assert best > 0
    assert f"the weights of epoch {best} are kept" in fit.reason
    assert fit.validation_loss == min(fit.history.validation) == fit.history.validation[best]
    assert fit.loss_after == fit.history.loss[best]
    straight = cp.train(problem, epochs=best, early_stopping=False)
    assert fit.problem.parameters == straight.problem.parameters
    # At the limit of epochs too the best are kept, unless that is turned off.
    limited = cp.train(problem, epochs=best + 5)
    assert limited.status is Status.EPOCH_LIMIT
    assert limited.problem.parameters == straight.problem.parameters
    for off in ({"early_stopping": False}, {"tolerance": 0.0}):
        last = cp.train(problem, epochs=best + 40, **off)
        assert (last.epochs, last.validation_loss) == (best + 40, last.history.validation[-1])
        assert last.problem.parameters != straight.problem.parameters


def test_validation_rows_are_never_learnt_from() -> None:
    iris = cp.load("iris")
    assert iris.examples is not None
    assert iris.examples.validation is not None
    inputs, targets = iris.examples.inputs.copy(), iris.examples.targets.copy()
    inputs[iris.examples.validation] = 7
    changed = replace(iris, examples=replace(iris.examples, inputs=inputs, targets=targets))
    one, other = (cp.train(each, epochs=5, early_stopping=False) for each in (iris, changed))
    assert one.problem.parameters == other.problem.parameters
    assert one.history.loss == other.history.loss
    assert one.history.validation != other.history.validation


def test_a_validation_loss_that_overflows_is_no_divergence() -> None:
    network = cp.Network(1, [cp.Dense(1, "exp(z)", bias=False)], "squared_error")
    problem = cp.Problem(network, examples=cp.Examples(np.array([[0.1], [1e5]]), np.array([[1.0], [1.0]])))
    fit = cp.train(with_rows_aside(problem, [1]), epochs=3, tolerance=0.0)
    assert fit.status is Status.EPOCH_LIMIT
    assert fit.history.validation[-1] == np.inf


def test_a_small_gradient_ends_it() -> None:
    fit = cp.train(cp.load("lecture"), gradient_tolerance=1e-3, dtype="float64")
    assert fit.status is Status.CONVERGED
    assert fit.reason.startswith("converged: the norm of the gradient is 0.000")
    assert fit.reason.endswith(", at most 0.001")
    gradient = cp.cycle(fit.problem, "all").gradients.of
    assert np.linalg.norm(gradient.vector[gradient.layout.trainable]) <= 1e-3


def test_rows_to_learn_from_may_stand_in_any_order() -> None:
    """All of them, but not in the file's order: each keeps its own inputs, targets and weight."""
    rng = np.random.default_rng(0)
    examples = cp.Examples(rng.normal(size=(6, 2)), rng.normal(size=(6, 1)), np.arange(6.0))
    problem = cp.Problem(cp.Network(2, [cp.Dense(3, "tanh"), cp.Dense(1)]), examples=examples)
    shuffled = replace(problem, examples=replace(examples, training=np.array([2, 0, 1, 5, 4, 3])))
    for batch_size in (6, 4):
        engines = Reference(problem, "float64"), Reference(shuffled, "float64")
        assert engines[0].loss() == pytest.approx(engines[1].loss(), rel=1e-12)
        assert engines[0].gradient_norm() == pytest.approx(engines[1].gradient_norm(), rel=1e-12)
        fits = [cp.train(each, epochs=1, batch_size=batch_size, dtype="float64") for each in (problem, shuffled)]
        assert fits[0].loss_before == pytest.approx(fits[1].loss_before, rel=1e-12)
