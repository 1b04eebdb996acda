"""The context: what native code is given. Everything that it reads or writes is an array made here."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.engine.program import FIELDS
from clearprop.types import Array

ALIGNMENT = 64

PLACES = {name: place for place, name in enumerate(FIELDS)}


def zeros(count: int, dtype: Any) -> Array:
    """An array of zeros that begins where a cache line does."""
    dtype = np.dtype(dtype)
    raw = np.zeros(count * dtype.itemsize + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + count * dtype.itemsize].view(dtype)


def filled(values: Array, dtype: Any) -> Array:
    """A copy of an array, where native code may read it."""
    values = np.asarray(values)
    array = zeros(values.size, dtype)
    array[:] = values.ravel()
    return array


def address(array: Array) -> int:
    """Where an array's numbers begin."""
    begin: int = array.__array_interface__["data"][0]
    return begin


class Context:
    """What a native function is given: addresses and numbers, and the arrays behind the addresses."""

    def __init__(self, **fields: Array | int) -> None:
        self.words = zeros(len(FIELDS), np.int64)
        self.arrays: dict[str, Array] = {}
        self.set(**fields)

    def set(self, **fields: Array | int) -> None:
        """Change some of them."""
        for name, value in fields.items():
            if not isinstance(value, np.ndarray):
                self.words[PLACES[name]] = value
            elif self.arrays.get(name) is not value:
                assert value.flags.c_contiguous, name
                self.arrays[name] = value
                self.words[PLACES[name]] = address(value)

    @property
    def address(self) -> int:
        """Where the native function finds it."""
        return address(self.words)
