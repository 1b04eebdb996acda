"""CSV: text to columns, a block of rows at a time.

The first line names the columns. A cell is empty, a number or text; a column is one of numbers
if most of the cells of its first block are. What is kept is eight bytes for each number and four
for each text, whatever the file's size.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import Problem, UnfitTable, UnreadableFile, abridged
from clearprop.tables.table import MAX_FAULTS, Column, Kind, Numbers, Table, Text, Wanted, column

BLOCK = 8192
"""Rows that are turned into columns together."""
DELIMITERS = ",;\t|"
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""What stands for a missing number, in any case; in a column of text only an empty cell does."""

NOT_A_NUMBER = "correct it, leave it empty, or list the column under categorical"
DECIMAL_COMMA = "write decimals with a point"

Progress = Callable[[int, int], object]
"""Told how many bytes have been read, of how many."""


def read_csv(path: Path, wanted: Wanted, progress: Progress | None = None) -> Table:
    """The wanted columns of a CSV file; commas, semicolons, tabs or bars separate its cells.

    Raises:
        UnreadableFile: not a text in UTF-8, or without a line.
        UnfitTable: rows of other lengths, text among numbers, columns that are not there.
    """
    source = abridged(str(path), 200)
    with path.open("rb") as file:
        lines = _Lines(file, path.stat().st_size, source, progress)
        reading = _Reading(lines, wanted, source)
        for block in reading.blocks():
            reading.take(block)
            lines.tell()
    return reading.table()


class _Lines:
    """The lines of a file as text, counted in bytes."""

    def __init__(self, file: BinaryIO, size: int, source: str, progress: Progress | None) -> None:
        self.file, self.size, self.source, self.progress = file, size, source, progress
        self.bytes = self.number = 0

    def __iter__(self) -> Iterator[str]:
        for line in self.file:
            self.number += 1
            try:
                text = line.decode("utf-8-sig" if self.number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise UnreadableFile(
                    f"{self.source}: not a text file in UTF-8: byte {self.bytes + error.start + 1:,}, "
                    f"line {self.number:,}, cannot be read; save the table as CSV in UTF-8"
                ) from None
            if "\0" in text:
                raise UnreadableFile(f"{self.source}: a binary file, expected CSV text; save the table as CSV")
            self.bytes += len(line)
            yield text

    def tell(self) -> None:
        """Let whoever waits know how far it is."""
        if self.progress is not None:
            self.progress(self.bytes, self.size)


class _Reading:
    """A CSV file under way: its columns so far, and what is wrong with it."""

    def __init__(self, lines: _Lines, wanted: Wanted, source: str) -> None:
        self.lines, self.source = iter(lines), source
        self.faults: list[Problem] = []
        self.more = self.rows = 0
        first = next(self.lines, None)
        while first is not None and not first.strip():
            first = next(self.lines, None)
        if first is None:
            raise UnreadableFile(f"{source}: the file is empty; expected a line of column names and rows below it")
        self.delimiter = max(DELIMITERS, key=first.count)
        self.cells = self._reader(chain([first], self.lines))
        self.header = [name.strip() for name in self._next(self.cells, 1)[0]]
        if all(_number(name) is not None for name in self.header):
            raise UnfitTable(
                [Problem("first line", f"expected the names of the columns, found numbers: {first.strip()[:60]}")],
                source,
            )
        names = wanted.choose(self.header, source)
        self.places = {name: self.header.index(name) for name in names}
        self.columns = {name: _Column(name, wanted.kinds.get(name)) for name in names}

    def _reader(self, lines: Iterator[str] | Sequence[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self.delimiter, strict=True)

    def _next(self, cells: Iterator[list[str]], count: int) -> list[list[str]]:
        try:
            return list(islice(cells, count))
        except csv.Error as error:
            raise UnfitTable(
                [Problem(f"after row {self.rows:,}", f"{error}; look for a quote that is not closed")], self.source
            ) from None

    def blocks(self) -> Iterator[list[str] | list[list[str]]]:
        """Blocks of rows: as plain lines while no cell is in quotes, as lists of cells from there on."""
        while lines := list(islice(self.lines, BLOCK)):
            if any('"' in line for line in lines):
                cells = self._reader(chain(lines, self.lines))
                while rows := self._next(cells, BLOCK):
                    yield rows
                return
            yield lines

    def take(self, block: Any) -> None:
        """One block into the columns."""
        if isinstance(block[0], str):
            if self._take_plain(block):
                self.rows += len(block)
                return
            block = self._next(self._reader(block), len(block))
        rows = [row for row in block if row]
        wrong = {len(row) for row in rows} - {len(self.header)}
        if wrong:
            for number, row in enumerate(rows, self.rows + 1):
                if len(row) in wrong:
                    expected = f"expected {len(self.header)} cells, as in the first line"
                    self._fault(Problem(f"row {number:,}", f"{expected}, found {len(row)}"))
            rows = [row if len(row) == len(self.header) else [""] * len(self.header) for row in rows]
        for name, place in self.places.items():
            for number, fault in self.columns[name].take([row[place] for row in rows]):
                self._fault(Problem(column(name, self.rows + number), fault))
        self.rows += len(rows)

    def _take_plain(self, lines: list[str]) -> bool:
        """Take lines whose columns of numbers hold finite numbers only: the usual case, read by NumPy."""
        columns = list(self.columns.values())
        fields = len(self.header) - 1
        if any(each.kind is None for each in columns) or any(line.count(self.delimiter) != fields for line in lines):
            return False
        numeric = [self.places[each.name] for each in columns if each.kind == "numbers"]
        if not numeric:
            return False
        try:
            numbers = np.loadtxt(lines, delimiter=self.delimiter, comments=None, usecols=numeric, ndmin=2)
        except ValueError:
            return False
        if len(numbers) != len(lines) or not np.isfinite(numbers).all():
            return False
        rows = [] if len(numeric) == len(columns) else [line.rstrip("\r\n").split(self.delimiter) for line in lines]
        for each in columns:
            if each.kind == "numbers":
                each.blocks.append(numbers[:, numeric.index(self.places[each.name])].copy())
            else:
                each.take_text([row[self.places[each.name]] for row in rows])
        return True

    def _fault(self, problem: Problem) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(problem)
        else:
            self.more += 1

    def table(self) -> Table:
        """All of it, or everything that is wrong with it."""
        if self.more:
            self.faults.append(Problem("", f"and {self.more:,} more problems"))
        if not self.faults and not self.rows:
            self.faults.append(Problem("", "there are no rows below the first line"))
        if self.faults:
            raise UnfitTable(self.faults, self.source)
        return Table({name: column.whole() for name, column in self.columns.items()}, self.source)


class _Column:
    """A column as it grows. Its kind is settled by the first block that has a value in it."""

    def __init__(self, name: str, kind: Kind | None) -> None:
        self.name, self.kind = name, kind
        self.blocks: list[Array] = []
        self.labels: dict[str, int] = {}

    def take(self, cells: list[str]) -> Iterator[tuple[int, str]]:
        """A block of cells; yields what is wrong, with the row in the block."""
        if self.kind is None:
            present = [cell for cell in cells if cell.strip().lower() not in MISSING]
            numbers = sum(_number(cell) is not None for cell in present)
            # Nothing yet: NaN serves either kind.
            self.kind = None if not present else "numbers" if 2 * numbers >= len(present) else "text"
            if self.kind == "text":
                self.blocks = [np.full(len(block), -1, dtype=np.int32) for block in self.blocks]
        if self.kind == "text":
            self.take_text(cells)
            return
        if (values := _plain(cells)) is None:
            values = np.array([_number(cell) for cell in cells], dtype=float)
            for row in np.flatnonzero(np.isnan(values)):
                cell = cells[row].strip()
                if cell.lower() not in MISSING:
                    remedy = DECIMAL_COMMA if re.fullmatch(r"[-+]?\d+,\d+", cell) else NOT_A_NUMBER
                    yield int(row) + 1, f'expected a number, found "{abridged(cell, 40)}"; {remedy}'
        self.blocks.append(values)

    def take_text(self, cells: list[str]) -> None:
        """A block of a column of text."""
        labels = self.labels
        codes = (labels.setdefault(cell.strip(), len(labels)) if cell.strip() else -1 for cell in cells)
        self.blocks.append(np.fromiter(codes, dtype=np.int32, count=len(cells)))

    def whole(self) -> Column:
        """The column, all blocks together."""
        values = np.concatenate(self.blocks)
        self.blocks = []
        return Text(values, tuple(self.labels)) if self.kind == "text" else Numbers(values)


def _plain(cells: list[str]) -> Array | None:
    """The cells as numbers, if there is nothing to look at more closely."""
    together = "".join(cells)
    if "_" in together or not together.isascii():
        return None
    try:
        return np.array(list(map(float, cells)))
    except ValueError:
        return None


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    # Python reads 1_000 and ١٢ as numbers; a table that says so is more likely text.
    return None if math.isnan(value) or "_" in cell or not cell.isascii() else value
