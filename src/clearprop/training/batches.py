"""Batches: which examples go through the network together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from clearprop.arrays import Array

BLOCK = 4096
"""Examples that go through together where all are asked for: what that takes of memory is bounded,
however many there are."""


def batches(count: int, size: int, *, shuffle: bool, seed: int, epoch: int) -> Iterator[Array]:
    """The numbers of the examples of each batch of an epoch (counted from 0); the last may be smaller.

    They are a function of the seed and the epoch, and of nothing that came before.
    One batch of everything keeps the file's order, shuffled or not.
    """
    if size >= count:
        yield np.arange(count)
        return
    order = np.random.default_rng([seed, 1, epoch]).permutation(count) if shuffle else np.arange(count)
    for start in range(0, count, size):
        yield order[start : start + size]


def blocks(rows: Array) -> Iterator[Array]:
    """All these rows, in order, so many at a time as memory is meant to take."""
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK]
