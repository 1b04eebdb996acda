"""erf u: a polynomial near 0, and 1 - e^-u² Q(|u|) farther out; no division.

The exponential is that of -u², so a slope that has it too shares it.
"""

from __future__ import annotations

from collections.abc import Mapping

from llvmlite import ir

from clearprop.engine.mathematics.exponential import exp
from clearprop.engine.mathematics.lanes import DOUBLE, SINGLE, Lanes, Precision

# erf(u) = u + u S(u²) for |u| <= 1, highest power first: least largest relative error (6.8e-9,
# 3.8e-17), by Remez' exchange in 50 digits.
S: Mapping[Precision, tuple[float, ...]] = {
    SINGLE: (
        7.85352895e-05, -0.000801010116, 0.00518831797, -0.0268538073, 0.112835847, -0.37612626, 0.128379166,
    ),
    DOUBLE: (
        -7.779115058012021e-10, 1.3710793706288447e-08, -1.6206271244142535e-07, 1.6447126109903136e-06,
        -1.4924711867227432e-05, 0.00012055293554712616, -0.0008548325928588983, 0.005223977606103721,
        -0.026866170643109723, 0.11283791670944174, -0.3761263890318352, 0.12837916709551256,
    ),
}  # fmt: skip
# e^u² erfc(u) = Q(u - 2) from 1 to where erf u is 1 in all digits, highest power first: least largest
# error of 1 - e^-u² Q relative to erf u (1.6e-8, 1.1e-17), by the same method.
Q: Mapping[Precision, tuple[float, ...]] = {
    SINGLE: (
        -0.000393875467, 0.000552621321, -0.00160110113, 0.00558025436, -0.0154893845, 0.041770231,
        -0.106799953, 0.255396128,
    ),
    DOUBLE: (
        1.1873845698181656e-12, -1.5948468713985493e-11, 9.605190600849442e-11, -3.870801309228055e-10,
        1.441486356294431e-09, -5.771323639649617e-09, 2.330782477861151e-08, -9.089750507715198e-08,
        3.4491931293698127e-07, -1.2793718457897867e-06, 4.628125864670262e-06, -1.6293809449678036e-05,
        5.5728331299925853e-05, -0.00018477833519853402, 0.0005924699944331596, -0.0018316642814946457,
        0.0054407385370415905, -0.01546063776388354, 0.041802752603573516, -0.106796461853496,
        0.25539567631050525,
    ),
}  # fmt: skip
MIDDLE = 2.0
ONE_FROM: Mapping[Precision, float] = {SINGLE: 3.95, DOUBLE: 5.95}


def erf(lanes: Lanes, u: ir.Value) -> ir.Value:
    """2/√π times the integral of e^-x² from 0 to u."""
    p, one, size = lanes.precision, lanes.constant(1.0), lanes.absolute(u)
    square = lanes.multiply(u, u)
    near = lanes.multiply_add(u, lanes.polynomial(S[p], square), u)
    place = lanes.subtract(lanes.smaller(lanes.constant(ONE_FROM[p]), size), lanes.constant(MIDDLE))
    # Not -e·Q + 1, although that is the same: the exponential is shared.
    left = lanes.negate(exp(lanes, lanes.negate(square)))
    far = lanes.multiply_add(left, lanes.polynomial(Q[p], place), one)
    return lanes.choose(lanes.compare("<", size, one), near, lanes.copy_sign(far, u))
