"""sin, cos and floor: whole numbers taken out by adding a number so large that nothing is left after its point.

With n the integer nearest to |u|·2/π, |u| = n·π/2 + r and |r| <= π/4; n's last two bits say which of
sin r and cos r the result is, and with which sign. That is right for |u| up to 2^29; beyond it the
results lie between -1 and 1, but have few right digits or none.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from llvmlite import ir

from clearprop.engine.mathematics.lanes import SINGLE, Lanes

# π/2 in four parts; the first three have so few digits that n times them is exact.
HALF_PI = (1.570796251296997, 7.549789415861596e-08, 5.390302529957765e-15, 3.2820035428735005e-22)
# sin r = r + r³ S(r²) and cos r = 1 - r²/2 + r⁴ C(r²), highest power first.
# Source: fdlibm, k_sin.c and k_cos.c, Sun Microsystems 1993.
S = (
    1.58969099521155010221e-10, -2.50507602534068634195e-08, 2.75573137070700676789e-06,
    -1.98412698298579493134e-04, 8.33333333332248946124e-03, -1.66666666666666324348e-01,
)  # fmt: skip
C = (
    -1.13596475577881948265e-11, 2.08757232129817482790e-09, -2.75573143513906633035e-07,
    2.48015872894767294178e-05, -1.38888888888741095749e-03, 4.16666666666666019037e-02,
)  # fmt: skip
LARGE = 1.5 * 2.0**52


class Reduced(NamedTuple):
    """sin r and cos r, and an integer whose last two bits are those of n."""

    sine: ir.Value
    cosine: ir.Value
    n: ir.Value


def _reduced(lanes: Lanes, u: ir.Value) -> Reduced:
    constant, size = lanes.constant, lanes.absolute(u)
    large = lanes.multiply_add(constant(2 / math.pi), size, constant(LARGE))
    n, r = lanes.negate(lanes.subtract(large, constant(LARGE))), size
    for part in HALF_PI:
        r = lanes.multiply_add(n, constant(part), r)
    r = lanes.larger(constant(-1.0), lanes.smaller(constant(1.0), r))
    square = lanes.multiply(r, r)
    sine = lanes.multiply_add(lanes.multiply(r, square), lanes.polynomial(S, square), r)
    half = lanes.multiply_add(constant(-0.5), square, constant(1.0))
    cosine = lanes.multiply_add(lanes.multiply(square, square), lanes.polynomial(C, square), half)
    return Reduced(sine, cosine, lanes.bits(large))


def _chosen(lanes: Lanes, n: ir.Value, even: ir.Value, odd: ir.Value) -> ir.Value:
    """One value for even n and another for odd n; negative for the second two of every four."""
    last = lanes.whole("shl", n, lanes.integer(63))  # the last bit in the sign's place
    is_odd = lanes.is_negative(lanes.number(last))
    sign = lanes.whole("shl", lanes.whole("lshr", n, lanes.integer(1)), lanes.integer(63))
    value = lanes.bits(lanes.choose(is_odd, odd, even))
    return lanes.number(lanes.whole("xor", value, sign))


def sin(lanes: Lanes, u: ir.Value) -> ir.Value:
    """sin u."""
    if lanes.precision is SINGLE:
        return lanes.narrowed(sin(lanes.wide(), lanes.widened(u)))
    sine, cosine, n = _reduced(lanes, u)
    value = lanes.bits(_chosen(lanes, n, sine, cosine))
    sign = lanes.whole("shl", lanes.whole("lshr", lanes.bits(u), lanes.integer(63)), lanes.integer(63))
    return lanes.number(lanes.whole("xor", value, sign))


def cos(lanes: Lanes, u: ir.Value) -> ir.Value:
    """cos u, which is sin(|u| + π/2)."""
    if lanes.precision is SINGLE:
        return lanes.narrowed(cos(lanes.wide(), lanes.widened(u)))
    sine, cosine, n = _reduced(lanes, u)
    return _chosen(lanes, lanes.whole("add", n, lanes.integer(1)), sine, cosine)


def floor(lanes: Lanes, u: ir.Value) -> ir.Value:
    """The largest whole number that is not above u."""
    large, size = lanes.constant(2.0**lanes.precision.fraction), lanes.absolute(u)
    nearest = lanes.copy_sign(lanes.subtract(lanes.add(size, large), large), u)
    below = lanes.subtract(nearest, lanes.constant(1.0))
    found = lanes.choose(lanes.compare(">", nearest, u), below, nearest)
    return lanes.choose(lanes.compare("<", size, large), found, u)  # a larger number is whole
