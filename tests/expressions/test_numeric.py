"""Each primitive against mpmath, from tiny to huge, and at the ends of the line."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.expressions import derivative, evaluate, parse

NAMES = {"z": "z"}
LARGEST = 1.7976931348623157e308
SIZES = [0.0, 5e-324, 1e-300, 1e-17, 1e-8, 0.01, 0.4687, 0.469, 0.999, 1.0, 3.99, 4.01, 5.9, 20.0, 36.7, 100.0]
AT = sorted({sign * size for size in [*SIZES, 700.0, 709.7, 745.0, 1000.0, 1e16, 1e300] for sign in (-1, 1)})

# name: the definition, and the largest relative error that is accepted.
DEFINED: dict[str, tuple[Callable[[Any], Any], float]] = {
    "exp": (mpmath.exp, 1e-15),
    "expm1": (lambda u: mpmath.exp(u) - 1, 1e-15),
    "tanh": (lambda u: (mpmath.expm1(2 * u)) / (mpmath.exp(2 * u) + 1), 1e-15),
    "logistic": (lambda u: 1 / (1 + mpmath.exp(-u)), 1e-15),
    "softplus": (lambda u: mpmath.log1p(mpmath.exp(u)), 1e-15),
    "erf": (lambda u: 2 / mpmath.sqrt(mpmath.pi) * mpmath.quad(lambda x: mpmath.exp(-x * x), [0, u]), 1e-15),
    "abs": (lambda u: u if u > 0 else -u, 0),
    "sin": (mpmath.sin, 1e-15),
    "cos": (mpmath.cos, 1e-15),
    "floor": (mpmath.floor, 0),
    "log": (mpmath.log, 1e-15),
    "log1p": (mpmath.log1p, 1e-15),
    "sqrt": (mpmath.sqrt, 1e-15),
}
DOMAIN = {"log": (5e-324, LARGEST), "sqrt": (0.0, LARGEST), "log1p": (-0.9999, LARGEST), "erf": (-6.0, 6.0)}


def expected(name: str, at: float) -> float:
    # e^u of 1e16 and more needs no computer: it saturates.
    if name in ("tanh",) and abs(at) > 1e4:
        return math.copysign(1.0, at)
    if name in ("logistic",) and abs(at) > 1e4:
        return 1.0 if at > 0 else 0.0
    if name in ("exp", "softplus", "expm1") and abs(at) > 1e4:
        low = -1.0 if name == "expm1" else 0.0
        return low if at < 0 else at if name == "softplus" else math.inf
    with mpmath.workdps(1000 if abs(at) > 50 or 0 < abs(at) < 1e-20 else 60):
        return float(DEFINED[name][0](mpmath.mpf(at)))


@pytest.mark.parametrize("name", DEFINED)
def test_primitives_agree_with_their_definition(name: str) -> None:
    low, high = DOMAIN.get(name, (-LARGEST, LARGEST))
    for at in AT:
        # quad of a tiny interval loses digits that the definition has: there erf(u) is 2u/√π.
        if low <= at <= high and not (name == "erf" and abs(at) < 1e-17):
            found = float(evaluate(parse(f"{name}(z)", NAMES), {"z": at}))
            assert found == pytest.approx(expected(name, at), rel=DEFINED[name][1], abs=5e-324), at


@given(st.floats(-1000, 1000))
def test_stable_primitives_between_a_thousand_and_minus_a_thousand(at: float) -> None:
    for name in ("logistic", "softplus", "tanh", "expm1"):
        found = float(evaluate(parse(f"{name}(z)", NAMES), {"z": at}))
        assert found == pytest.approx(expected(name, at), rel=4e-15, abs=1e-320)


@given(st.one_of(st.floats(-7, 7), st.floats(-1e-5, 1e-5)))
def test_erf_is_within_four_units_in_the_last_place_of_mpmath(at: float) -> None:
    with mpmath.workdps(50):
        right = mpmath.erf(mpmath.mpf(at))
        error = abs(mpmath.mpf(float(evaluate(parse("erf(z)", NAMES), {"z": at}))) - right)
        assert error <= 4 * max(math.ulp(float(right)), 5e-324)


@pytest.mark.parametrize(
    ("name", "at_minus_infinity", "at_infinity"),
    [
        ("exp", 0.0, math.inf), ("expm1", -1.0, math.inf), ("tanh", -1.0, 1.0), ("logistic", 0.0, 1.0),
        ("softplus", 0.0, math.inf), ("erf", -1.0, 1.0), ("abs", math.inf, math.inf), ("log", math.nan, math.inf),
        ("log1p", math.nan, math.inf), ("sqrt", math.nan, math.inf),
    ],
)  # fmt: skip
def test_at_the_ends_of_the_line(name: str, at_minus_infinity: float, at_infinity: float) -> None:
    values = evaluate(parse(f"{name}(z)", NAMES), {"z": np.array([-math.inf, math.inf, math.nan])})
    np.testing.assert_array_equal(values, [at_minus_infinity, at_infinity, math.nan])


def test_undefined_values_are_never_hidden() -> None:
    for formula in ("max(z, 0)", "min(z, 0)", "max(0, z)", "z * 0", "z - z"):
        assert math.isnan(float(evaluate(parse(formula, NAMES), {"z": math.nan})))


def test_an_untaken_branch_may_overflow() -> None:
    tree = parse("where(z > 0, z, exp(z) / 0)", NAMES)
    assert float(evaluate(tree, {"z": 1000.0})) == 1000


@pytest.mark.parametrize(("dtype", "digits"), [("float32", 5e-7), ("float64", 1e-15), ("longdouble", 1e-18)])
def test_each_precision_has_its_digits(dtype: str, digits: float) -> None:
    """Extended precision is what finite differences are taken in: it must not stop at float64."""
    if dtype == "longdouble" and np.finfo("longdouble").eps > 1e-18:
        pytest.skip("this machine's long double is no wider than a double")
    at = np.array([-2.625, -0.375, 0.125, 1.5], dtype=dtype)  # exact in every precision
    for name in ("exp", "expm1", "tanh", "logistic", "softplus"):
        for tree in (parse(f"{name}(z)", NAMES), derivative(parse(f"{name}(z)", NAMES), "z")):
            found = evaluate(tree, {"z": at})
            assert found.dtype == np.dtype(dtype)
            again = evaluate(tree, {"z": at.astype("longdouble")})
            np.testing.assert_allclose(found.astype("longdouble"), again, rtol=digits)
        with mpmath.workdps(40):
            right = [mpmath.nstr(DEFINED[name][0](mpmath.mpf(float(v))), 30) for v in at]
        exact = np.array([np.longdouble(value) for value in right])
        assert np.max(np.abs(evaluate(parse(f"{name}(z)", NAMES), {"z": at}) / exact - 1)) <= 4 * digits


def test_arrays_are_broadcast() -> None:
    tree = parse("z * y + 1", {"z": "z", "y": "y"})
    found = evaluate(tree, {"z": np.ones((3, 1)), "y": np.arange(4.0)})
    np.testing.assert_array_equal(found, [[1, 2, 3, 4]] * 3)
