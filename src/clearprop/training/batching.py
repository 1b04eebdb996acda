"""Which examples each step learns from, and with which learning rate."""

from __future__ import annotations

import numpy as np

from clearprop.models.history import History
from clearprop.network.problem import Problem
from clearprop.rules.schedules import UNWATCHED, rate_at, watched
from clearprop.training.planned_steps import PlannedSteps
from clearprop.types import Array

BATCH_SIZE = 32
"""Rows per step of a table unless a file or a call says otherwise; a file's own examples are one batch."""


def batch_size(problem: Problem) -> int:
    """Return the number of examples in each step; the last step of an epoch may have fewer."""
    assert problem.examples is not None
    count = len(problem.examples.learnt)
    return min(count, problem.settings.batch_size or (count if problem.examples.own else BATCH_SIZE))


def shuffled(count: int, size: int, *, shuffle: bool, seed: int, epoch: int) -> Array:
    """Return the positions of all examples (from 0), in the order of an epoch with batches of ``size``.

    They depend on the seed and the epoch alone. One batch of all examples keeps the file's order, shuffled or not.

    >>> shuffled(5, 2, shuffle=True, seed=0, epoch=0), shuffled(5, 5, shuffle=True, seed=0, epoch=0)
    (array([1, 4, 3, 0, 2]), array([0, 1, 2, 3, 4]))
    """
    if size >= count or not shuffle:
        return np.arange(count)
    return np.random.default_rng([seed, 1, epoch]).permutation(count)


def planned(problem: Problem, epoch: int, plateau: Plateau) -> PlannedSteps:
    """Return the steps of an epoch (from 0). They depend on the settings, the epoch and the plateau alone."""
    assert problem.examples is not None
    settings, optimizer, learnt = problem.settings, problem.optimizer, problem.examples.learnt
    size, count = batch_size(problem), len(learnt)
    order = shuffled(count, size, shuffle=settings.shuffle, seed=settings.seed, epoch=epoch)
    bounds = np.minimum(np.arange(0, count + size, size), count)
    numbers = epoch * (len(bounds) - 1) + np.arange(1, len(bounds))
    rates = rate_at(optimizer.schedule, optimizer.learning_rate, epoch, numbers, plateau.factor)
    return PlannedSteps(learnt[order], bounds, numbers, np.broadcast_to(rates, numbers.shape))


class Plateau:
    """The memory of the schedule that watches the loss."""

    def __init__(self, problem: Problem, history: History | None = None) -> None:
        self.optimizer = problem.optimizer
        self.active = self.optimizer.schedule.name == "plateau"
        self.remembered = UNWATCHED
        for loss in history.watched[1:] if history is not None else ():
            self.watch(loss)

    @property
    def factor(self) -> float:
        """The factor of the base learning rate."""
        return self.remembered["scale"]

    def watch(self, loss: float) -> None:
        """Note the loss after an epoch: of the validation rows, if there are any."""
        if self.active:
            optimizer = self.optimizer
            self.remembered = watched(optimizer.schedule, optimizer.learning_rate, self.remembered, loss)
