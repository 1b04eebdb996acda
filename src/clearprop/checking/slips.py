"""Slips of the pen: what a number may have become on its way to the sheet. Tried only where nothing else fits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from clearprop.checking.written import Asked, written


@dataclass(frozen=True)
class Attempt:
    """A wrong number: its text, value and room, the right formula's number, and the precision that was wanted.

    ``rounded`` is how far the formula moves if the numbers above had been rounded to a digit fewer.
    """

    text: str
    value: float
    expected: float
    unit: float
    band: float
    rounded: float
    asked: Asked
    decimal_comma: bool = False

    def fits(self, value: float, scale: float = 1.0) -> bool:
        """Return whether a number is what the formula gives, within the room of the one written."""
        return abs(value - self.expected) <= self.unit * scale + self.band


@dataclass(frozen=True)
class Slip:
    """A slip: ``instead`` is what is written instead, ``says`` what was done and what to do."""

    name: str
    instead: str
    says: str
    explains: Callable[[Attempt], bool]
    source: str = "a slip of the pen"


def _cut_off(attempt: Attempt) -> bool:
    if attempt.asked.truncated or attempt.asked.tolerance is not None or not attempt.unit:
        return False
    short = abs(attempt.expected) - abs(attempt.value)
    same_sign = attempt.value == 0 or (attempt.value > 0) == (attempt.expected > 0)
    return same_sign and -attempt.band <= short <= 2 * attempt.unit + attempt.band


def _power_of_ten(attempt: Attempt) -> bool:
    return attempt.value != 0 and any(attempt.fits(attempt.value * 10.0**k, 10.0**k) for k in (-1, 1, -2, 2, -3, 3))


def _digits_swapped(attempt: Attempt) -> bool:
    text = attempt.text
    for at, (first, second) in enumerate(pairwise(text)):
        if first != second and (first + second).isdigit():
            other = written(f"{text[:at]}{second}{first}{text[at + 2 :]}", decimal_comma=attempt.decimal_comma)
            if other is not None and attempt.fits(other.value):
                return True
    return False


def _rounded_early(attempt: Attempt) -> bool:
    return abs(attempt.value - attempt.expected) <= attempt.unit + attempt.rounded


def _last_digit(attempt: Attempt) -> bool:
    there = 5 * attempt.unit <= abs(attempt.expected)  # or it is the first digit
    return there and abs(attempt.value - attempt.expected) <= 5 * attempt.unit + attempt.band


def _own_digits(attempt: Attempt) -> bool:
    """Return whether the leading digits are right and one digit is another."""
    if not math.isfinite(attempt.expected) or not attempt.unit:
        return False
    places = max(0, -math.floor(math.log10(2 * attempt.unit) + 1e-9))
    one, other = f"{attempt.value:.{places}f}", f"{attempt.expected:.{places}f}"
    return places > 1 and len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1


SLIPS: dict[str, Slip] = {
    each.name: each
    for each in (
        Slip(
            "digits_cut_off",
            "the number cut off after its last digit",
            "The number was cut off, not rounded. Look at the next digit before you round.",
            _cut_off,
        ),
        Slip("sign_slip", "-v", "The sign is reversed.", lambda attempt: attempt.fits(-attempt.value)),
        Slip(
            "power_of_ten",
            "v · 10^k",
            "The decimal point is in the wrong place, or a power of ten was lost.",
            _power_of_ten,
        ),
        Slip("digits_swapped", "two digits change places", "Two neighbouring digits changed places.", _digits_swapped),
        Slip("last_digit", "the last digit is off", "The last digit is off: a rounding or typing slip.", _last_digit),
        Slip(
            "rounded_early",
            "numbers above rounded to fewer digits",
            "The numbers above were rounded too early. Carry all their digits and round only what you write down.",
            _rounded_early,
        ),
        Slip("one_digit_off", "one digit is another", "One digit was copied or typed wrongly.", _own_digits),
    )
}
"""All known slips by name, in the order in which they are tried."""
