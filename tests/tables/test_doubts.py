"""Notices of columns that are probably not to be learnt from as they are."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from clearprop.tables.doubts import doubts
from clearprop.tables.table import Column, Numbers, Table, TableNotice, Text


def said(**columns: Column) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TableNotice)
        doubts(Table(columns, "t.csv"), columns, np.arange(min(map(len, columns.values()))))
    return [str(each.message) for each in caught]


def text(*labels: str) -> Text:
    names = tuple(dict.fromkeys(labels))
    return Text(np.array([names.index(label) for label in labels]), names)


def test_dates_and_text_of_its_own_in_nearly_every_row() -> None:
    assert said(day=text("2016-02-28", "2016-02-28"), clock=text("20:12", "20:13"), kind=text("a", "b")) == [
        't.csv: column "day" looks like dates, and is read as text: 1 category in 2 rows; turn it into numbers, or '
        "leave it out with exclude",
        't.csv: column "clock" looks like times, and is read as text: 2 categories in 2 rows; turn it into numbers, or '
        "leave it out with exclude",
    ]
    assert said(name=text(*"abcdef")) == [
        't.csv: column "name" has 6 categories in 6 rows, too many to learn from; leave it out with exclude'
    ]
    assert said(name=text(*"abcdaa")) == []


def test_days_written_as_numbers() -> None:
    days = np.array([20240131, 20240201, 20240229, np.nan, 20240301, 20241231])
    assert said(day=Numbers(days), price=Numbers(days + 31), year=Numbers(days // 10_000)) == [
        't.csv: column "day" looks like dates written as numbers (20240131): turn them into days since the first'
    ]


@pytest.mark.parametrize("first", [0, 1])
def test_columns_that_count_the_rows(first: int) -> None:
    counting = Numbers(np.arange(6.0) + first)
    for name in ("id", "PassengerId", "row_nr", "Index"):
        assert said(**{name: counting}) == [
            f't.csv: column "{name}" counts the rows; leave it out with exclude unless that is to be learnt from'
        ]
    assert said(time=counting, humid=counting) == []


def test_identifiers_and_marks_of_missing_values() -> None:
    identifiers = Numbers(np.array([3031.0, 17, 2, 5, 94, 6]))
    for name in ("id", "customer_id", "userId"):
        assert said(**{name: identifiers}) == [
            f't.csv: column "{name}" has a different whole number in each row, as identifiers do; leave it out '
            "with exclude"
        ]
    assert said(size=identifiers, id=Numbers(np.array([1.0, 1, 2, 2, 3, 3]))) == []
    marked = np.array([0.5, -99, 1.5, 2, 2.5, -99, 1])
    assert said(size=Numbers(marked)) == [
        't.csv: column "size" has -99 in several rows, far from all other values; if it means no value, add it to '
        "na under [data] (--na)"
    ]
    # Once, or among numbers like it, it is a number.
    assert said(size=Numbers(marked[:-2]), cold=Numbers(np.array([-99.0, -99, -80, -60, -40, -30, -20]))) == []


@pytest.mark.parametrize(
    "labels",
    [
        ("5 kg", "7.5 kg"), ("ca. 3", "ca. 4"), ("<0.1", "<5"), ("(5)", "(6)"), ("3*", "4*"), ("0x1F", "0x2A"),
        ("1.5D+03", "2.5D+03"), ("1_000", "2_000"), ("12 km/h", "7 km/h"), ("5 m²", "6 m²"), ("#1", "#2"),
        ("1/2", "3/4"), ("'5", "'6"),
    ],
)  # fmt: skip
def test_numbers_that_are_read_as_text(labels: tuple[str, ...]) -> None:
    assert said(size=text(*labels)) == [
        f't.csv: column "size" looks like numbers in another form ("{labels[0]}"), and is read as text: 2 categories '
        "in 2 rows; write plain numbers, such as 1234.5"
    ]


@pytest.mark.parametrize("labels", [("1A", "2B"), ("1-5", "6-10"), ("T1", "T2"), ("1st", "2nd"), ("10115", "20095"),
                                    ("$5", "$6"), ("4x4", "2x2"), ("A", "B")])  # fmt: skip
def test_codes_and_words_are_text(labels: tuple[str, ...]) -> None:
    assert said(size=text(*labels)) == []
