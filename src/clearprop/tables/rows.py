"""Rows of numbers from arrays and lists."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.network.arrays import numbers
from clearprop.types import Array


def dimensions(values: Any) -> int:
    """Return the number of dimensions of an array, or of a list as an array."""
    try:
        return int(np.ndim(values))
    except (ValueError, RuntimeError):  # rows of different lengths, a tensor on its device: refused where they are read
        return 2


def of_float32(values: Any) -> bool:
    """Return whether values are a matrix of float32, which takes half of the memory of float64."""
    return type(values) is np.ndarray and values.ndim == 2 and values.dtype == np.float32


def rows(values: Any, width: int, what: str, hint: str = "") -> Array:
    """Return a matrix with ``width`` columns; a plain list is one row, or one column where a row is one number."""
    expected = f"{what}: expected rows of {'1 number' if width == 1 else f'{width} numbers'}"
    array = numbers(values, expected)
    if array.ndim < 2:
        array = array.reshape(-1, 1) if width == 1 else np.atleast_2d(array)
    if array.ndim != 2 or array.shape[1] != width:
        raise InvalidArgument(f"{expected}, found shape {array.shape}{hint}")
    return array
