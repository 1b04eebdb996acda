"""Steps planned ahead are those that are planned at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import clearprop as cp
from clearprop.network.problem import Problem
from clearprop.training.ahead import Ahead
from clearprop.training.arguments import requested
from clearprop.training.batching import Memory, planned
from clearprop.training.planned_steps import PlannedSteps


def same(one: PlannedSteps, other: PlannedSteps) -> bool:
    return all(np.array_equal(*pair) for pair in zip(one.arrays, other.arrays, strict=True))


def drawn() -> Problem:
    """Orders that depend on the epoch alone."""
    return requested(cp.load("ring"), batch_size=5)


def cumulative() -> Problem:
    """Orders that each depend on the one before."""
    plain = drawn()
    return replace(plain, settings=replace(plain.settings, shuffle="sklearn"))


@pytest.mark.parametrize("spare", [True, False])
@pytest.mark.parametrize(
    "problem", [requested(cp.load("ring"), batch_size=5), cumulative()], ids=["drawn", "cumulative"]
)
def test_whoever_plans_them(problem: Problem, spare: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as were planned, the first of more, or all if others were; and later ones again."""
    monkeypatch.setattr("clearprop.training.ahead.WORTH", 1)
    ahead = Ahead(problem, Memory(problem), spare=lambda: spare)
    ahead.start(2, 3)
    found = ahead.take(2, 5)
    count = 3 if spare else 5
    assert same(found, planned(problem, 2, Memory(problem), count))
    ahead.start(7, 3)
    assert same(ahead.take(7, 2), planned(problem, 7, Memory(problem), 2))
    ahead.start(9, 3)
    assert same(ahead.take(4, 2), planned(problem, 4, Memory(problem), 2))
    ahead.start(20, 0)
    assert same(ahead.take(6, 1), planned(problem, 6, Memory(problem)))


def test_few_positions_are_not_worth_a_thread() -> None:
    problem = cumulative()
    ahead = Ahead(problem, Memory(problem), spare=lambda: True)
    ahead.start(2, 3)
    assert len(ahead.take(2, 5)) == len(planned(problem, 2, Memory(problem), 5))


def test_many_epochs_are_planned_as_one_after_the_other() -> None:
    problem = cumulative()
    together, memory = planned(problem, 1, Memory(problem), 3), Memory(problem)
    one_by_one = PlannedSteps.of(step for epoch in (1, 2, 3) for step in planned(problem, epoch, memory))
    assert same(together, one_by_one)
