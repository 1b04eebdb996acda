"""Quantities, expressions and matrices in MathML Core.

https://www.w3.org/TR/mathml-core/ is the part of MathML that browsers render: it has no ``mfenced``,
``menclose`` or ``columnalign``, and of ``mathvariant`` only ``normal``. Classes,
defined in the page's style sheet, do the rest, so that a page whose policy forbids style attributes can
show it.
"""

from __future__ import annotations

import re

from clearprop.expressions import Expression, Operator, Symbol
from clearprop.expressions.printing import ATOM, POWER, SUM, Piece
from clearprop.network.notation import Accent
from clearprop.rendering.document import Matrix, Side, View
from clearprop.rendering.markup import element, escaped
from clearprop.rendering.symbols import FUNCTIONS, Pieces, SetFormula, side_by_side

APPLIED = "<mo>\u2061</mo>"
"""Between a function and what it is applied to: nothing to see, but read aloud as "of"."""
TAG = re.compile(r"<[^>]*>")


def math(content: str, said: str | None = None) -> str:
    """Return a formula. ``said`` is how it is read aloud where it names a link, a heading or a row."""
    return element("math", content, aria_label=said)


def mo(character: str, form: str | None = None) -> str:
    """Return an operator; ``form`` tells prefix, infix or postfix where the place does not."""
    return element("mo", escaped(character), form=form)


def fenced(left: str, content: str, right: str) -> str:
    """Return content between parentheses or bars. They stretch only around tall content: some browsers leave
    room beside those that may stretch."""
    still = None if re.search("<(mfrac|msup|msubsup|mtable)", content) else "false"
    return f"<mrow>{element('mo', left, stretchy=still)}{content}{element('mo', right, stretchy=still)}</mrow>"


def row(*parts: str) -> str:
    """Return the parts side by side, as one element."""
    content = "".join(parts)
    return content if re.fullmatch(r"<(mi|mn|mo|mtext)>[^<]*</\1>", content) else f"<mrow>{content}</mrow>"


def visible(markup: str) -> int:
    """Return the number of visible characters, those of fractions all counted."""
    return len(TAG.sub("", markup).replace("\u2061", ""))


def number(shown: str) -> str:
    """Return -1.2e-8 as −1.2 × 10 raised to −8, in one element."""
    if shown.startswith("-"):
        return f"<mrow>{mo('−', 'prefix')}{number(shown[1:])}</mrow>"
    if shown in ("inf", "nan", "π"):
        return "<mi>∞</mi>" if shown == "inf" else element("mi", shown)
    mantissa, e, exponent = shown.partition("e")
    power = f"{mo('×')}<msup><mn>10</mn>{number(exponent)}</msup>" if e else ""
    return row(element("mn", mantissa), power)


class MathML(Pieces):
    """The pieces of a name, each one element."""

    def italic(self, letter: str) -> str:
        return element("mi", escaped(letter))

    def word(self, word: str) -> str:
        return element("mi", escaped(word), mathvariant="normal" if len(word) == 1 else None)

    def text(self, text: str) -> str:
        # Spaces at the ends of an element would be dropped.
        return element("mtext", escaped(text).replace(" ", "\u00a0"))

    def digits(self, digits: str) -> str:
        return '<mo rspace="0">,</mo>' if digits == "," else element("mn", digits)

    def bold(self, letter: str) -> str:
        return element("mi", escaped(letter), mathvariant="normal", class_="bold")

    def row(self, *parts: str) -> str:
        return row(*parts)

    def below(self, base: str, index: str) -> str:
        return f"<msub>{base}{index}</msub>"

    def raised(self, base: str, mark: str) -> str:
        above = element("mi", "T", mathvariant="normal") if mark == "T" else mo(mark)
        if match := re.fullmatch(r"<msub>(.*)</msub>", base):
            return f"<msubsup>{match[1]}{above}</msubsup>"
        return f"<msup>{base}{above}</msup>"

    def accent(self, letter: str, accent: Accent) -> str:
        mark = mo("^" if accent == "hat" else "¯")
        return element("mover", self.italic(letter) + mark, accent="true")

    def parenthesised(self, shown: str) -> str:
        return fenced("(", shown, ")")

    def minus(self) -> str:
        return mo("−")

    def partial(self, shown: str) -> str:
        return f"<mrow><mi>∂</mi>{shown}</mrow>"

    def fraction(self, above: str, below: str) -> str:
        return f"<mfrac>{above}{below}</mfrac>"

    def stacked(self, lines: list[str]) -> str:
        rows = "".join(f"<mtr><mtd>{line}</mtd></mtr>" for line in lines)
        return f'<mtable class="name">{rows}</mtable>'

    def compound(self, shown: str) -> bool:
        return shown.startswith(("<mfrac>", "<msup>", "<msubsup>"))


PIECES = MathML()
OPEN, CLOSE = '<mo form="prefix" stretchy="false">(</mo>', '<mo form="postfix" stretchy="false">)</mo>'
"""Parentheses around what is broken into several formulas."""


class Formula(SetFormula):
    """Expressions as MathML."""

    opening, closing, stacked = OPEN, CLOSE, True

    def __init__(self, view: View) -> None:
        super().__init__(view, PIECES, number)

    # --- line breaks --------------------------------------------------------------------------

    def length(self, shown: str) -> float:
        return visible(shown)

    def between(self, operator: str) -> str:
        return {"-": "−", "*": self.sign}.get(operator, operator)

    # --- the alphabet ---------------------------------------------------------------------------

    plus, minus, negative = mo("+"), mo("−"), mo("−", "prefix")

    def times(self) -> str:
        return mo(self.sign)

    def quotient(self, above: Expression, below: Expression) -> Piece:
        return PIECES.fraction(row(self.write(above)), row(self.write(below))), POWER

    def power(self, base: Expression, exponent: Expression) -> Piece:
        below, above = self.wrapped(base, ATOM), row(self.write(exponent))
        if isinstance(base, Symbol) and (match := re.fullmatch(r"<msub>(.*)</msub>", below)):
            return f"<msubsup>{match[1]}{above}</msubsup>", POWER
        return f"<msup>{row(below)}{above}</msup>", POWER

    def choice(self, condition: Expression, then: Expression, otherwise: Expression) -> Piece:
        cases = [(self.write(then), f"<mtext>if\u00a0</mtext>{self.write(condition)}")]
        cases.append((self.write(otherwise), "<mtext>else</mtext>"))
        rows = "".join(f"<mtr><mtd>{value}</mtd><mtd>{when}</mtd></mtr>" for value, when in cases)
        return f'<mrow>{mo("{")}<mtable class="cases">{rows}</mtable></mrow>', SUM

    def relation(self, operator: Operator) -> str:
        return mo({"<=": "≤", ">=": "≥"}.get(operator.value, operator.value))

    def function(self, operator: Operator, arguments: tuple[Expression, ...]) -> Piece:
        inside = mo(",").join(self.write(argument) for argument in arguments)
        match operator:
            case Operator.EXP:
                return f"<msup><mi>e</mi>{row(inside)}</msup>", POWER
            case Operator.SQRT:
                return f"<msqrt>{inside}</msqrt>", ATOM
            case Operator.ABS:
                return fenced("|", inside, "|"), ATOM
        name = element("mi", FUNCTIONS.get(operator.value, operator.value))
        return f"{name}{APPLIED}{self.parenthesised(inside)}", ATOM


# --- matrices -------------------------------------------------------------------------------------

FORMS = {"(": "prefix", ")": "postfix"}


def matrices(pieces: Side, formula: Formula) -> str:
    """Return symbols and matrices side by side."""

    def sign(piece: str) -> str:
        return mo(piece.replace("-", "−"), FORMS.get(piece))

    return "".join(side_by_side(pieces, PIECES, lambda piece: matrix(piece, formula), sign))


def matrix(block: Matrix, formula: Formula) -> str:
    """Return numbers in brackets, with dots below where some are left out."""
    rows = block.written(formula.number, "<mo>⋮</mo>")
    table = "".join(f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in cells)}</mtr>" for cells in rows)
    return f'<mrow>{mo("[")}<mtable class="matrix">{table}</mtable>{mo("]")}</mrow>'
