"""logistic, tanh and softplus: all of e = e^-|u|, which never overflows, so that they share it.

With the division 1/(1 + e), logistic(|u|) is that, and logistic(-|u|) is e times that. So logistic(u)
and logistic(-u) together cost one exponential and one division; and so does tanh(u) together with
its slope 4·logistic(2u)·logistic(-2u).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from llvmlite import ir

from clearprop.engine.mathematics.exponential import exp, reduced
from clearprop.engine.mathematics.lanes import DOUBLE, SINGLE, Lanes, Precision
from clearprop.engine.mathematics.logarithm import log1p_of_share

# tanh(u) = u + u³ T(u²) for |u| <= 0.55, highest power first: least largest relative error (4.6e-9,
# 2.7e-17), by Remez' exchange in 50 digits.
T: Mapping[Precision, tuple[float, ...]] = {
    SINGLE: (-0.00627423963, 0.0210716799, -0.0538523085, 0.13332586, -0.333333164),
    DOUBLE: (
        5.102148251485077e-05, -0.00021030240891842085, 0.0005791370231095995, -0.0014532167593826217,
        0.003591719697922522, -0.00886319450409431, 0.021869485974794208, -0.05396825387607818,
        0.13333333333168704, -0.33333333333332316,
    ),
}  # fmt: skip
# From here on tanh is at least ½, and 1 - 2·logistic(-2u) loses no digits.
NEAR = 0.55


class Shares(NamedTuple):
    """logistic(-size) and logistic(size), which make up 1."""

    less: ir.Value
    more: ir.Value


def _shares(lanes: Lanes, size: ir.Value) -> Shares:
    """Both for a size >= 0.

    e times 1/(1 + e) is 2^n (1 + q) times it. What was rounded off from the sum goes into q, where it
    costs least: (1 + q)/(1 + lost·more) is nearly 1 + q - lost·more.
    """
    one, below = lanes.constant(1.0), lanes.negate(size)
    e, parts = exp(lanes, below), reduced(lanes, below)
    total = lanes.add(one, e)
    lost = lanes.subtract(e, lanes.subtract(total, one))
    more = lanes.divide(one, total)
    q = lanes.multiply_add(lanes.negate(more), lost, parts.q)
    part = lanes.multiply(parts.scale, more)
    return Shares(lanes.multiply(lanes.multiply_add(q, part, part), parts.back), more)


def logistic(lanes: Lanes, u: ir.Value) -> ir.Value:
    """1/(1 + e^-u)."""
    turned, u = lanes.without_sign(u)
    less, more = _shares(lanes, lanes.absolute(u))
    return lanes.choose(lanes.is_negative(u), *((more, less) if turned else (less, more)))


def tanh(lanes: Lanes, u: ir.Value) -> ir.Value:
    """A polynomial near 0, and 1 - 2·logistic(-2|u|) with the sign of u farther out."""
    size, square = lanes.absolute(u), lanes.multiply(u, u)
    curve = lanes.multiply(square, lanes.polynomial(T[lanes.precision], square))
    near = lanes.multiply_add(u, curve, u)
    less = _shares(lanes, lanes.absolute(lanes.multiply(lanes.constant(2.0), u))).less
    far = lanes.multiply_add(lanes.constant(-2.0), less, lanes.constant(1.0))
    # Also near 0, where the sum of -0 and 0 would be 0.
    return lanes.copy_sign(lanes.choose(lanes.compare("<", size, lanes.constant(NEAR)), near, far), u)


def softplus(lanes: Lanes, u: ir.Value) -> ir.Value:
    """log(1 + e^u) = max(u, 0) + log(1 + e^-|u|)."""
    e = exp(lanes, lanes.negate(lanes.absolute(u)))
    return lanes.add(lanes.larger(lanes.constant(0.0), u), log1p_of_share(lanes, e))
