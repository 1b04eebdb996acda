"""Which examples each step learns from, and with which learning rate."""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache

import numpy as np

from clearprop.models.history import History
from clearprop.network.parameters import after_drawing
from clearprop.network.problem import Problem
from clearprop.rules.schedules import UNWATCHED, rate_at, watched
from clearprop.training.orders import Permutations, orders
from clearprop.training.planned_steps import PlannedSteps
from clearprop.types import Array

BATCH_SIZE = 32
"""Rows per step of a table unless a file or a call says otherwise; a file's own examples are one batch."""


def batch_size(problem: Problem) -> int:
    """Return the number of examples in each step; the last step of an epoch may have fewer."""
    assert problem.examples is not None
    count = len(problem.examples.learnt)
    return min(count, problem.settings.batch_size or (count if problem.examples.own else BATCH_SIZE))


def planned(problem: Problem, epoch: int, memory: Memory, count: int = 1) -> PlannedSteps:
    """Return the steps of ``count`` epochs, from ``epoch`` (from 0) on.

    They depend on the settings, the epochs and what is remembered alone.
    """
    optimizer, rows = problem.optimizer, memory.count
    bounds, numbers, epochs = _places(rows, memory.size, epoch, count)
    at = epochs if count > 1 else float(epoch)
    rates = rate_at(optimizer.schedule, optimizer.learning_rate, at, numbers, rows, memory.scale)
    order = memory.orders(range(epoch, epoch + count)).ravel()
    order = order if memory.learnt is None else memory.learnt[order]
    return PlannedSteps(order, bounds, numbers, np.broadcast_to(rates, numbers.shape))


@lru_cache(maxsize=1)  # problems that are alike often follow one another
def _places(rows: int, size: int, epoch: int, count: int) -> tuple[Array, Array, Array]:
    """Return the bounds of the steps of these epochs, their numbers, and the epoch of each."""
    starts = np.arange(0, rows, size)
    bounds = np.append(np.add.outer(rows * np.arange(count), starts), count * rows)
    numbers = np.arange(epoch * len(starts) + 1, (epoch + count) * len(starts) + 1)
    epochs = np.repeat(np.arange(epoch, epoch + count, dtype=float), len(starts))
    for each in (bounds, numbers, epochs):
        each.flags.writeable = False
    return bounds, numbers, epochs


class Memory:
    """Memory from epoch to epoch: by a schedule that watches the loss, and for a cumulative order."""

    def __init__(
        self, problem: Problem, history: History | None = None, permutations: Permutations | None = None
    ) -> None:
        assert problem.examples is not None
        self.problem, self.optimizer, self.permutations = problem, problem.optimizer, permutations
        self.learnt, self.count, self.size = (
            problem.examples.training,
            len(problem.examples.learnt),
            batch_size(problem),
        )
        self.active = self.optimizer.schedule.watches
        self.remembered = UNWATCHED
        self._orders: Cumulative | None = None
        for loss in history.watched[1:] if history is not None else ():
            self.watch(loss)

    @property
    def scale(self) -> float:
        """The factor of the base learning rate."""
        return self.remembered["scale"]

    @property
    def done(self) -> bool:
        """Whether the schedule ends the training."""
        return bool(self.remembered["done"])

    def watch(self, loss: float) -> None:
        """Note the loss after an epoch: of the validation rows, if there are any."""
        if self.active:
            optimizer = self.optimizer
            self.remembered = watched(optimizer.schedule, optimizer.learning_rate, self.remembered, loss)

    def orders(self, epochs: range) -> Array:
        """Return the positions, among the examples that are learnt from, in the order of each epoch, one row for each.

        They depend on the seed and the epoch alone. One batch of all examples keeps the file's order, shuffled or not.
        """
        settings, count = self.problem.settings, self.count
        if settings.shuffle is False or (settings.shuffle is True and self.size >= count):
            return np.broadcast_to(np.arange(count), (len(epochs), count))
        if settings.shuffle is True:
            return orders(count, settings.seed, epochs, self.permutations)
        if self._orders is None or self._orders.epoch > epochs[0]:
            self._orders = Cumulative(self._generator(), count)
        return np.array([self._orders.at(epoch) for epoch in epochs])

    def _generator(self) -> np.random.RandomState:
        settings = self.problem.settings
        if isinstance(settings.shuffle, np.random.RandomState):
            return deepcopy(settings.shuffle)
        return after_drawing(self.problem.network, settings.seed)


class Cumulative:
    """The orders of scikit-learn's MLPs: each is the one before, shuffled.

    >>> [Cumulative(np.random.RandomState(0), 5).at(epoch).tolist() for epoch in (0, 1)]
    [[2, 0, 1, 3, 4], [2, 1, 0, 4, 3]]
    """

    def __init__(self, random: np.random.RandomState, count: int) -> None:
        self.random, self.positions, self.epoch = random, np.arange(count), -1

    def at(self, epoch: int) -> Array:
        """Return the order of an epoch (from 0), the last one or a later one."""
        while self.epoch < epoch:
            self.positions = self.positions[self.random.permutation(len(self.positions))]
            self.epoch += 1
        return self.positions
