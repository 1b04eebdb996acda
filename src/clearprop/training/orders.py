"""The orders of many epochs at once: what NumPy's generators draw that are seeded with the seed and the epoch.

To seed one takes longer than an epoch of a small table. NumPy promises that its ``SeedSequence`` and PCG64 stay what
they are: what is drawn here is ``default_rng([seed, 1, epoch]).permutation(count)``, also where native code draws it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from clearprop.types import Array

WORD = (1 << 32) - 1
FEW = 3
"""Epochs for which NumPy's generators are faster made one by one."""


Permutations = Callable[[list[int], range, int], Array]
"""Permutes positions, that many, by generators whose seeds have the same first words and one of these last; returns a
row for each."""


def orders(count: int, seed: int, epochs: range, permutations: Permutations | None = None) -> Array:
    """Return the positions of ``count`` examples (from 0), in the order of each of these epochs, one row for each.

    >>> orders(5, 0, range(2))
    array([[1, 4, 3, 0, 2],
           [0, 4, 3, 1, 2]])
    """
    if permutations is not None and len(epochs) >= FEW and count < WORD:
        return permutations([*_words(seed), 1], epochs, count)
    return np.array([np.random.default_rng([seed, 1, epoch]).permutation(count) for epoch in epochs])


def _words(seed: int) -> list[int]:
    """Return a number of any size as words of 32 bits, the last ones first."""
    return [seed >> shift & WORD for shift in range(0, max(seed.bit_length(), 1), 32)]
