"""A table: named columns of numbers or of text, all of one length."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from clearprop.errors import Fault, InvalidArgument, Notice, UnfitTable, UnknownName
from clearprop.messages import abridged, meant
from clearprop.network.data import NA, shown_label
from clearprop.tables.cells import number
from clearprop.tables.storage import Stored
from clearprop.types import Array


class TableNotice(Notice):
    """Says how a table was read where that had to be assumed, or may not be what was meant."""


def notice(message: str) -> None:
    """Warn of how a table was read."""
    warnings.warn(message, TableNotice, stacklevel=2)


MAX_FAULTS = 10
ROW_NAMES = 5
"""Rows from which on words that are all different are taken for names."""
UNNAMED = re.compile(r"Unnamed: [0-9]+")
"""The name that pandas gives to a column without one."""
TWICE = "is in the header {} times; names must be unique"
Kind = Literal["numbers", "text"]


@dataclass(frozen=True)
class Numbers:
    """A column of numbers; NaN where a value is missing. ``unit`` is the sign that all of them were written with.

    They are ``held`` in whichever precision they came.
    """

    held: Array | Stored
    unit: str = ""

    def __len__(self) -> int:
        return len(self.held)

    @property
    def values(self) -> Array:
        return np.asarray(self.held, float)

    @property
    def missing(self) -> Array:
        return np.isnan(self.values)


@dataclass(frozen=True)
class Text:
    """A column of text: ``codes`` are positions in ``labels``, -1 where a value is missing."""

    held: Array | Stored
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.held)

    @property
    def codes(self) -> Array:
        return np.asarray(self.held)

    @property
    def missing(self) -> Array:
        return np.asarray(self.codes < 0)


Column = Numbers | Text


@dataclass(frozen=True)
class Table:
    """Columns by name; ``source`` is what messages call the table. Those in ``numbered`` came without a name."""

    columns: Mapping[str, Column]
    source: str = "the table"
    numbered: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return max(map(len, self.columns.values()), default=0)


@dataclass(frozen=True)
class Wanted:
    """The columns to read of a table: ``choose`` picks them from the header, ``kinds`` fixes the kind of some.

    ``others`` says that columns which nobody named are read too. ``na``, ``decimal`` and ``names`` say how the
    table is written, as in ``Data``.
    """

    choose: Callable[[Sequence[str], str], Sequence[str]]
    kinds: Mapping[str, Kind]
    others: bool = False
    na: tuple[str, ...] = NA
    decimal: str | None = None
    names: tuple[str, ...] | None = None


def chosen(
    header: Sequence[str], source: str, *, needed: Iterable[str], others: bool, named: Collection[str] = ()
) -> list[str]:
    """Return the needed columns, and all ``others`` that have a name too if those are wanted."""
    names = list(dict.fromkeys([*needed, *filter(None, header)] if others else needed))
    counts = Counter(header)
    problems = []
    for name in names:
        if name in named and not counts[name]:
            if len(header) == 1 and name in header[0]:
                only = f'unknown column "{abridged(name)}"; found one column only, "{abridged(header[0])}"'
                raise InvalidArgument(f"{source}: {only}: separate cells by commas, semicolons, tabs, bars or spaces")
            raise UnknownName("column", name, header, source)
        if counts[name] > 1:
            problems.append(Fault(column(name), TWICE.format(counts[name])))
        elif not counts[name]:
            hint = meant(name, header)
            found = f"there is no such column; found {few(header)}" + (f"; {hint}" if hint else "")
            problems.append(Fault(column(name), found))
    if problems:
        raise UnfitTable(problems, source)
    return names


def label(value: Any) -> str:
    """Return the name of a value as a class or a category.

    >>> label(True), label(3.0), label(" setosa ")
    ('True', '3', 'setosa')
    """
    if isinstance(value, str):
        return value.strip()
    return str(bool(value)) if isinstance(value, (bool, np.bool_)) else shown_label(value)


def unnamed_fault(place: int, values: Sequence[Any]) -> Fault:
    """Return what is wrong with a column that has values but no name, counted from 0 in the header."""
    remedy = 'name it in the first line, list the columns under inputs, or set exclude = [""]'
    words = {str(value) for value in values}
    if len(words) == len(values) >= ROW_NAMES and all(number(word) is None for word in words):
        is_ = (
            f"has no name and a different word in each row: probably row names, as R writes them ({few(values[:2])}, …)"
        )
        return Fault(f"column {place + 1:,}", f'{is_}; leave it out with exclude = [""], or --exclude ""')
    index = 'leave it out with exclude = [""], or --exclude "", or write the table without it'
    if counts_rows(values):
        is_ = f"has no name and counts the rows ({values[0]}, {values[1]}, …): probably the index of a data frame"
        return Fault(f"column {place + 1:,}", f"{is_}; {index}")
    if numbers_rows(values):
        is_ = f"has no name and a different whole number in each row ({values[0]}, {values[1]}, …)"
        return Fault(f"column {place + 1:,}", f"{is_}: probably the index of a data frame; {index}")
    return Fault(f"column {place + 1:,}", f"has no name; {remedy}")


def counts_rows(values: Sequence[Any] | Array) -> bool:
    """Return whether a column counts the rows, from 0 or 1."""
    try:
        found = np.asarray(values, dtype=float)
    except ValueError:
        return False
    return len(found) > 1 and found[0] in (0, 1) and bool((np.diff(found) == 1).all())


def numbers_rows(values: Sequence[Any] | Array) -> bool:
    """Return whether a column has a different whole number in each row, as an index in any order has."""
    try:
        found = np.asarray(values, dtype=float)
    except ValueError:
        return False
    whole = np.isfinite(found).all() and (found >= 0).all() and (found % 1 == 0).all()
    return len(found) > 1 and bool(whole) and len(np.unique(found)) == len(found)


def column(name: str, row: int | None = None) -> str:
    """Return a place for a message: a column, and the row in it, counted from 1."""
    return f'column "{abridged(name)}"' + ("" if row is None else f", row {row:,}")


def few(names: Sequence[str]) -> str:
    """Return the first dozen names, for a message."""
    shown = ", ".join(abridged(name, 30) or '""' for name in names[:12])
    return shown + (f", … ({len(names)} in all)" if len(names) > 12 else "")


def first(wrong: Array, rows: Array | None = None) -> int | None:
    """Return the first wrong row, of all or of ``rows``."""
    found = np.flatnonzero(wrong) if rows is None else rows[wrong[rows]]
    return int(found[0]) if found.size else None


def not_finite(name: str, values: Array, rows: Array | None = None, *, missing: bool = True) -> Iterator[Fault]:
    """Yield a fault for the first value, in all rows or in ``rows``, that is infinite or, if that counts, missing."""
    row = first(~np.isfinite(values) if missing else np.isinf(values), rows)
    if row is not None:
        found = "no value" if np.isnan(values[row]) else "infinity"
        yield Fault(column(name, row + 1), f"expected a finite number, found {found}")
