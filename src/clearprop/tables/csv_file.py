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

from clearprop.errors import Fault, UnfitTable, UnreadableFile
from clearprop.messages import abridged
from clearprop.tables.table import MAX_FAULTS, Column, Kind, Numbers, Table, Text, Wanted, column
from clearprop.types import Array

BLOCK = 8192
"""Rows that are turned into columns together, at most."""
CELLS = 2**19
"""Cells that are turned into columns together: a wide table has fewer rows in a block."""
DELIMITERS = ",;\t|"
MISSING = frozenset({"", "na", "n/a", "nan", "-nan", "null", "none", "?"})
"""Cells that mean a missing number, in upper or lower case; in a column of text only an empty cell does."""

COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")
"""A number as it is written in many languages, and in English with thousands."""
NOT_A_NUMBER = "correct it, leave it empty, or list the column under categorical"
DECIMAL_COMMA = "write decimals with a point and thousands without a comma"

ReadingProgress = Callable[[int, int], object]
"""Called with the number of bytes read so far, and of all."""


def read_csv(path: Path, wanted: Wanted, progress: ReadingProgress | None = None) -> Table:
    """Return the wanted columns of a CSV file; commas, semicolons, tabs or bars separate its cells."""
    source = abridged(str(path), 200)
    with path.open("rb") as file:
        lines, size = _Lines(file, source), path.stat().st_size
        reading = _Reading(lines, wanted, source)
        for block in reading.blocks():
            reading.take(block)
            if progress is not None:
                progress(lines.bytes, size)
    return reading.table()


class _Lines:
    """The lines of a file as text, counted in bytes."""

    def __init__(self, file: BinaryIO, source: str) -> None:
        self.file, self.source = file, source
        self.bytes = self.number = 0

    def __iter__(self) -> Iterator[str]:
        for line in self.file:
            self.number += 1
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise UnreadableFile(
                    f"{self.source}: not a text file in UTF-8: byte {self.bytes + error.start + 1:,}, "
                    f"line {self.number:,}, cannot be read; save the table as CSV in UTF-8"
                ) from None
            if "\0" in text:
                raise UnreadableFile(f"{self.source}: a binary file, expected CSV text; save the table as CSV")
            self.bytes += len(line)
            if self.number == 1:
                text = text.removeprefix("\ufeff")
            if "\r" in text[:-2]:
                # A carriage return alone ended the lines of old Macs; spreadsheets still offer it.
                yield from filter(None, re.split(r"(?<=\r)(?!\n)", text))
            else:
                yield text


class _Reading:
    """A CSV file being read: its columns so far, and its faults."""

    def __init__(self, lines: _Lines, wanted: Wanted, source: str) -> None:
        self.lines, self.source = iter(lines), source
        self.faults: list[Fault] = []
        self.more = self.rows = 0
        first = next(filter(str.strip, self.lines), None)
        if first is None:
            raise UnreadableFile(f"{source}: the file is empty; expected a line of column names and rows below it")
        unquoted = re.sub(r'"[^"]*"', "", first)
        self.delimiter = max(DELIMITERS, key=unquoted.count)
        self.header: list[str] = []
        self.header = [name.strip() for name in self._next(self._reader(chain([first], self.lines)), 1)[0]]
        if all(_number(name) is not None for name in self.header):
            found = f"expected the names of the columns, found numbers: {abridged(first.strip())}"
            raise UnfitTable([Fault("first line", found)], source)
        places = {name: place for place, name in enumerate(self.header)}
        self.places = {name: places[name] for name in wanted.choose(self.header, source)}
        self.columns = {name: _Column(wanted.kinds.get(name)) for name in self.places}
        self.block = max(1, min(BLOCK, CELLS // len(self.header)))

    def _reader(self, lines: Iterator[str] | Sequence[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True, strict=True)

    def _next(self, cells: Iterator[list[str]], count: int) -> list[list[str]]:
        rows = []
        try:
            for row in islice(cells, count):
                rows.append(row)
        except csv.Error as error:
            number = self.rows + len(self._filled(rows)) + 1
            said = str(error).replace("\t", "\\t")
            place = f"row {number:,}" if self.header else "first line"
            fault = Fault(place, f"{said}; look for a quote that is not closed")
            raise UnfitTable([fault, *self.faults], self.source, self.more) from None
        return rows

    def _filled(self, rows: list[list[str]]) -> list[list[str]]:
        """Return the rows that are not blank lines."""
        several = len(self.header) > 1
        return [row for row in rows if row and not (several and len(row) == 1 and not row[0].strip())]

    def blocks(self) -> Iterator[list[str] | list[list[str]]]:
        """Yield blocks of rows: as plain lines while no cell is in quotes, as lists of cells from there on."""
        while lines := list(islice(self.lines, self.block)):
            if any('"' in line for line in lines):
                cells = self._reader(chain(lines, self.lines))
                while rows := self._next(cells, self.block):
                    yield rows
                return
            yield lines

    def take(self, block: Any) -> None:
        """Add one block to the columns."""
        if isinstance(block[0], str):
            if self._take_plain(block):
                self.rows += len(block)
                return
            block = self._next(self._reader(block), len(block))
        rows = self._filled(block)
        wrong = {len(row) for row in rows} - {len(self.header)}
        if wrong:
            expected = f"expected {len(self.header)} cells, as in the first line"
            for number, row in enumerate(rows, self.rows + 1):
                if len(row) in wrong:
                    self._fault(f"row {number:,}", f"{expected}, found {len(row)}")
            rows = [row if len(row) == len(self.header) else [""] * len(self.header) for row in rows]
        for name, place in self.places.items():
            for number, fault in self.columns[name].take([row[place] for row in rows]):
                self._fault(column(name, self.rows + number), fault)
        self.rows += len(rows)

    def _take_plain(self, lines: list[str]) -> bool:
        """Take lines whose columns of numbers hold finite numbers only: the usual case, read by NumPy."""
        fields = len(self.header) - 1
        numeric = {name: each for name, each in self.columns.items() if each.kind == "numbers"}
        if not numeric or any(each.kind is None for each in self.columns.values()):
            return False
        if any(line.count(self.delimiter) != fields for line in lines) or not (fields or all(map(str.strip, lines))):
            return False
        places = [self.places[name] for name in numeric]
        try:
            numbers = np.loadtxt(lines, delimiter=self.delimiter, comments=None, usecols=places, ndmin=2)
        except ValueError:
            return False
        if len(numbers) != len(lines) or not np.isfinite(numbers).all():
            return False
        for each, values in zip(numeric.values(), numbers.T, strict=True):
            each.blocks.append(values.copy())
        if len(numeric) < len(self.columns):
            rows = [line.rstrip("\r\n").split(self.delimiter) for line in lines]
            for name in self.columns.keys() - numeric.keys():
                self.columns[name].take_text([row[self.places[name]] for row in rows])
        return True

    def _fault(self, where: str, message: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(where, message))
        else:
            self.more += 1

    def table(self) -> Table:
        """Return the whole table, or raise everything that is wrong with it."""
        if not self.faults and not self.rows:
            self.faults.append(Fault("", "there are no rows below the first line"))
        if self.faults:
            raise UnfitTable(self.faults, self.source, self.more)
        return Table({name: column.whole() for name, column in self.columns.items()}, self.source)


class _Column:
    """A column as it grows. Its kind is settled by the first block that has a value in it; until
    then it is kept as text, in which "none" may be a value."""

    def __init__(self, kind: Kind | None) -> None:
        self.kind = kind
        self.blocks: list[Array] = []
        self.labels: dict[str, int] = {}

    def take(self, cells: list[str]) -> Iterator[tuple[int, str]]:
        """Add a block of cells; yield each fault with its row in the block."""
        if self.kind is None:
            self._settle([cell.strip() for cell in cells])
        if self.kind != "numbers":
            self.take_text(cells)
            return
        if (values := _plain(cells)) is None:
            values = np.array([_number(cell) for cell in cells], dtype=float)
            for row in np.flatnonzero(np.isnan(values)):
                cell = cells[row].strip()
                if cell.lower() not in MISSING:
                    remedy = DECIMAL_COMMA if COMMA.fullmatch(cell) else NOT_A_NUMBER
                    yield int(row) + 1, f'expected a number, found "{abridged(cell, 40)}"; {remedy}'
        self.blocks.append(values)

    def _settle(self, cells: list[str]) -> None:
        present = [cell for cell in cells if cell.lower() not in MISSING]
        if not present:
            return
        numbers = sum(_number(cell) is not None or COMMA.fullmatch(cell) is not None for cell in present)
        self.kind = "numbers" if 2 * numbers >= len(present) else "text"
        if self.kind == "numbers":
            self.blocks = [np.full(len(block), np.nan) for block in self.blocks]

    def take_text(self, cells: list[str]) -> None:
        """Add a block of cells as text."""
        labels = self.labels
        codes = (labels.setdefault(cell.strip(), len(labels)) if cell.strip() else -1 for cell in cells)
        self.blocks.append(np.fromiter(codes, dtype=np.int32, count=len(cells)))

    def whole(self) -> Column:
        """Return the column, all blocks in one."""
        if self.kind is None:
            self.blocks = [np.full(len(block), np.nan) for block in self.blocks]
        values = np.concatenate(self.blocks)
        self.blocks = []
        return Text(values, tuple(self.labels)) if self.kind == "text" else Numbers(values)


def _plain(cells: list[str]) -> Array | None:
    """Return the cells as numbers, or None if one of them is not a plain number."""
    together = "".join(cells)
    if "_" in together or not together.isascii():
        return None
    try:
        return np.array(list(map(float, cells)))
    except ValueError:
        return None


def _number(cell: str) -> float | None:
    cell = cell.strip()
    try:
        value = float(cell)
    except ValueError:
        return None
    # Python reads 1_000 and ١٢ as numbers; a table that says so is more likely text.
    return None if math.isnan(value) or "_" in cell or not cell.isascii() else value
