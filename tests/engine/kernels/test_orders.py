"""Orders that native code draws, against NumPy's generators."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from tests.engine.support.networks import native, problem_of


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 31, 32, 33, 1000])
def test_they_are_what_numpy_permutes(count: int) -> None:
    found = native(problem_of((3, 5, 2), 8, 4), "float64").permutations([5, 1], range(20), count)
    for k, order in enumerate(found):
        assert np.array_equal(order, np.random.default_rng([5, 1, k]).permutation(count))


@pytest.mark.parametrize("before", range(9))
def test_seeds_have_any_number_of_words(before: int) -> None:
    engine = native(problem_of((3, 5, 2), 8, 4), "float64")
    words, last = [2**32 - 1 - 977 * k for k in range(before)], range(2**32 - 3, 2**32)
    for k, order in zip(last, engine.permutations(words, last, 60), strict=True):
        assert np.array_equal(order, np.random.default_rng([*words, k]).permutation(60))


def test_there_may_be_none() -> None:
    engine = native(problem_of((3, 5, 2), 8, 4), "float64")
    assert engine.permutations([1], range(0), 5).shape == (0, 5)
    assert engine.permutations([1], range(3), 0).shape == (3, 0)


def test_generators_are_independent_of_each_other() -> None:
    engine = native(problem_of((3, 5, 2), 8, 4), "float64")
    together = engine.permutations([3], range(6), 7)
    for first, last in pairwise([0, 1, 4, 6]):
        assert np.array_equal(engine.permutations([3], range(first, last), 7), together[first:last])
