"""Empty rows and columns, and the row numbers that data frames write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.errors import UnfitTable

Case = Callable[[str], Path]
INDEX = (
    "column 1: has no name and counts the rows (0, 1, …): probably the index of a data frame; leave it out with "
    'exclude = [""], or --exclude "", or write the table without it'
)


def load(file: str, more: str = "") -> cp.Problem:
    text = Path("network.toml").read_text()
    Path("n.toml").write_text(text.replace("rows.csv", file).replace("[data]\n", f"[data]\n{more}\n"))
    return cp.load("n.toml")


@pytest.mark.parametrize("file", ["rows.csv", "columns.csv"])
def test_empty_rows_and_columns_are_none(case: Case, file: str) -> None:
    case("empty-rows-and-columns")
    problem = load(file)
    assert problem.examples is not None
    assert len(problem.examples) == 20
    assert problem.fitted is not None
    assert problem.fitted.features == ("a", "b")


def test_row_numbers_stay_a_fault_that_says_what_they_are(case: Case) -> None:
    case("empty-rows-and-columns")
    with pytest.raises(UnfitTable) as caught:
        load("index.csv")
    assert [str(each) for each in caught.value.problems] == [INDEX]
    for remedy in ('exclude = [""]', 'inputs = ["a", "b"]'):
        problem = load("index.csv", remedy)
        assert problem.fitted is not None
        assert problem.fitted.features == ("a", "b")


def test_the_same_in_data_frames(case: Case) -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    case("empty-rows-and-columns")
    problem = cp.Network(2, [cp.Dense(1)])
    with pytest.raises(UnfitTable, match='column "Unnamed: 0": counts the rows: probably the index of a data frame'):
        cp.train(problem, pandas.read_csv("index.csv"), "y", epochs=1)
    with pytest.raises(UnfitTable, match="column 1: has no name and counts the rows"):
        cp.train(problem, polars.read_csv("index.csv"), "y", epochs=1)
    for frame in (pandas.read_csv("columns.csv"), polars.read_csv("columns.csv")):
        fit = cp.train(problem, frame, "y", epochs=1)
        assert fit.problem.fitted is not None
        assert fit.problem.fitted.features == ("a", "b")
