"""Batches: which examples go through the network together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from clearprop.arrays import Array

BLOCK = 4096
"""Examples that go through together where all are asked for: what that takes of memory is bounded,
however many there are."""


def shuffled(count: int, size: int, *, shuffle: bool, seed: int, epoch: int) -> Array:
    """The numbers of all examples (counted from 0), in the order of an epoch whose batches have ``size``.

    They are a function of the seed and the epoch, and of nothing that came before.
    One batch of everything keeps the file's order, shuffled or not.
    """
    if size >= count or not shuffle:
        return np.arange(count)
    return np.random.default_rng([seed, 1, epoch]).permutation(count)


def blocks(rows: Array) -> Iterator[Array]:
    """All these rows, in order, so many at a time as memory is meant to take."""
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK]
