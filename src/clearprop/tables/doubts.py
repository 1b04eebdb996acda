"""Columns that may not be what was meant: dates as categories, text of its own in every row, numbers of rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np

from clearprop.messages import abridged, brief, counted
from clearprop.tables.cells import moments, number_otherwise
from clearprop.tables.table import Numbers, Table, Text, column, counts_rows, notice, numbers_rows
from clearprop.types import Array

UNIQUE = 0.8
"""The share of rows with a text found in no other row from which on a column has no categories."""
FEWEST = 5
"""Rows from which on that says something."""

MARKS = (-99.0, -999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0)
IDENTIFIER = re.compile(r"(?:^|[^a-z])(?:id|uid|uuid|key|nr|no)(?:$|[^a-z])|(?-i:[a-z]I[dD]$)", re.IGNORECASE)
"""Usual names of columns of identifiers."""
FIRST_DAY, LAST_DAY = 1900_01_01, 2099_12_31
"""Between these a whole number may be a day."""

INDEX = re.compile(
    r"(?:^|[^a-z])(?:id|index|idx|row|rows|rownames|nr|no|key|record|case|sample|obs)(?:$|[^a-z])|(?-i:[a-z]I[dD]$)",
    re.IGNORECASE,
)
"""Usual names of columns that count the rows."""


def doubts(table: Table, inputs: Iterable[str], rows: Array) -> None:
    """Give notice of inputs that are probably not to be learnt from as they are."""
    for name in inputs:
        given = table.columns[name]
        for found in _of_text(given, rows) if isinstance(given, Text) else _of_numbers(name, given):
            notice(f"{table.source}: {column(name)} {found}")


def _of_text(given: Text, rows: Array) -> Iterator[str]:
    codes = given.codes[rows]
    present, several = int((codes >= 0).sum()), len(np.unique(codes[codes >= 0]))
    kind = moments(given.labels)
    number = number_otherwise(given.labels)
    if not (kind or number) and (present < FEWEST or several < UNIQUE * present):
        return
    categories = "1 category" if several == 1 else f"{several:,} categories"
    seen = f"{categories} in {counted(present, 'row')}"
    if kind:
        yield f"looks like {kind}, and is read as text: {seen}; turn it into numbers, or leave it out with exclude"
    elif number:
        looks = f'looks like numbers in another form ("{abridged(number, 20)}")'
        yield f"{looks}, and is read as text: {seen}; write plain numbers, such as 1234.5"
    else:
        yield f"has {seen}, too many to learn from; leave it out with exclude"


def _of_numbers(name: str, given: Numbers) -> Iterator[str]:
    if len(given) >= FEWEST and INDEX.search(name) and counts_rows(given.values):
        yield "counts the rows; leave it out with exclude unless that is to be learnt from"
    elif len(given) >= FEWEST and IDENTIFIER.search(name) and numbers_rows(given.values):
        yield "has a different whole number in each row, as identifiers do; leave it out with exclude"
    elif (mark := _mark(given.values)) is not None:
        found = f"has {brief(mark)} in several rows, far from all other values"
        yield f"{found}; if it means no value, add it to na under [data] (--na)"
    elif len(given) >= FEWEST and _are_days(given.values):
        shown = f"{given.values[np.isfinite(given.values)][0]:.0f}"
        yield f"looks like dates written as numbers ({shown}): turn them into days since the first"


def _mark(values: Array) -> float | None:
    """Return a number that probably means a missing value: one of ``MARKS`` that is there more than once, farther
    from all others than these are from one another."""
    there = values[np.isfinite(values)]
    for mark in MARKS:
        others = there[there != mark]
        if len(there) - len(others) < 2 or len(others) < FEWEST:
            continue
        if np.abs(others - mark).min() > 2 * float(np.ptp(others)):
            return mark
    return None


def _are_days(values: Array) -> bool:
    """Return whether all numbers are days, written 20240131."""
    there = values[np.isfinite(values)]
    if not there.size or (there % 1).any() or there.min() < FIRST_DAY or there.max() > LAST_DAY:
        return False
    months, days = there // 100 % 100, there % 100
    return bool(((months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)).all())
