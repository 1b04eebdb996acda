"""Expressions: trees of numbers, symbols and operators, over scalars.

A rule of clearprop is one such tree, and everything else reads it. Each reading (evaluate,
differentiate, simplify, print) is a separate module and knows no other. ``Operator`` is the
table of all that the language can do: a new function is one entry in it.

>>> from clearprop.expressions import text
>>> z = Symbol("z")
>>> text(2 * z + 1)
'2 * z + 1'
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from clearprop.cached import cached_property
from clearprop.expressions import numeric


class Operator(Enum):
    """An operator: how it is written, how many arguments follow a function's name (None for a sign
    between its operands), and how NumPy computes it; of a function of u its derivative d/du,
    what it means in plainer terms, and the derivative as a person writes it, where that differs.

    ``ADD`` and ``MULTIPLY`` take two or more operands. A function with a meaning is one of the
    language because the plain form loses digits or overflows: 1 - logistic(u) is logistic(-u), and
    1 - tanh(u)² is 4 σ(2u) σ(-2u). At a kink the choice is strict: the slope of abs at 0 is 0.
    """

    ADD = "+", None, numeric.add
    SUBTRACT = "-", None, np.subtract
    MULTIPLY = "*", None, numeric.multiply
    DIVIDE = "/", None, np.divide
    POWER = "**", None, numeric.power
    NEGATE = "negate", None, np.negative
    LESS = "<", None, np.less
    LESS_EQUAL = "<=", None, np.less_equal
    GREATER = ">", None, np.greater
    GREATER_EQUAL = ">=", None, np.greater_equal
    EXP = "exp", 1, np.exp, lambda u: exp(u)  # noqa: PLW0108
    LOG = "log", 1, np.log, lambda u: 1 / u
    LOG1P = "log1p", 1, np.log1p, lambda u: 1 / (1 + u), lambda u: log(1 + u)
    EXPM1 = "expm1", 1, np.expm1, lambda u: exp(u), lambda u: exp(u) - 1  # noqa: PLW0108
    SQRT = "sqrt", 1, np.sqrt, lambda u: 1 / (2 * sqrt(u))
    SIN = "sin", 1, np.sin, lambda u: cos(u)  # noqa: PLW0108
    COS = "cos", 1, np.cos, lambda u: -sin(u)
    TANH = (
        "tanh", 1, np.tanh, lambda u: 4 * logistic(2 * u) * logistic(-(2 * u)), None, lambda u: 1 - tanh(u) ** 2
    )  # fmt: skip
    LOGISTIC = (
        "logistic", 1, numeric.logistic, lambda u: logistic(u) * logistic(-u), lambda u: 1 / (1 + exp(-u)),
        lambda u: logistic(u) * (1 - logistic(u)),
    )  # fmt: skip
    SOFTPLUS = "softplus", 1, numeric.softplus, lambda u: logistic(u), lambda u: log(1 + exp(u))  # noqa: PLW0108
    ERF = (
        "erf", 1, numeric.erf, lambda u: Number(2 / math.sqrt(math.pi)) * exp(-(u**2)), None,
        lambda u: 2 / sqrt(Number(math.pi)) * exp(-(u**2)),
    )  # fmt: skip
    ABS = "abs", 1, np.abs, lambda u: where(greater(u, 0), 1, where(less(u, 0), -1, 0))
    FLOOR = "floor", 1, np.floor, lambda u: Number(0.0)
    MAX = "max", 2, np.maximum
    MIN = "min", 2, np.minimum
    WHERE = "where", 3, np.where

    _value_: str
    arity: int | None
    compute: Callable[..., Any]
    slope: Callable[[Expression], Expression] | None
    meaning: Callable[[Expression], Expression] | None
    written_slope: Callable[[Expression], Expression] | None

    def __new__(
        cls,
        sign: str,
        arity: int | None,
        compute: Callable[..., Any],
        slope: Callable[[Expression], Expression] | None = None,
        meaning: Callable[[Expression], Expression] | None = None,
        written_slope: Callable[[Expression], Expression] | None = None,
    ) -> Operator:
        member = object.__new__(cls)
        member._value_ = sign
        member.arity, member.compute, member.slope, member.meaning = arity, compute, slope, meaning
        member.written_slope = written_slope or slope
        return member

    def __call__(self, *arguments: Operand) -> Expression:
        """Return the operator applied to its arguments, as a tree."""
        return Apply(self, tuple(expression(argument) for argument in arguments))


Infix = Callable[["Expression", "Operand"], "Expression"]


def _left(operator: Operator) -> Infix:
    return lambda u, v: Apply(operator, (u, expression(v)))


def _right(operator: Operator) -> Infix:
    return lambda v, u: Apply(operator, (expression(u), v))


class Expression:
    """A number, a symbol, or an operator applied to expressions. Immutable."""

    __slots__ = ()

    __add__: Infix = _left(Operator.ADD)
    __radd__: Infix = _right(Operator.ADD)
    __sub__: Infix = _left(Operator.SUBTRACT)
    __rsub__: Infix = _right(Operator.SUBTRACT)
    __mul__: Infix = _left(Operator.MULTIPLY)
    __rmul__: Infix = _right(Operator.MULTIPLY)
    __truediv__: Infix = _left(Operator.DIVIDE)
    __rtruediv__: Infix = _right(Operator.DIVIDE)
    __pow__: Infix = _left(Operator.POWER)
    __rpow__: Infix = _right(Operator.POWER)

    def __neg__(self) -> Expression:
        return Apply(Operator.NEGATE, (self,))


@dataclass(frozen=True, repr=False)
class Number(Expression):
    """A finite real number."""

    value: float

    def __repr__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, repr=False)
class Symbol(Expression):
    """Something that gets a value later. The key says what it is (a role in a rule, a
    quantity of a network), never which letter prints it."""

    key: Hashable

    def __repr__(self) -> str:
        return str(self.key)


@dataclass(frozen=True, repr=False)
class Apply(Expression):
    """An operator applied to its arguments."""

    operator: Operator
    arguments: tuple[Expression, ...]

    def __repr__(self) -> str:
        return f"{self.operator.value}({', '.join(map(repr, self.arguments))})"

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Kept: a tree's would be computed anew from all below it at every look into a table."""
        return hash((self.operator, self.arguments))

    def __reduce__(self) -> tuple[Any, ...]:
        return Apply, (self.operator, self.arguments)  # without the hash, which is another in every process

    @cached_property
    def symbols(self) -> frozenset[Hashable]:
        """The keys of all symbols below."""
        return frozenset().union(*(symbols(argument) for argument in self.arguments))


RELATIONS = {Operator.LESS, Operator.LESS_EQUAL, Operator.GREATER, Operator.GREATER_EQUAL}
Operand = Expression | float


def expression(value: Operand) -> Expression:
    """Return the value, a number as an expression."""
    return value if isinstance(value, Expression) else Number(float(value))


def symbols(tree: Expression) -> frozenset[Hashable]:
    """Return the keys of all symbols in the tree."""
    if isinstance(tree, Symbol):
        return frozenset((tree.key,))
    return tree.symbols if isinstance(tree, Apply) else frozenset()


def substitute(tree: Expression, replacement: Callable[[Hashable], Expression | None]) -> Expression:
    """Return the tree with each symbol replaced by what ``replacement`` gives, or kept where that is None."""
    match tree:
        case Symbol(key):
            return replacement(key) or tree
        case Apply(operator, arguments):
            return Apply(operator, tuple(substitute(argument, replacement) for argument in arguments))
    return tree


def bind(tree: Expression, values: Mapping[str, float]) -> Expression:
    """Return the tree with named constants (a slope, a delta) replaced by their numbers; factors of 1 are left out."""
    match tree:
        case Symbol(str(key)) if key in values:
            return Number(values[key])
        case Apply(operator, arguments):
            bound = [bind(argument, values) for argument in arguments]
            if operator is Operator.MULTIPLY:
                bound = [each for each in bound if each != Number(1.0)] or bound[:1]
                return multiply(*bound)
            return Apply(operator, tuple(bound))
    return tree


def renamed(tree: Expression, keys: Mapping[Any, Hashable]) -> Expression:
    """Return the tree with the keys of its symbols replaced: a rule's roles by the quantities that play them."""
    return substitute(tree, lambda key: Symbol(keys[key]) if key in keys else None)


def nodes(tree: Expression) -> Iterator[Expression]:
    """Yield every node of the tree, parents first."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Apply):
            stack.extend(reversed(node.arguments))


def add(*terms: Expression) -> Expression:
    """Return the sum of the terms, as one node."""
    return terms[0] if len(terms) == 1 else Apply(Operator.ADD, terms)


def multiply(*factors: Expression) -> Expression:
    """Return the product of the factors, as one node."""
    return factors[0] if len(factors) == 1 else Apply(Operator.MULTIPLY, factors)


exp: Operator = Operator.EXP
log: Operator = Operator.LOG
log1p: Operator = Operator.LOG1P
expm1: Operator = Operator.EXPM1
sqrt: Operator = Operator.SQRT
sin: Operator = Operator.SIN
cos: Operator = Operator.COS
tanh: Operator = Operator.TANH
logistic: Operator = Operator.LOGISTIC
softplus: Operator = Operator.SOFTPLUS
erf: Operator = Operator.ERF
absolute: Operator = Operator.ABS
floor: Operator = Operator.FLOOR
maximum: Operator = Operator.MAX
minimum: Operator = Operator.MIN
where: Operator = Operator.WHERE
less: Operator = Operator.LESS
greater: Operator = Operator.GREATER
