"""The language and its readings, against mpmath, SymPy and Python's own grammar."""

from __future__ import annotations

import math
from contextlib import suppress

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.expressions.oracle import ORACLE, exact
from tests.support import few_calls

from clearprop.errors import InvalidExpression
from clearprop.expressions import (
    Apply,
    Expression,
    Number,
    Operator,
    Symbol,
    derivative,
    differentiate,
    evaluate,
    not_finite_part,
    parse,
    simplify,
    text,
)
from clearprop.expressions import tree as build
from clearprop.expressions.kinks import switches

NAMES = {"z": "z", "y": "y", "t": "t"}
z = Symbol("z")


leaves = st.sampled_from([z, Symbol("y"), Number(2.0), Number(0.5), Number(3.0), Number(-1.0)])


def grown(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    one = st.sampled_from(
        [build.tanh, build.logistic, build.softplus, build.erf, build.exp, build.expm1, build.absolute]
    )
    two = st.sampled_from([build.maximum, build.minimum, lambda u, v: u + v, lambda u, v: u - v, lambda u, v: u * v])
    return st.one_of(
        st.builds(lambda f, u: f(u), one, inner),
        st.builds(lambda f, u, v: f(u, v), two, inner, inner),
        st.builds(lambda u, v: u / (v**2 + 1), inner, inner),
        st.builds(lambda u, n: u ** Number(float(n)), inner, st.integers(0, 3)),
        st.builds(lambda u: -u, inner),
        st.builds(lambda a, b, u, v: build.where(build.greater(a, b), u, v), inner, inner, inner, inner),
    )


trees = st.recursive(leaves, grown, max_leaves=8)
points = st.floats(-3, 3).filter(lambda value: abs(value) > 1e-3)


@given(trees, points, points)
def test_evaluation_agrees_with_mpmath(tree: Expression, at_z: float, at_y: float) -> None:
    with mpmath.workdps(40):
        expected = exact(tree, {"z": mpmath.mpf(at_z), "y": mpmath.mpf(at_y)})
    assume(abs(expected) < 1e100)
    assert float(evaluate(tree, {"z": at_z, "y": at_y})) == pytest.approx(float(expected), rel=1e-9, abs=1e-9)


@given(trees, points, points)
def test_simplified_trees_and_printed_ones_have_the_same_value(tree: Expression, at_z: float, at_y: float) -> None:
    values = {"z": at_z, "y": at_y}
    expected = float(evaluate(tree, values))
    assume(abs(expected) < 1e100)
    assert float(evaluate(simplify(tree), values)) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert float(evaluate(parse(text(tree), NAMES), values)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(trees, points, points)
def test_derivatives_agree_with_central_differences(tree: Expression, at_z: float, at_y: float) -> None:
    with mpmath.workdps(60):
        h = mpmath.mpf(10) ** -20
        here = {"z": mpmath.mpf(at_z), "y": mpmath.mpf(at_y)}
        sides = [[exact(switch, {**here, "z": here["z"] + s * h}) > 0 for switch in switches(tree)] for s in (-1, 1)]
        assume(sides[0] == sides[1])
        ahead, behind = (exact(tree, {**here, "z": here["z"] + s * h}) for s in (1, -1))
        expected = (ahead - behind) / (2 * h)
    assume(abs(expected) < 1e50)
    steps = differentiate(tree, "z")
    for form in (steps.raw, steps.simplified):
        assert float(evaluate(form, {"z": at_z, "y": at_y})) == pytest.approx(float(expected), rel=1e-7, abs=1e-7)


FUNCTIONS = ["exp(z)", "log(z)", "log1p(z)", "expm1(z)", "sqrt(z)", "tanh(z)", "logistic(z)", "softplus(z)", "erf(z)",
             "sin(z)", "cos(z)"]  # fmt: skip
OTHERS = ["z**3", "2**z", "z**z", "1/z", "z/(1+z)", "(z-1)*(z+2)*z", "-z**2", "y*z", "exp(-z**2)", "sqrt(1+z*z)"]
SYMPY = {"logistic": lambda u: 1 / (1 + sympy.exp(-u)), "softplus": lambda u: sympy.log(1 + sympy.exp(u)),
         "log1p": lambda u: sympy.log(1 + u), "expm1": lambda u: sympy.exp(u) - 1}  # fmt: skip


@pytest.mark.parametrize("formula", FUNCTIONS + OTHERS)
def test_table_of_derivatives_agrees_with_sympy(formula: str) -> None:
    expected = sympy.diff(sympy.sympify(formula, locals=SYMPY), sympy.Symbol("z"))
    for at in (0.3, 1.7, 2.9):
        found = float(evaluate(derivative(parse(formula, NAMES), "z"), {"z": at, "y": 1.3}))
        assert found == pytest.approx(float(expected.subs({"z": at, "y": 1.3})), rel=1e-12)


@pytest.mark.parametrize("formula", FUNCTIONS)
def test_a_planted_wrong_derivative_is_caught(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = parse(formula, NAMES)
    assert isinstance(tree, Apply)
    monkeypatch.setattr(tree.operator, "slope", lambda u: u + 1)
    with pytest.raises(AssertionError):
        test_table_of_derivatives_agrees_with_sympy(formula)


def test_at_kinks_the_choice_is_strict() -> None:
    slopes = {"max(z, 0)": 0.0, "where(z > 0, z, 0.1 * z)": 0.1, "abs(z)": 0.0, "min(z, 0)": 0.0}
    for formula, expected in slopes.items():
        assert float(evaluate(derivative(parse(formula, NAMES), "z"), {"z": 0.0})) == expected


def test_steps_are_named_as_in_the_lecture() -> None:
    steps = differentiate(parse("1/2 * (t - y)**2", NAMES), "y")
    assert text(steps.raw) == "2 * (1/2) * (t - y) * (-1)"
    assert text(steps.simplified) == "y - t"
    assert steps.rules == ("constant factor rule", "power rule", "chain rule", "difference rule")


# --- stability -------------------------------------------------------------------------------------

LARGE = [-1000.0, -745.2, -50.0, -1.0, -1e-10, 0.0, 1e-300, 1e-5, 0.47, 0.5, 3.9, 4.1, 30.0, 709.0, 1000.0]


@pytest.mark.parametrize("formula", ["logistic(z)", "softplus(z)", "tanh(z)", "log1p(exp(-abs(z)))", "expm1(-abs(z))"])
@pytest.mark.parametrize("at", LARGE)
def test_primitives_keep_their_digits(formula: str, at: float) -> None:
    tree = parse(formula, NAMES)
    with mpmath.workdps(500):
        expected = float(exact(tree, {"z": mpmath.mpf(at)}))
    assert float(evaluate(tree, {"z": at})) == pytest.approx(expected, rel=1e-14, abs=1e-320)


@pytest.mark.parametrize("name", ["logistic", "tanh", "softplus"])
@pytest.mark.parametrize("at", LARGE)
def test_slopes_keep_their_digits_where_they_saturate(name: str, at: float) -> None:
    sigma = ORACLE[Operator.LOGISTIC]
    with mpmath.workdps(1000):
        u = mpmath.mpf(at)
        expected = {"logistic": sigma(u) * sigma(-u), "tanh": 1 - mpmath.tanh(u) ** 2, "softplus": sigma(u)}[name]
    found = float(evaluate(derivative(parse(f"{name}(z)", NAMES), "z"), {"z": at}))
    assert found == pytest.approx(float(expected), rel=1e-13, abs=1e-320)


def test_erf_within_four_units_in_the_last_place() -> None:
    values = np.concatenate([np.linspace(-7, 7, 20_001), [0.0, 1e-300, 1e300, -1e300]])
    expected = np.array([math.erf(value) for value in values])
    found = evaluate(parse("erf(z)", NAMES), {"z": values})
    assert np.max(np.abs(found - expected) / np.spacing(np.abs(expected) + 1e-300)) <= 4
    assert math.isnan(float(evaluate(parse("erf(z)", NAMES), {"z": math.nan})))


@pytest.mark.parametrize("dtype", ["float32", "float64", "longdouble"])
def test_the_precision_of_the_values_is_kept(dtype: str) -> None:
    values = np.linspace(-2, 2, 5, dtype=dtype)
    for formula in (*FUNCTIONS[5:], "where(z > 0, 1, 0)", "max(z, 0.1) / 3", "z**2"):
        assert evaluate(parse(formula, NAMES), {"z": values}).dtype == np.dtype(dtype)


def test_the_part_that_is_not_finite_is_named() -> None:
    tree = parse("1 + log(z) * 2", NAMES)
    assert str(not_finite_part(tree, {"z": 0.0})) == "log(z)"
    assert not_finite_part(tree, {"z": 1.0}) is None
    assert not_finite_part(parse("where(z > 0, log(z), 0)", NAMES), {"z": 0.0}) is None


# --- parsing ---------------------------------------------------------------------------------------


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
