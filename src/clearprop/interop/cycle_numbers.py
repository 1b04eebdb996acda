"""The numbers of one training step, from whichever program they come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.propagation.cycle import Cycle
from clearprop.types import Array


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of one cycle; None for what a program does not tell. ``errors`` are E_k and E_total, or E_total
    alone; ``second`` are the parameters after another step."""

    parameters: Array | None
    outputs: Array
    errors: Array | None
    gradients: Array | None
    updated: Array | None
    second: Array | None = None


def numbers_of(done: Cycle) -> Numbers:
    """Return the numbers of a cycle."""
    return Numbers(
        done.parameters.vector,
        done.trace.outputs[-1],
        np.append(done.batch, done.error),
        done.gradients.of.vector,
        done.updated.vector,
    )
