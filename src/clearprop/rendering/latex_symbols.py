"""How quantities and characters are set in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Hashable

from clearprop.network import names as q
from clearprop.network.names import LECTURE, Names
from clearprop.rendering.document import Letter

ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}", "|": r"\ensuremath{|}", '"': "''", "∂": r"\ensuremath{\partial}",
    "η": r"\ensuremath{\eta}", "δ": r"\ensuremath{\delta}", "′": r"\ensuremath{'}", "∘": r"\ensuremath{\circ}",
    "·": r"\ensuremath{\cdot}", "…": r"\ldots{}", "“": "``", "”": "''", "⁺": r"\ensuremath{^{+}}", "–": "--",
    "—": "---", "→": r"\ensuremath{\to}", "←": r"\ensuremath{\leftarrow}", "−": r"\ensuremath{-}",
    "½": r"\ensuremath{\tfrac{1}{2}}", "≥": r"\ensuremath{\ge}", "≤": r"\ensuremath{\le}", "≈": r"\ensuremath{\approx}",
    "²": r"\ensuremath{^{2}}", "×": r"\ensuremath{\times}", "Σ": r"\ensuremath{\Sigma}",
}  # fmt: skip


def escaped(text: str) -> str:
    """Any text as LaTeX text: nothing in it is markup, and nothing breaks the document."""
    return "".join(ESCAPES.get(character) or _plain(character) for character in text)


def _plain(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() else " "
    return f"[U+{ord(character):04X}]"


GREEK = {"alpha", "beta", "gamma", "delta", "eps", "rho", "mu", "nu"}
STATES = {"m_hat": r"\hat{m}", "v_hat": r"\hat{v}", "clipped": r"\bar{g}"}


def subscripted(name: str) -> str:
    """w5 → w_{5}, h1_1 → h_{1,1}, b_h1 → b_{h1}; a longer name stays upright in one piece."""
    if match := re.fullmatch(r"([A-Za-z])(\d+)(?:_(\d+))?", name):
        return f"{match[1]}_{{{match[2]}{',' + match[3] if match[3] else ''}}}"
    if match := re.fullmatch(r"([A-Za-z])_([A-Za-z0-9_]+)", name):
        return f"{match[1]}_{{{inner(match[2])}}}"
    return name if re.fullmatch(r"[A-Za-z]", name) else rf"\mathrm{{{escaped(name)}}}"


def inner(name: str) -> str:
    """A name inside a subscript."""
    if match := re.fullmatch(r"([A-Za-z])(\d+)_(\d+)", name):
        return f"{match[1]}{match[2]},{match[3]}"
    return name if re.fullmatch(r"[A-Za-z]?\d*", name) else rf"\mathrm{{{escaped(name)}}}"


class Symbols:
    """Every quantity of a network, as its notation sets it."""

    def __init__(self, names: Names) -> None:
        self.names, self.lecture = names, names.notation is LECTURE

    def latex(self, key: Hashable) -> str:
        """A symbol's key as mathematics; a plain string is text."""
        if isinstance(key, str):
            return rf"\text{{{escaped(key)}}}"
        return self.quantity(key)  # type: ignore[arg-type]

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
                return subscripted(self.names.layout.name(index))
            case q.LearningRate():
                return "n" if self.lecture else r"\eta"
            case q.Updated(of):
                shown = self.quantity(of)
                return rf"\mathrm{{new}}\_{shown}" if self.lecture else f"{{{shown}}}^{{+}}"
            case q.State(symbol, index):
                name = self.names.layout.name(index)
                return f"{STATES.get(symbol, symbol)}_{{{inner(name)}}}"
            case q.Named(name):
                return named(name)
            case q.Derivative(q.TotalError(), q.Sum(layer, unit)) if not self.lecture:
                return rf"\delta_{{{inner(network.unit_names[layer][unit])}}}"
            case q.Derivative(of, by):
                return rf"\frac{{\partial {self.quantity(of)}}}{{\partial {self.quantity(by)}}}"
        raise TypeError(f"not a quantity: {quantity!r}")

    def _word(self, lecture: str, standard: str, index: str) -> str:
        return rf"\mathrm{{{lecture}}}_{{{index}}}" if self.lecture else f"{standard}_{{{index}}}"


def named(name: str) -> str:
    """A hyperparameter, or the number of the step."""
    if match := re.fullmatch(r"([a-z]+)(\d*)", name):
        word, digits = match[1], match[2]
        if word in GREEK:
            letter = r"\epsilon" if word == "eps" else rf"\{word}"
            return letter + (f"_{{{digits}}}" if digits else "")
    if re.fullmatch(r"1/\d+", name):
        return rf"\frac{{1}}{{{name[2:]}}}"
    return rf"\mathrm{{{escaped(name)}}}"


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
