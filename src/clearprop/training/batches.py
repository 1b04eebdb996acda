"""Batches: which examples each step sees, as a function of (seed, epoch) and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from clearprop.arrays import Array


def batches(count: int, size: int, *, shuffle: bool, seed: int, epoch: int) -> Iterator[Array]:
    """The numbers of the examples of each batch of an epoch (counted from 0); the last may be smaller.

    One batch of everything keeps the file's order, shuffled or not.
    """
    if size >= count:
        yield np.arange(count)
        return
    order = np.random.default_rng([seed, 1, epoch]).permutation(count) if shuffle else np.arange(count)
    for start in range(0, count, size):
        yield order[start : start + size]
