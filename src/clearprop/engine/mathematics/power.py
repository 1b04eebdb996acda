"""u to the power v, with the special cases of C's pow, which are NumPy's.

|u|^v = e^(v log|u|). The logarithm must have more digits than the result, because v times its error
is the relative error of the result: single precision is computed in double, double precision with a
logarithm of two parts.
"""

from __future__ import annotations

import math

from llvmlite import ir

from clearprop.engine.mathematics.exponential import LN_2, exp
from clearprop.engine.mathematics.lanes import SINGLE, Lanes
from clearprop.engine.mathematics.logarithm import log, scaled_split
from clearprop.engine.mathematics.pairs import Pair, exact_product, exact_sum, plus, product

# |u|^v is 0, 1 or infinity for all larger exponents, which are even numbers too.
LARGEST_EXPONENT = 2.0**100
# artanh(s)/s = 1 + s²/3 + s⁴ (1/5 + s²/7 + ...), the series in s² <= 0.0295, highest power first.
SERIES = tuple(1 / (2 * j + 5) for j in range(10, -1, -1))
THIRD = (1 / 3, 2.0**-54 / 3)


def power(lanes: Lanes, u: ir.Value, v: ir.Value) -> ir.Value:
    """u^v."""
    if lanes.precision is SINGLE:
        wide = lanes.wide()
        logarithm = log(wide, wide.absolute(lanes.widened(u)))
        size = lanes.narrowed(exp(wide, wide.multiply(_bounded(wide, lanes.widened(v)), logarithm)))
    else:
        size = _power_of_size(lanes, lanes.absolute(u), v)
    return _signed(lanes, u, v, size)


def whole_power(lanes: Lanes, u: ir.Value, n: int) -> ir.Value:
    """u^n by multiplication; (1/u)^-n for negative n."""
    if n < 0:
        return whole_power(lanes, lanes.divide(lanes.constant(1.0), u), -n)
    if n == 0:
        return lanes.constant(1.0)
    half = whole_power(lanes, u, n // 2)
    square = lanes.multiply(half, half)
    return lanes.multiply(square, u) if n % 2 else square


def _bounded(lanes: Lanes, v: ir.Value) -> ir.Value:
    return lanes.larger(lanes.constant(-LARGEST_EXPONENT), lanes.smaller(lanes.constant(LARGEST_EXPONENT), v))


def _power_of_size(lanes: Lanes, size: ir.Value, v: ir.Value) -> ir.Value:
    """size^v for size >= 0, in double precision."""
    bounded, logarithm = _bounded(lanes, v), _long_log(lanes, size)
    exponent = exact_product(lanes, bounded, logarithm.high)
    rest = lanes.multiply_add(bounded, logarithm.low, exponent.low)
    e = exp(lanes, exponent.high)
    infinity = lanes.constant(math.inf)
    value = lanes.choose(lanes.compare("==", e, infinity), e, lanes.multiply_add(e, rest, e))
    # The logarithm of 0, infinity and NaN has no two parts.
    inverse = lanes.divide(lanes.constant(1.0), size)
    end = lanes.choose(
        lanes.compare("<", v, lanes.constant(0.0)), inverse, lanes.multiply(size, lanes.absolute(bounded))
    )
    value = lanes.choose(lanes.compare("==", size, lanes.constant(0.0)), end, value)
    return lanes.choose(lanes.compare("<", size, infinity), value, end)


def _long_log(lanes: Lanes, size: ir.Value) -> Pair:
    """log of a finite number above 0: with s = f/(2 + f), log(1 + f) = 2 artanh(s)."""
    constant = lanes.constant
    minus_k, parts = scaled_split(lanes, size)
    f = lanes.subtract(parts.m, constant(1.0))
    below = exact_sum(lanes, constant(2.0), f)
    inverse = lanes.divide(constant(1.0), below.high)
    first = lanes.multiply(f, inverse)
    lost = exact_product(lanes, first, below.high)
    left = lanes.subtract(lanes.subtract(lanes.subtract(f, lost.high), lost.low), lanes.multiply(first, below.low))
    s = Pair(first, lanes.multiply(left, inverse))
    square = product(lanes, s, s)
    tail = lanes.multiply(square.high, lanes.polynomial(SERIES, square.high))
    inner = plus(lanes, Pair(constant(THIRD[0]), constant(THIRD[1])), Pair(tail, constant(0.0)))
    series = plus(lanes, Pair(constant(1.0), constant(0.0)), product(lanes, square, inner))
    curve = product(lanes, Pair(lanes.add(s.high, s.high), lanes.add(s.low, s.low)), series)
    first, second = (lanes.multiply(minus_k, constant(-part)) for part in LN_2[lanes.precision])
    return plus(lanes, Pair(first, second), curve)


def _signed(lanes: Lanes, u: ir.Value, v: ir.Value, size: ir.Value) -> ir.Value:
    """u^v from |u|^v: the sign of odd powers, no number for a root of a negative one, 1 for u^0 and 1^v."""
    half = lanes.multiply(v, lanes.constant(0.5))
    even_or_odd = lanes.choose(_is_whole(lanes, half), size, lanes.negate(size))
    lowest = lanes.compare("==", u, lanes.constant(-math.inf))
    no_root = lanes.choose(lanes.compare("<", u, lanes.constant(0.0)), lanes.constant(math.nan), size)
    fraction = lanes.choose(lowest, size, no_root)
    negative = lanes.choose(_is_whole(lanes, v), even_or_odd, fraction)
    value = lanes.choose(lanes.is_negative(u), negative, size)
    one = lanes.constant(1.0)
    value = lanes.choose(lanes.compare("==", u, one), one, value)
    return lanes.choose(lanes.compare("==", v, lanes.constant(0.0)), one, value)


def _is_whole(lanes: Lanes, v: ir.Value) -> ir.Value:
    """Return whether v is an integer, as all numbers are from 2^fraction on; NaN is none."""
    size, large = lanes.absolute(v), lanes.constant(2.0**lanes.precision.fraction)
    rounded = lanes.subtract(lanes.add(size, large), large)
    return lanes.compare("==", lanes.choose(lanes.compare("<", size, large), rounded, size), size)
