"""The split of rows: nothing is lost, shares are kept, and the seed alone decides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.tables.split import split


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=80),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 5),
    st.booleans(),
)
def test_split_loses_nothing_and_keeps_shares(classes: list[int], share: float, seed: int, plain: bool) -> None:
    rows = np.arange(len(classes)) * 3 + 1
    kinds = np.array(classes)
    learnt, aside = split(rows, share, seed, None if plain else kinds)
    assert np.array_equal(np.sort(np.concatenate([learnt, aside])), rows)
    assert np.array_equal(learnt, np.sort(learnt))
    assert np.array_equal(aside, np.sort(aside))
    wanted = min(round(share * len(rows)), len(rows) - 1)
    if plain:
        assert len(aside) == wanted
        return
    assert len(aside) <= wanted
    for kind in set(classes):
        size = classes.count(kind)
        given_away = int(np.isin(rows[kinds == kind], aside).sum())
        assert given_away <= size - 1
        assert abs(given_away - share * size) < 1 + 1e-9 or given_away == size - 1


def test_split_depends_on_the_seed_alone() -> None:
    rows = np.arange(100)
    first, second = split(rows, 0.3, 1), split(rows, 0.3, 1)
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[1], split(rows, 0.3, 2)[1])


@pytest.mark.parametrize(("count", "share", "aside"), [(1, 0.9, 0), (2, 0.5, 1), (2, 0.99, 1), (3, 0, 0), (10, 0.2, 2)])
def test_sizes_of_small_splits(count: int, share: float, aside: int) -> None:
    assert len(split(np.arange(count), share, 0)[1]) == aside


def test_a_class_of_one_row_is_learnt_from() -> None:
    kinds = np.array([0] * 9 + [1])
    for seed in range(20):
        assert 9 in split(np.arange(10), 0.5, seed, kinds)[0]


def test_what_a_class_of_one_row_cannot_give_others_do() -> None:
    kinds = np.array([0, 1, 2, 3] + [4] * 10)
    assert np.bincount(kinds[split(np.arange(14), 0.5, 0, kinds)[1]], minlength=5).tolist() == [0, 0, 0, 0, 6]


def test_every_class_gives_its_share() -> None:
    kinds = np.repeat([0, 1, 2], [50, 30, 20])
    assert np.bincount(kinds[split(np.arange(100), 0.3, 0, kinds)[1]]).tolist() == [15, 9, 6]
