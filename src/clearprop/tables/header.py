"""The first line of a table: the names of its columns, or a row of data already."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from clearprop.errors import Fault
from clearprop.messages import abridged, counted
from clearprop.tables.cells import number, reading
from clearprop.tables.layout import filled_width, usual_width
from clearprop.tables.table import counts_rows


def named_rows(first: Sequence[str], rows: Sequence[Sequence[str]], line: str) -> bool:
    """Return whether the first line, ``line``, lacks a name for the names of rows, which R writes: numbers from 1 on,
    or words, in quotes as the names of columns are."""
    if len(rows) < 2 or {*map(len, rows)} != {len(first) + 1} or usual_width(rows) != len(first) + 1:
        return False
    names = [row[0] for row in rows]
    return counts_rows(names) or (
        line.startswith('"') and len({*names}) == len(names) and all(number(name) is None for name in names)
    )


def short_fault(first: Sequence[str], rows: Sequence[Sequence[str]]) -> Fault | None:
    """Return what is wrong with a first line of fewer cells than the rows below it: a title, or one without a name."""
    width, names = usual_width(rows), filled_width(first)
    if width <= (len(first) if names > 1 else max(names, 2 if len(first) > 1 else 1)):
        return None
    found = (
        f'expected the names of the columns, found {counted(names, "cell")} ("{abridged(", ".join(first[:names]))}")'
    )
    remedy = "if it is a title, delete it; if a column has no name, such as that of names of rows, add one"
    return Fault("first line", f"{found} above rows of {width}; {remedy}")


def header_fault(first: Sequence[str], rows: Sequence[Sequence[str]]) -> Fault | None:
    """Return what is wrong with a first line that looks like data, judged by the rows below it."""
    numbers = [value for cell in first if (value := number(cell)) is not None]
    rows = [row for row in rows if len(row) == len(first)]
    if numbers and len(numbers) == len(first):
        seen = f"found numbers: {abridged(', '.join(first))}"
    elif numbers and not _are_names(numbers, first, rows):
        seen = f"{len(numbers)} of its {len(first)} cells are numbers"
    elif not numbers and len(rows) > 1 and len(first) > 1 and all(_recurs(k, first, rows) for k in range(len(first))):
        seen = "each of its cells appears again further down its column"
    else:
        return None
    names = ", ".join(f'"column{k}"' for k in range(1, min(len(first), 9) + 1)) + (", …" if len(first) > 9 else "")
    looks = f"expected the names of the columns, {seen}" if len(numbers) == len(first) else f"looks like data: {seen}"
    remedy = f"name the columns in a line above it, or with names = [{names}] under [data] (--names)"
    return Fault("first line", f"{looks}; {remedy}")


def _are_names(numbers: Sequence[float], first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the numbers of a first line with words too may be names: years, counts, or evenly spaced."""
    places = [k for k, cell in enumerate(first) if number(cell) is not None]
    if rows and not any(reading(row[k].strip()) for row in rows for k in places):
        return True  # below them there is no number
    words = [k for k in range(len(first)) if k not in places and first[k].strip()]
    if len(rows) > 1 and words and all(_recurs(k, first, rows) for k in words):
        return False
    if len(numbers) == 1:
        return numbers[0].is_integer() and 1000 <= numbers[0] < 3000
    steps = {round(after - before, 9) for before, after in pairwise(numbers)}
    if len(numbers) == 2:
        return steps <= {1, -1}
    return len(steps) == 1 and steps != {0}


def _recurs(place: int, first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    return any(row[place].strip() == first[place] for row in rows)
