"""Every function in vector code against the same in higher precision, all over the line and at its ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from tests.engine.support.accuracy import (
    DOUBLES,
    FUNCTIONS,
    LONG,
    ONE_EACH,
    SINGLES,
    SPECIAL,
    TREES,
    doubles,
    every,
    limit,
    longer,
    promised,
    ulps,
)
from tests.engine.support.compiled import KINDS, Kind, compiled

from clearprop.expressions import evaluate
from clearprop.types import Array


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
    at = every(3001 if kind is SINGLES[0] else 10_007)
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


def test_ulps_counts_and_sees_the_ends() -> None:
    one = np.array([1.0, 1.0, 2.0**-149, 0.0, np.inf, np.nan], np.float32)
    assert ulps(one, one.astype(float)).tolist() == [0.0] * 6
    more = np.array([1 + 2.0**-23, 1 - 2.0**-24, 2.0**-148, -0.0, 3e38, 0.0], np.float32)
    assert ulps(more, one.astype(float)).tolist() == [1.0, 0.5, 1.0, np.inf, np.inf, np.inf]
