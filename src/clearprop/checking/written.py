"""Numbers as people write them: their value, and how far each may be from what was rounded to it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import numpy as np

from clearprop.checking.latex import without_latex
from clearprop.errors import InvalidArgument

MOST_CHARACTERS = 1_000
"""The longest text that is read as a number."""

_SPACES = {ord(c): None for c in "\u00a0\u2007\u2009\u202f\u200b\ufeff "}
_SIGNS = {ord("−"): "-", ord("–"): "-", ord("﹣"): "-", ord("－"): "-", ord("＋"): "+"}
_RAISED = {ord(c): d for c, d in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+", strict=True)}
_TIMES = r"[×x*·⋅∙]"
_PLAIN = re.compile(r"(?P<sign>[-+]?)(?P<digits>\d+\.?\d*|\.\d+)(?:[eE](?P<exponent>[-+]?\d+))?")
_POWER = re.compile(rf"(.+?){_TIMES}10(?:(?:\^|\*\*)[({{]?([-+]?\d+)[)}}]?|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))")
_TEN = re.compile(r"([-+]?)10(?:(?:\^|\*\*)[({]?([-+]?\d+)[)}]?|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))")
_FRACTION = re.compile(r"([-+]?)\(?([^/]+?)\)?/\(?([^/]+?)\)?")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+")


class Written(NamedTuple):
    """A number as it was written: its value, and ``unit``, the unit of its last digit (0 for an exact fraction)."""

    value: float
    unit: float


@dataclass(frozen=True)
class Asked:
    """The precision that a sheet asks for: decimals or significant digits, rounded or cut off; or a tolerance for all.

    Raises:
        InvalidArgument: decimals and significant digits together.
    """

    digits: int | None = None
    significant: int | None = None
    truncated: bool = False
    tolerance: float | None = None

    def __post_init__(self) -> None:
        if self.digits is not None and self.significant is not None:
            raise InvalidArgument("digits and significant: a sheet asks for one or the other; give one of them")

    @property
    def share(self) -> float:
        """The part of a last digit's unit by which a number may be off: half, or all of it where digits are cut off."""
        return 1.0 if self.truncated else 0.5

    def unit(self, value: float) -> float:
        """Return the unit of the last digit that the sheet asks for at a number; 0 where it asks for none."""
        if self.digits is not None:
            return float(10.0**-self.digits)
        if self.significant is None or value == 0 or not math.isfinite(value):
            return 0.0
        return float(10.0 ** (math.floor(math.log10(abs(value))) - self.significant + 1))

    def room(self, written: Written) -> float:
        """Return how far a written number may be from the right one: fewer digits than asked for are dropped zeros."""
        if self.tolerance is not None:
            return self.tolerance
        unit, asked = written.unit, self.unit(written.value)
        if not written.value and not unit:
            return self.share * asked  # 0 is 0.000 where three decimals are asked for, else exact
        return self.share * (min(unit, asked) if asked else unit)


def written(text: str, *, decimal_comma: bool = False) -> Written | None:
    """Return the number that a text means, or None if it is none or not finite.

    ``decimal_comma`` says that a single comma is a decimal one even where it may separate thousands.

    >>> written("0.0802"), written("−0,41"), written("1.2×10^-3"), written("2/3")
    (Written(value=0.0802, unit=0.0001), Written(value=-0.41, unit=0.01), Written(value=0.0012, unit=0.0001), \
Written(value=0.6666666666666666, unit=0.0))
    """
    if len(text) > MOST_CHARACTERS:
        return None
    plain = without_latex(text.strip()).translate(_SPACES).translate(_SIGNS).lstrip("≈~=")
    number = plain.removesuffix("%")
    found = _number(number, decimal_comma)
    return found if found is None or number == plain else Written(found.value / 100, found.unit / 100)


def _number(plain: str, decimal_comma: bool) -> Written | None:
    if (found := _decimal(plain, decimal_comma)) is None and "/" in plain:
        return _fraction(plain, decimal_comma)
    if found is None:
        return None
    value, exponent = found
    return _finite(value, 0.0 if plain.strip("+-") == "0" else Decimal(1).scaleb(exponent))


def _finite(value: Decimal, unit: Decimal | float) -> Written | None:
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    if not math.isfinite(number):
        return None
    single = abs(number) < 1e38 and number == float(np.float32(number)) and 0 < unit < 1e-10 * abs(number)
    # A program's float32, printed as a float64: its later digits mean nothing. Zeros that somebody wrote do.
    if single and len(value.normalize().as_tuple().digits) > 10:
        unit = 2.0**-21 * abs(number)
    return Written(number, float(unit))


def _decimal(text: str, decimal_comma: bool) -> tuple[Decimal, int] | None:
    """Return the value of a decimal number, and the exponent of its last digit."""
    power = 0
    if match := _TEN.fullmatch(text):
        return _decimal(f"{match[1]}1e{_exponent(match[2], match[3])}", False)
    if match := _POWER.fullmatch(text):
        text, shift = match[1], _exponent(match[2], match[3])
        if len(shift) > 6:
            return None
        power = int(shift)
    text = _with_point(text, decimal_comma)
    match = _PLAIN.fullmatch(text)
    if match is None or len(match["exponent"] or "") > 6:
        return None
    try:
        value = Decimal(text).scaleb(power)
    except InvalidOperation:
        return None
    places = len(match["digits"].partition(".")[2])
    return value, int(match["exponent"] or 0) + power - places


def _exponent(plain: str | None, raised: str | None) -> str:
    return plain if plain is not None else (raised or "").translate(_RAISED)


def _with_point(text: str, decimal_comma: bool) -> str:
    """Return the text of a number with a decimal point, and no separators of thousands."""
    if "," not in text:
        return text
    if "." in text:
        comma_last = text.rfind(",") > text.rfind(".")
        whole = text.replace(".", "").replace(",", ".") if comma_last else text.replace(",", "")
        return whole if text.count("," if comma_last else ".") == 1 else text
    if text.count(",") > 1 or (not decimal_comma and _THOUSANDS.fullmatch(text)):
        return text  # 1,234 may be either
    return text.replace(",", ".")


def _fraction(text: str, decimal_comma: bool) -> Written | None:
    match = _FRACTION.fullmatch(text)
    if match is None:
        return None
    parts = [_decimal(part, decimal_comma) for part in match.group(2, 3)]
    if parts[0] is None or parts[1] is None or not parts[1][0]:
        return None
    try:
        value = parts[0][0] / parts[1][0]
    except ArithmeticError:
        return None
    return _finite(-value if match[1] == "-" else value, 0.0)
