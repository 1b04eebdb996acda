"""Orders that native code draws, against NumPy's generators."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from tests.engine.support.networks import native, problem_of

from clearprop.types import Array


def seeds(count: int) -> Array:
    found = [np.random.SeedSequence([k, 1, 5]).generate_state(4, np.uint64) for k in range(count)]
    return np.array(found, np.uint64).reshape(count, 4)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 31, 32, 33, 1000])
def test_they_are_what_numpy_permutes(count: int) -> None:
    found = native(problem_of((3, 5, 2), 8, 4), "float64").permutations(seeds(20), count)
    for k, order in enumerate(found):
        assert np.array_equal(order, np.random.default_rng([k, 1, 5]).permutation(count))


def test_seeds_of_another_shape_are_refused() -> None:
    engine = native(problem_of((3, 5, 2), 8, 4), "float64")
    with pytest.raises(ValueError, match=r"expected seeds of shape \(generators, 4\), found \(2, 3\)"):
        engine.permutations(np.ones((2, 3), np.uint64), 5)
    assert engine.permutations(seeds(0), 5).shape == (0, 5)
    assert engine.permutations(seeds(3), 0).shape == (3, 0)


def test_generators_are_independent_of_each_other() -> None:
    engine = native(problem_of((3, 5, 2), 8, 4), "float64")
    given = seeds(6)
    together = engine.permutations(given, 7)
    for first, last in pairwise([0, 1, 4, 6]):
        assert np.array_equal(engine.permutations(given[first:last], 7), together[first:last])
