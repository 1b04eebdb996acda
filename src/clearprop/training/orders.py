"""The orders of many epochs at once: NumPy's generators seeded with the seed and the epoch, all in one go.

To seed one takes longer than an epoch of a small table. NumPy promises that its ``SeedSequence`` and PCG64 stay what
they are: what is drawn here is ``default_rng([seed, 1, epoch]).permutation(count)``, also where native code draws it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from clearprop.types import Array

WORD = (1 << 32) - 1
POOL = 4
"""The words that a seed is mixed into."""
FEW = 3
"""Epochs for which NumPy's generators are faster made one by one."""


Permutations = Callable[[Array, int], Array]
"""Permutes positions, that many, by each of the generators with these seeds; returns a row for each."""


def orders(count: int, seed: int, epochs: range, permutations: Permutations | None = None) -> Array:
    """Return the positions of ``count`` examples (from 0), in the order of each of these epochs, one row for each.

    >>> orders(5, 0, range(2))
    array([[1, 4, 3, 0, 2],
           [0, 4, 3, 1, 2]])
    """
    if permutations is not None and len(epochs) >= FEW and count < WORD:
        return permutations(_states([*_words(seed), 1], np.array(epochs, np.uint32)), count)
    return np.array([np.random.default_rng([seed, 1, epoch]).permutation(count) for epoch in epochs])


def _words(seed: int) -> list[int]:
    """Return a number of any size as words of 32 bits, the last ones first."""
    return [seed >> shift & WORD for shift in range(0, max(seed.bit_length(), 1), 32)]


class _Hash:
    """Scatters the bits of words, with a factor that changes from one to the next."""

    def __init__(self, first: int, factor: int) -> None:
        self.first, self.factor, self.seen = first, factor, 0

    def __call__(self, words: Array, count: int = POOL) -> Array:
        """Return ``count`` rows of scattered words, from as many or from one that is scattered in each way."""
        before, after = _factors(self.first, self.factor, self.seen, count)
        self.seen += count
        return _folded((words ^ before) * after)


def _folded(words: Array) -> Array:
    found: Array = words ^ words >> 16
    return found


@lru_cache(maxsize=64)
def _factors(first: int, factor: int, seen: int, count: int) -> tuple[Array, Array]:
    """Return what each of these rows is changed by before and after."""
    found = [first * pow(factor, seen + k, WORD + 1) & WORD for k in range(count + 1)]
    column = np.array(found, np.uint32)[:, None]
    return column[:-1], column[1:]


def _states(before: list[int], last: Array) -> Array:
    """Return the first four numbers of 64 bits of ``SeedSequence([*before, k])`` for each k, shape (k, 4)."""
    entropy = np.zeros((max(len(before) + 1, POOL), len(last)), np.uint32)
    entropy[: len(before)], entropy[len(before)] = np.array(before, np.uint32)[:, None], last
    hashed = _Hash(0x43B0D7E5, 0x931E8875)
    pool = hashed(entropy[:POOL])

    def mixed(places: Array, words: Array) -> Array:
        return _folded(places * np.uint32(0xCA01F9DD) - hashed(words, len(places)) * np.uint32(0x4973F715))

    for source in range(POOL):
        others = [place for place in range(POOL) if place != source]
        pool[others] = mixed(pool[others], pool[source])
    for words in entropy[POOL:]:
        pool = mixed(pool, words)
    drawn = _Hash(0x8B51F9DD, 0x58F38DED)(np.concatenate([pool, pool]), 2 * POOL).T.astype(np.uint64)
    return drawn[:, ::2] | drawn[:, 1::2] << np.uint64(32)
