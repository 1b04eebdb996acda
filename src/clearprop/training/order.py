"""The order of steps: which examples each step sees, and at what learning rate."""

from __future__ import annotations

import numpy as np

from clearprop.models.history import History
from clearprop.network.problem import Problem
from clearprop.propagation.turns import Turns
from clearprop.rules.schedules import UNWATCHED, rate_at, watched
from clearprop.training.batches import shuffled

BATCH_SIZE = 32
"""Rows per step of a table unless a file or a call says otherwise; a file's own examples are one batch."""


def batch_size(problem: Problem) -> int:
    """How many examples each step sees, the last of an epoch perhaps excepted."""
    assert problem.examples is not None
    count = len(problem.examples.learnt)
    return min(count, problem.settings.batch_size or (count if problem.examples.own else BATCH_SIZE))


def turns(problem: Problem, epoch: int, plateau: Plateau) -> Turns:
    """The steps of an epoch (counted from 0): a function of the settings, the epoch and the plateau alone."""
    assert problem.examples is not None
    settings, optimizer, learnt = problem.settings, problem.optimizer, problem.examples.learnt
    size, count = batch_size(problem), len(learnt)
    order = shuffled(count, size, shuffle=settings.shuffle, seed=settings.seed, epoch=epoch)
    bounds = np.minimum(np.arange(0, count + size, size), count)
    steps = epoch * (len(bounds) - 1) + np.arange(1, len(bounds))
    rates = rate_at(optimizer.schedule, optimizer.learning_rate, epoch, steps, plateau.factor)
    return Turns(learnt[order], bounds, steps, np.broadcast_to(rates, steps.shape))


class Plateau:
    """What the schedule that looks at the loss remembers of it."""

    def __init__(self, problem: Problem, history: History | None = None) -> None:
        self.optimizer = problem.optimizer
        self.active = self.optimizer.schedule.name == "plateau"
        self.remembered = UNWATCHED
        for loss in history.watched[1:] if history is not None else ():
            self.watch(loss)

    @property
    def factor(self) -> float:
        """What the base rate is multiplied with."""
        return self.remembered["scale"]

    def watch(self, loss: float) -> None:
        """Take note of the loss after an epoch: of the validation rows, where there are any."""
        if self.active:
            optimizer = self.optimizer
            self.remembered = watched(optimizer.schedule, optimizer.learning_rate, self.remembered, loss)
