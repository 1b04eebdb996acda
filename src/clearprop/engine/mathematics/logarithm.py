"""log u and log(1 + u): the exponent taken off, and one polynomial for what is left.

u = 2^k (1 + f) with 1 + f between √½ and √2, so that log u = k ln 2 + log(1 + f), and

    log(1 + f) = f - f²/2 + f³ P(f).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from llvmlite import ir

from clearprop.engine.mathematics.exponential import LN_2
from clearprop.engine.mathematics.lanes import DOUBLE, SINGLE, Lanes, Precision

# P(f), highest power first: the polynomials for which the largest relative error of log(1 + f) is
# least (6.2e-9, 9.7e-18), by Remez' exchange in 50 digits.
P: Mapping[Precision, tuple[float, ...]] = {
    SINGLE: (
        -0.0763577819, 0.127633929, -0.13160564, 0.142015427, -0.166232988, 0.200012341, -0.250008225, 0.333333313,
    ),
    DOUBLE: (
        0.02615993193298962, -0.059836957411012096, 0.06504624285124756, -0.056774996057473416,
        0.05667953558146835, -0.061966368855229985, 0.06684646670021595, -0.07149451848233733,
        0.07691525931175168, -0.08332912389322632, 0.09090924070084265, -0.10000015259978878,
        0.11111111145059417, -0.1249999969012298, 0.1428571428010753, -0.16666666669841632,
        0.20000000000066662, -0.24999999999987907, 0.3333333333333314,
    ),
}  # fmt: skip
# The bits of a float32 or float64 a little below √½: where the exponent goes up by one.
ROOT: Mapping[Precision, int] = {SINGLE: 0x3F3504F3, DOUBLE: 0x3FE6A09E667F3BCC}


class Split(NamedTuple):
    """A positive number as 2^k·m: -k, the bits of 2^k, and m between √½ and √2."""

    minus_k: ir.Value
    power: ir.Value
    m: ir.Value


def split(lanes: Lanes, u: ir.Value) -> Split:
    """Exponent and fraction of a normal number above 0."""
    p, whole, integer = lanes.precision, lanes.whole, lanes.integer
    moved = whole("add", lanes.bits(u), integer(p.one - ROOT[p]))
    power = whole("and_", moved, integer((2**p.width - 1) >> p.fraction << p.fraction))
    m = whole("add", whole("and_", moved, integer(2**p.fraction - 1)), integer(ROOT[p]))
    # The stored exponent in the lowest bits of 2^fraction is that number more.
    large = 2.0**p.fraction
    bits = whole("or_", whole("lshr", moved, integer(p.fraction)), integer((p.bias + p.fraction) << p.fraction))
    minus_k = lanes.subtract(lanes.constant(large + p.bias), lanes.number(bits))
    return Split(minus_k, power, lanes.number(m))


def _assembled(lanes: Lanes, k: tuple[ir.Value, ir.Value], f: ir.Value) -> ir.Value:
    """k ln 2 + log(1 + f), from k ln 2 in two parts."""
    p = lanes.polynomial(P[lanes.precision], f)
    curved = lanes.multiply(lanes.multiply(f, f), lanes.multiply_add(f, p, lanes.constant(-0.5)))
    return lanes.add(k[0], lanes.add(f, lanes.add(k[1], curved)))


def _times_ln_2(lanes: Lanes, minus_k: ir.Value) -> tuple[ir.Value, ir.Value]:
    """k ln 2, which is -0 for k = 0: added to -0, as to any number, that changes nothing."""
    first, second = (lanes.multiply(minus_k, lanes.constant(-part)) for part in LN_2[lanes.precision])
    return first, second


def _ends(lanes: Lanes, u: ir.Value, value: ir.Value, zero: float) -> ir.Value:
    """The value, but infinity for infinity, -infinity at the zero of the argument, and NaN below."""
    infinity = lanes.constant(math.inf)
    end = lanes.constant(zero)
    below = lanes.choose(lanes.compare("==", u, end), lanes.negate(infinity), lanes.constant(math.nan))
    value = lanes.choose(lanes.compare("<=", u, end), below, value)
    return lanes.choose(lanes.compare("<", u, infinity), value, u)


def scaled_split(lanes: Lanes, u: ir.Value) -> tuple[ir.Value, Split]:
    """-k, and the parts, of a number above 0 that may be smaller than a normal one."""
    tiny = lanes.compare("<", u, lanes.constant(lanes.precision.least_normal))
    parts = split(lanes, lanes.choose(tiny, lanes.multiply(u, lanes.constant(2.0**64)), u))
    return lanes.add(parts.minus_k, lanes.choose(tiny, lanes.constant(64.0), lanes.constant(0.0))), parts


def log(lanes: Lanes, u: ir.Value) -> ir.Value:
    """log u; -infinity at 0, NaN below."""
    minus_k, parts = scaled_split(lanes, u)
    f = lanes.subtract(parts.m, lanes.constant(1.0))
    return _ends(lanes, u, _assembled(lanes, _times_ln_2(lanes, minus_k), f), 0.0)


def log1p(lanes: Lanes, u: ir.Value) -> ir.Value:
    """log(1 + u); -infinity at -1, NaN below.

    With k taken from the rounded sum 1 + u, f = 2^-k u - (1 - 2^-k) has the digits that the sum lost.
    """
    p, one = lanes.precision, lanes.constant(1.0)
    parts = split(lanes, lanes.add(one, u))
    scale = lanes.number(lanes.whole("sub", lanes.integer(2 * p.one), parts.power))
    f = lanes.multiply_add(scale, u, lanes.negate(lanes.subtract(one, scale)))
    # Where 2^-k is too small a number, 1 is nothing beside u.
    f = lanes.choose(lanes.compare("<", u, lanes.constant(2.0**64)), f, lanes.subtract(parts.m, one))
    return _ends(lanes, u, _assembled(lanes, _times_ln_2(lanes, parts.minus_k), f), -1.0)


def log1p_of_share(lanes: Lanes, e: ir.Value) -> ir.Value:
    """log(1 + e) for e from 0 to 1, where k is 0 or 1."""
    upper = lanes.compare(">", e, lanes.constant(math.sqrt(2) - 1))
    half = lanes.constant(0.5)
    f = lanes.choose(upper, lanes.multiply_add(half, e, lanes.constant(-0.5)), e)
    zero = lanes.constant(0.0)
    first, second = (lanes.choose(upper, lanes.constant(part), zero) for part in LN_2[lanes.precision])
    return _assembled(lanes, (first, second), f)
