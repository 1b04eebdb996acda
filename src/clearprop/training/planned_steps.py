"""The steps that a training is to make, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

import numpy as np

from clearprop.models.snapshot import Snapshot
from clearprop.types import Array


class PlannedStep(NamedTuple):
    """One step to make: the positions of its examples (from 0), its number (from 1), and its learning rate."""

    rows: Array
    number: int
    rate: float


@dataclass(frozen=True)
class PlannedSteps(Sequence[PlannedStep]):
    """Steps as arrays: step k learns from the examples at ``order[bounds[k]:bounds[k + 1]]``.

    >>> steps = PlannedSteps.of([PlannedStep(np.array([4, 2]), 1, 0.1), PlannedStep(np.array([0]), 2, 0.1)])
    >>> steps.order, steps.bounds, steps[1].rows
    (array([4, 2, 0]), array([0, 2, 3]), array([0]))
    """

    order: Array
    bounds: Array
    numbers: Array
    rates: Array

    @staticmethod
    def of(steps: Iterable[PlannedStep]) -> PlannedSteps:
        """Return the same steps as arrays."""
        steps = list(steps)
        counts = [len(step.rows) for step in steps]
        return PlannedSteps(
            np.concatenate([step.rows for step in steps]) if steps else np.empty(0, np.int64),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.array([step.number for step in steps], np.int64),
            np.array([step.rate for step in steps], float),
        )

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """The order, the bounds, the numbers of the steps and their learning rates."""
        return self.order, self.bounds, self.numbers, self.rates

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, position: int) -> PlannedStep: ...
    @overload
    def __getitem__(self, position: slice) -> PlannedSteps: ...
    def __getitem__(self, position: int | slice) -> PlannedStep | PlannedSteps:
        if isinstance(position, slice):
            start, stop, _ = position.indices(len(self))
            stop = max(start, stop)
            if (start, stop) == (0, len(self)):
                return self
            bounds = self.bounds[start : stop + 1]
            order = self.order[bounds[0] : bounds[-1]]
            return PlannedSteps(order, bounds - bounds[0], self.numbers[start:stop], self.rates[start:stop])
        k = range(len(self))[position]
        rows = self.order[self.bounds[k] : self.bounds[k + 1]]
        return PlannedStep(rows, int(self.numbers[k]), float(self.rates[k]))


class Epochs(NamedTuple):
    """The outcome of the steps of whole epochs.

    ``found`` is what an engine's ``run`` returns for them, ``validation`` has the validation loss after each epoch, and
    ``snapshot(k)`` is that after epoch k, from 0.
    """

    found: Array
    validation: list[float]
    snapshot: Callable[[int], Snapshot]
