"""e^u and e^u - 1: one reduction, one polynomial, and the power of two built from its bits.

With n the integer nearest to u/ln 2, u = n ln 2 + r and |r| <= ln(2)/2, so that e^u = 2^n e^r.
Computed is q = e^r - 1 = r + r² h(r), which keeps its digits near 0. A power of two has nothing
but an exponent: adding a large number to n leaves n in the lowest bits of the sum, from where a
shift brings it to the place of the exponent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from llvmlite import ir

from clearprop.engine.mathematics.lanes import DOUBLE, SINGLE, Lanes, Precision

LOG2_E = 1.4426950408889634
# ln 2 in two parts above 0; the first has so few digits that n times it is exact.
LN_2: Mapping[Precision, tuple[float, float]] = {
    SINGLE: (0.693145751953125, 1.4286068203094173e-06),
    DOUBLE: (0.6931471803691238, 1.9082149292705877e-10),
}
# h(r), highest power first: the polynomials for which the largest relative error of r + r² h(r) on
# |r| <= ln(2)/2 is least (1.8e-8, 3.3e-17), by Remez' exchange in 50 digits.
H: Mapping[Precision, tuple[float, ...]] = {
    SINGLE: (0.00138825167, 0.00836654752, 0.0416672006, 0.166665435, 0.49999997),
    DOUBLE: (
        2.5053774616370386e-08, 2.7626092797384234e-07, 2.755740768931823e-06, 2.4801505142793343e-05,
        0.00019841269718707603, 0.0013888888931667019, 0.008333333333389734, 0.041666666666576466,
        0.16666666666666588, 0.5000000000000006,
    ),
}  # fmt: skip
# Below the first e^u is 0, above the second it is infinite; both are as near as makes no difference.
RANGE: Mapping[Precision, tuple[float, float]] = {SINGLE: (-104.0, 89.0), DOUBLE: (-746.0, 710.0)}
# 2^n itself may be too large or too small, where e^u is not: it is taken 2^64 times as large, or
# from here on half as large, and the result is scaled back.
UP, DOWN, HIGH = 2.0**64, 2.0**-1, 40.0


class Reduced(NamedTuple):
    """e^u = (q·scale + scale)·back, where scale·back is a power of two and ``unit`` 1/back."""

    q: ir.Value
    scale: ir.Value
    back: ir.Value
    unit: ir.Value


def reduced(lanes: Lanes, u: ir.Value) -> Reduced:
    """The parts of e^u and of e^u - 1."""
    p, constant = lanes.precision, lanes.constant
    low, high = RANGE[p]
    x = lanes.larger(constant(low), u)
    # 1.5·2^fraction: so large that a sum with it has no digits after the point.
    large = 1.5 * 2.0**p.fraction + p.bias
    if lanes.never_above_zero(u):
        shift, unit, back = constant(large + 64), constant(UP), constant(1 / UP)
    else:
        x = lanes.smaller(constant(high), x)
        below = lanes.compare("<", x, constant(HIGH))
        shift = lanes.choose(below, constant(large + 64), constant(large - 1))
        unit = lanes.choose(below, constant(UP), constant(DOWN))
        back = lanes.choose(below, constant(1 / UP), constant(1 / DOWN))
    shifted = lanes.multiply_add(x, constant(LOG2_E), shift)
    n = lanes.subtract(shifted, shift)
    scale = lanes.number(lanes.whole("shl", lanes.bits(shifted), lanes.integer(p.fraction)))
    return Reduced(_rest(lanes, n, x), scale, back, unit)


def _rest(lanes: Lanes, n: ir.Value, x: ir.Value) -> ir.Value:
    """q = e^r - 1 with r = x - n ln 2."""
    first, second = (lanes.constant(-part) for part in LN_2[lanes.precision])
    exact = lanes.multiply_add(n, first, x)
    r = lanes.multiply_add(n, second, exact)
    square, h = lanes.multiply(r, r), lanes.polynomial(H[lanes.precision], r)
    if lanes.precision is SINGLE and lanes.fma:
        return lanes.multiply_add(square, h, r)
    # In double precision e^u - 1 would be 2.1 ulp off, and logistic(u) 2.03 where multiplication and addition are
    # two instructions; what r was rounded by is half of one.
    return lanes.add(exact, lanes.multiply_add(square, h, lanes.multiply(n, second)))


def exp(lanes: Lanes, u: ir.Value) -> ir.Value:
    """e^u; 0 and infinity where they are nearest, NaN stays NaN."""
    e = reduced(lanes, u)
    return lanes.multiply(lanes.multiply_add(e.q, e.scale, e.scale), e.back)


def expm1(lanes: Lanes, u: ir.Value) -> ir.Value:
    """e^u - 1 = 2^n q + (2^n - 1), with the sign of u, because -0 + 0 is 0."""
    e = reduced(lanes, u)
    value = lanes.multiply(lanes.multiply_add(e.q, e.scale, lanes.subtract(e.scale, e.unit)), e.back)
    return lanes.copy_sign(value, u)
