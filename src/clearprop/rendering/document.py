"""The blocks of a document, whatever format prints it.

Each result is described as a sequence of blocks; text, markdown, LaTeX and HTML print them. Mathematics is
expression trees whose symbols are quantities of the network; ``View`` says how names and numbers look.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Literal

from clearprop.expressions import Apply, Expression, Number
from clearprop.network.description import Network
from clearprop.network.names import Names, Quantity


@dataclass(frozen=True)
class View:
    """The look of names and numbers. Digits and rounding change the display only, never the computation."""

    names: Names
    digits: int = 5
    rounding: Literal["nearest", "truncate"] = "nearest"

    def number(self, value: float) -> str:
        """Return the number as text; see ``shown_number``."""
        return shown_number(value, self.digits, self.rounding)

    def written(self, value: float) -> str:
        """Return a number as it stands in a formula, where π is a letter."""
        return "π" if value == math.pi else self.number(value)

    def name(self, key: Hashable) -> str:
        """Return the name of a symbol in plain text."""
        if isinstance(key, Phrase):
            return "".join(map(self.name, key.parts))
        return key if isinstance(key, str) else self.names.text(key)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Phrase:
    """A name made of quantities and the words between them, for what has no shorter one."""

    parts: tuple[str | Quantity, ...]


def shown_number(value: float, digits: int = 5, rounding: str = "nearest") -> str:
    """Return a number with ``digits`` decimals.

    A short decimal (to within 1e-12) stays short; every other number has all its digits. Scientific form is
    used where decimals would leave one digit or none (below 0.0001 with five of them) or need too many places.

    >>> shown_number(0.41), shown_number(0.6010878), shown_number(0.0802031, rounding="truncate")
    ('0.41', '0.60109', '0.08020')
    >>> shown_number(0.00012345), shown_number(0.000012345), shown_number(0.00001)
    ('0.00012', '1.2345e-5', '1e-5')
    """
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    exact = Decimal(value)
    places = Decimal(1).scaleb(-digits)
    mode = ROUND_DOWN if rounding == "truncate" else ROUND_HALF_EVEN
    if min(1e-4, float(f"1e{1 - digits}")) <= abs(value) < 1e9:
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
    is_short = abs(whole - mantissa) <= Decimal("1e-12")
    if abs(mantissa) >= 10:
        mantissa, exponent = mantissa / 10, exponent + 1
    plain = f"{mantissa:f}"
    if is_short and "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return f"{plain}e{exponent}"


def with_minus(text: str, minus: str) -> str:
    """Return prose with this sign before its negative numbers and exponents.

    >>> with_minus("gives -0.5, error 1e-15, with --steps 3", "−")
    'gives −0.5, error 1e−15, with --steps 3'
    """
    return re.sub(r"(?<![\w.-])-(?=\d)|(?<=\de)-(?=\d)", lambda _: minus, text)


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title of the document. ``quantity`` is the quantity that it names, if any."""

    level: int
    text: str
    quantity: Quantity | None = None


@dataclass(frozen=True)
class Paragraph:
    """Plain prose."""

    text: str


@dataclass(frozen=True)
class Lines:
    """Short statements, one to a line, set apart from the block before them."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """One line of an equation: ``= side``, with a remark in plain words. Where the remark says that the value
    was computed before, ``source`` is the left side of the equation that computed it."""

    side: Expression
    remark: str = ""
    source: Quantity | None = None


@dataclass(frozen=True)
class Equation:
    """``left = line = line …``: a quantity, its formula, the formula with numbers, the value."""

    left: Expression
    lines: tuple[Line, ...]

    def distinct(self, write: Callable[[Expression], str]) -> list[tuple[Line, str]]:
        """Return the lines with their sides as ``write`` prints them, without those that look like the line
        before and have no remark: they say nothing new."""
        kept: list[tuple[Line, str]] = []
        before = None
        for line in self.lines:
            shown = write(line.side)
            if shown != before or line.remark:
                kept.append((line, shown))
            before = shown
        return kept


@dataclass(frozen=True)
class Matrix:
    """Numbers in rows; a vector is one column. ``elided`` says that rows or columns are left out."""

    rows: tuple[tuple[float, ...], ...]
    elided: bool = False

    def written(self, number: Callable[[float], str], dots: str) -> list[list[str]]:
        """Return the rows as a format writes them, with a row of dots where some are left out."""
        rows = [[number(value) for value in row] for row in self.rows]
        return [*rows, [dots] * max(map(len, rows), default=1)] if self.elided else rows


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


Side = tuple[Matrix | Letter | str, ...]
"""Symbols and matrices side by side: a piece is a matrix, the letter of one, an operator (= + - · ∘) or a
parenthesis."""


@dataclass(frozen=True)
class MatrixEquation:
    """Sides between equals signs, in ``pieces`` one after the other."""

    pieces: Side

    @property
    def sides(self) -> list[Side]:
        """The pieces between the equals signs."""
        ends = [k for k, piece in enumerate(self.pieces) if piece == "="]
        return [self.pieces[a + 1 : b] for a, b in zip([-1, *ends], [*ends, None], strict=True)]


Cell = str | Expression

NUMERIC = re.compile(r"-?\d[\d,]*(\.\d+)?(e[-+]?\d+)?")


@dataclass(frozen=True)
class Grid:
    """Cells in rows and columns; a cell is text or an expression. Rows that are too short get empty cells.

    A column is ``numeric``, and set flush right, if all its cells are numbers, formulas or empty.
    """

    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        count = max(map(len, (self.header, *self.rows)))
        header, *rows = ((*row, *[""] * (count - len(row))) for row in (self.header, *self.rows))
        object.__setattr__(self, "header", header)
        object.__setattr__(self, "rows", tuple(rows))

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Whether each column holds numbers."""
        columns = list(zip(*self.rows, strict=True)) or [()] * len(self.header)
        return tuple(any(column) and all(_is_number(cell) for cell in column) for column in columns)


def _is_number(cell: Cell) -> bool:
    if isinstance(cell, str):
        return not cell or NUMERIC.fullmatch(cell) is not None
    return isinstance(cell, Number | Apply)


@dataclass(frozen=True)
class Diagram:
    """The network, drawn. ``values`` holds the numbers to write beside inputs, parameters and targets."""

    network: Network
    values: dict[Quantity, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """The loss after each epoch, the first one before training, and likewise the validation loss, if there is
    one. ``name`` is the name of the loss."""

    name: str
    losses: tuple[float, ...]
    validation: tuple[float, ...] = ()


Block = Heading | Paragraph | Lines | Equation | MatrixEquation | Grid | Diagram | Curve
Document = tuple[Block, ...]
