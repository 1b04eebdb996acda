"""The step of training: one forward pass less, the same numbers; sums in float64."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import problems, with_rows_aside

import clearprop as cp
from clearprop.propagation.forward import forward, total_error
from clearprop.training.reference import Reference
from clearprop.training.replay import replay


@given(problems(optimizer=cp.SGD(0.01)))
def test_steps_and_losses_are_those_of_cycles(problem: cp.Problem) -> None:
    """The loss of each epoch, and each new parameter, as `cycle` finds them."""
    settings = cp.Settings(epochs=3, tolerance=0.0, dtype="float64")
    fit = cp.train(replace(problem, settings=settings), engine="reference")
    cycle = cp.cycle(problem, "all")
    for epoch in range(3):
        assert fit.history.loss[epoch] == pytest.approx(cycle.error, rel=1e-12, abs=1e-15)
        cycle = cp.cycle(replace(problem, parameters=cycle.updated), "all", step=epoch + 2)
    np.testing.assert_allclose(fit.problem.parameters.vector, cycle.parameters.vector, rtol=1e-12, atol=1e-15)
    assert fit.loss_after == pytest.approx(cycle.error, rel=1e-12, abs=1e-15)


def test_an_epoch_of_one_batch_takes_one_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def watched(*given: Any) -> Any:
        made.append(forward(*given))
        return made[-1]

    monkeypatch.setattr("clearprop.training.reference.forward", watched)
    cp.train(cp.load("lecture"), epochs=20, engine="reference")
    assert len(made) == 21


def test_dropout_is_in_the_steps_and_not_in_the_loss() -> None:
    network = cp.Network(2, [cp.Dense(20, "tanh", dropout=0.5), cp.Dense(1, "logistic")])
    plain = cp.Network(2, [cp.Dense(20, "tanh"), cp.Dense(1, "logistic")])
    start = cp.Problem(
        network, examples=cp.load("xor").examples, settings=cp.Settings(epochs=5, dtype="float64", seed=3)
    )
    fit, other = cp.train(start), cp.train(replace(start, network=plain, parameters=cp.Parameters.random(plain, 3)))
    assert fit.loss_before == other.loss_before
    assert fit.loss_after != other.loss_after
    bare = cp.Parameters(other.problem.parameters.layout, fit.problem.parameters.vector)
    assert fit.loss_after == Reference(replace(other.problem, parameters=bare), "float64").loss()
    # The masks are those of the step, so a cycle of that step makes the same update.
    assert replay(start, 1).problem.parameters.vector.tolist() == cp.cycle(start, "all", step=1).updated.vector.tolist()


def test_many_small_errors_are_summed_in_float64() -> None:
    rows = 300_001
    network = cp.Network(1, [cp.Dense(1, bias=False)], cp.Objective(cp.loss("squared_error"), over_examples="sum"))
    examples = cp.Examples(np.ones((rows, 1)), np.full((rows, 1), 0.1))
    engine = Reference(cp.Problem(network, cp.Parameters.of(network, [[[0.0]]]), examples=examples), "float32")
    assert engine.loss() == pytest.approx(rows * float(np.float32(0.1) * np.float32(0.1)), rel=1e-12)


@pytest.mark.parametrize("name", ["xor", "deep", "ring"])
def test_float32_follows_float64(name: str) -> None:
    """The same steps in both precisions, as far as single precision goes."""
    problem = cp.load(name)
    single, double = (cp.train(problem, epochs=20, batch_size=3, dtype=dtype) for dtype in ("float32", "float64"))
    assert single.steps == double.steps
    np.testing.assert_allclose(single.problem.parameters.vector, double.problem.parameters.vector, rtol=1e-3, atol=1e-4)
    assert single.problem.parameters.vector.dtype == float
    assert single.problem.parameters != double.problem.parameters


def test_replay_stops_for_nothing_and_looks_at_the_plateau() -> None:
    problem = cp.load("lecture")
    long = replay(replace(problem, settings=cp.Settings(epochs=3, target_loss=0.2)), 50)
    assert (long.step, long.rate) == (51, 0.6)
    assert long.problem.parameters == replay(problem, 50).problem.parameters
    assert replay(problem, 0).problem.parameters == problem.parameters
    schedule = 'learning_rate = 0.6\nschedule = {name = "plateau", patience = 1, threshold = 0.5}'
    lowered = cp.read(cp.write(problem).replace("learning_rate = 0.6", schedule))
    assert replay(lowered, 5).rate < 0.6
    fit = cp.train(lowered, epochs=5, dtype="float64", tolerance=0.0)
    assert replay(lowered, 5).problem.parameters == fit.problem.parameters


def test_what_training_leaves_alone_keeps_all_its_digits() -> None:
    """0.35 in float32 is 0.3499999940395355; a frozen bias is still 0.35 afterwards."""
    problem = cp.load("lecture")
    trained = cp.train(problem, epochs=5).problem.parameters
    assert [trained.biases(0).tolist(), trained.biases(1).tolist()] == [[0.25], [0.35]]
    assert not (trained.weights(1) == problem.parameters.weights(1)).any()
    assert cp.train(problem, epochs=0).problem.parameters == problem.parameters


# --- losses over many rows, and over rows set aside ----------------------------------------------------


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
    monkeypatch.setattr("clearprop.network.blocks.BLOCK", block)
    parts = Reference(problem, "float64")
    assert (parts.loss(), parts.validation_loss(), parts.gradient_norm()) == pytest.approx(expected, rel=1e-12)


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
