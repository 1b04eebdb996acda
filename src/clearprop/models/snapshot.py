"""The position of a training: what resuming depends on, besides the problem and the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from clearprop.cached import cached_property
from clearprop.network.parameters import Parameters
from clearprop.types import Array


class Snapshot:
    """The parameters and the optimizer's state after a step, in the precision of the training.

    ``take`` copies them from the engine. It is called when one of them is first needed, which for
    most snapshots is never; later steps do not change a snapshot.
    """

    def __init__(self, take: Callable[[], tuple[Parameters, Mapping[str, Array]]], finite: bool | None = None) -> None:
        self._take, self._finite = take, finite

    @staticmethod
    def of(parameters: Parameters, state: Mapping[str, Array]) -> Snapshot:
        """Return a snapshot of numbers that are at hand."""
        return Snapshot(lambda: (parameters, state))

    @cached_property
    def _taken(self) -> tuple[Parameters, Mapping[str, Array]]:
        taken = self._take()
        # Let go of the engine, which may be large.
        self._take = lambda: taken
        return taken

    @property
    def parameters(self) -> Parameters:
        """The weights and biases."""
        return self._taken[0]

    @property
    def state(self) -> Mapping[str, Array]:
        """The numbers that the optimizer remembers."""
        return self._taken[1]

    @property
    def finite(self) -> bool:
        """Whether every parameter is finite."""
        if self._finite is None:
            self._finite = bool(np.all(np.isfinite(self.parameters.vector)))
        return self._finite


@dataclass(frozen=True)
class Met:
    """The sums over the batches of an epoch, as they were met: the sum of their examples' errors, their penalties, each
    as often as its batch has examples, and the number of examples."""

    errors: float = 0.0
    penalties: float = 0.0
    examples: int = 0


@dataclass(frozen=True)
class Position:
    """A position between two steps. It is replaced as a whole, so that an interrupt at any time finds one.

    ``present`` is after ``steps`` steps, ``whole`` after the last of ``epochs`` whole epochs, and
    ``best`` is that of the epoch with the lowest loss of the validation rows. ``met`` is what the batches of the
    epoch under way came to.
    """

    epochs: int
    steps: int
    present: Snapshot
    whole: Snapshot
    best: Snapshot
    met: Met = Met()


def in_float64(before: Parameters, after: Array) -> Parameters:
    """Return trained parameters in float64; those that training did not change keep all digits of ``before``."""
    unchanged = before.vector.astype(after.dtype) == after
    return before.with_vector(np.where(unchanged, before.vector, after.astype(float)))
