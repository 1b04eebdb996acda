"""Print: the tree as text that a person reads.

One walk over the tree decides where parentheses are needed; an alphabet decides what each
piece looks like. ``Text`` is the alphabet of plain text, which the parser reads back;
LaTeX and MathML have their own, in the rendering room.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable

from clearprop.expressions.tree import RELATIONS, Apply, Expression, Number, Operator, Symbol
from clearprop.messages import brief_exponents

CONDITION, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)
Piece = tuple[str, int]


class Alphabet(ABC):
    """The look of each piece of a tree: one subclass per format."""

    plus, minus, negative = " + ", " - ", "-"
    """The signs between the terms of a sum, between the sides of a difference, and before what is negated."""

    def __init__(self, name: Callable[[Hashable], str] = str, number: Callable[[float], str] | None = None) -> None:
        self.name, self.number = name, number or plain_number

    def write(self, tree: Expression) -> str:
        """Return the text of the whole tree."""
        return self.piece(tree)[0]

    def piece(self, tree: Expression, leading: bool = True) -> Piece:
        """A part of the tree and how strongly it binds; a product that does not lead begins with no sign."""
        match tree:
            case Number(value):
                return self.literal(value)
            case Symbol(key):
                return self.symbol(key)
            case Apply(Operator.ADD, (first, *rest)):
                signed = (self.signed(term) for term in rest)
                parts = [f"{sign}{self.wrapped(term, PRODUCT, leading=False)}" for sign, term in signed]
                return "".join([self.wrapped(first, SUM), *parts]), SUM
            case Apply(Operator.SUBTRACT, (u, v)):
                return f"{self.wrapped(u, SUM)}{self.minus}{self.wrapped(v, PRODUCT, leading=False)}", SUM
            case Apply(Operator.MULTIPLY, (first, *rest)):
                parts = [self.wrapped(first, PRODUCT, leading)]
                parts += [self.wrapped(factor, SIGN, leading=False) for factor in rest]
                return self.times().join(parts), PRODUCT
            case Apply(Operator.NEGATE, (u,)) if begins_with_zero(u):
                return self.piece(u, leading)
            case Apply(Operator.NEGATE, (u,)):
                return f"{self.negative}{self.wrapped(u, PRODUCT, leading=False)}", SIGN
            case Apply(Operator.DIVIDE, (u, v)):
                return self.quotient(u, v)
            case Apply(Operator.POWER, (u, v)):
                return self.power(u, v)
            case Apply(Operator.WHERE, (condition, u, v)):
                return self.choice(condition, u, v)
            case Apply(operator, (u, v)) if operator in RELATIONS:
                return f"{self.wrapped(u, SUM)} {self.relation(operator)} {self.wrapped(v, SUM)}", CONDITION
            case Apply(operator, arguments):
                return self.function(operator, arguments)
        raise TypeError(f"not an expression: {tree!r}")

    def signed(self, term: Expression) -> tuple[str, Expression]:
        """The sign before a later term of a sum, and what follows it: + -u is - u."""
        match term:
            case Apply(Operator.NEGATE, (u,)) if not begins_with_zero(u):
                return self.minus, u
        return self.plus, term

    def wrapped(self, tree: Expression, at_least: int, leading: bool = True) -> str:
        """The part, in parentheses unless it binds at least as strongly; a sign that does not lead gets them too."""
        shown, strength = self.piece(tree, leading)
        if strength < at_least or (strength == SIGN and not leading):
            return self.parenthesised(shown)
        return shown

    def literal(self, value: float) -> Piece:
        """A number; one below zero has a sign, a fraction a stroke."""
        shown = self.number(value)
        return shown, SIGN if shown.startswith("-") else PRODUCT if "/" in shown else ATOM

    def symbol(self, key: Hashable) -> Piece:
        """A symbol, by the name it has here; a value put in for it may carry a sign."""
        shown = self.name(key)
        # The square of ∂E/∂w is (∂E/∂w)², not ∂E/∂w².
        return shown, SIGN if shown.startswith("-") else POWER if "/" in shown else ATOM

    @abstractmethod
    def times(self) -> str: ...
    @abstractmethod
    def parenthesised(self, shown: str) -> str: ...
    @abstractmethod
    def quotient(self, above: Expression, below: Expression) -> Piece: ...
    @abstractmethod
    def power(self, base: Expression, exponent: Expression) -> Piece: ...
    @abstractmethod
    def choice(self, condition: Expression, then: Expression, otherwise: Expression) -> Piece: ...
    @abstractmethod
    def relation(self, operator: Operator) -> str: ...
    @abstractmethod
    def function(self, operator: Operator, arguments: tuple[Expression, ...]) -> Piece: ...


def begins_with_zero(tree: Expression) -> bool:
    """Return whether a number or a product begins with a plain 0, before which nobody writes a sign."""
    match tree:
        case Number(value):
            return value == 0
        case Apply(Operator.MULTIPLY | Operator.DIVIDE, (first, *_)):
            return begins_with_zero(first)
    return False


class Text(Alphabet):
    """Plain text, in the syntax that the parser reads."""

    def times(self) -> str:
        return " * "

    def parenthesised(self, shown: str) -> str:
        return f"({shown})"

    def quotient(self, above: Expression, below: Expression) -> Piece:
        separator = "/" if isinstance(above, Number) and isinstance(below, Number) else " / "
        shown = f"{self.wrapped(above, PRODUCT)}{separator}{self.wrapped(below, POWER)}"
        return shown, SIGN if shown.startswith("-") else PRODUCT

    def power(self, base: Expression, exponent: Expression) -> Piece:
        return f"{self.wrapped(base, ATOM)}**{self.wrapped(exponent, POWER)}", POWER

    def choice(self, condition: Expression, then: Expression, otherwise: Expression) -> Piece:
        return f"where({self.write(condition)}, {self.write(then)}, {self.write(otherwise)})", ATOM

    def relation(self, operator: Operator) -> str:
        return str(operator.value)

    def function(self, operator: Operator, arguments: tuple[Expression, ...]) -> Piece:
        return f"{operator.value}({', '.join(self.write(argument) for argument in arguments)})", ATOM


def text(tree: Expression, name: Callable[[Hashable], str] = str, number: Callable[[float], str] | None = None) -> str:
    """Return the tree as plain text; ``name`` gives the name of each symbol.

    >>> from clearprop.expressions import parse
    >>> text(parse("-(t-y)**2/2", {"t": "t", "y": "y"}))
    '-(t - y)**2 / 2'
    """
    return Text(name, number).write(tree)


def plain_number(value: float) -> str:
    """Return the shortest text that reads back as the same number; whole numbers without a point."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else brief_exponents(repr(float(value)))
