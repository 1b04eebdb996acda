"""The orders of many epochs are those that NumPy draws one by one."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engine.support.networks import native, problem_of

from clearprop.training.orders import orders


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32, 2**64 + 3, 2**127 - 1, 7**60])
@pytest.mark.parametrize("count", [1, 2, 120, 3000])
def test_they_are_those_of_numpy(seed: int, count: int) -> None:
    permutations = native(problem_of((3, 5, 2), 8, 4), "float64").permutations
    epochs = range(997, 1010) if count == 120 else range(8)
    drawn = orders(count, seed, epochs, permutations)
    assert np.array_equal(orders(count, seed, epochs), drawn)
    for epoch, order in zip(epochs, drawn, strict=True):
        assert np.array_equal(order, np.random.default_rng([seed, 1, epoch]).permutation(count))
    assert np.array_equal(orders(count, seed, epochs[2:3], permutations)[0], drawn[2])
