"""Expressions: trees of numbers, symbols and operators, over scalars.

A rule of clearprop is one such tree, and everything else reads it. The trees hold no
behaviour beyond being built and compared: each reading (evaluate, differentiate, simplify,
print) is a module of its own and knows no other.

>>> z = Symbol("z")
>>> 2 * z + 1
2 * z + 1
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any


class Operator(Enum):
    """The operators of the language. ``ADD`` and ``MULTIPLY`` take two or more arguments."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    POWER = "**"
    NEGATE = "negate"
    EXP = "exp"
    LOG = "log"
    LOG1P = "log1p"
    EXPM1 = "expm1"
    SQRT = "sqrt"
    TANH = "tanh"
    LOGISTIC = "logistic"
    SOFTPLUS = "softplus"
    ERF = "erf"
    ABS = "abs"
    MAX = "max"
    MIN = "min"
    WHERE = "where"
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="


class Expression:
    """A number, a symbol, or an operator applied to expressions. Immutable."""

    __slots__ = ()

    def __add__(self, other: Operand) -> Expression:
        return Apply(Operator.ADD, (self, expression(other)))

    def __radd__(self, other: Operand) -> Expression:
        return Apply(Operator.ADD, (expression(other), self))

    def __sub__(self, other: Operand) -> Expression:
        return Apply(Operator.SUBTRACT, (self, expression(other)))

    def __rsub__(self, other: Operand) -> Expression:
        return Apply(Operator.SUBTRACT, (expression(other), self))

    def __mul__(self, other: Operand) -> Expression:
        return Apply(Operator.MULTIPLY, (self, expression(other)))

    def __rmul__(self, other: Operand) -> Expression:
        return Apply(Operator.MULTIPLY, (expression(other), self))

    def __truediv__(self, other: Operand) -> Expression:
        return Apply(Operator.DIVIDE, (self, expression(other)))

    def __rtruediv__(self, other: Operand) -> Expression:
        return Apply(Operator.DIVIDE, (expression(other), self))

    def __pow__(self, other: Operand) -> Expression:
        return Apply(Operator.POWER, (self, expression(other)))

    def __rpow__(self, other: Operand) -> Expression:
        return Apply(Operator.POWER, (expression(other), self))

    def __neg__(self) -> Expression:
        return Apply(Operator.NEGATE, (self,))


@dataclass(frozen=True, repr=False)
class Number(Expression):
    """A finite real number."""

    value: float


@dataclass(frozen=True, repr=False)
class Symbol(Expression):
    """Something that gets a value later. The key says what it is (a role in a rule, a
    quantity of a network), never which letter prints it."""

    key: Hashable


@dataclass(frozen=True, repr=False)
class Apply(Expression):
    """An operator applied to its arguments."""

    operator: Operator
    arguments: tuple[Expression, ...]

    @cached_property
    def symbols(self) -> frozenset[Hashable]:
        """The keys of all symbols below."""
        return frozenset().union(*(symbols(argument) for argument in self.arguments))


Operand = Expression | float


def expression(value: Operand) -> Expression:
    """The value itself, or the number as an expression."""
    return value if isinstance(value, Expression) else Number(float(value))


def symbols(tree: Expression) -> frozenset[Hashable]:
    """The keys of all symbols in the tree."""
    if isinstance(tree, Symbol):
        return frozenset((tree.key,))
    return tree.symbols if isinstance(tree, Apply) else frozenset()


def substitute(tree: Expression, replacement: Callable[[Hashable], Expression | None]) -> Expression:
    """The tree with each symbol replaced by what ``replacement`` says, or kept where that is None."""
    match tree:
        case Symbol(key):
            return replacement(key) or tree
        case Apply(operator, arguments):
            return Apply(operator, tuple(substitute(argument, replacement) for argument in arguments))
    return tree


def bind(tree: Expression, values: Mapping[str, float]) -> Expression:
    """The tree with named constants (a slope, a delta) replaced by their numbers."""
    return substitute(tree, lambda key: Number(values[key]) if isinstance(key, str) and key in values else None)


def renamed(tree: Expression, keys: Mapping[Any, Hashable]) -> Expression:
    """Return the tree with the keys of its symbols replaced: a rule's roles by the quantities that play them."""
    return substitute(tree, lambda key: Symbol(keys[key]) if key in keys else None)


def nodes(tree: Expression) -> Iterator[Expression]:
    """Every node of the tree, parents first."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Apply):
            stack.extend(reversed(node.arguments))


def add(*terms: Expression) -> Expression:
    """The sum of the terms, as one node."""
    return terms[0] if len(terms) == 1 else Apply(Operator.ADD, terms)


def multiply(*factors: Expression) -> Expression:
    """The product of the factors, as one node."""
    return factors[0] if len(factors) == 1 else Apply(Operator.MULTIPLY, factors)


def _function(operator: Operator) -> Callable[..., Expression]:
    def build(*arguments: Operand) -> Expression:
        return Apply(operator, tuple(expression(argument) for argument in arguments))

    build.__name__ = operator.value
    build.__doc__ = f"``{operator.value}`` of its arguments, as a tree."
    return build


exp = _function(Operator.EXP)
log = _function(Operator.LOG)
log1p = _function(Operator.LOG1P)
expm1 = _function(Operator.EXPM1)
sqrt = _function(Operator.SQRT)
tanh = _function(Operator.TANH)
logistic = _function(Operator.LOGISTIC)
softplus = _function(Operator.SOFTPLUS)
erf = _function(Operator.ERF)
absolute = _function(Operator.ABS)
maximum = _function(Operator.MAX)
minimum = _function(Operator.MIN)
where = _function(Operator.WHERE)
less = _function(Operator.LESS)
greater = _function(Operator.GREATER)

_u = Symbol("u")
DEFINITIONS: Mapping[Operator, Expression] = {
    Operator.LOGISTIC: 1 / (1 + exp(-_u)),
    Operator.SOFTPLUS: log(1 + exp(_u)),
    Operator.LOG1P: log(1 + _u),
    Operator.EXPM1: exp(_u) - 1,
}
"""What the primitives mean, in terms of ``u``. They are primitives because their plain
definition loses digits or overflows; every reading computes them in a stable way."""


def definition(operator: Operator, argument: Expression) -> Expression | None:
    """The primitive written out for an argument, or None if it has no plainer form."""
    plain = DEFINITIONS.get(operator)
    return None if plain is None else substitute(plain, lambda key: argument)
