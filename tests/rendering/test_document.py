"""The blocks of a document: numbers as they are shown, grids, equations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import clearprop as cp
from clearprop.expressions import Number, Symbol
from clearprop.rendering.document import Cell, Equation, Grid, Line, Lines, View, shown_number
from clearprop.rendering.html import Html
from clearprop.rendering.latex import latex
from clearprop.rendering.markdown import markdown
from clearprop.rendering.text import Formula, text


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (0.0001, 5, "0.0001"), (0.00012346, 5, "0.00012"), (0.000099, 5, "9.9e-5"), (0.00001, 5, "1e-5"),
        (-0.0000123456, 5, "-1.23456e-5"), (0.0000123456, 6, "0.000012"), (0.0000023456, 6, "2.3456e-6"),
        (0.00012346, 4, "0.0001"), (0.00006, 4, "6e-5"), (0.0006, 3, "0.001"), (0.00045, 3, "4.5e-4"),
    ],
)  # fmt: skip
def test_small_numbers_have_one_form(value: float, digits: int, shown: str) -> None:
    assert shown_number(value, digits) == shown


@pytest.mark.parametrize(
    ("value", "nearest", "truncate"),
    [
        (0.41, "0.41", "0.41"), (0.1 + 0.2, "0.3", "0.3"), (0.7 - 1e-13, "0.7", "0.7"), (2.0, "2", "2"),
        (0.0802031, "0.08020", "0.08020"), (0.6010878, "0.60109", "0.60108"), (-0.0176065, "-0.01761", "-0.01760"),
        (0.0, "0", "0"), (-0.0, "0", "0"), (1e-8, "1e-8", "1e-8"), (3.23456789e-9, "3.23457e-9", "3.23456e-9"),
        (123456.7891234, "123456.78912", "123456.78912"), (9.9999999e-9, "1.00000e-8", "9.99999e-9"),
        (6.02214076e23, "6.02214e23", "6.02214e23"), (float("inf"), "inf", "inf"), (0.999999, "1.00000", "0.99999"),
    ],
)  # fmt: skip
def test_numbers_are_shown_short_or_with_all_digits(value: float, nearest: str, truncate: str) -> None:
    assert shown_number(value) == nearest
    assert shown_number(value, rounding="truncate") == truncate


@given(st.floats(-1e300, 1e300), st.integers(0, 12))
def test_cut_off_digits_never_grow_and_rounded_ones_are_near(value: float, digits: int) -> None:
    cut, near = (float(shown_number(value, digits, how)) for how in ("truncate", "nearest"))
    assert abs(cut) <= abs(value) * (1 + 1e-12) + 1e-12
    assert abs(near - value) <= max(0.5 * 10.0**-digits, abs(value) * 0.5 * 10.0**-digits) * 1.001


# --- grids --------------------------------------------------------------------------------------------


def test_a_grid_fills_up_its_rows() -> None:
    grid = Grid(("a",), (("b", "c"), ()))
    assert grid == Grid(("a", ""), (("b", "c"), ("", "")))
    assert Grid((), ()).numeric == ()
    assert Grid(("a", "b"), ()).numeric == (False, False)


@pytest.mark.parametrize(
    ("cells", "numeric"),
    [
        ((Number(1.0), Number(-2.0)), True), ((Number(1.0), ""), True), (("", ""), False), ((Number(1.0), "x"), False),
        (("1,000", "12"), True), (("2 x 2", "12"), False), (("1e-08", "-0.5"), True), (("1.2.3", "1"), False),
        ((Number(1.0) / 3, Number(2.0)), True), ((Symbol("x"), Number(2.0)), False),
    ],
)  # fmt: skip
def test_a_column_of_numbers_is_known(cells: tuple[Cell, ...], numeric: bool) -> None:
    assert Grid(("n",), tuple((cell,) for cell in cells)).numeric == (numeric,)


def test_every_format_sets_the_same_columns_flush_right() -> None:
    grid = Grid(("name", "n"), (("a", Number(0.5)), ("b", "")))
    view = View(cp.load("lecture").names)
    assert text((grid,), view) == "name    n\na     0.5\nb\n"
    assert "| --- | ---: |" in markdown((grid,), view)
    assert r"\begin{tabular}{lr}" in latex((grid,), view)
    assert Html((grid,), view).body().count('class="number"') == 2


# --- equations ----------------------------------------------------------------------------------------


def test_a_line_that_looks_like_the_one_before_is_left_out_in_every_format() -> None:
    """0.123456789 and 0.123456788 look alike with five decimals; a remark keeps its line."""
    alike = Line(Number(0.123456789)), Line(Number(0.123456788)), Line(Number(0.123456787), "a remark")
    equation = Equation(Symbol("x"), (*alike, Line(Number(0.5))))
    view = View(cp.load("lecture").names)
    kept = equation.distinct(Formula(view).write)
    assert [shown for _, shown in kept] == ["0.12346", "0.12346", "0.5"]
    document = (equation,)
    for shown in (text(document, view), markdown(document, view), latex(document, view), Html(document, view).body()):
        assert shown.count("0.12346") == 2
        assert shown.count("a remark") == 1


def test_lines_stand_apart_in_every_format() -> None:
    document = (Lines(("one <b>", "two_2")), Lines(("three",)))
    view = View(cp.load("lecture").names)
    assert text(document, view) == "one <b>\ntwo_2\n\nthree\n"
    assert markdown(document, view) == "one &lt;b>\\\ntwo\\_2\n\nthree\n".replace("&lt;b>", "&lt;b\\>")
    assert "one $<$b$>$ \\\\\ntwo\\_2\n" in latex(document, view).replace(r"\ensuremath{<}", "$<$").replace(
        r"\ensuremath{>}", "$>$"
    )
    assert Html(document, view).body() == "<p>one &lt;b&gt;<br/>\ntwo_2</p>\n<p>three</p>"
