"""The halves of a step: a gradient without an update, and an update from a given gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from llvmlite import ir
from tests.engine.support.networks import LIMITS, MOVING, SEEDS, distance, drawn, dtype_of, epoch_of, native, problem_of
from tests.engine.support.planted import compile_anew

import clearprop as cp
from clearprop.engine import steps
from clearprop.engine.native import Native
from clearprop.network.problem import Problem
from clearprop.rules.optimizers import optimizer
from clearprop.training.reference import Reference


def in_halves(engine: Native, problem: Problem) -> None:
    """Make the steps of an epoch, each from its gradient."""
    for step in epoch_of(problem):
        engine.apply(engine.gradient(step.rows, step.number), step.number, step.rate)


def apart(one: Native, other: Native) -> float:
    """Return the largest distance between their parameters and between their states; 0 means the same bits."""
    return max(distance(one.vector, other.vector), *(distance(one.state[k], other.state[k]) for k in one.state), 0.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_in_halves_has_the_same_bits(seed: int) -> None:
    """For every optimizer, with penalties, clipping, dropout, shared and frozen biases, on one and two threads; also
    where steps on single examples have code of their own (``single.py``)."""
    problem, dtype = drawn(seed, weights=15_000), dtype_of(seed)
    whole, halves = native(problem, dtype, threads=1), native(problem, dtype, threads=2)
    whole.run(*epoch_of(problem).arrays)
    in_halves(halves, problem)
    assert apart(whole, halves) == 0, f"seed {seed}"


def test_the_seeds_have_everything_in_them() -> None:
    problems = [drawn(seed, weights=15_000) for seed in SEEDS]
    layers = [layer for problem in problems for layer in problem.network.layers]
    made = {(problem.optimizer.name, str(problem.optimizer.hyperparameters)) for problem in problems}
    assert len(made) == len(MOVING)
    assert {bool(problem.penalty) for problem in problems} == {True, False}
    assert {problem.optimizer.clip_norm is None for problem in problems} == {True, False}
    assert {problem.optimizer.clip_value is None for problem in problems} == {True, False}
    assert any(layer.dropout for layer in layers)
    assert any(layer.bias == "shared" and layer.train_bias for layer in layers)
    assert any(layer.bias != "none" and not layer.train_bias for layer in layers)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_is_the_reference_s_and_changes_nothing(dtype: str) -> None:
    problem = everything()
    engine, before = native(problem, dtype), native(problem, dtype)
    rows = np.arange(len(problem.examples or ()))  # more than a batch
    found = engine.gradient(rows, 3)
    expected = Reference(problem, "float64").gradient(rows, 3)
    assert found.dtype == dtype
    assert distance(found, expected) <= LIMITS[dtype]
    frozen = ~problem.parameters.layout.trainable
    assert frozen.any()
    assert not found[frozen].any()
    assert apart(engine, before) == 0
    for each in (engine, before):
        each.run(*epoch_of(problem).arrays)
    assert apart(engine, before) == 0


def test_gradients_of_parts_add_up_to_that_of_all() -> None:
    """The mean over two halves of a batch is the gradient over the batch, where the error is a mean over examples."""
    problem = replace(problem_of((3, 5, 2), 8, 8), penalty=cp.Penalty(l2=0.1))
    engine = native(problem, "float64")
    parts = engine.gradient(np.arange(4)), engine.gradient(np.arange(4, 8))
    np.testing.assert_allclose(np.mean(parts, axis=0), engine.gradient(np.arange(8)), rtol=0, atol=1e-15)


def everything() -> Problem:
    """A problem in which both halves have everything to do that they can have."""
    rng = np.random.default_rng(3)
    layers = [
        cp.Dense(20, "tanh", dropout=0.3),
        cp.Dense(9, "logistic", bias="shared"),
        cp.Dense(3, "identity", train_bias=False),
    ]
    examples = cp.Examples.of(rng.normal(size=(40, 6)), rng.normal(size=(40, 3)))
    problem = cp.Problem(cp.Network(6, layers), examples=examples, settings=cp.Settings(batch_size=16))
    chosen = optimizer("adam", learning_rate=0.01, clip_value=0.01)
    return replace(problem, optimizer=chosen, penalty=cp.Penalty(l1=0.01, l2=0.1))


def _without_a_penalty(self: steps.Gradient, order: ir.Value, count: ir.Value) -> None:
    self.sum_up(order, count)


def _with_a_second_penalty(self: steps.Apply, program: Any, module: Any, b: Any) -> None:
    steps.Steps.__init__(self, replace(program, whole_gradient=True), module, b)


def _twice(self: steps.Apply, order: ir.Value, count: ir.Value) -> None:
    self.finish()
    self.finish()


FAULTS: dict[str, tuple[type, str, Callable[..., None]]] = {
    "the gradient leaves out the penalty": (steps.Gradient, "step", _without_a_penalty),
    "the update adds the penalty again": (steps.Apply, "__init__", _with_a_second_penalty),
    "the update is made twice": (steps.Apply, "step", _twice),
}


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_a_half_that_is_wrong_is_found(fault: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = everything()
    whole, halves = native(problem, "float64"), native(problem, "float64")
    whole.run(*epoch_of(problem).arrays)
    if fault is not None:
        monkeypatch.setattr(*FAULTS[fault])
    compile_anew(halves, "gradient", "apply")
    in_halves(halves, problem)
    assert (apart(whole, halves) > 1e3 * LIMITS["float64"]) if fault else (apart(whole, halves) == 0)
