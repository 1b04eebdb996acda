"""Functions of the engine against more digits: how far off a result is, in units in the last place."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import numpy as np
import pytest
from tests.engine.support.compiled import KINDS, Kind, compiled

from clearprop.engine.mathematics.lanes import DOUBLE, SINGLE, Precision
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


def digits(name: str, kind: Kind) -> None:
    """Demand that a function has the digits that the table promises, at points where much of it is decided."""
    rng = np.random.default_rng(4)
    points = np.concatenate([rng.normal(size=60), rng.uniform(-30, 30, 60), np.exp(rng.uniform(-30, 3, 60))])
    if name == "erf":  # NumPy has none to compare with elsewhere
        points = np.concatenate([points, rng.uniform(-6, 6, 1500), np.exp(rng.uniform(-30, 1, 500))])
    points = points.astype(kind.dtype)
    points = points[points > {"log": 0, "log1p": -1, "sqrt": 0}.get(name, -math.inf)]
    info = np.finfo(kind.dtype)
    (found,) = compiled(kind, ["z"], [TREES[name]])(points)
    for at, value in zip(points, found, strict=True):
        with mpmath.workprec(200):
            exact = MPMATH[name](mpmath.mpf(float(at)))
            last = mpmath.ldexp(1, int(max(mpmath.floor(mpmath.log(abs(exact), 2)), info.minexp)) - info.nmant)
            off = abs(mpmath.mpf(float(value)) - exact) / last
        assert off <= limit(name, kind), (name, at, value)


def relative_error(exact: Callable[[Any], Any], near: Callable[[Any], Any], low: float, high: float) -> Any:
    """The largest relative error between two bounds."""
    with mpmath.workdps(40):
        step = (mpmath.mpf(high) - low) / 400
        at = [low + step * k for k in range(401) if low + step * k != 0]
        return max(abs(near(u) / exact(u) - 1) for u in at)


PRECISIONS = pytest.mark.parametrize(("p", "share"), [(SINGLE, 2.0**-24), (DOUBLE, 2.0**-53)], ids=["single", "double"])
"""Each precision, and half a unit in its last place: a polynomial may be wrong by two fifths of that."""
KINDS_OF_EACH = pytest.mark.parametrize("kind", ONE_EACH, ids=str)


def polynomial(table: Mapping[Precision, tuple[float, ...]], p: Precision) -> Callable[[Any], Any]:
    return lambda u: mpmath.polyval(table[p], u)


def wrong_coefficient(monkeypatch: pytest.MonkeyPatch, room: Any, table: str, name: str, wrong: float = 3e-5) -> None:
    """Demand that the bounds notice a last coefficient that is a little wrong."""
    *rest, last = getattr(room, table)[SINGLE]
    monkeypatch.setitem(getattr(room, table), SINGLE, (*rest, last * (1 + wrong)))
    kind, at = SINGLES[0], every(100_003)
    (found,) = compiled(kind, ["z"], [TREES[name]])(at)
    assert ulps(found, evaluate(TREES[name], {"z": longer(at, float)})).max() > limit(name, kind)
