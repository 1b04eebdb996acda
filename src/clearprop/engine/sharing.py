"""Copies of examples that several trainings share: made once, and read by native code of all of them.

Only where it was asked for, and by threads that were let in: outside, an array may change between two trainings.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from clearprop.engine.calling import filled
from clearprop.types import Array

_local = threading.local()


class _Copies:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        # The original is kept beside its copy: while it lives, no other array has its identity.
        self.made: dict[tuple[int, str], tuple[Array, Array]] = {}

    def of(self, values: Array, dtype: Any) -> Array:
        key = id(values), np.dtype(dtype).name
        with self.lock:
            if key not in self.made:
                self.made[key] = values, filled(values, dtype)
            return self.made[key][1]


@contextmanager
def shared_copies() -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Give a function with which threads enter, to share copies until the end."""
    copies = _Copies()

    @contextmanager
    def enter() -> Iterator[None]:
        _local.copies = copies
        try:
            yield
        finally:
            del _local.copies

    yield enter


def readable(values: Array, dtype: Any) -> Array:
    """Return an array as native code may read it: a copy, perhaps one that trainings share; or the array itself, if
    nobody can write to it."""
    flags = values.flags
    if values.dtype == dtype and flags.c_contiguous and flags.aligned and not flags.writeable and flags.owndata:
        return values
    copies: _Copies | None = getattr(_local, "copies", None)
    return filled(values, dtype) if copies is None else copies.of(values, dtype)
