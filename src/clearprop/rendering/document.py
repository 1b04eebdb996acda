"""What an explanation consists of, whatever it is printed as.

The composer makes blocks; text, markdown, LaTeX and HTML print them. Mathematics is expression trees
whose symbols are quantities of the network; ``View`` says how names and numbers look.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Literal

from clearprop.expressions import Expression
from clearprop.network.description import Network
from clearprop.network.names import Names, Quantity


@dataclass(frozen=True)
class View:
    """How names and numbers look: digits and rounding are for display, never for computing."""

    names: Names
    digits: int = 5
    rounding: Literal["nearest", "truncate"] = "nearest"

    def number(self, value: float) -> str:
        """A number as it is shown.

        A short decimal (to within 1e-12) is shown short, every other number with all its
        digits; what would show as zero, or needs too many places, in scientific form.
        """
        return shown_number(value, self.digits, self.rounding)

    def name(self, key: Hashable) -> str:
        """What a symbol is called in plain text."""
        if isinstance(key, Phrase):
            return "".join(map(self.name, key.parts))
        return key if isinstance(key, str) else self.names.text(key)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Phrase:
    """What has no name of its own, called by quantities and the words between them."""

    parts: tuple[str | Quantity, ...]


def shown_number(value: float, digits: int = 5, rounding: str = "nearest") -> str:
    """A number with so many decimals.

    >>> shown_number(0.41), shown_number(0.6010878), shown_number(0.0802031, rounding="truncate")
    ('0.41', '0.60109', '0.08020')
    """
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    exact = Decimal(value)
    places = Decimal(1).scaleb(-digits)
    mode = ROUND_DOWN if rounding == "truncate" else ROUND_HALF_EVEN
    if abs(value) < 1e9:
        short = exact.quantize(places, ROUND_HALF_EVEN)
        if short and abs(exact - short) <= Decimal("1e-12") * max(Decimal(1), abs(exact)):
            plain = f"{short:f}"
            return plain.rstrip("0").rstrip(".") if "." in plain else plain
        shown = exact.quantize(places, mode)
        if shown:
            return f"{shown:f}"
    exponent = exact.adjusted()
    whole = exact.scaleb(-exponent)
    mantissa = whole.quantize(places, mode)
    if abs(mantissa) >= 10:
        mantissa, exponent = mantissa / 10, exponent + 1
    plain = f"{mantissa:f}"
    if abs(whole - mantissa) <= Decimal("1e-12") and "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return f"{plain}e{exponent}"


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title of the whole. ``quantity`` is what it names, if it names one."""

    level: int
    text: str
    quantity: Quantity | None = None


@dataclass(frozen=True)
class Paragraph:
    """Plain prose."""

    text: str


@dataclass(frozen=True)
class Line:
    """One line of an equation: ``= side``, with a remark in plain words beside it. Where the remark says
    that it has been computed before, ``source`` is the left side of the equation that did."""

    side: Expression
    remark: str = ""
    source: Quantity | None = None


@dataclass(frozen=True)
class Equation:
    """``left = line = line …``: a quantity, its formula, the numbers put in, its value."""

    left: Expression
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Matrix:
    """Numbers in rows; a vector is a column. ``elided`` says that rows or columns were left out."""

    rows: tuple[tuple[float, ...], ...]
    elided: bool = False


@dataclass(frozen=True)
class MatrixEquation:
    """Symbols and matrices side by side. A piece is a matrix, a quantity's letter with an index
    (``Letter``), or an operator: one of = + - · ∘ ."""

    pieces: tuple[Matrix | Letter | str, ...]


@dataclass(frozen=True)
class Letter:
    """A matrix or vector by its letter: W, a, z, b, δ, x, t; ``layer`` counts from 1, 0 for none;
    ``mark`` is "", "T" (transposed) or "′" (a function's derivative); ``argument`` follows in
    parentheses; ``gradient_of`` is the error whose gradient by it this is, as in ∂L/∂W."""

    letter: str
    layer: int = 0
    mark: Literal["", "T", "′"] = ""
    argument: Letter | None = None
    gradient_of: str = ""


@dataclass(frozen=True)
class Table:
    """Cells are text, or expressions (numbers, symbols). ``numeric`` columns are set flush right."""

    header: tuple[str | Expression, ...]
    rows: tuple[tuple[str | Expression, ...], ...]


@dataclass(frozen=True)
class Diagram:
    """The network, drawn. ``values`` has numbers for inputs, parameters and targets to write beside them."""

    network: Network
    values: dict[Quantity, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """The loss after each epoch, the first one before training; with that of the validation rows, if there
    are any. ``name`` is what the loss is called."""

    name: str
    losses: tuple[float, ...]
    validation: tuple[float, ...] = ()


Block = Heading | Paragraph | Equation | MatrixEquation | Table | Diagram | Curve
Document = tuple[Block, ...]
