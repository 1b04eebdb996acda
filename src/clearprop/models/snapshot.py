"""Where a training stands: all that going on from here depends on, besides the problem and the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clearprop.network.parameters import Parameters
from clearprop.types import Array


class Snapshot:
    """Where the numbers stand, in the precision of the training; later steps leave it alone.

    ``take`` gives the parameters and what the optimizer remembers. It is called when one of them is
    first asked for, which for most snapshots is never.
    """

    def __init__(self, take: Callable[[], tuple[Parameters, Mapping[str, Array]]], finite: bool | None = None) -> None:
        self._take, self._finite = take, finite

    @staticmethod
    def of(parameters: Parameters, state: Mapping[str, Array]) -> Snapshot:
        """Of numbers that are at hand."""
        return Snapshot(lambda: (parameters, state))

    @cached_property
    def _taken(self) -> tuple[Parameters, Mapping[str, Array]]:
        taken = self._take()
        # What it would be taken from may be large, and is not needed again.
        self._take = lambda: taken
        return taken

    @property
    def parameters(self) -> Parameters:
        """The weights and biases."""
        return self._taken[0]

    @property
    def state(self) -> Mapping[str, Array]:
        """What the optimizer remembers."""
        return self._taken[1]

    @property
    def finite(self) -> bool:
        """Whether every parameter is a number still."""
        if self._finite is None:
            self._finite = bool(np.all(np.isfinite(self.parameters.vector)))
        return self._finite


@dataclass(frozen=True)
class Standing:
    """A moment between two steps. It is replaced as a whole, so that an interrupt at any time finds one.

    ``present`` is after ``steps`` steps, ``whole`` after the last of ``epochs`` whole epochs, and
    ``best`` is that of the epoch with the lowest loss of the validation rows.
    """

    epochs: int
    steps: int
    present: Snapshot
    whole: Snapshot
    best: Snapshot
