"""How characters, quantities and expressions are set in LaTeX."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable

from clearprop.expressions import Alphabet, Expression, Number, Operator
from clearprop.expressions.printing import ATOM, POWER, SIGN, SUM, Piece
from clearprop.network import names as q
from clearprop.network.names import LECTURE, Names
from clearprop.rendering.document import Letter, View

# --- characters -------------------------------------------------------------------------

MATHEMATICAL = {
    "<": "<", ">": ">", "|": "|", "∂": r"\partial", "′": "'", "″": "''", "∘": r"\circ", "·": r"\cdot", "⁺": "^{+}",
    "→": r"\to", "←": r"\leftarrow", "−": "-", "½": r"\tfrac{1}{2}", "≥": r"\ge", "≤": r"\le", "≠": r"\ne",
    "≈": r"\approx", "²": "^{2}", "³": "^{3}", "×": r"\times", "±": r"\pm", "√": r"\surd", "∞": r"\infty",
    "ᵀ": r"^{\mathsf{T}}", "∇": r"\nabla", "∈": r"\in", "α": r"\alpha", "β": r"\beta", "γ": r"\gamma",
    "δ": r"\delta", "ε": r"\epsilon", "ζ": r"\zeta", "η": r"\eta", "θ": r"\theta", "κ": r"\kappa", "λ": r"\lambda",
    "μ": r"\mu", "µ": r"\mu ", "ν": r"\nu", "ξ": r"\xi", "π": r"\pi", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau",
    "φ": r"\phi", "χ": r"\chi", "ψ": r"\psi", "ω": r"\omega", "Γ": r"\Gamma", "Δ": r"\Delta", "Θ": r"\Theta",
    "Λ": r"\Lambda", "Π": r"\Pi", "Σ": r"\Sigma", "∑": r"\textstyle\sum", "Φ": r"\Phi", "Ω": r"\Omega",
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
    """Any text as LaTeX text: nothing in it is markup, and nothing breaks the document."""
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
    """Text in which a line may also break inside a very long word."""
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
    """Text inside a formula for MathJax or KaTeX, which know no commands within ``\\text``."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    parts = re.split(r"([\\{}$&#%_^~<>|`])", clean)
    return "".join(IN_MATHEMATICS.get(part, rf"\text{{{part}}}") for part in parts if part)


# --- quantities -------------------------------------------------------------------------

GREEK = {"alpha", "beta", "gamma", "delta", "eps", "rho", "mu", "nu"}
STATES = {"m_hat": r"\hat{m}", "v_hat": r"\hat{v}", "clipped": r"\bar{g}"}


def upright(name: str) -> str:
    """A name in one piece."""
    if re.fullmatch(r"[A-Za-z]", name):
        return name
    if re.fullmatch(r"[A-Za-z0-9_]+", name):
        return rf"\mathrm{{{escaped(name)}}}"
    return rf"\text{{{escaped(name)}}}"


def subscripted(name: str) -> str:
    """w5 → w_{5}, h1_1 → h_{1,1}, b_h1 → b_{h1}; a longer name stays upright in one piece."""
    if match := re.fullmatch(r"([A-Za-z])(\d+)(?:_(\d+))?", name):
        return f"{match[1]}_{{{match[2]}{',' + match[3] if match[3] else ''}}}"
    if match := re.fullmatch(r"([A-Za-z])_([A-Za-z0-9_]+)", name):
        return f"{match[1]}_{{{inner(match[2])}}}"
    return upright(name)


def inner(name: str) -> str:
    """A name inside a subscript, which has no subscripts of its own."""
    if match := re.fullmatch(r"([A-Za-z])(\d+)_(\d+)", name):
        return f"{match[1]}{match[2]},{match[3]}"
    return name if re.fullmatch(r"[A-Za-z]?\d*", name) else upright(name)


class Symbols:
    """Every quantity of a network, as its notation sets it; ``web`` is for MathJax and KaTeX."""

    def __init__(self, names: Names, *, web: bool = False) -> None:
        self.names, self.lecture, self.web = names, names.notation is LECTURE, web

    def latex(self, key: Hashable) -> str:
        """A symbol's key as mathematics; a plain string is text."""
        if isinstance(key, str):
            return self.text(key)
        return self.quantity(key)  # type: ignore[arg-type]

    def text(self, text: str) -> str:
        """Text inside a formula."""
        return web_text(text) if self.web else rf"\text{{{escaped(text)}}}"

    def quantity(self, quantity: q.Quantity) -> str:
        """The quantity as mathematics."""
        network = self.names.network
        match quantity:
            case q.Input(index) | q.Output(-1, index):
                return subscripted(network.input_names[index])
            case q.Target(index):
                return self._word("target", "t", str(index + 1))
            case q.Sum(layer, unit):
                return self._word("sum", "z", inner(network.unit_names[layer][unit]))
            case q.Output(layer, unit):
                return self._word("output", "a", inner(network.unit_names[layer][unit]))
            case q.Error(index):
                return f"{'E' if self.lecture else 'L'}_{{{index + 1}}}"
            case q.TotalError():
                return r"E_{\mathrm{total}}" if self.lecture else "L"
            case q.PenaltyError():
                return r"\mathrm{penalty}"
            case q.Parameter(index):
                return self._parameter(index)
            case q.LearningRate():
                return "n" if self.lecture else r"\eta"
            case q.Updated(of):
                return self._updated(self.quantity(of))
            case q.State(symbol, index):
                letter = STATES.get(symbol) or upright(symbol)
                return f"{letter}_{{{inner(self.names.layout.name(index))}}}"
            case q.Named(name):
                return named(name)
            case q.Derivative(q.TotalError(), q.Sum(layer, unit)) if not self.lecture:
                return rf"\delta_{{{inner(network.unit_names[layer][unit])}}}"
            case q.Derivative(of, by):
                return rf"\frac{{\partial {self.quantity(of)}}}{{\partial {self.quantity(by)}}}"
        raise TypeError(f"not a quantity: {quantity!r}")

    def _word(self, lecture: str, standard: str, index: str) -> str:
        return rf"\mathrm{{{lecture}}}_{{{index}}}" if self.lecture else f"{standard}_{{{index}}}"

    def _parameter(self, index: int) -> str:
        name = self.names.layout.name(index)
        match = re.fullmatch(r"([A-Za-z])_(\d+)", name)
        if match and self.names.layout.find(match[1] + match[2]) is not None:
            return upright(name)  # w_5 beside w5
        return subscripted(name)

    def _updated(self, shown: str) -> str:
        if self.lecture:
            return rf"\mathrm{{new}}\_{shown}"
        return f"({shown})^{{+}}" if "^" in shown or shown.startswith(r"\frac") else f"{shown}^{{+}}"


def named(name: str) -> str:
    """A hyperparameter, or the number of the step."""
    if (match := re.fullmatch(r"([a-z]+)(\d*)", name)) and match[1] in GREEK:
        letter = r"\epsilon" if match[1] == "eps" else rf"\{match[1]}"
        return letter + (f"_{{{match[2]}}}" if match[2] else "")
    if match := re.fullmatch(r"1/(\d+)", name):
        return rf"\frac{{1}}{{{match[1]}}}"
    return upright(name)


def letter(piece: Letter) -> str:
    """A matrix's letter."""
    if piece.letter == "f" or piece.mark == "′":
        shown = piece.letter + ("'" if piece.mark == "′" else "")
    else:
        shown = r"\boldsymbol{\delta}" if piece.letter == "δ" else rf"\mathbf{{{piece.letter}}}"
        shown += f"_{{{piece.layer}}}" if piece.layer else ""
        shown += r"^{\mathsf{T}}" if piece.mark == "T" else ""
    if piece.argument is not None:
        shown += f"({letter(piece.argument)})"
    return rf"\frac{{\partial L}}{{\partial {shown}}}" if piece.gradient else shown


# --- expressions ------------------------------------------------------------------------


def number(shown: str) -> str:
    """1.2e-8 → 1.2\\times 10^{-8}"""
    if shown.lstrip("-") in ("inf", "nan"):
        return shown.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    mantissa, e, exponent = shown.partition("e")
    return rf"{mantissa}\times 10^{{{exponent}}}" if e else shown


class Formula(Alphabet):
    """Expressions as LaTeX mathematics; ``web`` is for MathJax and KaTeX."""

    def __init__(self, view: View, *, web: bool = False) -> None:
        self.symbols, self.web = Symbols(view.names, web=web), web
        super().__init__(self.symbols.latex, lambda value: number(view.number(value)))

    def piece(self, tree: Expression) -> Piece:
        if isinstance(tree, Number):
            shown = self.number(tree.value)
            return shown, SIGN if shown.startswith("-") else POWER if "^" in shown else ATOM
        return super().piece(tree)

    def symbol(self, key: Hashable) -> Piece:
        shown = self.symbols.latex(key)
        compound = isinstance(key, q.Updated | q.Derivative) or shown.startswith(r"\frac") or "^" in shown
        return shown, POWER if compound else ATOM

    def times(self) -> str:
        return r" \cdot "

    def parenthesised(self, shown: str) -> str:
        tall = re.search(r"\\frac|\\begin|\^", shown)
        return rf"\left({shown}\right)" if tall else f"({shown})"

    def quotient(self, above: Expression, below: Expression) -> Piece:
        return rf"\frac{{{self.write(above)}}}{{{self.write(below)}}}", POWER

    def power(self, base: Expression, exponent: Expression) -> Piece:
        return f"{self.wrapped(base, ATOM)}^{{{self.write(exponent)}}}", POWER

    def choice(self, condition: Expression, then: Expression, otherwise: Expression) -> Piece:
        cases = rf"{self.write(then)} & \text{{if }} {self.write(condition)} \\ {self.write(otherwise)} & \text{{else}}"
        return rf"\begin{{cases}} {cases} \end{{cases}}", SUM

    def relation(self, operator: Operator) -> str:
        return {"<=": r"\le", ">=": r"\ge"}.get(operator.value, operator.value)

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
