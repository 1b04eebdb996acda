"""Dates and times: said to be such, before they are learnt as words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.errors import UnfitTable
from clearprop.tables.table import TableNotice

Case = Callable[[str], Path]
NOTICES = [
    f'events.csv: column "{name}" looks like {kind}, and is read as text: {count} categories in 6 rows; turn it into '
    "numbers, or leave it out with exclude"
    for name, kind, count in (("day", "dates", 4), ("clock", "times", 6))
]


def test_they_are_named_before_training(case: Case) -> None:
    case("dates-and-times")
    with pytest.warns(TableNotice) as said:
        problem = cp.load("network.toml")
    assert [str(each.message) for each in said] == NOTICES
    fit = cp.train(problem, epochs=2)
    with pytest.raises(UnfitTable, match=r'"day", row 1: expected one of 2016/02/28, .*; found "2016/03/05"'):
        fit.predict("new.csv")


def test_too_few_inputs_are_explained_column_by_column(case: Case) -> None:
    case("dates-and-times")
    path = Path("network.toml")
    path.write_text(path.read_text().replace("count = 14", "count = 4"))
    with pytest.raises(UnfitTable) as caught, pytest.warns(TableNotice):
        cp.load(path)
    assert [str(each) for each in caught.value.problems] == [
        "inputs: 4 columns become 14 inputs (day: 4 different dates, clock: 6 different times, amount, kind: 3), but "
        "the network has 4; leave columns out with exclude under [data], or set count = 14 under [inputs]"
    ]
