"""Numbers as students write them down: rounded, cut off, or only some of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

Written = dict[str, float]


def rounded(digits: int, truncated: bool = False) -> Callable[[float], float]:
    """Return what is kept of a number that is rounded, or cut off, after some decimals."""
    return lambda number: _kept(number, -digits, truncated)


def significant(digits: int, truncated: bool = False) -> Callable[[float], float]:
    """Return what is kept of a number that is rounded, or cut off, to significant digits."""
    return lambda number: _kept(number, Decimal(repr(number)).adjusted() - digits + 1, truncated)


def _kept(number: float, exponent: int, truncated: bool) -> float:
    if not math.isfinite(number):
        return number
    unit = Decimal(1).scaleb(exponent)
    return float(Decimal(repr(number)).quantize(unit, ROUND_DOWN if truncated else ROUND_HALF_EVEN))


def texts(sheet: Written, digits: int, *, significant_digits: bool = False, truncated: bool = False) -> dict[str, str]:
    """Return the numbers of a sheet as they are written down."""
    if significant_digits:
        keep = significant(digits, truncated)
        return {name: f"{keep(number):.{digits - 1}e}" for name, number in sheet.items()}
    keep = rounded(digits, truncated)
    return {name: f"{keep(number):.{digits}f}" for name, number in sheet.items()}


def asked(sheet: dict[str, str], kinds: Sequence[str]) -> dict[str, str]:
    """Return the part of a sheet whose names begin with one of these."""
    return {name: text for name, text in sheet.items() if name.startswith(tuple(kinds))}
