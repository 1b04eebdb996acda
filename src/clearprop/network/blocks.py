"""Blocks of rows: all examples in parts small enough for memory."""

from __future__ import annotations

from collections.abc import Iterator

from clearprop.types import Array

BLOCK = 4096
"""The number of examples that are computed together, so that memory is bounded for any number of them."""


def blocks(rows: Array) -> Iterator[Array]:
    """Yield all these rows in order, at most ``BLOCK`` at a time."""
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK]


def slices(count: int) -> Iterator[slice]:
    """Yield slices that together cover all rows, at most ``BLOCK`` at a time."""
    for start in range(0, count, BLOCK):
        yield slice(start, start + BLOCK)
