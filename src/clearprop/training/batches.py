"""Batches: which examples go through the network together."""

from __future__ import annotations

import numpy as np

from clearprop.types import Array


def shuffled(count: int, size: int, *, shuffle: bool, seed: int, epoch: int) -> Array:
    """The numbers of all examples (counted from 0), in the order of an epoch whose batches have ``size``.

    They are a function of the seed and the epoch, and of nothing that came before.
    One batch of everything keeps the file's order, shuffled or not.
    """
    if size >= count or not shuffle:
        return np.arange(count)
    return np.random.default_rng([seed, 1, epoch]).permutation(count)
