"""Each function in vector code against the same in higher precision, all over the line and at its ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
from llvmlite import ir
from tests.engine.support.compiled import KINDS, Kind, assembly, calls, compiled, loop, module

from clearprop.engine.mathematics import error_function, exponential, logarithm, sigmoid
from clearprop.engine.mathematics.lanes import DOUBLE, SINGLE, Lanes, Precision
from clearprop.engine.mathematics.power import SERIES, THIRD
from clearprop.expressions import Expression, Symbol, evaluate, parse
from clearprop.types import Array

FUNCTIONS = ("exp", "expm1", "log", "log1p", "logistic", "tanh", "softplus", "erf", "sqrt", "sin", "cos", "floor")
TREES: Mapping[str, Expression] = {name: parse(f"{name}(z)", {"z": "z"}) for name in FUNCTIONS}
POWER = Symbol("u") ** Symbol("v")
# The largest error in ulp, where multiplication and addition are one instruction and where they are two.
ULP = {
    "exp": (1.05, 0.93), "expm1": (1.61, 1.68), "log": (0.93, 0.96), "log1p": (1.53, 1.53), "logistic": (1.73, 1.96),
    "tanh": (1.18, 1.18), "softplus": (1.78, 1.81), "erf": (1.15, 1.4), "sqrt": (0.5, 0.5), "power": (1.4, 1.4),
    "sin": (1.7, 2.1), "cos": (1.8, 1.8), "floor": (0.0, 0.0),
}  # fmt: skip
SINGLES = [kind for kind in KINDS if kind.dtype == "float32"]
DOUBLES = [kind for kind in KINDS if kind.dtype == "float64"]
# One kind with and one without an instruction for both.
ONE_EACH = [
    next(kind for kind in kinds if kind.fma is fma)
    for kinds in (SINGLES, DOUBLES)
    for fma in sorted({kind.fma for kind in kinds})
]
LONG = np.finfo(np.longdouble).nmant >= 63
SINGLE_ENDS = [88.72283, 88.72284, 88.722845, 89.0, -87.33655, -103.97207, -103.97208, -104.0, 1e-45, 1.1754944e-38]
DOUBLE_ENDS = [709.782712893384, 709.7827128933841, -708.3964185322641, -745.1332191019411, -745.1332191019412]
POINTS = [0.0, 1.0, math.inf, 0.5, 2.0, 3.5, 0.55, 0.41421357, 40.0, 1e-30, 5e-324, 2.3e-308, 1e30, 1e308]
SPECIAL = [math.nan, *(sign * at for at in (*POINTS, *SINGLE_ENDS, *DOUBLE_ENDS) for sign in (1.0, -1.0))]


def ulps(found: Array, wanted: Array) -> Array:
    """How far off each number is, in units of the last place that the wanted one has in that precision.

    Infinite where one of them is infinite, NaN, or a zero of some sign, and the other is not the same.
    """
    info = np.finfo(found.dtype)
    with np.errstate(all="ignore"):
        _, exponent = np.frexp(wanted)
        last = np.ldexp(np.ones(1, wanted.dtype), np.maximum(exponent - 1, info.minexp) - info.nmant)
        distance = np.abs(found - wanted) / last
        near = wanted.astype(found.dtype)
    ends = ~np.isfinite(near) | ~np.isfinite(found) | ((near == 0) & (found == 0))
    same = (np.isnan(near) & np.isnan(found)) | ((near == found) & (np.signbit(near) == np.signbit(found)))
    return np.where(ends, np.where(same, 0.0, np.inf), distance)


def limit(name: str, kind: Kind) -> float:
    return ULP[name][0 if kind.fma else 1]


def promised(name: str, at: Array) -> Array:
    """Where a function promises its digits: sin and cos up to 2^29, the others everywhere."""
    return (name not in ("sin", "cos")) | ~np.isfinite(at) | (np.abs(at) <= 2.0**29)


def test_of_angles_too_large_sin_and_cos_are_still_between_minus_one_and_one(functions: Any) -> None:
    for kind in ONE_EACH:
        at = np.array([2.0**30, -1e12, 1e30, -3e38], kind.dtype)
        for name, found in zip(FUNCTIONS, functions(kind)(at), strict=True):
            assert name not in ("sin", "cos") or np.all(np.abs(found) <= 1)


def longer(array: Array, dtype: Any) -> Array:
    """The same numbers with more digits; those that are none may be of the kind that processors complain of."""
    with np.errstate(invalid="ignore"):
        return array.astype(dtype)


def every(step: int) -> Array:
    """Every so many of the 2^32 numbers of single precision."""
    return np.arange(0, 2**32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)


def doubles() -> Array:
    """Numbers of double precision: of all sizes, and of those where something happens."""
    rng, n = np.random.default_rng(3), 15_000
    signs = rng.choice([-1.0, 1.0], n)
    return np.concatenate(
        [
            rng.integers(0, 2**64, n, dtype=np.uint64).view(float),
            rng.normal(size=n),
            rng.uniform(-45, 45, n),
            rng.uniform(-760, 760, n),
            signs * np.exp(rng.uniform(-50, 8, n)),
            1 + 0.1 * rng.normal(size=n),
            np.ldexp(signs, -1022 - rng.integers(0, 53, n)),
            np.array(SPECIAL),
        ]
    )


@pytest.fixture(scope="module")
def functions() -> Callable[[Kind], Callable[[Array], list[Array]]]:
    made: dict[Kind, Callable[[Array], list[Array]]] = {}

    def of(kind: Kind) -> Callable[[Array], list[Array]]:
        if kind not in made:
            made[kind] = compiled(kind, ["z"], list(TREES.values()))
        return made[kind]

    return of


@pytest.mark.parametrize("kind", [kind for kind in ONE_EACH if kind.dtype == "float32"], ids=str)
def test_single_precision_everywhere(kind: Kind, functions: Any) -> None:
    at = every(1009 if kind is SINGLES[0] else 10_007)
    exact = longer(at, float)
    for name, found in zip(FUNCTIONS, functions(kind)(at), strict=True):
        off = np.where(promised(name, at), ulps(found, evaluate(TREES[name], {"z": exact})), 0)
        assert off.max() <= limit(name, kind), (name, at[off.argmax()], found[off.argmax()], off.max())


@pytest.mark.skipif(not LONG, reason="numpy.longdouble has no more digits than double precision here")
@pytest.mark.parametrize("kind", [kind for kind in ONE_EACH if kind.dtype == "float64"], ids=str)
def test_double_precision_against_extended(kind: Kind, functions: Any) -> None:
    at = doubles()
    for name, found in zip(FUNCTIONS, functions(kind)(at), strict=True):
        if name == "erf":  # whose reference has the digits of double precision
            continue
        exact = evaluate(TREES[name], {"z": longer(at, np.longdouble)})
        off = np.where(promised(name, at), ulps(found, exact), 0)
        assert off.max() <= limit(name, kind), (name, at[off.argmax()], found[off.argmax()], off.max())


MPMATH: Mapping[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "logistic": lambda u: 1 / (1 + mpmath.exp(-u)),
    "tanh": mpmath.tanh,
    "softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
    "erf": mpmath.erf,
    "sqrt": mpmath.sqrt,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "floor": mpmath.floor,
}


@pytest.mark.parametrize("kind", ONE_EACH, ids=str)
def test_against_mpmath(kind: Kind, functions: Any) -> None:
    rng = np.random.default_rng(4)
    some = np.concatenate([rng.normal(size=60), rng.uniform(-30, 30, 60), np.exp(rng.uniform(-30, 3, 60))])
    many = np.concatenate([some, rng.uniform(-6, 6, 1500), np.exp(rng.uniform(-30, 1, 500))])
    info = np.finfo(kind.dtype)
    for name, found in zip(FUNCTIONS, functions(kind)(many), strict=True):
        points = many if name == "erf" else some
        for at, value in zip(points.astype(kind.dtype), found, strict=False):
            if at > {"log": 0, "log1p": -1, "sqrt": 0}.get(name, -math.inf):
                with mpmath.workprec(200):
                    exact = MPMATH[name](mpmath.mpf(float(at)))
                    last = mpmath.ldexp(1, int(max(mpmath.floor(mpmath.log(abs(exact), 2)), info.minexp)) - info.nmant)
                    off = abs(mpmath.mpf(float(value)) - exact) / last
                assert off <= limit(name, kind), (name, at, value)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_ends_are_those_of_numpy(kind: Kind, functions: Any) -> None:
    """Infinities, NaN, signed zeros and what is too large: the same as the reference's, in each precision."""
    with np.errstate(over="ignore"):
        at = np.array(SPECIAL, kind.dtype)
    for name, found in zip(FUNCTIONS, functions(kind)(at), strict=True):
        wanted = evaluate(TREES[name], {"z": at})
        for value, one, other in zip(at, found, wanted, strict=True):
            if not promised(name, value):
                continue
            # log1p of a subnormal number is not what some libraries say.
            if not (math.isfinite(other) and other != 0):
                assert one == other or (math.isnan(one) and math.isnan(other)), (name, value)
                assert math.isnan(other) or np.signbit(one) == np.signbit(other), (name, value)
            else:
                assert one == pytest.approx(other, rel=1e-6, abs=3 * float(np.finfo(kind.dtype).smallest_subnormal))


@pytest.mark.parametrize("kinds", [SINGLES, DOUBLES], ids=["single", "double"])
def test_the_number_of_lanes_changes_no_bit(kinds: list[Kind], functions: Any) -> None:
    at = every(100_003) if kinds is SINGLES else doubles()
    fma = [kind for kind in kinds if kind.fma]
    for one, other in pairwise(fma):
        for name, found, again in zip(FUNCTIONS, functions(one)(at), functions(other)(at), strict=True):
            np.testing.assert_array_equal(found, again, err_msg=f"{name}: {one}, {other}")


# --- powers -------------------------------------------------------------------------------------------


def _pairs(kind: Kind) -> tuple[Array, Array]:
    rng, n = np.random.default_rng(5), 20_000
    ends = [0.0, 1.0, math.inf, 0.5, 2.0, 3.0, 2.5, 1e-40, 5e-324, 2.0**23 + 1, 2.0**24, 2.0**52 + 1, 2.0**53 - 1]
    ends = [math.nan, *ends, *(-end for end in ends), 1e30, 1e300, 1e-300, math.nextafter(1, 2), math.nextafter(1, 0)]
    u, v = np.meshgrid(ends, ends)
    wild = np.exp(rng.uniform(-80, 80, n))
    bases = [wild, np.exp(rng.uniform(-3, 3, n)), 1 + 1e-3 * rng.normal(size=n), -np.round(wild**0.1), u.ravel()]
    exponents = [rng.normal(size=n), rng.uniform(-300, 300, n), 1e5 * rng.normal(size=n), rng.integers(-40, 40, n)]
    with np.errstate(over="ignore"):
        return np.concatenate(bases).astype(kind.dtype), np.concatenate([*exponents, v.ravel()]).astype(kind.dtype)


@pytest.mark.skipif(not LONG, reason="numpy.longdouble has no more digits than double precision here")
@pytest.mark.parametrize("kind", ONE_EACH, ids=str)
def test_powers_and_their_special_cases(kind: Kind) -> None:
    u, v = _pairs(kind)
    (found,) = compiled(kind, ["u", "v"], [POWER])(u, v)
    with np.errstate(all="ignore"):
        off = ulps(found, np.power(longer(u, np.longdouble), longer(v, np.longdouble)))
    worst = off.argmax()
    assert off.max() <= limit("power", kind), (u[worst], v[worst], found[worst])


# --- what they are made of ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_no_function_calls_a_library(kind: Kind) -> None:
    source = module(kind, ["z", "u", "v"], [*TREES.values(), POWER])
    assert calls(assembly(kind, source)) == []


@pytest.mark.parametrize("name", ["llvm.exp", "llvm.roundeven"])
def test_a_call_of_a_library_is_found(name: str) -> None:
    kind = next(kind for kind in KINDS if not kind.fma or kind is KINDS[-1])

    def write(builder: ir.IRBuilder, values: Any) -> list[ir.Value]:
        lanes = Lanes(builder, kind.type, fma=kind.fma)
        return [lanes._call(name, values["z"])]

    assert calls(assembly(kind, loop(kind, ["z"], write, 1)))


def _relative(exact: Callable[[Any], Any], near: Callable[[Any], Any], low: float, high: float) -> Any:
    """The largest relative error between two bounds."""
    with mpmath.workdps(40):
        step = (mpmath.mpf(high) - low) / 400
        at = [low + step * k for k in range(401) if low + step * k != 0]
        return max(abs(near(u) / exact(u) - 1) for u in at)


def _polynomial(table: Mapping[Precision, tuple[float, ...]], p: Precision) -> Callable[[Any], Any]:
    return lambda u: mpmath.polyval(table[p], u)


@pytest.mark.parametrize(("p", "share"), [(SINGLE, 2.0**-24), (DOUBLE, 2.0**-53)], ids=["single", "double"])
def test_the_polynomials_are_as_near_as_they_say(p: Precision, share: float) -> None:
    """Each formula is nearer to its function than two fifths of the error of one rounding."""
    h, P, T, S, Q = (
        _polynomial(table, p) for table in (exponential.H, logarithm.P, sigmoid.T, error_function.S, error_function.Q)
    )
    half = math.log(2) / 2
    near = {
        "expm1": (mpmath.expm1, lambda u: u + u**2 * h(u), -half, half),
        "log1p": (mpmath.log1p, lambda u: u - u**2 / 2 + u**3 * P(u), math.sqrt(0.5) - 1, math.sqrt(2) - 1),
        "tanh": (mpmath.tanh, lambda u: u + u**3 * T(u**2), -sigmoid.NEAR, sigmoid.NEAR),
        "erf": (mpmath.erf, lambda u: u + u * S(u**2), -1, 1),
        "erf beyond 1": (
            mpmath.erf,
            lambda u: 1 - mpmath.exp(-(u**2)) * Q(u - error_function.MIDDLE),
            1,
            error_function.ONE_FROM[p],
        ),
    }
    for name, formulas in near.items():
        assert _relative(*formulas) < 0.4 * share, name


def test_two_parts_of_ln_2_are_all_of_it() -> None:
    for p, (first, second) in exponential.LN_2.items():
        with mpmath.workdps(40):
            rounded = float(np.float32(second)) if p is SINGLE else second
            assert abs(first + mpmath.mpf(rounded) - mpmath.log(2)) < 2.0 ** (-1.6 * p.fraction)
        # The first, times any exponent, has all its digits.
        exponents = p.width - 1 - p.fraction
        assert (first * 2.0 ** (p.fraction - exponents)).is_integer()


def test_the_series_of_the_long_logarithm_is_long_enough() -> None:
    with mpmath.workdps(40):
        z = mpmath.mpf((math.sqrt(2) - 1) / (math.sqrt(2) + 1)) ** 2
        exact = (mpmath.atanh(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1 - z / 3) / z**2
        assert abs(mpmath.polyval(SERIES, z) - exact) * z**2 < 2.0**-66
        assert abs(THIRD[0] + mpmath.mpf(THIRD[1]) - mpmath.mpf(1) / 3) < 2.0**-106


# --- the checks themselves ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("room", "table", "name", "wrong"),
    [
        (exponential, "H", "exp", 3e-5),
        (exponential, "LN_2", "exp", 3e-2),
        (logarithm, "P", "log", 3e-5),
        (sigmoid, "T", "tanh", 3e-5),
        (error_function, "S", "erf", 3e-5),
        (error_function, "Q", "erf", 3e-5),
    ],
)
def test_a_wrong_coefficient_is_found(
    monkeypatch: pytest.MonkeyPatch, room: Any, table: str, name: str, wrong: float
) -> None:
    *rest, last = getattr(room, table)[SINGLE]
    monkeypatch.setitem(getattr(room, table), SINGLE, (*rest, last * (1 + wrong)))
    kind = SINGLES[0]
    at = every(100_003)
    (found,) = compiled(kind, ["z"], [TREES[name]])(at)
    assert ulps(found, evaluate(TREES[name], {"z": longer(at, float)})).max() > limit(name, kind)


def test_ulps_counts_and_sees_the_ends() -> None:
    one = np.array([1.0, 1.0, 2.0**-149, 0.0, np.inf, np.nan], np.float32)
    assert ulps(one, one.astype(float)).tolist() == [0.0] * 6
    more = np.array([1 + 2.0**-23, 1 - 2.0**-24, 2.0**-148, -0.0, 3e38, 0.0], np.float32)
    assert ulps(more, one.astype(float)).tolist() == [1.0, 0.5, 1.0, np.inf, np.inf, np.inf]
