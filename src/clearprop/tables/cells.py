"""Cells: a number, in whichever way people write one, or a date, or other text.

``1.5`` and ``1,5`` are both one and a half, but ``1,234`` is a thousand and more to some and between one and
two to others. So a cell is read in both ways; the column that it stands in settles which one holds.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple

from clearprop.cached import cached_property

SPACES = " \u00a0\u2007\u2009\u202f"
CURRENCY = (
    r"[A-Z]{0,2}\$|[€£¥₹₽₩₺₪₫₴฿₦₱]|USD|EUR|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|HUF|CAD|AUD|NZD|BRL|ZAR|"
    r"kr\.?|zł|Kč|Ft|lei|Fr\.|Rs\.?|%"
)
SIGNED = rf"(?P<sign>[-+−]?)(?P<before>{CURRENCY})?[{SPACES}]?(?P<inner>[-+−]?)"
AFTER = rf"[{SPACES}]?(?P<after>{CURRENCY})?"
EXPONENT = r"(?P<power>[eE][-+]?[0-9]+)?"


class Form:
    """A regular expression, compiled once a cell is held against it: start-up counts, and few commands read a table."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern, self.flags = pattern, flags

    @cached_property
    def fullmatch(self) -> Callable[[str], re.Match[str] | None]:
        return re.compile(self.pattern, self.flags).fullmatch


def _written(group: str, decimal: str, more: str = "") -> Form:
    thousands = rf"[1-9][0-9]{{0,2}}(?:(?P<group>[{group}{SPACES}'’])[0-9]{{3}})(?:(?P=group)[0-9]{{3}})*"
    body = rf"(?:{thousands}{more}|[0-9]+)(?:{decimal}[0-9]*)?|{decimal}[0-9]+"
    return Form(rf"{SIGNED}(?P<body>{body}){EXPONENT}{AFTER}")


POINT = _written(",", r"\.", r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}")
"""A number with a decimal point: 1234.5, 1,234.5, 1 234.5, $12,34,567."""
COMMA = _written(r"\.", ",")
"""A number with a decimal comma: 1234,5, 1.234,5, 1 234,5 €."""

CODE = Form(r"[-+]?(?:0[0-9]+|[0-9]{16,})")
"""Digits that a number may not keep: zeros in front, and more than fit into a float."""
LONG = 1e15
"""The least number of so many digits."""

TRUTH = ("false", "true")


SIGNS = str.maketrans({"٫": ".", "٬": ",", "٪": "%", "。": ".", "｡": "."})
"""Signs in numbers of other scripts, and what they are in this one."""


class Reading(NamedTuple):
    """A cell as a number, by a decimal point and by a decimal comma: None where it is none; and its sign of a
    currency or ``%``."""

    point: float | None
    comma: float | None
    unit: str = ""

    @property
    def certain(self) -> str:
        """The only decimal sign with which it is a number, ``.`` or ``,``; else nothing."""
        return "," if self.point is None else "." if self.comma is None else ""

    @property
    def open(self) -> bool:
        """Whether it is another number with a decimal point than with a comma."""
        return not self.certain and self.point != self.comma


def number(cell: str) -> float | None:
    """Return a plain number, as programs write it.

    >>> number(" 1.5e3 "), number("1,5"), number("1_000")
    (1500.0, None, None)
    """
    cell = cell.strip()
    try:
        value = float(cell)
    except ValueError:
        return None
    # Python reads 1_000 and ١٢ as numbers; a table that says so is more likely text.
    return None if math.isnan(value) or "_" in cell or not cell.isascii() else value


def in_ascii(cell: str) -> str:
    """Return a cell with digits and signs of other scripts, or in full width, as in this one.

    >>> in_ascii("１２．５"), in_ascii("١٢٫٥"), in_ascii("5 €")
    ('12.5', '12.5', '5 €')
    """
    if cell.isascii():
        return cell
    found = (str(unicodedata.decimal(each)) if each.isdecimal() else each for each in cell.translate(SIGNS))
    return "".join(unicodedata.normalize("NFKC", each) if _is_wide(each) else each for each in found)


def _is_wide(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) == "F" and sign not in SPACES


def loses_digits(cell: str) -> bool:
    """Return whether a cell of digits is not the same once it is a number.

    >>> loses_digits("01234"), loses_digits("12345678901234567"), loses_digits("1234")
    (True, True, False)
    """
    return CODE.fullmatch(cell) is not None and str(int(float(cell))) != cell.lstrip("+")


def reading(cell: str) -> Reading | None:
    """Return a stripped cell as a number, as people write it.

    >>> reading("1,234.5"), reading("0,5"), reading("1.234"), reading("12 May")
    (Reading(point=1234.5, comma=None, unit=''), Reading(point=None, comma=0.5, unit=''), \
Reading(point=1.234, comma=1234.0, unit=''), None)
    """
    cell = in_ascii(cell)
    plain = number(cell)
    if plain is not None and "." not in cell:
        return Reading(plain, plain)
    by_point, by_comma = POINT.fullmatch(cell), COMMA.fullmatch(cell)
    point = plain if plain is not None or by_point is None else _value(by_point, ".")
    comma = None if by_comma is None else _value(by_comma, ",")
    match = by_point or by_comma
    if point is None and comma is None:
        return None
    return Reading(point, comma, "" if match is None else match["before"] or match["after"] or "")


def _value(match: re.Match[str], decimal: str) -> float | None:
    if (match["sign"] and match["inner"]) or (match["before"] and match["after"]):
        return None
    digits = re.sub(rf"[^0-9{decimal}]", "", match["body"]).replace(",", ".")
    sign = -1 if (match["sign"] or match["inner"]) in ("-", "−") and match["sign"] + match["inner"] else 1
    return sign * float(digits + (match["power"] or ""))


YEAR = r"(?:1[5-9]|20)[0-9]{2}"
MONTH = (
    r"(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez|fév|avr|jui|aoû|déc|ene|abr|ago|dic|gen|mag|"
    r"giu|lug|set|ott)[^\W\d_]*\.?"
)
"""A month's name, in the most common languages of tables."""
# Between the others stands a month or a day, never 00 or 45: 18.00.00 and 18.45.12 are times.
DAY = (
    r"[0-9]{1,4}[-/.](?:0?[1-9]|[12][0-9]|3[01])[-/.][0-9]{1,4}|"
    r"[0-9]{1,2}[ -.]+[A-Za-z]{3,9}\.?[ -.,]+[0-9]{2,4}"
)
NAMED = rf"(?:[^\W\d_]+,? )?[0-9]{{1,2}}(?:\.|st|nd|rd|th|er)?[ -]{MONTH},?[ -][0-9]{{2,4}}"
MONTH_FIRST = r"[A-Za-z]{3,9}\.? [0-9]{1,2},? [0-9]{4}"
PART = (
    rf"{YEAR}[-/](?:0?[1-9]|1[0-2])|{YEAR}[- ]?[QT][1-4]|[QT][1-4][-/ ]?{YEAR}|{YEAR}-?W[0-9]{{2}}(?:-[1-7])?|"
    rf"{MONTH}(?:[-/ ]{YEAR}|(?:[-/]| ?')[0-9]{{2}})|{YEAR}[-/ ]{MONTH}"
)
"""A month, a quarter or a week of a year."""
CLOCK = r"[0-9]{1,2}[:.][0-9]{2}(?:[:.][0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp]\.?[Mm]\.?)?"
ZONE = r"(?: ?(?:Z|UTC|GMT|[-+][0-9]{2}:?[0-9]{2}))?"
TIMES = {
    "dates": Form(f"{DAY}|{MONTH_FIRST}|{NAMED}|{PART}", re.IGNORECASE),
    "times": Form(CLOCK + ZONE),
    "dates and times": Form(f"(?:{DAY}|{MONTH_FIRST}|{NAMED})(?:T|,? +){CLOCK}{ZONE}", re.IGNORECASE),
}


IN_BOOKS = Form(rf"\((?:{CURRENCY})?[0-9.,{SPACES}]+\)|[0-9.,{SPACES}]+[-−]")
"""Negative numbers as accounts write them."""

AROUND = Form(
    r"((?:[<>=≤≥~≈±(#№'] ?|(?:ca\.?|c\.|approx\.?|about|around|over|under) )*)[-+−]?"
    r"(?:[0-9][0-9.,'’_]*(?:[eEdD][-+]?[0-9]+| ?[0-9]*/[0-9]+)?|0x[0-9A-Fa-f]+)"
    r"((?: ?[^\W\d_]+[.²³]?(?:/[a-z]+[²³]?)?| ?[)*+°‰])*)"
)
"""A number with words or signs before and after it."""


def moments(cells: Iterable[str]) -> str:
    """Return what most of the cells look like, ``"dates"``, ``"times"`` or ``"dates and times"``; else nothing.

    >>> moments(["2016/02/28", "29.2.2016"]), moments(["20:12:22"]), moments(["alpha"])
    ('dates', 'times', '')
    """
    some = list(cells)
    for kind, form in TIMES.items():
        if some and 10 * sum(form.fullmatch(cell) is not None for cell in some) >= 9 * len(some):
            return kind
    return ""


def number_otherwise(cells: Iterable[str]) -> str:
    """Return a cell that holds a number which is not read as one, if most cells have it between the same words.

    >>> number_otherwise(["5 kg", "7.5 kg"]), number_otherwise(["1A", "2B"]), number_otherwise(["1", "2"])
    ('5 kg', '', '')
    >>> number_otherwise(["10.193,90-", "7,50-"]), number_otherwise(["2 1/2", "3 1/2"])
    ('10.193,90-', '2 1/2')
    """
    some = list(cells)
    alike: dict[tuple[str, str], list[str]] = {}
    for cell in some:
        if reading(cell) is None and (found := AROUND.fullmatch(cell)):
            alike.setdefault((found[1], found[2]), []).append(cell)
        elif IN_BOOKS.fullmatch(cell):
            alike.setdefault(("(", ")"), []).append(cell)
    most = max(alike.values(), key=len, default=[])
    return most[0] if most and 10 * len(most) >= 9 * len(some) else ""


def truth(label: str) -> str:
    """Return a truth value as it is called everywhere, ``False`` or ``True``; other text as it is."""
    return label.capitalize() if label.lower() in TRUTH else label
