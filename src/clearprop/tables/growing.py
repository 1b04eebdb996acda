"""A column as its cells come in, a block at a time: its kind, how its numbers are written, and what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clearprop.errors import Fault
from clearprop.messages import abridged
from clearprop.network.data import NA
from clearprop.tables.cells import IN_BOOKS, TRUTH, Reading, loses_digits, number, reading, truth
from clearprop.tables.storage import Storage, Stored
from clearprop.tables.table import Column, Numbers, Text, Wanted, column, notice
from clearprop.types import Array

AS_TEXT = "list the column under categorical (--categorical)"
NOT_A_NUMBER = f"correct {{them}}, leave {{them}} empty, or {AS_TEXT}"
A_MARK = f"correct them, add the word to na under [data] (--na) if it means no value, or {AS_TEXT}"
CORRECT = "correct {them}"
NEGATIVE = "if that is negative, write a minus sign in front of the number"
ASK = 'which may be {:g} or {:g}; say which with decimal = "." or decimal = "," under [data] (--decimal)'
DECIMAL_COMMA = (
    'if it is a decimal comma, set decimal = "," under [data] (--decimal ","); otherwise write thousands without it'
)
UNLIKE = "unlike the others in the column; write them all alike"

NOTHING = np.full(1, np.nan)
"""Stands for codes that all say that there is no value."""

Evidence = Callable[[], Collection[str]]
"""Returns the decimal signs, ``.`` and ``,``, that cells of the whole table have for certain."""


class Growing:
    """A column as it grows.

    Its kind is settled by the first block that has a value in it: numbers if at least half of its cells are.
    Until then it is kept as text. ``decimal`` is the sign before decimals, once a cell leaves no choice or one is
    assumed; ``unit`` the sign of a currency, or ``%``, that all its numbers have. ``says`` has one of its numbers
    that is not written as programs do, and how it was read; ``code`` one that may be no number but a code;
    ``absent`` counts the words read as no value.
    """

    def __init__(
        self, name: str, wanted: Wanted, *, commas: bool, evidence: Evidence = tuple, storage: Storage | None = None
    ) -> None:
        """``commas`` says whether numbers may have decimal commas although nobody said so."""
        self.name, self.kind = name, wanted.kinds.get(name)
        self.remedy = CORRECT if self.kind == "numbers" else NOT_A_NUMBER  # a kind that is fixed stays what it is
        self.asked, self.evidence = wanted.decimal, evidence
        self.commas = commas if wanted.decimal is None else wanted.decimal == ","
        self.na, self.folded = frozenset(wanted.na), frozenset(map(str.lower, wanted.na))
        self.decimal: str | None = None
        self.sure = False
        self.unit: str | None = None
        self.says = self.code = ""
        self.absent: Counter[str] = Counter()
        self.rows = 0
        self._storage = storage or Storage()
        self._held = self._storage.column(float if self.kind == "numbers" else np.int32)
        self._labels: dict[str, int] = {}
        self._wrong: dict[str, _Wrong] = {}

    @property
    def plain(self) -> bool:
        """Whether it holds numbers, and so far such as programs write them."""
        return self.kind == "numbers" and self.decimal != "," and not self.unit

    @property
    def usually_absent(self) -> list[str]:
        """The words among its categories that would mean no value, had nobody listed others that do."""
        return [word for word in self._labels if word in NA] if self.na - {*NA} else []

    def take(self, cells: Sequence[str]) -> None:
        """Add a block of cells."""
        cells = [cell.strip() for cell in cells]
        if self.kind is None:
            self._settle(cells)
        if self.kind == "numbers":
            self.look_for_codes(cells)
            self._take_numbers(cells)
        else:
            self._take_text(cells)
        self.rows += len(cells)

    def take_numbers(self, values: Array) -> None:
        """Add a block of plain numbers."""
        self._held.append(values)
        self.unit = ""
        self.rows += len(values)

    def look_for_codes(self, cells: Iterable[str]) -> None:
        """Remember a cell that may be a code."""
        self.code = self.code or next(filter(loses_digits, cells), "")

    def _settle(self, cells: list[str]) -> None:
        present = Counter(cell for cell in cells if cell.lower() not in self.folded)
        if not present:
            return
        numbers = sum(count for cell, count in present.items() if reading(cell) is not None)
        self.kind = "numbers" if 2 * numbers >= present.total() else "text"
        if self.kind == "numbers":
            self._held, self.absent = self._held.looked_up(NOTHING), Counter()

    def _take_text(self, cells: list[str]) -> None:
        labels, codes = self._labels, np.empty(len(cells), dtype=np.int32)
        for place, cell in enumerate(cells):
            if cell in self.na:
                codes[place] = -1
                self.absent[cell] += 1
            else:
                codes[place] = labels.setdefault(cell, len(labels))
        self._held.append(codes.astype(np.min_scalar_type(-len(labels) - 1)))

    def _take_numbers(self, cells: list[str]) -> None:
        values = self._quickly(cells)
        if values is None:
            found = {cell: self._reading(cell) for cell in dict.fromkeys(cells)}
            self._decide({cell: each for cell, each in found.items() if each is not None}, cells)
            values = np.array([self._value(cell, found[cell], row) for row, cell in enumerate(cells, 1)])
        self._held.append(values)

    def _quickly(self, cells: list[str]) -> Array | None:
        """Return the cells as numbers where no one of them needs a second look: the usual case."""
        if self.unit or (not self.sure and self.commas and self.decimal):
            return None
        cells = ["nan" if cell in self.na else cell for cell in cells]
        if self.decimal == ",":
            if any("." in cell for cell in cells):
                return None
            cells = [cell.replace(",", ".") for cell in cells]
        values = _plain(cells)
        if values is not None and not self.sure:
            # One number with a point that can be nothing else is enough.
            pointed = [cell for cell in cells if "." in cell]
            if pointed and not any(each.certain for cell in pointed if (each := reading(cell)) is not None):
                return None
            self.unit = self.unit if np.isnan(values).all() else ""
            if pointed:
                self.decimal, self.sure = ".", True
        return values

    def _reading(self, cell: str) -> Reading | None:
        if cell.lower() in self.folded:
            return None
        if self.plain and self.sure and (value := number(cell)) is not None:
            return Reading(value, None)
        return reading(cell)

    def _value(self, cell: str, found: Reading | None, row: int) -> float:
        if found is not None and found.unit == self.unit:
            value = found.comma if self.decimal == "," else found.point
            if value is not None:
                if not self.says and number(cell) != value:
                    self.says = f'"{abridged(" ".join(cell.split()), 40)}" as {value:.12g}'
                return value
        if cell.lower() not in self.folded:
            why = NEGATIVE if found is None and IN_BOOKS.fullmatch(cell) else self.remedy
            if found is not None:
                why = DECIMAL_COMMA if found.unit == self.unit and self.decimal != "," else UNLIKE
            self._fault(why, row, cell)
        return np.nan

    def _fault(self, why: str, row: int, cell: str) -> None:
        self._wrong.setdefault(why, _Wrong(self.rows + row, cell)).add(cell)

    def _decide(self, found: Mapping[str, Reading], block: list[str]) -> None:
        """Settle the unit and the decimal sign by the numbers of a block."""
        if self.unit is None and found:
            self.unit = Counter(each.unit for each in found.values()).most_common(1)[0][0]
        if self.sure:
            return
        certain = {each.certain for each in found.values()} - {""}
        opens = [cell for cell, each in found.items() if each.open]
        if certain:
            # Points in front of every three digits (1.234.567) are no decimal ones, whatever separates the cells.
            commas = self.commas or not any("," in cell for cell, each in found.items() if each.certain)
            self.decimal = self.decimal or ("," if certain == {","} and commas else ".")
            self.sure = True
        elif opens:
            self._assume(opens, found, block)

    def _assume(self, cells: list[str], found: Mapping[str, Reading], block: list[str]) -> None:
        """Settle the decimal sign where all numbers leave it open."""
        commas, points = (any(sign in cell for cell in cells) for sign in ",.")
        others = {self.asked} if self.asked else {*self.evidence()} if commas or self.commas else {"."}
        fits = (others == {"."} and not (commas and points)) or (others == {","} and self.commas and not points)
        self.sure = True
        if self.asked or fits:
            (self.decimal,) = others
        elif commas or others == {","}:
            cell = next(cell for cell in cells if not commas or "," in cell)
            self.decimal = "."
            self._fault(ASK.format(found[cell].point, found[cell].comma), block.index(cell) + 1, cell)
        else:
            self.decimal, self.sure = ".", False
            if not self.says:
                self.says = f'"{cells[0]}" as {found[cells[0]].point:g} (if it is thousands, set decimal = ",")'

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong, once for each reason."""
        for why, wrong in self._wrong.items():
            several, cell = wrong.count > 1, wrong.cell
            mark = why == NOT_A_NUMBER and several and wrong.alike
            remedy = A_MARK if mark else why.replace("{them}", "them" if several else "it")
            found = f'expected a number, found "{abridged(cell, 40)}"'
            found += f" (the first of {wrong.count:,} such cells)" if several else ""
            join = ", " if why.startswith(("which", "unlike")) else "; "
            yield Fault(column(self.name, wrong.row), found + join + remedy)

    def whole(self) -> Column:
        """Return the column, all blocks in one."""
        held = self._held.looked_up(NOTHING) if self.kind is None else self._held
        return as_text(held, self._labels) if self.kind == "text" else Numbers(held, self.unit or "")


@dataclass
class _Wrong:
    """Cells that are wrong for one reason: the first with its row, their number, and whether all are alike."""

    row: int
    cell: str
    count: int = 0
    alike: bool = True

    def add(self, cell: str) -> None:
        self.count += 1
        self.alike &= cell == self.cell


def say(columns: Iterable[Growing], source: str) -> None:
    """Give notice of numbers that were not written as programs do, and of words that were read as no value."""
    columns = list(columns)
    if read := [f"{abridged(each.name, 30)} ({each.says})" for each in columns if each.says]:
        notice(f"{source}: read as numbers: {', '.join(read)}")
    if codes := [f'{abridged(each.name, 30)} ("{abridged(each.code, 40)}")' for each in columns if each.code]:
        remedy = f"if they are codes, {AS_TEXT}, or leave it out"
        notice(f"{source}: read as numbers, although not all of their digits are kept: {', '.join(codes)}; {remedy}")
    if kept := [
        f"{abridged(each.name, 30)} ({quoted(each.usually_absent)})" for each in columns if each.usually_absent
    ]:
        notice(f"{source}: read as categories, since na under [data] (--na) lists other words: {', '.join(kept)}")
    words = {each.name: [word for word in each.absent if word] for each in columns if each.kind == "text"}
    if read := [f"{abridged(name, 30)} ({quoted(found)})" for name, found in words.items() if found]:
        notice(f"{source}: words read as missing: {', '.join(read)}; na under [data] (--na) lists such words")


def quoted(words: Iterable[str]) -> str:
    return ", ".join(f'"{abridged(word, 20)}"' for word in words)


def as_text(codes: Array | Stored, labels: Iterable[str]) -> Text:
    """Return a column of text; truth values are called ``False`` and ``True``, however they are written."""
    labels = tuple(labels)
    if not labels or any(label.lower() not in TRUTH for label in labels):
        return Text(codes, labels)
    names = tuple(dict.fromkeys(map(truth, labels)))
    table = np.array([*(names.index(truth(label)) for label in labels), -1], np.int32)
    return Text(codes.looked_up(table) if isinstance(codes, Stored) else table[codes], names)


def _plain(cells: list[str]) -> Array | None:
    """Return the cells as numbers, or None if one of them is not a plain number."""
    together = "".join(cells)
    if "_" in together or not together.isascii():
        return None
    try:
        return np.array(list(map(float, cells)))
    except ValueError:
        return None
