"""The orders of many epochs at once: NumPy's generators seeded with the seed and the epoch, all in one go.

To seed one takes longer than an epoch of a small table. NumPy promises that its ``SeedSequence`` and PCG64 stay what
they are: what is drawn here is ``default_rng([seed, 1, epoch]).permutation(count)``, also where native code draws it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
        self.factors = _powers(first, factor)

    def __call__(self, words: Array) -> Array:
        before, after = next(self.factors)
        mixed: Array = (words ^ before) * after
        mixed ^= mixed >> SHIFT
        return mixed


def _powers(first: int, factor: int) -> Iterator[tuple[np.uint32, np.uint32]]:
    """Yield what each word is changed by before and after."""
    while True:
        following = first * factor & WORD
        yield np.uint32(first), np.uint32(following)
        first = following


SHIFT, LEFT, RIGHT = np.uint32(16), np.uint32(0xCA01F9DD), np.uint32(0x4973F715)


def _states(before: list[int], last: Array) -> Array:
    """Return the first four numbers of 64 bits of ``SeedSequence([*before, k])`` for each k, shape (k, 4).

    Word by word: of longer arrays NumPy gives up the interpreter's lock each time, for which other trainings wait too.
    """
    entropy = [*(np.full(len(last), word, np.uint32) for word in before), last]
    entropy += [np.zeros_like(last)] * (POOL - len(entropy))
    hashed = _Hash(0x43B0D7E5, 0x931E8875)
    pool = [hashed(words) for words in entropy[:POOL]]

    def mix(place: int, words: Array) -> None:
        mixed: Array = pool[place] * LEFT - hashed(words) * RIGHT
        pool[place] = mixed ^ mixed >> SHIFT

    for source in range(POOL):
        for place in range(POOL):
            if place != source:
                mix(place, pool[source])
    for words in entropy[POOL:]:
        for place in range(POOL):
            mix(place, words)
    hashed = _Hash(0x8B51F9DD, 0x58F38DED)
    drawn = np.array([hashed(pool[k % POOL]) for k in range(2 * POOL)]).T.astype(np.uint64)
    return drawn[:, ::2] | drawn[:, 1::2] << np.uint64(32)
