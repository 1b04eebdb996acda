"""Differentiating and simplifying, where the numbers are awkward too."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.expressions.oracle import ORACLE, exact
from tests.expressions.trees import FUNCTIONS, LARGE, NAMES, OTHERS, of_any_numbers, points, trees

from clearprop.expressions import (
    Apply,
    Expression,
    Number,
    Operator,
    derivative,
    differentiate,
    evaluate,
    parse,
    simplify,
    text,
)
from clearprop.expressions.kinks import switches
from clearprop.expressions.tree import nodes

# Each operator's derivative from a textbook, as a formula for mpmath; log and sqrt for z > 0.
TEXTBOOK = {
    "exp(z)": "exp(z)",
    "log(z)": "1/z",
    "log1p(z)": "1/(1+z)",
    "expm1(z)": "exp(z)",
    "sqrt(z)": "1/(2*sqrt(z))",
    "tanh(z)": "sech(z)**2",
    "logistic(z)": "exp(-z)/(1+exp(-z))**2",
    "softplus(z)": "1/(1+exp(-z))",
    "erf(z)": "2/sqrt(pi)*exp(-z**2)",
    "abs(z)": "sign(z)",
    "sin(z)": "cos(z)",
    "cos(z)": "-sin(z)",
    "floor(z + 0.1)": "0",
    "z + y": "1",
    "y - z": "-1",
    "-z": "-1",
    "y * z": "y",
    "z / y": "1/y",
    "y / z": "-y/z**2",
    "z**y": "y*z**(y-1)",
    "y**z": "y**z*log(y)",
    "max(z, y)": "1 if z > y else 0",
    "max(y, z)": "1 if z > y else 0",
    "min(z, y)": "1 if z < y else 0",
    "where(z > y, z**2, z)": "2*z if z > y else 1",
    "where(z <= y, z**2, z)": "2*z if z <= y else 1",
}


@pytest.mark.parametrize("formula", TEXTBOOK)
def test_each_operator_has_its_textbook_derivative(formula: str) -> None:
    scope = {name: getattr(mpmath, name) for name in ("exp", "log", "sqrt", "sech", "pi", "sign", "sin", "cos")}
    steps = differentiate(parse(formula, NAMES), "z")
    for z, y in [(0.25, 1.5), (2.0, 0.75), (1.25, 3.0)]:
        expected = float(eval(TEXTBOOK[formula], scope, {"z": mpmath.mpf(z), "y": mpmath.mpf(y)}))
        for form in (steps.raw, steps.simplified):
            assert float(evaluate(form, {"z": z, "y": y})) == pytest.approx(expected, rel=1e-14)


def test_the_table_above_has_every_operator() -> None:
    used = {node.operator for f in TEXTBOOK for node in nodes(parse(f, NAMES)) if isinstance(node, Apply)}
    relations = {Operator.LESS, Operator.GREATER_EQUAL}
    assert used | relations == set(Operator)


@pytest.mark.parametrize(
    ("formula", "rules"),
    [
        ("1/2 * (t - y)**2", ("constant factor rule", "power rule", "chain rule", "difference rule")),
        ("logistic(y)", ("derivative of logistic",)),
        ("t + y**3", ("sum rule", "power rule")),
        ("y * exp(y)", ("product rule", "derivative of exp")),
        ("t / y", ("quotient rule",)),
        ("2**y", ("exponential rule",)),
        ("y**y", ("general power rule",)),
        ("max(y, 0)", ("larger of two",)),
        ("min(y, 0)", ("smaller of two",)),
        ("where(y > 0, y, 0)", ("case by case",)),
    ],
)
def test_rules_are_named(formula: str, rules: tuple[str, ...]) -> None:
    assert differentiate(parse(formula, NAMES), "y").rules == rules


def test_the_lectures_factor_is_derived_as_on_paper() -> None:
    steps = differentiate(parse("1/2 * (t - y)**2", NAMES), "y")
    for y, t in [(0.734927, 0.05), (0.779559, 0.95), (-3.0, 2.0)]:
        values = {"y": y, "t": t}
        assert float(evaluate(steps.raw, values)) == pytest.approx(y - t, rel=1e-15)
        assert float(evaluate(steps.simplified, values)) == y - t
    last = steps.steps[-1]
    assert (last.rule, text(last.of), text(last.result)) == (
        "constant factor rule",
        "1/2 * (t - y)**2",
        "2 * (1/2) * (t - y) * (-1)",
    )


@pytest.mark.parametrize(
    ("formula", "at", "slope"),
    [
        ("abs(z)", 0.0, 0.0),
        ("max(z, 0)", 0.0, 0.0),
        ("min(z, 0)", 0.0, 0.0),
        ("where(z > 0, 3 * z, 5 * z)", 0.0, 5.0),
        ("where(z >= 0, 3 * z, 5 * z)", 0.0, 3.0),
        ("where(z < 0, 3 * z, 5 * z)", 0.0, 5.0),
        ("where(z <= 0, 3 * z, 5 * z)", 0.0, 3.0),
        ("abs(2 * z - 1)", 0.5, 0.0),
    ],
)
def test_at_a_kink_the_branch_that_is_taken_decides(formula: str, at: float, slope: float) -> None:
    assert float(evaluate(differentiate(parse(formula, NAMES), "z").simplified, {"z": at})) == slope


AWKWARD = [
    "1e300*1e300*z", "1e308+1e308+z", "1e308*10*z+exp(z)", "z/1e-320", "z/1e-320/1e-320", "z/0", "z*(z/0+1)",
    "(z/0)*2+z", "1/(z*0)", "0**-1*z", "(z-z)**-1*z", "0*z/0", "1e-300*z*1e-300*1e300*1e300", "1e200**2*z",
    "(0-1)**0.5*z", "0**0*z", "z**0", "z*0", "0-0*z", "-1e308*z-1e308*z", "z**1e308", "z/1e308/10",
]  # fmt: skip


@pytest.mark.parametrize("formula", AWKWARD)
def test_awkward_numbers_are_differentiated_simplified_and_printed(formula: str) -> None:
    """No number of a tree is infinite, and what is finite keeps its value."""
    tree = of_any_numbers(formula)
    steps = differentiate(tree, "z")
    for before, after in ((tree, simplify(tree)), (steps.raw, steps.simplified)):
        assert all(math.isfinite(node.value) for node in nodes(after) if isinstance(node, Number))
        of_any_numbers(text(after))
        for z in (0.5, -1.25, 1e-5):
            expected = float(evaluate(before, {"z": z}))
            if math.isfinite(expected):
                assert float(evaluate(after, {"z": z})) == pytest.approx(expected, rel=1e-12)


constant = st.sampled_from(["0", "1", "2", "0.5", "3", "1e200", "1e-200", "1e308", "5e-324"])
polynomials = st.recursive(
    st.one_of(constant, st.just("z"), st.just("y")),
    lambda inner: st.builds(
        lambda u, o, v: f"({u}){o}({v})", inner, st.sampled_from(["+", "-", "*", "/", "*(-1)*"]), inner
    ),
    max_leaves=9,
)


@given(polynomials)
def test_simplifying_keeps_every_finite_value(formula: str) -> None:
    tree = of_any_numbers(formula)
    simple = simplify(tree)
    for z, y in [(0.7, -1.3), (-2.5, 0.4)]:
        with mpmath.workdps(400):
            try:
                value = float(mpmath.mpf(exact(tree, {"z": mpmath.mpf(z), "y": mpmath.mpf(y)})))
            except (ZeroDivisionError, OverflowError):
                continue
        before, after = (float(evaluate(form, {"z": z, "y": y})) for form in (tree, simple))
        # Where float arithmetic itself went astray (1e200 * 1e200 / 1e200) nothing can be compared.
        if math.isfinite(before) and before == pytest.approx(value, rel=1e-9) and 1e-290 < abs(before) < 1e290:
            assert after == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    "formula",
    [
        "logistic(" * 59 + "z" + ")" * 59,
        "*".join(f"(z+{k}*tanh(z))" for k in range(1, 55)),
        "/".join(f"(z+{k}*tanh(z))" for k in range(1, 55)),
        "z**" * 29 + "z",
        "where(z>0,z*z," * 55 + "z" + ")" * 55,
    ],
)
def test_the_largest_expressions_are_differentiated_in_few_steps(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in nodes that are built: the work, whatever else the machine is busy with."""
    build, built = Apply.__init__, 0

    def counted(self: Apply, *arguments: Any) -> None:
        nonlocal built
        built += 1
        build(self, *arguments)

    monkeypatch.setattr(Apply, "__init__", counted)
    slope = differentiate(parse(formula, NAMES), "z").simplified
    assert np.isfinite(evaluate(slope, {"z": 0.9}))
    assert built < 30_000


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


@pytest.mark.parametrize("name", ["logistic", "tanh", "softplus"])
@pytest.mark.parametrize("at", LARGE)
def test_slopes_keep_their_digits_where_they_saturate(name: str, at: float) -> None:
    sigma = ORACLE[Operator.LOGISTIC]
    with mpmath.workdps(1000):
        u = mpmath.mpf(at)
        expected = {"logistic": sigma(u) * sigma(-u), "tanh": 1 - mpmath.tanh(u) ** 2, "softplus": sigma(u)}[name]
    found = float(evaluate(derivative(parse(f"{name}(z)", NAMES), "z"), {"z": at}))
    assert found == pytest.approx(float(expected), rel=1e-13, abs=1e-320)
