"""Powers against extended precision, and their special cases."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from tests.engine.support.accuracy import LONG, ONE_EACH, POWER, limit, longer, ulps
from tests.engine.support.compiled import Kind, compiled

from clearprop.engine.mathematics.power import SERIES, THIRD
from clearprop.types import Array


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


def test_the_series_of_the_long_logarithm_is_long_enough() -> None:
    with mpmath.workdps(40):
        z = mpmath.mpf((math.sqrt(2) - 1) / (math.sqrt(2) + 1)) ** 2
        exact = (mpmath.atanh(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1 - z / 3) / z**2
        assert abs(mpmath.polyval(SERIES, z) - exact) * z**2 < 2.0**-66
        assert abs(THIRD[0] + mpmath.mpf(THIRD[1]) - mpmath.mpf(1) / 3) < 2.0**-106
