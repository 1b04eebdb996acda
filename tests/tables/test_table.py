"""Tables: which columns are read, what classes are called, and places in messages."""

from __future__ import annotations

import numpy as np
import pytest

from clearprop.errors import InvalidArgument, UnfitTable, UnknownName
from clearprop.tables.table import Numbers, Table, Text, chosen, column, label, not_finite, unnamed_fault

HEADER = ["size", "age", "price", "size"]


def test_columns_know_their_length_and_what_is_missing() -> None:
    numbers, text = Numbers(np.array([1.0, np.nan, 3.0])), Text(np.array([0, -1, 1]), ("a", "b"))
    assert numbers.missing.tolist() == text.missing.tolist() == [False, True, False]
    assert len(Table({"x": numbers, "y": text})) == 3
    assert len(Table({})) == 0


def test_needed_columns_come_first_and_others_only_if_they_are_wanted() -> None:
    assert chosen(["a", "b", "c"], "t.csv", needed=["c"], others=False) == ["c"]
    assert chosen(["a", "b", "c"], "t.csv", needed=["c"], others=True) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("needed", "message"),
    [
        (["weight"], 'column "weight": there is no such column; found size, age, price, size'),
        (["size"], 'column "size": is in the header 2 times; names must be unique'),
    ],
)
def test_columns_that_are_missing_or_stand_twice_are_named(needed: list[str], message: str) -> None:
    with pytest.raises(UnfitTable) as caught:
        chosen(HEADER, "t.csv", needed=needed, others=False)
    assert str(caught.value) == f"t.csv has 1 problem:\n  {message}"


def test_a_column_that_the_request_names_is_its_mistake() -> None:
    with pytest.raises(UnknownName) as caught:
        chosen(HEADER, "t.csv", needed=["prise"], others=False, named=["prise"])
    assert str(caught.value) == 't.csv: unknown column "prise"; did you mean "price"?'
    assert caught.value.exit_code == 2


def test_a_column_without_a_name_is_found_by_its_place() -> None:
    assert chosen(["a", "", "c"], "t.csv", needed=[], others=True) == ["a", "c"]
    assert str(unnamed_fault(1, ["7", "x"])) == (
        'column 2: has no name; name it in the first line, list the columns under inputs, or set exclude = [""]'
    )
    assert "a different whole number in each row (7, 3, …): probably the index of" in str(
        unnamed_fault(0, ["7", "3", "12"])
    )
    named = str(unnamed_fault(0, ["Mazda RX4", "Valiant", "Fiat 128", "Duster 360", "Merc 240D"]))
    assert "has no name and a different word in each row: probably row names, as R writes them (Mazda RX4, Val" in named
    for values in (["0", "1", "2"], [1, 2]):
        assert "column 1: has no name and counts the rows (" in str(unnamed_fault(0, values))


@pytest.mark.parametrize(
    ("value", "name"),
    [(True, "True"), (np.bool_(False), "False"), (3.0, "3"), (np.float64(0.5), "0.5"), (" red ", "red"), ("3", "3")],
)
def test_a_class_is_called_as_a_file_calls_it(value: object, name: str) -> None:
    """So a frame with True, 3.0 and "red" has the classes of a file with the words True, 3 and red."""
    assert label(value) == name


@pytest.mark.parametrize(
    ("values", "missing", "message"),
    [
        ([1.0, np.inf], True, 'column "x", row 2: expected a finite number, found infinity'),
        ([1.0, 2.0, np.nan, np.inf], True, 'column "x", row 3: expected a finite number, found no value'),
        ([1.0, np.nan, -np.inf], False, 'column "x", row 3: expected a finite number, found infinity'),
    ],
)
def test_the_first_number_that_is_not_finite_is_found(values: list[float], missing: bool, message: str) -> None:
    assert [str(fault) for fault in not_finite("x", np.array(values), missing=missing)] == [message]


def test_only_rows_that_are_used_are_looked_at() -> None:
    values = np.array([np.inf, 1.0, 2.0, np.inf])
    assert list(not_finite("x", values, np.array([1, 2]))) == []
    assert next(str(fault) for fault in not_finite("x", values, np.array([2, 3, 0]))).startswith('column "x", row 4')


def test_names_from_a_file_are_safe_in_messages() -> None:
    assert column("a\x1b[31m" + "x" * 100, 1_234).isprintable()
    assert column("age", 1_234) == 'column "age", row 1,234'


def test_one_column_whose_name_holds_what_is_asked_for() -> None:
    with pytest.raises(InvalidArgument, match=r't\.csv: unknown column "b"; found one column only, "a\^b": separate'):
        chosen(["a^b"], "t.csv", needed=["b"], others=False, named=["b"])
    with pytest.raises(UnknownName):
        chosen(["a"], "t.csv", needed=["b"], others=False, named=["b"])
