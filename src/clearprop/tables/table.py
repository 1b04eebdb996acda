"""A table: named columns of numbers or of text, all of one length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import Problem, UnfitTable, abridged

MAX_FAULTS = 10
Kind = Literal["numbers", "text"]


@dataclass(frozen=True)
class Numbers:
    """A column of numbers; NaN where a value is missing."""

    values: Array

    def __len__(self) -> int:
        return len(self.values)

    @property
    def missing(self) -> Array:
        """True where there is no value."""
        return np.isnan(self.values)


@dataclass(frozen=True)
class Text:
    """A column of text: ``codes`` are positions in ``labels``, -1 where a value is missing."""

    codes: Array
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def missing(self) -> Array:
        """True where there is no value."""
        return np.asarray(self.codes < 0)


Column = Numbers | Text


@dataclass(frozen=True)
class Table:
    """Columns by name; ``source`` is what messages call the table."""

    columns: Mapping[str, Column]
    source: str = "the table"

    def __len__(self) -> int:
        return max(map(len, self.columns.values()), default=0)


@dataclass(frozen=True)
class Wanted:
    """What to read of a table: ``choose`` picks columns from the header, ``kinds`` says of some what
    they must hold."""

    choose: Callable[[Sequence[str], str], Sequence[str]]
    kinds: Mapping[str, Kind]


def chosen(header: Sequence[str], source: str, *, needed: Iterable[str], others: bool) -> list[str]:
    """The needed columns, and all others too if they are asked for.

    Raises:
        UnfitTable: a needed column is missing, or a name stands twice.
    """
    needed = list(dict.fromkeys(needed))
    names = [*needed, *(name for name in header if name not in needed)] if others else needed
    problems = []
    for name in dict.fromkeys(names):
        count = list(header).count(name)
        if name == "" and count:
            place = f"column {list(header).index(name) + 1}"
            problems.append(Problem(place, "has no name; name it in the first line, or list the columns under inputs"))
        elif count > 1:
            problems.append(Problem(column(name), f"stands {count} times in the header; names are unique"))
        elif not count:
            problems.append(Problem(column(name), f"there is no such column; found {_few(header)}"))
    if problems:
        raise UnfitTable(problems[:MAX_FAULTS], source)
    return names


def column(name: str, row: int | None = None) -> str:
    """Where something is: a column, and the row in it, counted from 1."""
    return f'column "{abridged(name)}"' + ("" if row is None else f", row {row:,}")


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(abridged(name, 30) or '""' for name in names[:12])
    return shown + (f", … ({len(names)} in all)" if len(names) > 12 else "")
