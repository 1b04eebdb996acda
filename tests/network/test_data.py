"""How tables are described, and what was fitted: names of inputs, classes as text, impossible values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.errors import InvalidArgument
from clearprop.network.data import Column, Data, Fitted, shown_label

FITTED = Fitted((Column("size", mean=2.0), Column("colour", ("blue", "red", "green")), Column("age")), ("price",))


def test_a_column_of_categories_has_an_input_for_each() -> None:
    assert FITTED.width == 5
    assert FITTED.features == ("size", "colour=blue", "colour=red", "colour=green", "age")


def test_every_input_is_found_in_its_column() -> None:
    """The names that the column and the category make are those of the features."""
    for index, feature in enumerate(FITTED.features):
        column, category = FITTED.source(index)
        assert feature == (column.name if category is None else f"{column.name}={category}")
    with pytest.raises(IndexError):
        FITTED.source(5)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_classes_that_are_numbers_read_back(value: float) -> None:
    shown = shown_label(value)
    assert float(shown) == value
    assert not shown.endswith(".0")


def test_usual_settings_and_classes_called_by_text() -> None:
    data = Data("iris.csv", "species")  # type: ignore[arg-type]  # one target may stand alone
    assert (data.target, data.split, data.missing, data.standardize) == (("species",), 0.2, "refuse", False)
    weighted = Data("iris.csv", ("species",), class_weights={1.0: 2, "b": 0.5})  # type: ignore[dict-item]
    assert weighted.class_weights == {"1": 2.0, "b": 0.5}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"split": 1.0}, "split: expected a number of at least 0 and below 1, found 1.0"),
        ({"missing": "guess"}, 'missing: expected "refuse", "mean" or "drop", found "guess"'),
        (
            {"class_weights": "equal"},
            'class_weights: expected "balanced", or a table of weights by class, found "equal"',
        ),
        ({"class_weights": {"a": -1}}, 'class_weights: "a": expected a number of at least 0, found -1'),
        ({"standardize": 1}, "standardize: expected true or false, found 1"),
    ],
)
def test_impossible_values_are_refused_by_name(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Data("iris.csv", ("species",), **wrong)
    assert str(caught.value) == message
