"""Characters, quantities and expressions in LaTeX."""

from __future__ import annotations

import re
import unicodedata

from clearprop.expressions import Expression, Operator
from clearprop.expressions.printing import ATOM, POWER, SUM, Piece
from clearprop.network.notation import Accent
from clearprop.rendering.document import View
from clearprop.rendering.latex_width import shrunk, width
from clearprop.rendering.symbols import Pieces, SetFormula

# --- characters -------------------------------------------------------------------------

LOWER = "alpha beta gamma delta zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon chi psi omega"
UPPER = "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
GREEK = {
    **{letter: f"\\{name}" for letter, name in zip("αβγδζηθικλμνξπρστυχψω", LOWER.split(), strict=True)},
    **{letter: f"\\{name}" for letter, name in zip("ΓΔΘΛΞΠΣΥΦΨΩ", UPPER.split(), strict=True)},
    **{letter: rf"\mathrm{{{latin}}}" for letter, latin in zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧ", "ABEZHIKMNOPTX", strict=True)},
    "ε": r"\varepsilon", "ϵ": r"\epsilon", "φ": r"\varphi", "ϕ": r"\phi", "ς": r"\varsigma", "ϑ": r"\vartheta",
    "ο": "o", "µ": r"\mu ",
}  # fmt: skip
GREEK |= {
    unicodedata.normalize("NFC", letter + mark): rf"\{accent}{{{GREEK[letter]}}}"
    for mark, accent, letters in (("\u0301", "acute", "αεηιουωΑΕΗΙΟΥΩ"), ("\u0308", "ddot", "ιυΙΥ"))
    for letter in letters
}
MATHEMATICAL = {
    "<": "<", ">": ">", "|": "|", "∂": r"\partial", "′": "'", "″": "''", "∘": r"\circ", "·": r"\cdot", "⁺": "^{+}",
    "⋅": r"\cdot ", "→": r"\to", "←": r"\leftarrow", "−": "-", "½": r"\tfrac{1}{2}", "≥": r"\ge", "≤": r"\le",
    "≠": r"\ne", "≈": r"\approx", "²": "^{2}", "³": "^{3}", "×": r"\times", "±": r"\pm", "√": r"\surd",
    "∞": r"\infty", "ᵀ": r"^{\mathsf{T}}", "∇": r"\nabla", "∈": r"\in", "∑": r"\textstyle\sum", **GREEK,
}  # fmt: skip
ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", '"': r"\char34{}", "`": r"\`{}", "[": "{[}", "]": "{]}",
    "*": "{*}", "…": r"\ldots{}", "“": "{``}", "”": "{''}", "–": "{--}", "—": "{---}", "ß": r"\ss{}", "æ": r"\ae{}",
    "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "\u00a0": "~",
    **{character: rf"\ensuremath{{{shown}}}" for character, shown in MATHEMATICAL.items()},
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
LIGATURES = {"--", "''", "?'", "!'"}


def escaped(text: str) -> str:
    """Return any text as LaTeX text: nothing in it is markup, and nothing breaks the document."""
    shown, before = [], ""
    for character in text:
        shown.append("{}" if before + character in LIGATURES else "")
        shown.append(ESCAPES.get(character) or _other(character))
        before = character
    return "".join(shown)


def _other(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() else " "
    base, mark = (*unicodedata.normalize("NFD", character), "", "")[:2]
    if base.isascii() and base.isalpha() and len(unicodedata.normalize("NFD", character)) == 2 and mark in ACCENTS:
        return rf"\{ACCENTS[mark]}{{{base}}}"
    return f"{{[}}U+{ord(character):04X}{{]}}"


def prose(text: str) -> str:
    """Return text in which a line may also break inside a very long word."""
    shown = []
    for part in re.findall(r"\s+|\S+", text):
        pieces = [part] if len(part) <= 20 else [part[k : k + 10] for k in range(0, len(part), 10)]
        shown.append(r"\allowbreak{}".join(map(escaped, pieces)))
    return "".join(shown)


IN_MATHEMATICS = {
    "\\": r"\backslash ", "{": r"\lbrace ", "}": r"\rbrace ", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\wedge ", "~": r"\sim ", "<": r"\lt ", ">": r"\gt ", "|": r"\vert ", "`": r"\text{'}",
}  # fmt: skip


def web_text(text: str) -> str:
    """Return text inside a formula for MathJax or KaTeX, which know no commands within ``\\text``."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    parts = re.split(r"([\\{}$&#%_^~<>|`])", clean)
    return "".join(IN_MATHEMATICS.get(part, rf"\text{{{part}}}") for part in parts if part)


# --- names and quantities ---------------------------------------------------------------


class Latex(Pieces):
    """The pieces of a name as LaTeX; ``web`` is for MathJax and KaTeX."""

    def __init__(self, *, web: bool = False) -> None:
        self.web = web

    def italic(self, letter: str) -> str:
        if letter.isascii():
            return letter
        return MATHEMATICAL[letter].strip() if letter in MATHEMATICAL else self.text(letter)

    def word(self, word: str) -> str:
        return rf"\mathrm{{{escaped(word)}}}" if word.isascii() else self.text(word)

    def text(self, text: str) -> str:
        return web_text(text) if self.web else rf"\text{{{escaped(text)}}}"

    def bold(self, letter: str) -> str:
        return rf"\mathbf{{{letter}}}" if letter.isascii() else rf"\boldsymbol{{{self.italic(letter)}}}"

    def below(self, base: str, index: str) -> str:
        return f"{base}_{{{index}}}"

    def raised(self, base: str, mark: str) -> str:
        known = {"T": r"^{\mathsf{T}}", "′": "'"}
        return base + (known.get(mark) or f"^{{{escaped(mark)}}}")

    def accent(self, letter: str, accent: Accent) -> str:
        return rf"\{accent}{{{letter}}}"

    def partial(self, shown: str) -> str:
        return rf"\partial {shown}"

    def fraction(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def stacked(self, lines: list[str]) -> str:
        rows = r" \\ ".join(lines)
        return rf"\substack{{{rows}}}"

    def compound(self, shown: str) -> bool:
        return "^" in shown or shown.startswith(r"\frac")


LATEX = Latex()


# --- expressions ------------------------------------------------------------------------


def number(shown: str) -> str:
    """Return 1.2e-8 as 1.2\\times 10^{-8}."""
    if shown.lstrip("-") in ("inf", "nan"):
        return shown.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    if shown == "π":
        return r"\pi"
    mantissa, e, exponent = shown.partition("e")
    return rf"{mantissa}\times 10^{{{exponent}}}" if e else shown


class Formula(SetFormula):
    """Expressions as LaTeX mathematics; ``web`` is for MathJax and KaTeX."""

    def __init__(self, view: View, *, web: bool = False) -> None:
        self.web = web
        super().__init__(view, Latex(web=web), number)

    # --- line breaks --------------------------------------------------------------------

    opening, closing, slack, gap = r"\bigl(", r"\bigr)", 20.0, 4.0

    def length(self, shown: str) -> float:
        return width(shown)

    def applied(self, operator: Operator) -> str | None:
        return r"\exp" if operator is Operator.EXP else None

    def raised(self, shown: str, exponent: Expression) -> str:
        return f"{shown}^{{{self.write(exponent)}}}"

    def squeezed(self, shown: str, room: float) -> str:
        return shown if self.web else shrunk(shown, room)

    # --- the alphabet -------------------------------------------------------------------

    def times(self) -> str:
        return f" {MATHEMATICAL[self.sign].strip()} "

    def parenthesised(self, shown: str) -> str:
        tall = re.search(r"\\frac|\\begin|\\substack|\^", shown)
        return rf"\left({shown}\right)" if tall else f"({shown})"

    def quotient(self, above: Expression, below: Expression) -> Piece:
        return rf"\frac{{{self.write(above)}}}{{{self.write(below)}}}", POWER

    def power(self, base: Expression, exponent: Expression) -> Piece:
        return self.raised(self.wrapped(base, ATOM), exponent), POWER

    def choice(self, condition: Expression, then: Expression, otherwise: Expression) -> Piece:
        cases = rf"{self.write(then)} & \text{{if }} {self.write(condition)} \\ {self.write(otherwise)} & \text{{else}}"
        return rf"\begin{{cases}} {cases} \end{{cases}}", SUM

    def relation(self, operator: Operator) -> str:
        return str({"<=": r"\le", ">=": r"\ge"}.get(operator.value, operator.value))

    def function(self, operator: Operator, arguments: tuple[Expression, ...]) -> Piece:
        inside = ", ".join(self.write(argument) for argument in arguments)
        match operator:
            case Operator.EXP:
                return f"e^{{{inside}}}", POWER
            case Operator.SQRT:
                return rf"\sqrt{{{inside}}}", ATOM
            case Operator.ABS:
                return rf"\left|{inside}\right|", ATOM
        known = {"log": r"\ln", "tanh": r"\tanh", "max": r"\max", "min": r"\min"}
        upright_name = "mathrm" if self.web else "operatorname"  # GitHub forbids \operatorname
        name = known.get(operator.value, rf"\{upright_name}{{{operator.value}}}")
        return name + self.parenthesised(inside), ATOM
