"""Blocks of rows: all examples in parts small enough for memory."""

from __future__ import annotations

from collections.abc import Iterator

from clearprop.types import Array

BLOCK = 4096
"""Examples that go through together where all are asked for: what that takes of memory is bounded,
however many there are."""


def blocks(rows: Array) -> Iterator[Array]:
    """All these rows, in order, so many at a time as memory is meant to take."""
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK]
