"""How names and quantities are set: which letter, what stands below it, what is a fraction.

``Symbols`` decides that once; ``Pieces`` say what a letter, a subscript or a fraction looks like
in one format, as an ``Alphabet`` does for the operators of expressions.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Literal

from clearprop.network import names as q
from clearprop.network.names import LECTURE, Names
from clearprop.rendering.document import Letter, Phrase

Accent = Literal["hat", "bar"]
Mark = Literal["+", "T", "′"]

GREEK = {"alpha", "beta", "gamma", "delta", "eps", "rho", "mu", "nu"}
STATES: dict[str, tuple[str, Accent]] = {"m_hat": ("m", "hat"), "v_hat": ("v", "hat"), "clipped": ("g", "bar")}


class Pieces(ABC):
    """What each piece of a name looks like: subclasses say it for one format."""

    # --- the pieces ---------------------------------------------------------------------

    @abstractmethod
    def italic(self, letter: str) -> str:
        """One letter, as variables are set."""

    @abstractmethod
    def word(self, word: str) -> str:
        """Several letters, digits and ``_`` in one piece, upright."""

    @abstractmethod
    def text(self, text: str) -> str:
        """Any text inside a formula."""

    @abstractmethod
    def digits(self, digits: str) -> str:
        """Digits, or the comma between two indices."""

    @abstractmethod
    def greek(self, name: str) -> str:
        """A Greek letter by its English name, or ``eps``."""

    @abstractmethod
    def bold(self, letter: str) -> str:
        """The letter of a matrix or vector."""

    @abstractmethod
    def row(self, *parts: str) -> str:
        """Side by side."""

    @abstractmethod
    def below(self, base: str, index: str) -> str:
        """A subscript."""

    @abstractmethod
    def raised(self, base: str, mark: Mark) -> str:
        """Raised: + for what is new, T for a transpose, ′ for a derivative."""

    @abstractmethod
    def accent(self, letter: str, accent: Accent) -> str:
        """An accent over a letter."""

    @abstractmethod
    def new(self, shown: str) -> str:
        """``new_`` in front."""

    @abstractmethod
    def parenthesised(self, shown: str) -> str:
        """In parentheses."""

    @abstractmethod
    def partial(self, shown: str) -> str:
        """∂ in front."""

    @abstractmethod
    def fraction(self, above: str, below: str) -> str:
        """One over the other."""

    @abstractmethod
    def compound(self, shown: str) -> bool:
        """Whether it is raised already, or a fraction: it then takes parentheses to be raised."""

    # --- names --------------------------------------------------------------------------

    def upright(self, name: str) -> str:
        """A name in one piece."""
        if re.fullmatch(r"[A-Za-z]", name):
            return self.italic(name)
        return self.word(name) if re.fullmatch(r"[A-Za-z0-9_]+", name) else self.text(name)

    def subscripted(self, name: str) -> str:
        """w5 → w with 5 below, h1_1 → h with 1,1, b_h1 → b with h1; a longer name stays upright in one piece."""
        if match := re.fullmatch(r"([A-Za-z])(\d+)(?:_(\d+))?", name):
            return self.below(self.italic(match[1]), self.indices(match[2], match[3]))
        if match := re.fullmatch(r"([A-Za-z])_([A-Za-z0-9_]+)", name):
            return self.below(self.italic(match[1]), self.inner(match[2]))
        return self.upright(name)

    def inner(self, name: str) -> str:
        """A name inside a subscript, which has no subscripts of its own."""
        if match := re.fullmatch(r"([A-Za-z])(\d+)_(\d+)", name):
            return self.row(self.italic(match[1]), self.indices(match[2], match[3]))
        if match := re.fullmatch(r"([A-Za-z]?)(\d*)", name):
            parts = (self.italic(match[1]) if match[1] else "", self.digits(match[2]) if match[2] else "")
            return self.row(*filter(None, parts))
        return self.upright(name)

    def indices(self, first: str, second: str | None) -> str:
        """One index, or two with a comma between."""
        if second is None:
            return self.digits(first)
        return self.row(self.digits(first), self.digits(","), self.digits(second))

    def named(self, name: str) -> str:
        """A hyperparameter, or the number of the step."""
        if (match := re.fullmatch(r"([a-z]+)(\d*)", name)) and match[1] in GREEK:
            letter = self.greek(match[1])
            return self.below(letter, self.digits(match[2])) if match[2] else letter
        if match := re.fullmatch(r"1/(\d+)", name):
            return self.fraction(self.digits("1"), self.digits(match[1]))
        return self.upright(name)

    def letter(self, piece: Letter) -> str:
        """A matrix's letter."""
        if piece.letter == "f" or piece.mark == "′":
            shown = self.italic(piece.letter)
            shown = self.raised(shown, "′") if piece.mark == "′" else shown
        else:
            shown = self.bold(piece.letter)
            shown = self.below(shown, self.digits(str(piece.layer))) if piece.layer else shown
            shown = self.raised(shown, "T") if piece.mark == "T" else shown
        if piece.argument is not None:
            shown = self.row(shown, self.parenthesised(self.letter(piece.argument)))
        return self.fraction(self.partial(self.italic("L")), self.partial(shown)) if piece.gradient else shown


class Symbols:
    """Every quantity of a network in one format, as its notation sets it."""

    def __init__(self, names: Names, pieces: Pieces) -> None:
        self.names, self.pieces, self.lecture = names, pieces, names.notation is LECTURE

    def write(self, key: Hashable) -> str:
        """A symbol's key as mathematics; a plain string is text."""
        if isinstance(key, Phrase):
            return self.pieces.row(*map(self.write, key.parts))
        return self.pieces.text(key) if isinstance(key, str) else self.quantity(key)  # type: ignore[arg-type]

    def quantity(self, quantity: q.Quantity) -> str:
        """The quantity as mathematics."""
        network, pieces = self.names.network, self.pieces
        match quantity:
            case q.Input(index) | q.Output(-1, index):
                return pieces.subscripted(network.input_names[index])
            case q.Target(index):
                return self._word("target", "t", pieces.digits(str(index + 1)))
            case q.Sum(layer, unit):
                return self._word("sum", "z", pieces.inner(network.unit_names[layer][unit]))
            case q.Output(layer, unit):
                return self._word("output", "a", pieces.inner(network.unit_names[layer][unit]))
            case q.Error(index):
                return pieces.below(pieces.italic("E" if self.lecture else "L"), pieces.digits(str(index + 1)))
            case q.TotalError():
                error = pieces.italic("E" if self.lecture else "L")
                return pieces.below(error, pieces.word("total")) if self.lecture else error
            case q.PenaltyError():
                return pieces.word("penalty")
            case q.Parameter(index):
                return self._parameter(index)
            case q.LearningRate():
                return pieces.italic("n") if self.lecture else pieces.greek("eta")
            case q.Updated(of):
                return self._updated(self.quantity(of))
            case q.State(symbol, index):
                return pieces.below(self._state(symbol), pieces.inner(self.names.layout.name(index)))
            case q.Named(name):
                return pieces.named(name)
            case q.Derivative(q.TotalError(), q.Sum(layer, unit)) if not self.lecture:
                return pieces.below(pieces.greek("delta"), pieces.inner(network.unit_names[layer][unit]))
            case q.Derivative(of, by):
                return pieces.fraction(pieces.partial(self.quantity(of)), pieces.partial(self.quantity(by)))
        raise TypeError(f"not a quantity: {quantity!r}")

    def _word(self, lecture: str, standard: str, index: str) -> str:
        return self.pieces.below(self.pieces.word(lecture) if self.lecture else self.pieces.italic(standard), index)

    def _state(self, symbol: str) -> str:
        if symbol in STATES:
            return self.pieces.accent(*STATES[symbol])
        return self.pieces.upright(symbol)

    def _parameter(self, index: int) -> str:
        name = self.names.layout.name(index)
        match = re.fullmatch(r"([A-Za-z])_(\d+)", name)
        if match and self.names.layout.find(match[1] + match[2]) is not None:
            return self.pieces.upright(name)  # w_5 beside w5
        return self.pieces.subscripted(name)

    def _updated(self, shown: str) -> str:
        if self.lecture:
            return self.pieces.new(shown)
        compound = self.pieces.compound(shown)
        return self.pieces.raised(self.pieces.parenthesised(shown) if compound else shown, "+")
