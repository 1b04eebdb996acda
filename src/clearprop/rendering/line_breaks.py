"""Break long formulas: between the terms of a sum and the factors of a product.

One walk over the tree serves every format. A format says how long a piece is, how operators look, and which
parentheses stand around what is broken.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from typing import ClassVar, NamedTuple

from clearprop.expressions import Alphabet, Apply, Expression, Operator, Symbol
from clearprop.expressions.printing import POWER, PRODUCT, SIGN, SUM, begins_with_zero
from clearprop.expressions.tree import nodes
from clearprop.network import names as q

CHAIN = (Operator.ADD, Operator.MULTIPLY)


class Chunk(NamedTuple):
    """A term or factor that stays in one line: the operator in front of it ("" for the first), its text, and its
    key if it is a symbol alone."""

    sign: str
    shown: str
    key: Hashable = None


class Breakable(Alphabet):
    """An alphabet whose formulas can be broken into chunks."""

    opening: ClassVar[str] = "("
    closing: ClassVar[str] = ")"
    slack: ClassVar[float] = 0.0
    """Room for a sign and parentheses around a chunk."""
    gap: ClassVar[float] = 1.0
    """The length of the space between two chunks."""
    stacked: ClassVar[bool] = False
    """Whether a fraction is about as long as what stands above its line."""

    @abstractmethod
    def length(self, shown: str) -> float:
        """Return how long a written formula is."""

    def between(self, operator: str) -> str:
        """Return the sign in front of a chunk: of ``+``, ``-``, ``*``, ``/``, or nothing."""
        signs = {"": "", "+": self.plus, "-": self.minus, "*": self.times(), "/": "/ "}
        return signs[operator].lstrip()

    def divides(self, tree: Apply, room: float) -> bool:
        """Return whether a fraction is to be broken."""
        return self.length(self.write(tree.arguments[0] if self.stacked else tree)) > room

    def applied(self, operator: Operator) -> str | None:
        """Return a function's name in front of broken arguments; None if they must not be broken."""
        return None

    def raised(self, shown: str, exponent: Expression) -> str | None:
        """Return what is broken, raised to a power; None if powers must not be broken."""
        return None

    def squeezed(self, shown: str, room: float) -> str:
        """Return a chunk that is too long for a line in a form that fits."""
        return shown

    def lines(self, tree: Expression, room: float) -> list[str]:
        """Return a formula in lines that fit."""
        lines: list[str] = []
        used = room
        for chunk in self.chunks(tree, room):
            shown = chunk.sign + chunk.shown
            long = self.length(shown)
            if lines and used + self.gap + long <= room:
                lines[-1] += f" {shown}"
                used += self.gap + long
            else:
                lines.append(self.squeezed(shown, room) if long > room else shown)
                used = long
        return lines

    def chunks(self, tree: Expression, room: float) -> list[Chunk]:
        """Return a formula in one chunk if it fits, else broken."""
        return [self._whole(tree)] if self.length(self.write(tree)) <= room else self.broken(tree, room)

    def linked(self, tree: Expression, room: float) -> list[Chunk]:
        """Return the chunks of a line with links; in sums of products of derivatives every factor is a chunk."""
        leaves = [node for node in nodes(tree) if not (isinstance(node, Apply) and node.operator in CHAIN)]
        by_name = all(isinstance(leaf, Symbol) for leaf in leaves)
        chained = by_name and any(isinstance(leaf.key, q.Derivative) for leaf in leaves if isinstance(leaf, Symbol))
        return self.broken(tree, 0.0 if chained else room)

    def broken(self, tree: Expression, room: float) -> list[Chunk]:
        """Return a formula in the chunks between which it may be broken; long terms and factors are broken too."""
        match tree:
            case Apply(Operator.ADD, (first, *rest)):
                signed = ((("+" if sign == self.plus else "-"), term, PRODUCT) for sign, term in map(self.signed, rest))
                return self._joined(room, ("", first, SUM), *signed)
            case Apply(Operator.SUBTRACT, (u, v)):
                return self._joined(room, ("", u, SUM), ("-", v, PRODUCT))
            case Apply(Operator.MULTIPLY, (first, *rest)):
                return self._joined(room, ("", first, PRODUCT), *(("*", factor, SIGN) for factor in rest))
            case Apply(Operator.DIVIDE, (u, v)) if self.divides(tree, room):
                return self._joined(room, ("", u, PRODUCT), ("/", v, POWER))
            case Apply(Operator.NEGATE, (u,)) if begins_with_zero(u):
                return self.broken(u, room)
            case Apply(Operator.NEGATE, (u,)):
                start, *others = self._part("-", u, PRODUCT, room)
                return [Chunk("", self.negative + start.shown), *others]
            case Apply(Operator.POWER, (u, v)) if (exponent := self.raised("", v)) is not None:
                return _glued(self.opening, self.chunks(u, room), self.closing + exponent)
            case Apply(Operator.WHERE, (condition, u, v)) if self.applied(Operator.WHERE) is not None:
                then = self._part("", u, SUM, room)
                after = (("if ", condition), ("else ", v))
                return then + [chunk for before, part in after for chunk in _glued(before, self.chunks(part, room), "")]
            case Apply(operator, arguments) if (name := self.applied(operator)) is not None:
                *chunks, last = [chunk for each in arguments for chunk in _glued("", self.chunks(each, room), ",")]
                return _glued(name + self.opening, [*chunks, last._replace(shown=last.shown[:-1])], self.closing)
        return [self._whole(tree)]

    def _whole(self, tree: Expression) -> Chunk:
        return Chunk("", self.write(tree), tree.key if isinstance(tree, Symbol) else None)

    def _joined(self, room: float, *parts: tuple[str, Expression, int]) -> list[Chunk]:
        """Return each part with its sign in front; ``int`` is how strongly it must bind to need no parentheses."""
        return [chunk for sign, tree, at_least in parts for chunk in self._part(sign, tree, at_least, room)]

    def _part(self, sign: str, tree: Expression, at_least: int, room: float) -> list[Chunk]:
        shown, strength = self.piece(tree, leading=not sign)
        chunks = self.broken(tree, room - self.slack) if self.length(shown) + self.slack > room else []
        if len(chunks) < 2:
            key = tree.key if isinstance(tree, Symbol) else None
            return [Chunk(self.between(sign), self.wrapped(tree, at_least, leading=not sign), key)]
        divided = isinstance(tree, Apply) and tree.operator is Operator.DIVIDE and at_least > PRODUCT
        if divided or strength < at_least or (strength == SIGN and sign):
            chunks = _glued(self.opening, chunks, self.closing)
        first, *rest = chunks
        return [first._replace(sign=self.between(sign)), *rest]


def _glued(before: str, chunks: list[Chunk], after: str) -> list[Chunk]:
    """Return the chunks with text before the first and after the last."""
    first, *rest = chunks
    *middle, last = [first._replace(shown=before + first.shown), *rest]
    return [*middle, last._replace(shown=last.shown + after)]
