"""The loss of an epoch, from its batches as they were met."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.models.snapshot import Met
from clearprop.network.problem import Problem
from clearprop.training.arguments import requested
from clearprop.training.as_met import losses, plus, shows_batches, total
from clearprop.training.batching import Memory, planned
from clearprop.training.engines import EngineName, engine_for
from clearprop.training.reference import Reference

ENGINES: tuple[EngineName, ...] = ("compiled", "reference")


def ring(**options: Any) -> Problem:
    """16 examples of different weights in batches of 5, the last of 1, and a penalty."""
    rng = np.random.default_rng(0)
    problem = requested(cp.load("ring"), weights=rng.uniform(0.5, 1.5, 16), **{"batch_size": 5, **options})
    return replace(problem, penalty=cp.Penalty(l2=0.1, l1=0.01))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("over", ["mean", "sum"])
def test_each_batch_counts_with_the_weights_of_its_moment(engine: EngineName, over: Any) -> None:
    """The error of each example before the step it is in, and the penalty as often as the batch has examples."""
    plain = ring(epochs=3, dtype="float64")
    problem = replace(plain, network=replace(plain.network, loss=replace(plain.network.loss, over_examples=over)))
    fit, reference, examples = cp.train(problem, engine=engine), Reference(problem, "float64"), problem.examples
    assert examples is not None
    assert examples.weights is not None
    expected = [reference.loss()]
    for epoch in range(3):
        summed = 0.0
        for step in planned(problem, epoch, Memory(problem)):
            x, t, weights = (rows[step.rows] for rows in (examples.inputs, examples.targets, examples.weights))
            present, of_batch = reference.snapshot(), replace(problem, examples=cp.Examples(x, t, weights, own=False))
            error = Reference(replace(of_batch, penalty=cp.Penalty()), "float64", present).loss()
            penalty = Reference(of_batch, "float64", present).loss() - error
            share = len(step.rows) / 16
            summed += error * (share if over == "mean" else 1) + penalty * share
            reference.step(*step)
        expected.append(summed)
    assert fit.history.loss == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_exact_is_that_of_the_weights_after_the_epoch(engine: EngineName) -> None:
    problem = ring(epochs=3, loss="exact", dtype="float64")
    fit, reference = cp.train(problem, engine=engine), Reference(problem, "float64")
    expected = [reference.loss()]
    for epoch in range(3):
        reference.run(planned(problem, epoch, Memory(problem)))
        expected.append(reference.loss())
    assert fit.history.loss == pytest.approx(expected, rel=1e-12)
    assert fit.loss_after == fit.history.loss[-1]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_loss_before_and_after_is_exact_whatever_is_shown(engine: EngineName) -> None:
    shown, exact = (cp.train(ring(epochs=4, loss=loss), engine=engine) for loss in ("batches", "exact"))
    assert shown.problem.parameters == exact.problem.parameters
    assert (shown.loss_before, shown.loss_after) == (exact.loss_before, exact.loss_after)
    assert shown.history.loss[0] == exact.history.loss[0]
    assert all(one != other for one, other in zip(shown.history.loss[1:], exact.history.loss[1:], strict=True))


def test_one_batch_of_all_examples_is_exact_anyway() -> None:
    assert not shows_batches(ring(batch_size=None))
    assert shows_batches(ring())
    assert not shows_batches(ring(loss="exact"))


@pytest.mark.parametrize("engine", ENGINES)
def test_however_many_steps_are_made_in_a_call_the_bits_are_the_same(engine: EngineName) -> None:
    problem = ring()
    steps = planned(problem, 0, Memory(problem), 2)
    found = engine_for(problem, name=engine).run(steps)
    together = losses(found, steps, problem, 2).tolist()
    for cut in range(1, 4):
        met = plus(plus(Met(), found[:cut], steps[:cut]), found[cut:4], steps[cut:4])
        assert total(met, problem) == together[0]
        assert met.examples == 16


def test_of_some_batches_all_are_taken_to_be_like_them() -> None:
    """A training of an earlier version that was saved within an epoch has not kept what it met."""
    problem = ring()
    steps = planned(problem, 0, Memory(problem))
    found = np.array([[5.0, 0.5]] * 4) * np.array([[1], [1], [1], [0.2]]) + [0, 0]
    found[:, 1] = 0.5
    assert total(plus(Met(), found[2:], steps[2:]), problem) == pytest.approx(total(plus(Met(), found, steps), problem))
