"""Simplified trees: the same value, and what one would write on paper."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from tests.expressions.trees import NAMES, of_any_numbers, points, trees

from clearprop.expressions import (
    Expression,
    Number,
    evaluate,
    parse,
    simplify,
    text,
)


@given(trees, points, points)
def test_simplified_trees_have_the_same_value(tree: Expression, at_z: float, at_y: float) -> None:
    values = {"z": at_z, "y": at_y}
    expected = float(evaluate(tree, values))
    assume(abs(expected) < 1e100)
    assert float(evaluate(simplify(tree), values)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("0 * z + 1 * y", "y"),
        ("z + z", "2 * z"),
        ("z * z * y / z", "z * y"),
        ("z - z", "0"),
        ("2 * (1/2) * (t - y) * (-1)", "y - t"),
        ("-(-z)", "z"),
        ("z**1 + y**0", "z + 1"),
        ("1 - z", "1 - z"),
        ("z / 4", "z / 4"),
        ("where(z > 0, y, y)", "y"),
        ("1 / (1 + exp(-z))", "1 / (exp(-z) + 1)"),
        ("(z + 1) * (z - 1)", "(z + 1) * (z - 1)"),
    ],
)
def test_what_one_would_write_on_paper(formula: str, expected: str) -> None:
    """Nothing is expanded, and no function rewritten."""
    assert text(simplify(parse(formula, NAMES))) == expected


@pytest.mark.parametrize("formula", ["1e300 * 1e300", "1 / 0", "1e-300 * 1e-300", "2 ** 5000", "(-2) ** 0.5"])
def test_numbers_that_would_not_be_right_are_not_combined(formula: str) -> None:
    assert not isinstance(simplify(of_any_numbers(formula)), Number)


@given(trees)
def test_what_is_simple_stays_as_it_is(tree: Expression) -> None:
    once = simplify(tree)
    assert simplify(once) == once


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("0.25 * z", "z / 4"),
        ("-0.5 * z", "-z / 2"),
        ("0.1111111111111111 * z", "z / 9"),
        ("0.1 * z", "0.1 * z"),
        ("0.4 * z", "0.4 * z"),
    ],
)
def test_a_share_is_printed_as_a_quotient_up_to_a_ninth(formula: str, expected: str) -> None:
    assert text(simplify(parse(formula, NAMES))) == expected
