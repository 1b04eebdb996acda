"""Cells as numbers, in every way people write them, and as dates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.tables.cells import Reading, moments, number, reading, truth


@pytest.mark.parametrize(
    ("cell", "point", "comma"),
    [
        ("12", 12, 12),
        ("-1e3", -1000, -1000),
        ("1.5", 1.5, None),
        ("0,5", None, 0.5),
        ("1,234", 1234, 1.234),
        ("1.234", 1.234, 1234),
        ("0,123", None, 0.123),
        ("1,234.5", 1234.5, None),
        ("1.234,5", None, 1234.5),
        ("1,234,567", 1234567, None),
        ("1.234.567", None, 1234567),
        ("12,34,567", 1234567, None),
        ("3 696", 3696, 3696),
        ("3\u202f696,5", None, 3696.5),
        ("1'234.50", 1234.5, None),
        ("−0.5", -0.5, None),
        ("1,5e-3", None, 0.0015),
    ],
)
def test_numbers_by_point_and_by_comma(cell: str, point: float | None, comma: float | None) -> None:
    assert reading(cell) == Reading(point, comma)


@pytest.mark.parametrize(
    ("cell", "value", "unit"),
    [
        ("$7962", 7962, "$"),
        ("$-163", -163, "$"),
        ("-$163", -163, "$"),
        ("1,299 €", 1299, "€"),
        ("CHF 1'200", 1200, "CHF"),
        ("12%", 12, "%"),
        ("US$5", 5, "US$"),
    ],
)
def test_numbers_with_a_sign(cell: str, value: float, unit: str) -> None:
    found = reading(cell)
    assert found is not None
    assert (found.point, found.unit) == (value, unit)


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "x",
        "1,2,3",
        "12,34",
        "1 2",
        "1.2.3",
        "12 34 567",
        "$",
        "5 kg",
        "-$-5",
        "$5%",
        "1_000",
        "2016-02-28",
        "(3)",
    ],
)
def test_what_is_no_number_by_a_point(cell: str) -> None:
    found = reading(cell)
    assert found is None or found.point is None


@given(st.floats(-1e12, 1e12), st.integers(0, 4))
def test_what_python_writes_with_groups_is_read_back(value: float, digits: int) -> None:
    """Python's own formats, and the same with point and comma exchanged."""
    english = f"{value:,.{digits}f}"
    european = english.translate(str.maketrans(",.", ".,"))
    for written, place in ((english, 0), (european, 1), (english.replace(",", " "), 0)):
        found = reading(written)
        assert found is not None
        assert found[place] == float(english.replace(",", ""))


def test_plain_numbers_are_those_of_programs() -> None:
    assert [number(cell) for cell in (" 1.5", "1,5", "nan", "inf", "0x1")] == [1.5, None, None, float("inf"), None]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["2016/02/28", "29.2.2016", "2016-02-28", "28 Feb 2016", "Feb 28, 2016"], "dates"),
        (["20:12:22", "25:13:15", "8:40 pm", "00.00.00"], "times"),
        ([f"{hour:02}.00.00" for hour in range(24)], "times"),
        (["18.45.12", "07.58.30", "23.59.01"], "times"),
        (["2016-02-28T20:12:22Z", "28/2/2016 8:40", "2016-02-28 20:12:22.123 +02:00"], "dates and times"),
        (["28. Februar 2016", "1. März 2016", "Mon, 2 Feb 2016", "1st May 2016", "2 août 2016"], "dates"),
        (["2016-02", "2020Q1", "Q2 2020", "2016-W07", "Jan-20", "Mai 2020", "Dez '19"], "dates"),
        (["set 12", "ABC-20", "Model 1999", "10/12", "12 kg 20", "1234-13"], ""),
        (["alpha", "2016-02-28"], ""),
        (["1.2.3.4", "5.6.7.8"], ""),
        ([], ""),
    ],
)
def test_dates_and_times(cells: list[str], kind: str) -> None:
    assert moments(cells) == kind


def test_truth_values_have_one_name() -> None:
    assert [truth(word) for word in ("TRUE", "true", "False", "yes")] == ["True", "True", "False", "yes"]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("１２", 12),
        ("－１２．５", -12.5),
        ("١٢٣", 123),
        ("١٢٫٥", 12.5),
        ("۱۲", 12),
        ("१२.५", 12.5),
        ("￥１２", 12),
        ("١٢٪", 12),
    ],
)
def test_digits_of_other_scripts_are_numbers(cell: str, value: float) -> None:
    found = reading(cell)
    assert found is not None
    assert found.point == value
    assert number(cell) is None


def test_other_letters_are_no_digits() -> None:
    assert reading("①") is reading("二") is reading("x²") is None
