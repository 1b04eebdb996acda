"""Printed expressions read back as the same number, with no more parentheses than they need."""

from __future__ import annotations

import ast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.expressions.trees import NAMES, points, trees, z

from clearprop.expressions import Expression, Number, Symbol, evaluate, parse, text
from clearprop.expressions.printing import Text, plain_number


@given(trees, points, points)
def test_what_is_printed_reads_back(tree: Expression, at_z: float, at_y: float) -> None:
    values = {"z": at_z, "y": at_y}
    expected = float(evaluate(tree, values))
    assume(abs(expected) < 1e100)
    assert float(evaluate(parse(text(tree), NAMES), values)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    "written",
    ["z - (y - t)", "z - y - t", "(z + y) * t", "z + y * t", "(-z)**2", "-z**2", "z**y**t", "(z**y)**t", "z / (y / t)",
     "z / y / t", "-(z + y)", "where(z > 0, z, 0)", "exp(-z) * (1 - y)", "z * (-y)"],
)  # fmt: skip
def test_parentheses_stand_only_where_they_are_needed(written: str) -> None:
    """Written without one of its pairs, Python reads something else, or sees a sign behind an operator."""
    assert text(parse(written, NAMES)) == written


def test_an_expression_is_python() -> None:
    tree = parse("1/2 * (t - y)**2 + max(z, -3)", NAMES)
    assert isinstance(ast.parse(text(tree), mode="eval").body, ast.BinOp)


def test_symbols_get_the_names_that_the_reader_uses() -> None:
    tree = Symbol("w5") - Symbol("rate") * Symbol("g")
    names = {"w5": "w5", "rate": "n", "g": "∂E_total/∂w5"}
    assert text(tree, lambda key: names[str(key)]) == "w5 - n * ∂E_total/∂w5"
    assert text(Symbol("g") ** 2, lambda key: names[str(key)]) == "(∂E_total/∂w5)**2"


def test_values_that_are_put_in_keep_their_signs_apart() -> None:
    tree = z * z - z
    assert text(tree, lambda key: "-0.5") == "-0.5 * (-0.5) - (-0.5)"
    assert Text(number=lambda value: f"{value:.2f}").write(z + 0.125) == "z + 0.12"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_read_back_to_the_last_bit(value: float) -> None:
    shown = plain_number(value)
    assert float(shown) == value
    assert len(shown) <= len(repr(value))


def test_whole_numbers_have_no_point() -> None:
    shown = {3.0: "3", -2.0: "-2", 0.5: "0.5", 1e15: "1000000000000000.0", 1e-7: "1e-7"}
    assert {value: plain_number(value) for value in shown} == shown


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(TypeError, match="not an expression"):
        text("z")  # type: ignore[arg-type]
    assert text(Number(0.5)) == "0.5"
