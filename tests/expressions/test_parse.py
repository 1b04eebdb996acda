"""The parser against Python's own: the same text, read by ast, computed with floats."""

from __future__ import annotations

import ast
import math
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support import few_calls

from clearprop.errors import InvalidExpression
from clearprop.expressions import (
    Apply,
    Expression,
    Number,
    Operator,
    Symbol,
    evaluate,
    parse,
    text,
)
from clearprop.expressions.tree import nodes

NAMES = {"z": "z", "y": "y"}
VALUES = {"z": 0.7, "y": -1.3}


def pythons(formula: str) -> Any:
    """The value by Python's grammar; only arithmetic and the two symbols are understood."""
    binary: dict[type[ast.operator], Any] = {
        ast.Add: lambda u, v: u + v,
        ast.Sub: lambda u, v: u - v,
        ast.Mult: lambda u, v: u * v,
        ast.Div: lambda u, v: u / v,
        ast.Pow: lambda u, v: u**v,
    }

    def value(node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=number):
                return float(str(number))
            case ast.Name(id=name):
                return VALUES[name]
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -value(inner)
            case ast.BinOp(left=left, op=operator, right=right):
                return binary[type(operator)](value(left), value(right))
            case ast.Call(func=ast.Name(id="exp"), args=[inner]):
                return math.exp(value(inner))
        raise TypeError(ast.dump(node))

    return value(ast.parse(formula.strip(), mode="eval").body)


gap = st.sampled_from(["", "", " ", "  "])
leaf = st.sampled_from(["z", "y", "2", "3", "0.5", ".25", "1.", "1e1", "2.5e-1"])
formulas = st.recursive(
    leaf,
    lambda inner: st.one_of(
        # No parentheses are added, so that how strongly each operator binds decides.
        st.builds(
            lambda u, a, o, b, v: f"{u}{a}{o}{b}{v}", inner, gap, st.sampled_from("+-*/") | st.just("**"), gap, inner
        ),
        inner.map(lambda u: f"-{u}"),
        inner.map(lambda u: f"({u})"),
        inner.map(lambda u: f"exp( {u})"),
    ),
    max_leaves=10,
)


@given(formulas)
def test_any_arithmetic_has_the_value_that_python_gives_it(formula: str) -> None:
    try:
        expected = pythons(formula)
    except (ArithmeticError, ValueError):
        assume(False)
    assume(isinstance(expected, float) and math.isfinite(expected) and abs(expected) < 1e200)
    assert float(evaluate(parse(formula, NAMES), VALUES)) == pytest.approx(expected, rel=1e-12, abs=1e-300)


numbers = st.floats(allow_nan=False, allow_infinity=False).map(lambda value: Number(value + 0.0))  # never -0
everything = st.recursive(
    st.one_of(numbers, st.sampled_from([Symbol("z"), Symbol("y")])),
    lambda inner: st.one_of(
        st.builds(
            lambda o, u, v: Apply(o, (u, v)),
            st.sampled_from(
                [Operator.SUBTRACT, Operator.DIVIDE, Operator.POWER, Operator.MAX, Operator.MIN, Operator.ADD]
            ),
            inner,
            inner,
        ),
        st.builds(
            lambda o, terms: Apply(o, tuple(terms)),
            st.sampled_from([Operator.ADD, Operator.MULTIPLY]),
            st.lists(inner, min_size=2, max_size=4),
        ),
        st.builds(
            lambda o, u: Apply(o, (u,)),
            st.sampled_from([Operator.NEGATE, Operator.TANH, Operator.LOG, Operator.ABS, Operator.ERF]),
            inner,
        ),
        st.builds(
            lambda o, a, b, u, v: Apply(Operator.WHERE, (Apply(o, (a, b)), u, v)),
            st.sampled_from([Operator.LESS, Operator.LESS_EQUAL, Operator.GREATER, Operator.GREATER_EQUAL]),
            inner,
            inner,
            inner,
            inner,
        ),
    ),
    max_leaves=10,
)


@given(everything)
def test_what_is_printed_reads_back_with_the_same_value(tree: Expression) -> None:
    """Also where that value is infinite or undefined, unless a part without symbols is, which is refused."""
    constant = [node for node in nodes(tree) if isinstance(node, Apply) and not node.symbols]
    if not all(np.isfinite(evaluate(node, {})) for node in constant):
        with pytest.raises(InvalidExpression, match="is not a finite number"):
            parse(text(tree), NAMES)
        return
    again = parse(text(tree), NAMES)
    first, second = float(evaluate(tree, VALUES)), float(evaluate(again, VALUES))
    assert second == pytest.approx(first, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("value", [0.1, -0.25, 1e16, 1e-300, 5e-324, 1.7976931348623157e308, 123456789.0, 2.0])
def test_numbers_are_printed_in_full(value: float) -> None:
    assert parse(text(Number(value)), {}) == Number(value)


@pytest.mark.parametrize(
    ("formula", "position", "message"),
    [
        ("   ", 0, "the expression is empty"),
        ("z $ 1", 2, 'unexpected character "$"'),
        ("z\n+ 'a'", 4, 'unexpected character "\'"'),
        ("z\x00", 1, 'unexpected character "�"'),
        ("z[0]", 1, 'unexpected character "["'),
        ("z == 1", 2, 'unexpected character "="'),
        ("lambda: 1", 6, 'unexpected character ":"'),
        ("+z", 0, 'expected a number, a symbol or a function, found "+"'),
        ("z + * 1", 4, 'expected a number, a symbol or a function, found "*"'),
        ("()", 1, 'expected a number, a symbol or a function, found ")"'),
        ("z)", 1, 'expected an operator or the end, found ")"'),
        ("2z", 1, 'expected an operator or the end, found "z"'),
        ("1.2.3", 3, 'expected an operator or the end, found ".3"'),
        ("exp", 3, 'expected "(" after exp, found the end'),
        ("exp(z", 5, 'expected ")" to close exp(, found the end'),
        ("exp()", 4, 'expected a number, a symbol or a function, found ")"'),
        ("exp(z, 2)", 0, "exp takes 1 argument, found 2"),
        ("1 + min(z, 1, 2)", 4, "min takes 2 arguments, found 3"),
        ("where(z > 0, 1)", 0, "where takes 3 arguments, found 2"),
        (
            "where(z, 1, 2)",
            7,
            'where needs a condition first, such as z > 0: expected < <= > or >=, found ","',
        ),
        ("where(z > 0 > 1, 1, 2)", 12, 'expected ")" to close where(, found ">"'),
        ("1 + (z > 0)", 7, 'expected ")" to close the parenthesis, found ">"'),
        ("z >= 0", 2, '">=" is only understood as the condition of where(condition, then, else)'),
        ("1 + x", 4, 'unknown symbol "x"; known: z, y, exp, log'),
        ("Exp(z)", 0, 'unknown function "Exp"; did you mean "exp"?'),
        ("z(1)", 0, 'unknown function "z"; known: '),
        ("2 + 1e400", 4, "the number 1e400 is too large"),
        ("9**9**9 * z", 1, "9**9**9 is not a finite number"),
        ("z + log(0)", 4, "log(0) is not a finite number"),
    ],
)
def test_each_mistake_is_named_where_it_is(formula: str, position: int, message: str) -> None:
    with pytest.raises(InvalidExpression) as error:
        parse(formula, NAMES)
    assert error.value.message.startswith(message)
    if formula.strip():
        assert error.value.position == position
        assert str(error.value).endswith(f"^ character {position + 1}")
        _, shown, pointer = str(error.value).split("\n")
        assert pointer.index("^") == 2 + position
        assert len(shown) == 2 + len(formula)


def test_a_mistake_far_into_a_long_text_is_still_pointed_at() -> None:
    formula = "z + " * 40 + "# + z"
    with pytest.raises(InvalidExpression) as error:
        parse(formula, NAMES)
    _, shown, pointer = str(error.value).split("\n")
    assert shown[pointer.index("^")] == "#"
    assert len(shown) < 80


@pytest.mark.parametrize(
    "formula",
    [
        "(" * 100_000 + "z" + ")" * 100_000,
        "((((" * 200 + "z" + "))))" * 200,
        "-" * 1_999 + "z",
        "--(" * 400 + "z" + ")" * 400,
        "exp(" * 300 + "z" + ")" * 300,
        "where(z>0,1," * 150,
        "z*" * 900 + "z",
        "z-" * 900 + "z",
        "z/" * 900 + "z",
        "z**-" * 400 + "z",
        "z**" * 600 + "z",
        "9" * 1_999,
        "z " * 999,
        "a" * 2_000,
    ],
)
def test_nothing_is_too_large_to_be_refused_at_once(formula: str) -> None:
    with few_calls(50_000), pytest.raises(InvalidExpression) as error:
        parse(formula, NAMES)
    assert len(str(error.value)) < 500


def test_what_is_within_the_bounds_is_read() -> None:
    nested = parse("(" * 50 + "z" + ")" * 50, NAMES)
    assert nested == Symbol("z")
    assert float(evaluate(parse("+".join(["z"] * 50), NAMES), {"z": 2.0})) == 100
    with pytest.raises(InvalidExpression, match="too large: more than 500 parts"):
        parse("max(" + ",".join(["(" + "+".join(["z"] * 40) + ")"] * 20) + ")", NAMES)


@pytest.mark.parametrize(
    "formula", ["1-2-3", "2**3**2", "-2**2", "2**-1", "8/4/2", "1+2*3-4/8", "-(1+2)*-3", "2*-3**2", "(1)", "1.5e1*.5"]
)
def test_precedence_is_pythons(formula: str) -> None:
    assert float(evaluate(parse(formula, {}), {})) == float(sympy.sympify(formula))


@pytest.mark.parametrize(
    ("formula", "position", "message"),
    [
        ("", 0, "the expression is empty"),
        ("z^2", 1, 'unexpected character "^"; a power is written **'),
        ("z * ", 3, "expected a number, a symbol or a function, found the end"),
        ("(z", 2, 'expected ")" to close the parenthesis, found the end'),
        ("z z", 2, 'expected an operator or the end, found "z"'),
        ("logstic(z)", 0, 'unknown function "logstic"; did you mean "logistic"?'),
        ("zz", 0, 'unknown symbol "zz"; did you mean "z"?'),
        ("max(z)", 0, "max takes 2 arguments, found 1"),
        ("z < 1", 2, '"<" is only understood as the condition of where(condition, then, else)'),
        ("1e999", 0, "the number 1e999 is too large"),
        ("exp z", 4, 'expected "(" after exp, found "z"'),
        ("__import__(z)", 0, 'unknown function "__import__"; known: exp, log, log1p'),
        ("z.real", 1, 'unexpected character "."'),
    ],
)
def test_errors_point_at_the_character(formula: str, position: int, message: str) -> None:
    with pytest.raises(InvalidExpression) as error:
        parse(formula, {"z": "z"})
    assert error.value.position == position
    assert error.value.message.startswith(message)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("(" * 100_000, "the expression is too long: 100000 characters, at most 2000 are read"),
        ("(" * 1000, "the expression is nested too deeply: more than 60 levels"),
        ("-" * 1500 + "z", "the expression is nested too deeply: more than 60 levels"),
        ("z+" * 200 + "z", "the expression is nested too deeply: more than 60 levels"),
        ("z**" * 300 + "z", "the expression is nested too deeply: more than 60 levels"),
        ("max(z," * 300, "the expression is nested too deeply: more than 60 levels"),
    ],
)
def test_size_and_nesting_are_bounded(formula: str, message: str) -> None:
    with few_calls(50_000):
        with pytest.raises(InvalidExpression) as error:
            parse(formula, NAMES)
        assert error.value.message == message


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(garbage: str) -> None:
    with suppress(InvalidExpression):
        parse(garbage, NAMES)
    with pytest.raises(InvalidExpression) as error:
        parse(garbage + "$", NAMES)
    assert 0 <= error.value.position <= len(garbage)
