"""Data frames and arrays: the same examples as the file that holds the same rows."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument, UnfitTable
from clearprop.network.data import shown_label
from clearprop.tables.csv_file import read_csv
from clearprop.tables.frames import as_column, from_frame, is_frame
from clearprop.tables.parquet import read_parquet
from clearprop.tables.prepare import Reader, prepared
from clearprop.tables.table import Column, Numbers, Table, TableNotice, Text, Wanted

pd = pytest.importorskip("pandas", reason="pandas makes the data frames")
pl = pytest.importorskip("polars", reason="polars makes the data frames")

ALL = Wanted(lambda header, source: header, {})
ROWS: dict[str, list[Any]] = {
    "size": [1.5, None, 3.0, 4.25, 5.0, 6.5],
    "count": [3, 1, None, 4, 1, 5],
    "color": ["red", "blue", None, "red", " green ", "blue"],
    "grown": [True, False, True, True, False, False],
    "kind": ["x", "y", "x", "y", "x", "y"],
}
WIDTH = 7  # size, count, three colors, two truth values


def pandas_frame() -> Any:
    """The rows with every way that pandas has to hold them."""
    return pd.DataFrame(
        {
            "size": ROWS["size"],
            "count": pd.array(ROWS["count"], dtype="Int64"),
            "color": pd.Categorical([cell and cell.strip() for cell in ROWS["color"]]),
            "grown": ROWS["grown"],
            "kind": pd.Series(ROWS["kind"], dtype=object),
        }
    )


def examples(read: Reader, **asked: Any) -> cp.Examples:
    """The examples that a table makes, empty cells filled."""
    network = cp.Network(WIDTH, [cp.Dense(2, "softmax")])
    data = cp.Data("", ("kind",), **{"split": 0.5, "missing": "mean", "standardize": True, **asked})
    found = prepared(cp.Problem(network), data, read).examples
    assert found is not None
    return found


def cells(given: Column) -> list[Any]:
    """A column as a list, None where a value is missing."""
    if isinstance(given, Numbers):
        return [None if np.isnan(value) else value for value in given.values.tolist()]
    return [None if code < 0 else given.labels[code] for code in given.codes.tolist()]


def test_files_and_frames_make_the_same_examples(tmp_path: Path) -> None:
    frame = pl.DataFrame(ROWS)
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    expected = examples(lambda wanted: read_csv(tmp_path / "t.csv", wanted))
    assert expected.inputs.shape == (6, WIDTH)
    for found in (
        examples(lambda wanted: read_parquet(tmp_path / "t.parquet", wanted)),
        examples(lambda wanted: from_frame(frame, wanted)),
        examples(lambda wanted: from_frame(frame.lazy(), wanted)),
        examples(lambda wanted: from_frame(pandas_frame(), wanted)),
    ):
        assert found == expected


def test_truth_values_and_whole_numbers_as_text() -> None:
    frame = pd.DataFrame({"a": [1.0, None, 2.5], "b": [True, False, True], "c": pd.array([1, None, 2], dtype="Int64")})
    table = from_frame(frame, Wanted(lambda header, source: header, {"a": "text", "c": "text"}))
    assert {name: cells(given) for name, given in table.columns.items()} == {
        "a": ["1", None, "2.5"],
        "b": ["True", "False", "True"],
        "c": ["1", None, "2"],
    }


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([1, None, 2.5], [1, None, 2.5]),
        ([np.int64(3), np.float32(0.5)], [3, 0.5]),
        ([None, None], [None, None]),
        (["a", None, "  ", " b "], ["a", None, None, "b"]),
        (["a", 1], ["a", "1"]),
        ([True, None], ["True", None]),
        ([float("nan"), "x"], [None, "x"]),
    ],
)
def test_objects(column: list[Any], expected: list[Any]) -> None:
    frame = pd.DataFrame({"a": pd.Series(column, dtype=object)})
    assert cells(from_frame(frame, ALL).columns["a"]) == expected


def test_nan_is_missing_and_infinity_is_not() -> None:
    for frame in (pd.DataFrame({"a": [np.nan, np.inf]}), pl.DataFrame({"a": [float("nan"), float("inf")]})):
        assert cells(from_frame(frame, ALL).columns["a"]) == [None, np.inf]


def test_columns_that_pandas_calls_by_numbers() -> None:
    table = from_frame(pd.DataFrame(np.eye(2)), ALL)
    assert {name: cells(given) for name, given in table.columns.items()} == {"0": [1, 0], "1": [0, 1]}


@pytest.mark.parametrize(
    "values",
    [
        [datetime(2024, 1, 2), datetime(2024, 1, 3), None],
        [datetime(2024, 1, 2, 12, 30), datetime(2024, 1, 3, 9, 5, 1), None],
        [date(2024, 1, 2), date(2024, 1, 3), None],
        [time(12, 30), time(9, 5, 1), None],
        [Decimal("1.5"), Decimal(2), None],
    ],
)
def test_dates_times_and_decimal_numbers_are_read_as_from_a_file(tmp_path: Path, values: list[Any]) -> None:
    frame = pd.DataFrame({"a": values, "b": [1, 2, 3]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    expected = cells(read_csv(tmp_path / "t.csv", ALL).columns["a"])
    assert expected[2] is None
    assert cells(from_frame(frame, ALL).columns["a"]) == expected
    assert cells(from_frame(pl.DataFrame({"a": values}, strict=False), ALL).columns["a"]) == expected


def test_intervals_and_periods_are_categories() -> None:
    frame = pd.DataFrame({"a": pd.cut([0.5, 1.5], [0, 1, 2]), "b": pd.period_range("2024-01", periods=2, freq="M")})
    table = from_frame(frame, ALL)
    assert cells(table.columns["a"]) == ["(0, 1]", "(1, 2]"]
    assert cells(table.columns["b"]) == ["2024-01", "2024-02"]


@pytest.mark.parametrize("library", [pd, pl])
def test_whole_numbers_that_lose_digits_are_said(library: Any) -> None:
    with pytest.warns(TableNotice, match=r'not all of their digits are kept: id \("1152921504606846977"\)'):
        from_frame(library.DataFrame({"id": [2**60, 2**60 + 1], "n": [1, 2]}), ALL)


def refusal(frame: Any, wanted: Wanted = ALL) -> str:
    """What is said of a data frame."""
    with pytest.raises(UnfitTable) as caught:
        from_frame(frame, wanted)
    return str(caught.value)


NEITHER = "expected numbers, text or truth values, found {}; convert it, or leave it out"


def test_frames_that_do_not_fit() -> None:
    head = "the data frame has 1 problem:\n  "
    assert refusal(pl.DataFrame({"a": [[1]]})) == f'{head}column "a": {NEITHER.format("list")}'
    assert refusal(pl.DataFrame({"a": [{"x": 1}]})) == f'{head}column "a": {NEITHER.format("dict")}'
    assert refusal(pl.DataFrame({"a": []})) == f"{head}there are no rows"
    huge = pd.DataFrame({"a": pd.Series([10**400, 1], dtype=object)})
    too_large = "expected finite numbers, found a whole number too large for one"
    assert refusal(huge) == f'{head}column "a": {too_large}'
    twice = pd.DataFrame(np.eye(2), columns=["a", "a"])
    assert refusal(twice) == f'{head}column "a": is in the header 2 times; names must be unique'
    numbers = Wanted(lambda header, source: header, {"a": "numbers"})
    assert 'column "a", row 1: expected a number, found "x"; ' in refusal(pl.DataFrame({"a": ["x"]}), numbers)
    assert cells(from_frame(pl.DataFrame({"a": [None, None]}), numbers).columns["a"]) == [None, None]


def test_what_is_a_data_frame() -> None:
    assert all(map(is_frame, (pd.DataFrame(), pl.DataFrame(), pl.LazyFrame())))
    assert not any(map(is_frame, (None, [1], (1,), np.eye(2), "t.csv", pd.Series([1]), pl.Series([1]), {"a": [1]})))


# --- targets by themselves --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", " b "], ["a", "b"]),
        ([1, 2], [1, 2]),
        ((1, None), [1, None]),
        ([True, False], ["True", "False"]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([1, 2], dtype=np.int32), [1, 2]),
        (pd.Series(["a", pd.NA], dtype="string"), ["a", None]),
        (pd.Series([1, pd.NA], dtype="Int64"), [1, None]),
        (pd.Series(["b", None], dtype="category"), ["b", None]),
        (pl.Series(["a", None]), ["a", None]),
        (pl.Series([1, None]), [1, None]),
    ],
)
def test_vectors(values: Any, expected: list[Any]) -> None:
    assert cells(as_column(values)) == expected


# --- training ---------------------------------------------------------------------------------------------


def data() -> tuple[np.ndarray[Any, Any], list[str]]:
    """Two inputs and three classes."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 2)), [("a", "b", "c")[k % 3] for k in range(30)]


def test_arrays_with_class_labels() -> None:
    inputs, labels = data()
    network = cp.Network(2, [cp.Dense(3, "softmax")])
    expected = cp.train(network, inputs, np.eye(3)[["abc".index(label) for label in labels]], epochs=1)
    codes = ["abc".index(label) + 5 for label in labels]
    for classes in (labels, np.array(labels), codes, np.array(codes), pd.Series(labels), pl.Series(codes)):
        fit = cp.train(network, inputs, classes, epochs=1)
        assert fit.problem.fitted is not None
        known = [shown_label(label) for label in fit.problem.fitted.classes or ()]
        assert known == (["a", "b", "c"] if isinstance(classes[0], str) else ["5", "6", "7"])
        assert fit.problem.examples is not None
        assert expected.problem.examples is not None
        assert np.array_equal(fit.problem.examples.targets, expected.problem.examples.targets)
        assert np.array_equal(fit.predict(inputs), expected.predict(inputs))


def test_data_frames_with_the_name_of_the_target() -> None:
    inputs, labels = data()
    network = cp.Network(2, [cp.Dense(3, "softmax")])
    columns = {"p": inputs[:, 0].tolist(), "q": inputs[:, 1].tolist(), "species": labels}
    fits = [
        cp.train(network, frame, "species", standardize=True, split=0.2, epochs=1)
        for frame in (pd.DataFrame(columns), pl.DataFrame(columns))
    ]
    assert fits[0].problem.examples == fits[1].problem.examples
    for fit in fits:
        examples = fit.problem.examples
        assert examples is not None
        assert examples.validation is not None
        assert (len(examples.learnt), len(examples.validation)) == (24, 6)
        assert np.allclose(examples.inputs[examples.learnt].mean(axis=0), 0)
        assert np.allclose(examples.inputs[examples.learnt].std(axis=0), 1)
        shuffled = pl.DataFrame({name: columns[name] for name in ("q", "p")})
        assert np.array_equal(fit.predict(shuffled), fit.predict(inputs))


def test_categorical_columns_of_arrays() -> None:
    network = cp.Network(3, [cp.Dense(2, "softmax")])
    fit = cp.train(network, [[0, 7], [1, 8], [1, 9]], [0, 1, 1], categorical=["x1"], epochs=1)
    assert fit.problem.fitted is not None
    assert fit.problem.fitted.features == ("x1=0", "x1=1", "x2")
    assert fit.problem.examples is not None
    assert fit.problem.examples.inputs.tolist() == [[1, 0, 7], [0, 1, 8], [0, 1, 9]]


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (np.eye(2), ["a", "b", "a"], "found 2 rows of inputs and 3 rows of targets"),
        (np.zeros((0, 2)), [], "inputs: expected at least 1 row, found none"),
        ([["x", "y"]], ["a"], "inputs: expected rows of numbers, all of one length, found text in them"),
        (np.zeros((2, 2, 2)), ["a", "b"], r"inputs: expected rows of numbers, found shape \(2, 2, 2\)"),
    ],
)
def test_arrays_refused(inputs: Any, targets: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{message}$"):
        cp.train(cp.Network(2, [cp.Dense(2, "softmax")]), inputs, targets, standardize=True, epochs=1)


def test_nan_in_arrays_is_missing() -> None:
    network, inputs = cp.Network(2, [cp.Dense(2, "softmax")]), [[1, 2], [3, np.nan], [5, 6], [7, 4]]
    with pytest.raises(UnfitTable, match='column "x2": 1 of 4 rows has no value, the first is row 2; fill them in'):
        cp.train(network, inputs, ["a", "b", "a", "b"], epochs=1)
    filled = cp.train(network, inputs, ["a", "b", "a", "b"], missing="mean", epochs=1).problem.examples
    assert filled is not None
    assert filled.inputs.tolist() == [[1, 2], [3, 4], [5, 6], [7, 4]]
    dropped = cp.train(network, inputs, ["a", "b", "a", "b"], missing="drop", epochs=1).problem.examples
    assert dropped is not None
    assert dropped.used.tolist() == [0, 2, 3]


def test_infinity_in_arrays() -> None:
    with pytest.raises(UnfitTable, match=r'column "x2", row 2: expected a finite number, found infinity$'):
        cp.train(cp.Network(2, [cp.Dense(2, "softmax")]), [[1, 2], [3, np.inf]], ["a", "b"], epochs=1)


def test_tables_of_columns_by_hand() -> None:
    table = Table({"a": Numbers(np.array([1.0, np.nan])), "b": Text(np.array([-1, 0]), ("x",))})
    assert (len(table), len(Table({}))) == (2, 0)
    assert [cells(given) for given in table.columns.values()] == [[1, None], [None, "x"]]
