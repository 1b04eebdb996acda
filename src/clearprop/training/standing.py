"""Where a training stands: all that going on from here depends on, besides the problem and the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.network.parameters import Parameters


@dataclass(frozen=True)
class Snapshot:
    """Where the numbers stand, in the precision of the training; later steps leave it alone."""

    parameters: Parameters
    state: Mapping[str, Array]

    @property
    def finite(self) -> bool:
        """Whether every parameter is a number still."""
        return bool(np.all(np.isfinite(self.parameters.vector)))


@dataclass(frozen=True)
class Standing:
    """A moment between two steps. It is replaced as a whole, so that an interrupt at any time finds one.

    ``present`` is after ``steps`` steps, ``whole`` after the last of ``epochs`` whole epochs, and
    ``best`` has the parameters of the epoch with the lowest loss of the validation rows.
    """

    epochs: int
    steps: int
    present: Snapshot
    whole: Snapshot
    best: Parameters
