"""Rows of numbers from whatever a user has: lists, single rows, one column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clearprop.errors import InvalidArgument
from clearprop.tables.rows import dimensions, rows


@pytest.mark.parametrize(
    ("given", "width", "expected"),
    [
        ([1, 2], 2, [[1, 2]]),
        ([[1, 2], [3, 4]], 2, [[1, 2], [3, 4]]),
        ([1, 2, 3], 1, [[1], [2], [3]]),
        (5, 1, [[5]]),
        (np.array([[True, False]]), 2, [[1, 0]]),
        (np.empty((0, 3)), 3, []),
    ],
)
def test_a_list_is_a_row_or_a_column_of_single_numbers(given: Any, width: int, expected: Any) -> None:
    found = rows(given, width, "inputs")
    assert found.dtype == np.float64
    assert found.shape == (len(expected), width)
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("given", "width", "message"),
    [
        ([1, 2, 3], 2, "inputs: expected rows of 2 numbers, found shape (1, 3); see docs"),
        ([[1], [2]], 2, "inputs: expected rows of 2 numbers, found shape (2, 1); see docs"),
        ([[[1, 2]]], 2, "inputs: expected rows of 2 numbers, found shape (1, 1, 2); see docs"),
        (["a", "b"], 1, "inputs: expected rows of 1 number, found text in them"),
        ([[1], [2, 3]], 2, "inputs: expected rows of 2 numbers, found something else in them"),
        (None, 2, "inputs: expected rows of 2 numbers, found "),
    ],
)
def test_other_shapes_are_refused_with_what_was_found(given: Any, width: int, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        rows(given, width, "inputs", "; see docs")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("given", "count"), [(3, 0), ([1, 2], 1), ([[1], [2]], 2), ([[1], [2, 3]], 2), (np.ones((1, 2, 3)), 3)]
)
def test_dimensions_are_numpys_and_those_of_ragged_rows_are_two(given: Any, count: int) -> None:
    assert dimensions(given) == count
