"""Names and quantities as they are set: the letter, what stands below it, and fractions.

``Symbols`` decides that once; ``Pieces`` say what a letter, a subscript or a fraction looks like
in one format, as an ``Alphabet`` does for the operators of expressions.
"""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable

from clearprop.expressions.printing import ATOM, POWER, SIGN, Piece
from clearprop.network import names as q
from clearprop.network.names import Names
from clearprop.network.notation import ACCENTED, GREEK, PENALTY, STATE_WORDS, Accent
from clearprop.rendering.document import Letter, Matrix, Phrase, Side, View
from clearprop.rendering.line_breaks import Breakable

LETTER, NAME = r"[^\W\d_]", r"\w+"
LONG, LINE = 32, 24
"""A longer name is set in several lines, each of about so many characters."""
FUNCTIONS = {"log": "ln"}
"""Functions that mathematics calls otherwise than expressions do."""


class Pieces(ABC):
    """The pieces of a name, as one format sets them."""

    # --- the pieces ---------------------------------------------------------------------

    @abstractmethod
    def italic(self, letter: str) -> str:
        """Set one letter of any script, as variables are set."""

    @abstractmethod
    def word(self, word: str) -> str:
        """Set letters, digits and ``_`` in one piece, upright."""

    @abstractmethod
    def text(self, text: str) -> str:
        """Set any text inside a formula."""

    @abstractmethod
    def bold(self, letter: str) -> str:
        """Set the letter of a matrix or vector."""

    @abstractmethod
    def below(self, base: str, index: str) -> str:
        """Set a subscript."""

    @abstractmethod
    def raised(self, base: str, mark: str) -> str:
        """Set a raised mark: T for a transpose, ′ for a derivative, a notation's mark of what is new."""

    @abstractmethod
    def accent(self, letter: str, accent: Accent) -> str:
        """Set an accent over a letter."""

    @abstractmethod
    def fraction(self, above: str, below: str) -> str:
        """Set one over the other."""

    @abstractmethod
    def compound(self, shown: str) -> bool:
        """Return whether it is raised already, or a fraction: it then takes parentheses to be raised."""

    def stacked(self, lines: list[str]) -> str:
        """Set the lines of a long name, one below the other where the format can."""
        return self.row(*lines)

    def digits(self, digits: str) -> str:
        """Set digits, or the comma between two indices."""
        return digits

    def row(self, *parts: str) -> str:
        """Set parts side by side."""
        return "".join(parts)

    def parenthesised(self, shown: str) -> str:
        """Set it in parentheses."""
        return f"({shown})"

    def minus(self) -> str:
        """Set a minus sign between two names."""
        return " - "

    def partial(self, shown: str) -> str:
        """Set ∂ in front."""
        return f"∂{shown}"

    # --- names --------------------------------------------------------------------------

    def upright(self, name: str) -> str:
        """Set a name in one piece: a single letter italic, more of them upright, very many in several lines."""
        if re.fullmatch(LETTER, name):
            return self.italic(name)
        set_ = self.word if re.fullmatch(NAME, name) else self.text
        lines = [set_(line) for line in in_lines(name)]
        return lines[0] if len(lines) == 1 else self.stacked(lines)

    def subscripted(self, name: str) -> str:
        """Set w5 as w with 5 below, h1_1 as h with 1,1, b_h1 as b with h1, a longer name upright in one piece."""
        if match := re.fullmatch(rf"({LETTER})([0-9]+)(?:_([0-9]+))?", name):
            return self.below(self.italic(match[1]), self.indices(match[2], match[3]))
        if match := re.fullmatch(rf"({LETTER})_({NAME})", name):
            return self.below(self.italic(match[1]), self.inner(match[2]))
        return self.upright(name)

    def indexed(self, word: str) -> str:
        """Set a notation's word, with what stands after ``_`` below it."""
        base, _, index = word.partition("_")
        return self.below(self.upright(base), self.inner(index)) if index else self.upright(base)

    def inner(self, name: str) -> str:
        """Set a name inside a subscript, which has no subscripts of its own."""
        if match := re.fullmatch(rf"({LETTER})([0-9]+)_([0-9]+)", name):
            return self.row(self.italic(match[1]), self.indices(match[2], match[3]))
        if match := re.fullmatch(rf"({LETTER}?)([0-9]*)", name):
            parts = (self.italic(match[1]) if match[1] else "", self.digits(match[2]) if match[2] else "")
            return self.row(*filter(None, parts))
        return self.upright(name)

    def indices(self, first: str, second: str | None) -> str:
        """Set one index, or two with a comma between."""
        if second is None:
            return self.digits(first)
        return self.row(self.digits(first), self.digits(","), self.digits(second))

    def named(self, name: str) -> str:
        """Set a hyperparameter, or the number of the step."""
        if (match := re.fullmatch(r"([a-z]+)([0-9]*)", name)) and match[1] in GREEK:
            return self.subscripted(GREEK[match[1]] + match[2])
        if match := re.fullmatch(r"1/([0-9]+)", name):
            return self.fraction(self.digits("1"), self.digits(match[1]))
        return self.upright(name)

    def letter(self, piece: Letter) -> str:
        """Set the letter of a matrix."""
        if piece.letter == "f" or piece.mark == "′":
            shown = self.italic(piece.letter)
            shown = self.raised(shown, "′") if piece.mark == "′" else shown
        else:
            shown = self.bold(piece.letter)
            shown = self.below(shown, self.digits(str(piece.layer))) if piece.layer else shown
            shown = self.raised(shown, "T") if piece.mark == "T" else shown
        if piece.argument is not None:
            shown = self.row(shown, self.parenthesised(self.letter(piece.argument)))
        if not piece.gradient_of:
            return shown
        return self.fraction(self.partial(self.indexed(piece.gradient_of)), self.partial(shown))


def in_lines(name: str) -> list[str]:
    """Return a long name in lines, which end after an underscore or a space where there is one.

    >>> in_lines("short"), in_lines("a_rather_long_name_of_a_class_of_things")
    (['short'], ['a_rather_long_name_of_a_', 'class_of_things'])
    """
    if len(name) <= LONG:
        return [name]
    lines = [""]
    for word in re.findall(r"[^_ ]*[_ ]+|[^_ ]+", name):
        for part in (word[start : start + LINE] for start in range(0, len(word), LINE)):
            if len(lines[-1] + part) > LINE:
                lines.append("")
            lines[-1] += part
    return lines


class Symbols:
    """Every quantity of a network in one format, as its notation sets it."""

    def __init__(self, names: Names, pieces: Pieces) -> None:
        self.names, self.pieces = names, pieces

    def write(self, key: Hashable) -> str:
        """Return a symbol's key as mathematics; a plain string is text."""
        if isinstance(key, Phrase):
            return self.pieces.row(*map(self.write, key.parts))
        return self.pieces.text(key) if isinstance(key, str) else self.quantity(key)  # type: ignore[arg-type]

    def quantity(self, quantity: q.Quantity) -> str:
        """Return the quantity as mathematics."""
        words, pieces = self.names.notation, self.pieces
        match quantity:
            case q.Input(index) | q.Output(-1, index):
                return pieces.subscripted(self.names.network.input_names[index])
            case q.Target(index):
                return self._numbered(words.target, index)
            case q.Sum(layer, unit):
                return self._of_unit(words.sum, layer, unit)
            case q.Output(layer, unit):
                return self._of_unit(words.output, layer, unit)
            case q.Error(index):
                return self._numbered(words.error, index)
            case q.TotalError():
                return pieces.indexed(words.total_error)
            case q.PenaltyError():
                return pieces.word(PENALTY)
            case q.WithoutPenalty():
                return pieces.parenthesised(
                    pieces.row(self.quantity(q.TotalError()), pieces.minus(), pieces.word(PENALTY))
                )
            case q.Parameter(index):
                return self._parameter(index)
            case q.LearningRate():
                return pieces.indexed(words.learning_rate)
            case q.Updated(of):
                return self._updated(self.quantity(of))
            case q.State(symbol, index):
                return pieces.below(self._state(symbol), pieces.inner(self.names.layout.name(index)))
            case q.Named():
                return pieces.named(self.names.text(quantity))
            case q.OfExample(of, example):
                return pieces.row(self.quantity(of), pieces.text(f", example {example}"))
            case q.Derivative(q.TotalError(), q.Sum(layer, unit)) if words.signal:
                return self._of_unit(words.signal, layer, unit)
            case q.Derivative(of, by):
                return pieces.fraction(pieces.partial(self.quantity(of)), pieces.partial(self.quantity(by)))
        raise TypeError(f"not a quantity: {quantity!r}")

    def _numbered(self, word: str, index: int) -> str:
        return self.pieces.below(self.pieces.upright(word), self.pieces.digits(str(index + 1)))

    def _of_unit(self, word: str, layer: int, unit: int) -> str:
        name = self.names.network.unit_names[layer][unit]
        return self.pieces.below(self.pieces.upright(word), self.pieces.inner(name))

    def _state(self, symbol: str) -> str:
        if symbol in ACCENTED:
            return self.pieces.accent(*ACCENTED[symbol])
        return self.pieces.upright(STATE_WORDS.get(symbol, symbol))

    def _parameter(self, index: int) -> str:
        name = self.names.layout.name(index)
        match = re.fullmatch(rf"({LETTER})_([0-9]+)", name)
        if match and self.names.layout.find(match[1] + match[2]) is not None:
            return self.pieces.upright(name)  # w_5 beside w5
        return self.pieces.subscripted(name)

    def _updated(self, shown: str) -> str:
        words, pieces = self.names.notation, self.pieces
        if words.new_suffix:
            mark = unicodedata.normalize("NFKC", words.new_suffix)  # ⁺ is a raised +
            shown = pieces.raised(pieces.parenthesised(shown) if pieces.compound(shown) else shown, mark)
        return pieces.row(pieces.word(words.new_prefix), shown) if words.new_prefix else shown


def side_by_side(side: Side, pieces: Pieces, matrix: Callable[[Matrix], str], sign: Callable[[str], str]) -> list[str]:
    """Return letters, matrices and signs as a format sets each."""
    return [
        pieces.letter(each) if isinstance(each, Letter) else matrix(each) if isinstance(each, Matrix) else sign(each)
        for each in side
    ]


class SetFormula(Breakable):
    """Expressions as a format sets them: names of its pieces, powers raised; ``number`` sets a number's text."""

    def __init__(self, view: View, pieces: Pieces, number: Callable[[str], str]) -> None:
        self.symbols, self.sign = Symbols(view.names, pieces), view.names.notation.times_set
        self.shown = view.written
        super().__init__(self.symbols.write, lambda value: number(view.written(value)))

    def parenthesised(self, shown: str) -> str:
        return self.symbols.pieces.parenthesised(shown)

    def literal(self, value: float) -> Piece:
        shown = self.shown(value)
        return self.number(value), SIGN if shown.startswith("-") else POWER if "e" in shown else ATOM

    def symbol(self, key: Hashable) -> Piece:
        shown = self.symbols.write(key)
        compound = isinstance(key, q.Updated | q.Derivative | Phrase) or self.symbols.pieces.compound(shown)
        return shown, POWER if compound else ATOM
