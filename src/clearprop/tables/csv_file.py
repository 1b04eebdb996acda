"""CSV: text to columns, a block of rows at a time.

The first line names the columns. A row of which every cell is empty is no row, and a column without a name is
one only where it has values. Columns lie where ``storage`` puts them.
"""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator
from io import SEEK_END, BytesIO, TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from clearprop.errors import Fault, UnfitTable, UnreadableFile
from clearprop.messages import abridged, counted
from clearprop.tables.cells import LONG, reading
from clearprop.tables.foreign import foreign
from clearprop.tables.growing import Growing, say
from clearprop.tables.header import header_fault, named_rows, short_fault
from clearprop.tables.layout import SPACE, comments, delimiter, quote, without_runs
from clearprop.tables.storage import Storage
from clearprop.tables.table import Table, Wanted, notice, unnamed_fault

BLOCK = 8192
"""Rows that are turned into columns together, at most."""
CELLS = 2**19
"""Cells that are turned into columns together: a wide table has fewer rows in a block."""
BLANK = ' \t\r\n,;|"'
"""The characters of a line without any value."""
HEAD = 4096
"""Bytes that are looked at to tell what a file is."""
AHEAD = 100
"""Lines that are looked at to tell how a table is written."""
EVIDENCE = 1000
"""Rows whose numbers say which decimal sign the table has."""

ReadingProgress = Callable[[int, int], object]
"""Called with the number of bytes read so far, and of all."""


def read_csv(path: Path, wanted: Wanted, progress: ReadingProgress | None = None) -> Table:
    """Return the wanted columns of a CSV file; commas, semicolons, tabs, bars or spaces separate its cells."""
    source = abridged(str(path), 200)
    with path.open("rb") as opened:
        file = opened if opened.seekable() else BytesIO(opened.read())
        if (known := foreign(file.read(HEAD))) is not None:
            raise UnreadableFile(f"{source}: {known.what}, not a table in CSV; {known.remedy}")
        lines, size = _Lines(file, source), file.seek(0, SEEK_END)
        file.seek(0)
        return _read(lines, wanted, None if progress is None else lambda: progress(lines.bytes, size))


def read_text(text: str, wanted: Wanted, source: str) -> Table:
    """Return the wanted columns of text in CSV."""
    return _read(_Lines(BytesIO(text.encode()), source), wanted)


def _read(lines: _Lines, wanted: Wanted, progress: Callable[[], object] | None = None) -> Table:
    table = _Reading(lines, wanted, lines.source)
    for block in table.blocks():
        table.take(block)
        if progress is not None:
            progress()
    return table.whole()


class _Lines:
    """The lines of a file as text, counted in bytes."""

    def __init__(self, file: BinaryIO, source: str) -> None:
        self.file, self.source = file, source
        self.bytes = self.number = 0

    def __iter__(self) -> Iterator[str]:
        mark = self.file.read(2)
        self.file.seek(0)
        yield from self._utf_16() if mark in (BOM_UTF16_LE, BOM_UTF16_BE) else self._utf_8()

    def _utf_16(self) -> Iterator[str]:
        """Yield the lines of what spreadsheets call Unicode text."""
        text = TextIOWrapper(self.file, "utf-16", newline="")
        try:
            for line in text:
                self.bytes = self.file.tell()
                yield line
        except UnicodeError:
            raise UnreadableFile(f"{self.source}: incomplete text in UTF-16; save the table as CSV in UTF-8") from None
        finally:
            text.detach()

    def _utf_8(self) -> Iterator[str]:
        for line in self.file:
            self.number += 1
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                place = f"byte {self.bytes + error.start + 1:,}, line {self.number:,}, cannot be read"
                raise UnreadableFile(f"{self.source}: not a text file in UTF-8: {place}{_guess(line)}") from None
            if "\0" in text:
                what = (
                    "text in UTF-16 without a byte-order mark"
                    if line[1::2].count(0) * 3 > len(line)
                    else "a binary file"
                )
                raise UnreadableFile(f"{self.source}: {what}, expected CSV text; save the table as CSV in UTF-8")
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
        self.lines, self.source, self.wanted = iter(lines), source, wanted
        self.faults: list[Fault] = []
        self.rows = 0
        self.misfits: dict[int, tuple[int, int, str]] = {}
        self.sample: list[list[str]] = []
        self.header: list[str] = []
        self.row_names = False
        self.columns: dict[str, Growing] = {}
        self.unnamed: dict[int, list[str]] = {}
        self._read_header()
        named = [name for name in self.header if name]
        if wanted.others and not self.row_names:  # one without a name is a column only where it has values
            self.unnamed = {place: [] for place, name in enumerate(self.header) if not name}
        places = {name: place for place, name in enumerate(self.header)}
        self.places = {name: places[name] for name in wanted.choose(named, source)}
        commas, storage = self.delimiter in ";\t ", Storage()
        self.columns = {
            name: Growing(name, wanted, commas=commas, evidence=self._evidence, storage=storage) for name in self.places
        }
        self.block = max(1, min(BLOCK, CELLS // len(self.header)))

    def _read_header(self) -> None:
        """Find the separator and the names of the columns; rows are left in ``lines``."""
        ahead = [next((line for line in self.lines if line.strip(BLANK)), "")]
        if hint := re.fullmatch(r'"?sep=(.)"?\s*', ahead[0]):
            ahead = [next((line for line in self.lines if line.strip(BLANK)), "")]
        if not ahead[0]:
            raise UnreadableFile(f"{self.source}: the file is empty; expected a line of column names and rows below it")
        ahead += islice(self.lines, AHEAD)
        ahead = self._laid_out(ahead, hint[1] if hint else "")
        cells = self._reader(chain(ahead, self.lines))
        first = [name.strip() for name in self._next(cells, 1)[0]]
        used = cells.line_num
        below = self._below(ahead[used:])
        names = self.wanted.names
        if names is None or {*first} <= {*names}:
            if named_rows(first, below, ahead[0]):
                notice(f"{self.source}: the first column is left out: it has no name in the first line, as R writes "
                       "names of rows")  # fmt: skip
                first, self.row_names = ["", *first], True
            elif fault := short_fault(first, below) or header_fault(first, below):
                raise UnfitTable([fault], self.source)
            self.header = first
        elif len(first) != len(names):
            each = f"{counted(len(names), 'cell')}, one for each of names under [data] (--names)"
            raise UnfitTable([Fault("first line", f"expected {each}, found {len(first)}")], self.source)
        else:
            self.header, used = list(names), 0
        self.lines = chain(ahead[used:], self.lines)

    def _laid_out(self, ahead: list[str], sign: str) -> list[str]:
        """Find the separator, unless it is given; return the lines without comments above the table."""
        self.delimiter = sign or delimiter([line for line in ahead if not line.lstrip().startswith("#")] or ahead)
        if self.delimiter == SPACE:
            ahead, self.lines = list(map(without_runs, ahead)), map(without_runs, self.lines)
        self.quote = quote([line for line in ahead if line.strip()], self.delimiter)
        several, first = comments(ahead, lambda line: next(self._reader([line]), []))
        if several:
            begin = "line that begins with # is" if several == 1 else "lines that begin with # are"
            notice(f"{self.source}: {several} {begin} left out")
            ahead = ahead[several:]
        return [first, *ahead[1:]]

    def _below(self, lines: list[str]) -> list[list[str]]:
        """Return the rows of the lines that were read ahead."""
        rows = []
        try:
            for row in self._reader(lines):
                rows.append(row)
        except csv.Error:  # a row goes on below them, or reading it will say what is wrong
            pass
        return rows

    def _evidence(self) -> set[str]:
        """Return the decimal signs, point or comma, that numbers of the table have for certain."""
        found = set()
        for place in range(len(self.header)):
            cells = {row[place].strip() for row in self.sample if len(row) == len(self.header)}
            readings = [each for cell in cells if (each := reading(cell)) is not None]
            if 2 * len(readings) >= len(cells):
                found |= {each.certain for each in readings}
        return found - {""}

    def _reader(self, lines: Iterable[str]) -> Any:
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, skipinitialspace=True, strict=True)

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
            raise UnfitTable([fault, *self._all_faults()], self.source) from None
        return rows

    def _filled(self, rows: list[list[str]]) -> list[list[str]]:
        """Return the rows that are neither blank lines nor rows of empty cells."""
        several = len(self.header) > 1
        return [row for row in rows if row and (not several or any(cell and not cell.isspace() for cell in row))]

    def blocks(self) -> Iterator[list[str] | list[list[str]]]:
        """Yield blocks of rows: as plain lines while no cell is in quotes, as lists of cells from there on."""
        while lines := list(islice(self.lines, self.block)):
            if any(self.quote in line for line in lines):
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
        width = len(self.header)
        if any(len(row) != width for row in rows):
            rows = [self._fitted(row, number) for number, row in enumerate(rows, self.rows + 1)]
        self.sample = self.sample or rows[:EVIDENCE]
        for name, place in self.places.items():
            self.columns[name].take([row[place] for row in rows])
        for place in self.unnamed:
            self.unnamed[place] += [row[place] for row in rows if row[place].strip()][:EVIDENCE]
        self.rows += len(rows)

    def _fitted(self, row: list[str], number: int) -> list[str]:
        """Return a row with as many cells as the header; empty cells too many at its end are left out."""
        width = len(self.header)
        if len(row) < width or any(map(str.strip, row[width:])):
            first, count, text = self.misfits.get(len(row), (number, 0, row[0]))
            self.misfits[len(row)] = first, count + 1, text
            return [""] * width
        return row[:width]

    def _take_plain(self, lines: list[str]) -> bool:
        """Take lines whose columns of numbers hold finite numbers only: the usual case, read by NumPy."""
        fields = len(self.header) - 1
        numeric = {name: each for name, each in self.columns.items() if each.kind == "numbers"}
        if not numeric or self.unnamed or any(each.kind is None for each in self.columns.values()):
            return False
        if not all(each.plain for each in numeric.values()):
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
            if not each.sure and self.delimiter in ";\t " and (values % 1).any():
                return False
        for each, values in zip(numeric.values(), numbers.T, strict=True):
            each.take_numbers(values.copy())
        whole = (numbers % 1 == 0).all(axis=0)
        coded = [name for (name, each), found in zip(numeric.items(), whole, strict=True) if found and not each.code]
        if coded and np.abs(numbers).max() < LONG and not _zeros_in_front(lines, self.delimiter):
            coded = []
        texts = self.columns.keys() - numeric.keys()
        if coded or texts:
            rows = [line.rstrip("\r\n").split(self.delimiter) for line in lines]
            for name in texts:
                self.columns[name].take([row[self.places[name]] for row in rows])
            for name in coded:
                self.columns[name].look_for_codes(row[self.places[name]].strip() for row in rows)
        return True

    def _all_faults(self) -> Iterator[Fault]:
        width = len(self.header)
        for found, (row, count, text) in sorted(self.misfits.items(), key=lambda each: each[1]):
            shown = f' ("{abridged(text, 40)}")' if found == 1 else ""
            several = f" (the first of {count:,} such rows)" if count > 1 else ""
            expected = f"expected {counted(width, 'cell')}, as in the first line, found {found}{shown}{several}"
            yield Fault(f"row {row:,}", expected)
        for each in self.columns.values():
            yield from each.faults()
        for place, cells in self.unnamed.items():
            if cells:
                yield unnamed_fault(place, cells)

    def whole(self) -> Table:
        """Return the whole table, or raise everything that is wrong with it."""
        faults = list(self._all_faults())
        if not faults and not self.rows:
            faults.append(Fault("", "there are no rows below the first line"))
        if faults:
            raise UnfitTable(faults, self.source)
        table = Table({name: column.whole() for name, column in self.columns.items()}, self.source)
        say(self.columns.values(), self.source)
        return table


def _zeros_in_front(lines: list[str], delimiter: str) -> bool:
    """Return whether a cell begins with a zero and another digit."""
    signs = np.frombuffer(("\n" + "".join(lines) + "\n").encode(), dtype=np.uint8)
    zeros = np.flatnonzero(signs == ord("0"))
    before, after = signs[zeros - 1], signs[zeros + 1]
    begins = (before == ord(delimiter)) | (before == ord(" ")) | (before == ord("\n"))
    return bool((begins & (after >= ord("0")) & (after <= ord("9"))).any())


def _guess(line: bytes) -> str:
    """Return what a line that is not in UTF-8 would say in the encoding of most spreadsheets, and what to do."""
    strange = re.search(rb"[\w \x80-\xff]*[\x80-\xff][\w \x80-\xff]*", line.removeprefix(BOM_UTF8))
    try:
        shown = strange[0].decode("cp1252").strip() if strange else ""
    except UnicodeDecodeError:
        shown = ""
    if not shown or not all(each.isprintable() for each in shown):
        return "; save the table as CSV in UTF-8"
    return (
        f'; it is probably in Windows-1252 or Latin-1, if "{abridged(shown, 40)}" is right; save it as "CSV UTF-8", or '
        "convert it: iconv -f WINDOWS-1252 -t UTF-8"
    )
