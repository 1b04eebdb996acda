"""Semicolons, decimal commas, empty columns and rows: what spreadsheets of much of Europe export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import UnfitTable
from clearprop.tables.table import TableNotice

Case = Callable[[str], Path]


def test_numbers_are_read_as_they_are_meant(case: Case) -> None:
    case("decimal-comma")
    with pytest.warns(TableNotice, match=r'air\.csv: read as numbers: .*AH \("0,4642" as 0\.4642\)'):
        problem = cp.load("network.toml")
    assert problem.examples is not None
    assert problem.fitted is not None
    assert len(problem.examples) == 48
    ah = problem.fitted.columns[3]
    assert problem.examples.inputs[0, 3] * ah.scale + ah.mean == pytest.approx(0.4642)


def test_predict_reads_such_a_file_in_the_same_way_as_one_with_points(case: Case) -> None:
    pandas = pytest.importorskip("pandas", reason="the same table as a data frame")
    folder = case("decimal-comma")
    with pytest.warns(TableNotice):
        problem = cp.load("network.toml")
    fit = cp.train(problem, epochs=2)
    with pytest.warns(TableNotice):
        found = fit.predict("air.csv")
    assert len(found) == 48
    frame = pandas.read_csv("air.csv", sep=";", decimal=",").dropna(how="all")
    frame.to_csv(folder / "points.csv", index=False)
    assert np.array_equal(fit.predict("points.csv"), found)
    assert np.array_equal(fit.predict(frame), found)
    with pytest.warns(TableNotice):  # read as text, as it stands in the file
        assert np.array_equal(fit.predict(pandas.read_csv("air.csv", sep=";").dropna(how="all")), found)


@pytest.mark.parametrize("missing", ["refuse", "mean"])
def test_empty_rows_and_columns_are_none(case: Case, missing: str) -> None:
    """With all columns as inputs nothing is said of columns 10 and 11, nor of the six empty rows."""
    case("decimal-comma")
    text = Path("network.toml").read_text()
    text = text.replace('missing = "drop"', f'missing = "{missing}"\nexclude = ["Date", "Time"]')
    lines = [line for line in text.splitlines() if not line.startswith("inputs = ")]
    Path("network.toml").write_text("\n".join(lines).replace("count = 4", "count = 6"))
    with pytest.warns(TableNotice) as said:
        problem = cp.load("network.toml")
    assert problem.fitted is not None
    assert problem.examples is not None
    assert [each.name for each in problem.fitted.columns][-1] == "AH"
    assert len(problem.examples) == 48
    assert not [str(each.message) for each in said if "value" in str(each.message)]


def test_without_the_commas_being_taken_a_column_has_one_problem(case: Case) -> None:
    case("decimal-comma")
    path = Path("network.toml")
    path.write_text(path.read_text().replace("[data]\n", '[data]\ndecimal = "."\n'))
    with pytest.raises(UnfitTable) as caught:
        cp.load("network.toml")
    assert len(caught.value.problems) == 4
    assert str(caught.value.problems[0]) == (
        'column "T", row 1: expected a number, found "8,9" (the first of 48 such cells); if it is a decimal comma, '
        'set decimal = "," under [data] (--decimal ","); otherwise write thousands without it'
    )
