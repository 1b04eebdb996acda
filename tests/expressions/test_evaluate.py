"""Values of expressions against mpmath, and the part that has none."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from tests.expressions.oracle import exact
from tests.expressions.trees import FUNCTIONS, LARGE, NAMES, points, trees

from clearprop.expressions import (
    Expression,
    evaluate,
    not_finite_part,
    parse,
)


@given(trees, points, points)
def test_evaluation_agrees_with_mpmath(tree: Expression, at_z: float, at_y: float) -> None:
    with mpmath.workdps(40):
        expected = exact(tree, {"z": mpmath.mpf(at_z), "y": mpmath.mpf(at_y)})
    assume(abs(expected) < 1e100)
    assert float(evaluate(tree, {"z": at_z, "y": at_y})) == pytest.approx(float(expected), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("formula", ["logistic(z)", "softplus(z)", "tanh(z)", "log1p(exp(-abs(z)))", "expm1(-abs(z))"])
@pytest.mark.parametrize("at", LARGE)
def test_primitives_keep_their_digits(formula: str, at: float) -> None:
    tree = parse(formula, NAMES)
    with mpmath.workdps(500):
        expected = float(exact(tree, {"z": mpmath.mpf(at)}))
    assert float(evaluate(tree, {"z": at})) == pytest.approx(expected, rel=1e-14, abs=1e-320)


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
