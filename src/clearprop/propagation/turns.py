"""Turns: the steps that a training is to make, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

import numpy as np

from clearprop.types import Array


class Turn(NamedTuple):
    """One step to make: the positions of its examples, its number (counted from 1), and its rate."""

    rows: Array
    step: int
    rate: float


@dataclass(frozen=True)
class Turns(Sequence[Turn]):
    """Many steps: the examples of all in ``order``, those of step k from ``bounds[k]`` to ``bounds[k + 1]``.

    >>> turns = Turns.of([Turn(np.array([4, 2]), 1, 0.1), Turn(np.array([0]), 2, 0.1)])
    >>> turns.order, turns.bounds, turns[1].rows
    (array([4, 2, 0]), array([0, 2, 3]), array([0]))
    """

    order: Array
    bounds: Array
    steps: Array
    rates: Array

    @staticmethod
    def of(turns: Iterable[Turn]) -> Turns:
        """From steps one by one."""
        turns = list(turns)
        counts = [len(turn.rows) for turn in turns]
        return Turns(
            np.concatenate([turn.rows for turn in turns]) if turns else np.empty(0, np.int64),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.array([turn.step for turn in turns], np.int64),
            np.array([turn.rate for turn in turns], float),
        )

    def __len__(self) -> int:
        return len(self.steps)

    @overload
    def __getitem__(self, position: int) -> Turn: ...
    @overload
    def __getitem__(self, position: slice) -> Turns: ...
    def __getitem__(self, position: int | slice) -> Turn | Turns:
        if isinstance(position, slice):
            start, stop, _ = position.indices(len(self))
            stop = max(start, stop)
            bounds = self.bounds[start : stop + 1]
            order = self.order[bounds[0] : bounds[-1]]
            return Turns(order, bounds - bounds[0], self.steps[start:stop], self.rates[start:stop])
        k = range(len(self))[position]
        rows = self.order[self.bounds[k] : self.bounds[k + 1]]
        return Turn(rows, int(self.steps[k]), float(self.rates[k]))

    def __iter__(self) -> Iterator[Turn]:
        return (self[k] for k in range(len(self)))

    @property
    def counts(self) -> Array:
        """How many examples each step sees."""
        return np.diff(self.bounds)
