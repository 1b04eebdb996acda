"""Where the columns of a table lie while it is read: in memory while they are few, then in a temporary file.

A table is read once. Its numbers are looked at several times before they are scaled, a column at a time; only
then do those of a large one take up memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple
from weakref import WeakSet, finalize

import numpy as np

from clearprop.errors import UnreadableFile
from clearprop.types import Array

MOST = 2**23
"""The bytes of columns that are kept in memory."""


class _Place(NamedTuple):
    """A block in the file: where it begins, its bytes, and of which kind its numbers are."""

    start: int
    bytes: int
    dtype: np.dtype[Any]


class Storage:
    """The columns of one table. The temporary file has no name, and is gone with the last column.

    Where none can be written, all stays in memory.
    """

    def __init__(self) -> None:
        self.columns: WeakSet[Stored] = WeakSet()
        self.bytes = self.end = 0
        self.file: BinaryIO | None = None
        self.full = False

    def column(self, dtype: Any) -> Stored:
        """Return a new column, without a row."""
        found = Stored(self, dtype)
        self.columns.add(found)
        return found

    def note(self, count: int) -> None:
        """Note how many bytes were added; once there are too many, write all to the file."""
        self.bytes += count
        if self.bytes > MOST and not self.full:
            try:
                for column in self.columns:
                    if column.blocks:
                        column.places.append(self._written(np.concatenate(column.blocks)))
                        column.blocks = []
                self.bytes = 0
            except OSError:  # no room, or no folder for it
                self.full = True

    def _written(self, block: Array) -> _Place:
        if self.file is None:
            self.file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it is open as long as this lives
            finalize(self, self.file.close)
        self.file.seek(self.end)
        if self.file.write(block.data) < block.nbytes:
            raise OSError("no room")
        self.end += block.nbytes
        return _Place(self.end - block.nbytes, block.nbytes, block.dtype)

    def read(self, place: _Place) -> Array:
        """Return a block from the file."""
        assert self.file is not None
        self.file.seek(place.start)
        found = self.file.read(place.bytes)
        if len(found) < place.bytes:
            raise UnreadableFile("the temporary file that holds the table has become shorter; read the table again")
        return np.frombuffer(found, place.dtype)


class Stored:
    """A column: blocks in the order of its rows, the first in the file. NumPy makes an array of it, each time anew."""

    def __init__(self, storage: Storage, dtype: Any) -> None:
        self.storage, self.dtype = storage, np.dtype(dtype)
        self.places: list[_Place] = []
        self.blocks: list[Array] = []
        self.rows = 0

    def append(self, block: Array) -> None:
        """Add the numbers of the next rows."""
        self.blocks.append(block)
        self.rows += len(block)
        self.storage.note(block.nbytes)

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[Array]:
        """Yield the blocks, one after the other."""
        blocks = self.blocks
        for place in list(self.places):
            yield self.storage.read(place)
        yield from blocks

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        found, start = np.empty(self.rows, dtype or self.dtype), 0
        for block in self:
            found[start : start + len(block)] = block
            start += len(block)
        return found

    def looked_up(self, table: Array) -> Stored:
        """Return the column of what stands in a table at the places that this one holds."""
        found = self.storage.column(table.dtype)
        for block in self:
            found.append(table[block])
        return found
