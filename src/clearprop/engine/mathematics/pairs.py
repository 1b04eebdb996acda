"""Numbers of twice the digits, as the unevaluated sum of two.

T. J. Dekker, "A floating-point technique for extending the available precision", Numerische
Mathematik 18 (1971), 224-242.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite import ir

from clearprop.engine.mathematics.lanes import Lanes


class Pair(NamedTuple):
    """high + low, where low is at most a rounding error of high."""

    high: ir.Value
    low: ir.Value


def exact_sum(lanes: Lanes, a: ir.Value, b: ir.Value) -> Pair:
    """a + b and what rounding takes from it; a is the larger in size, or 0."""
    high = lanes.add(a, b)
    return Pair(high, lanes.subtract(b, lanes.subtract(high, a)))


def exact_product(lanes: Lanes, a: ir.Value, b: ir.Value) -> Pair:
    """a·b and what rounding takes from it."""
    high = lanes.multiply(a, b)
    if lanes.fma:
        return Pair(high, lanes.multiply_add(a, b, lanes.negate(high)))
    (a1, a2), (b1, b2) = _halves(lanes, a), _halves(lanes, b)
    low = lanes.subtract(lanes.multiply(a1, b1), high)
    for one, other in ((a1, b2), (a2, b1), (a2, b2)):
        low = lanes.add(low, lanes.multiply(one, other))
    return Pair(high, low)


def _halves(lanes: Lanes, a: ir.Value) -> Pair:
    """a as two numbers of half as many digits, whose products are exact (Veltkamp's splitting)."""
    many = lanes.multiply(a, lanes.constant(2.0 ** (lanes.precision.fraction // 2 + 1) + 1))
    high = lanes.subtract(many, lanes.subtract(many, a))
    return Pair(high, lanes.subtract(a, high))


def product(lanes: Lanes, a: Pair, b: Pair) -> Pair:
    """a·b to nearly twice the digits."""
    exact = exact_product(lanes, a.high, b.high)
    cross = lanes.multiply_add(a.high, b.low, lanes.multiply(a.low, b.high))
    return exact_sum(lanes, exact.high, lanes.add(exact.low, cross))


def plus(lanes: Lanes, a: Pair, b: Pair) -> Pair:
    """a + b, where a is the larger in size, or 0."""
    exact = exact_sum(lanes, a.high, b.high)
    return exact_sum(lanes, exact.high, lanes.add(exact.low, lanes.add(a.low, b.low)))
