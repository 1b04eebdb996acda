"""Characters, quantities and expressions in Typst.

Whatever is text stands in a string literal, in which nothing is markup; letters and words are strings too, so
that neighbours never run together into one identifier.
"""

from __future__ import annotations

import re

from clearprop.expressions import Expression, Operator
from clearprop.expressions.printing import ATOM, POWER, SUM, Piece
from clearprop.network.notation import Accent
from clearprop.rendering.document import Matrix, Side, View
from clearprop.rendering.symbols import FUNCTIONS, Pieces, SetFormula, side_by_side

SIGNS = {"⋅": " dot.op ", "·": " dot.op ", "×": " times "}
RELATIONS = {"<=": " lt.eq ", ">=": " gt.eq ", "<": " lt ", ">": " gt "}
PRINTED = re.compile(r'"((?:\\.|[^"\\])*)"|[a-z.]{2,}|[(),\s\\]|\b[tb]:')
"""Left out of a formula's length: names of functions, parentheses of calls, quotes."""


def string(text: str) -> str:
    """Return any text as a string literal; what is invisible, or changes the direction of text, is a space."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


def number(shown: str) -> str:
    """Return 1.2e-8 as 1.2 times 10 raised to -8."""
    if shown.lstrip("-") in ("inf", "nan"):
        return shown.replace("inf", "infinity").replace("nan", '"nan"')
    if shown == "π":
        return "pi"
    mantissa, e, exponent = shown.partition("e")
    return f"{mantissa} times attach(10, t: {exponent})" if e else shown


class TypstPieces(Pieces):
    """The pieces of a name as Typst."""

    def italic(self, letter: str) -> str:
        return f"italic({string(letter)})"

    def word(self, word: str) -> str:
        return f"upright({string(word)})"

    def text(self, text: str) -> str:
        return string(text)

    def digits(self, digits: str) -> str:
        return string(digits)

    def bold(self, letter: str) -> str:
        return f"bold(upright({string(letter)}))"

    def below(self, base: str, index: str) -> str:
        return f"attach({base}, b: {index})"

    def raised(self, base: str, mark: str) -> str:
        return f"attach({base}, t: {'prime' if mark == '′' else string(mark)})"

    def accent(self, letter: str, accent: Accent) -> str:
        return f"{'hat' if accent == 'hat' else 'macron'}({self.italic(letter)})"

    def parenthesised(self, shown: str) -> str:
        return f"lr(({shown}))"

    def partial(self, shown: str) -> str:
        return f"∂{shown}"

    def fraction(self, above: str, below: str) -> str:
        return f"frac({above}, {below})"

    def stacked(self, lines: list[str]) -> str:
        return f"mat(delim: #none, row-gap: #0.2em, {'; '.join(lines)})"

    def compound(self, shown: str) -> bool:
        return shown.startswith("frac(") or ", t: " in shown


PIECES = TypstPieces()


class Formula(SetFormula):
    """Expressions as Typst mathematics."""

    opening, closing, stacked = r"\(", r"\)", True
    """Of the height of the line: what is between them is in other formulas."""

    def __init__(self, view: View) -> None:
        super().__init__(view, PIECES, number)

    # --- line breaks --------------------------------------------------------------------

    def length(self, shown: str) -> float:
        return len(PRINTED.sub(r"\1", shown))

    def between(self, operator: str) -> str:
        signs = {"/": "slash", "+": "+", "-": "-", "*": self.times().strip()}
        return f'class("binary", {signs[operator]})' if operator else ""

    def applied(self, operator: Operator) -> str | None:
        return "exp" if operator is Operator.EXP else None

    def raised(self, shown: str, exponent: Expression) -> str:
        return f"{shown}^({self.write(exponent)})"

    # --- the alphabet -------------------------------------------------------------------

    def times(self) -> str:
        return SIGNS[self.sign]

    def quotient(self, above: Expression, below: Expression) -> Piece:
        return PIECES.fraction(self.write(above), self.write(below)), POWER

    def power(self, base: Expression, exponent: Expression) -> Piece:
        return f"attach({self.wrapped(base, ATOM)}, t: {self.write(exponent)})", POWER

    def choice(self, condition: Expression, then: Expression, otherwise: Expression) -> Piece:
        cases = f'{self.write(then)} & "if " {self.write(condition)}, {self.write(otherwise)} & "else"'
        return f"cases({cases})", SUM

    def relation(self, operator: Operator) -> str:
        return RELATIONS[operator.value]

    def function(self, operator: Operator, arguments: tuple[Expression, ...]) -> Piece:
        inside = " comma ".join(self.write(argument) for argument in arguments)
        match operator:
            case Operator.EXP:
                return f'attach(italic("e"), t: {inside})', POWER
            case Operator.SQRT:
                return f"sqrt({inside})", ATOM
            case Operator.ABS:
                return f"abs({inside})", ATOM
        name = FUNCTIONS.get(operator.value, operator.value)
        return f'op("{name}") {self.parenthesised(inside)}', ATOM


# --- matrices ---------------------------------------------------------------------------

OPERATORS = {"∘": " compose ", "·": " dot.op ", "(": r" \( ", ")": r" \) "}


def matrices(pieces: Side, formula: Formula) -> str:
    """Return symbols and matrices side by side."""

    def matrix(piece: Matrix) -> str:
        rows = piece.written(formula.number, "dots.v")
        return f'mat(delim: "[", {"; ".join(map(", ".join, rows))})'

    def sign(piece: str) -> str:
        return OPERATORS.get(piece) or (f" {piece} " if piece in "+-=" else string(piece))

    return " ".join(side_by_side(pieces, PIECES, matrix, sign))
