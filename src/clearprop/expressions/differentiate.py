"""Differentiate: the tree's derivative, as another tree, with the rules of calculus named.

The derivative of each function in its argument stands in the table ``Operator`` and can be held
against a textbook. Everything else is the linearity of the derivative, the product, quotient and
power rules, and the chain rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from typing import NamedTuple

from clearprop.expressions.simplify import parts, simplify
from clearprop.expressions.tree import (
    Apply,
    Expression,
    Number,
    Operator,
    Symbol,
    add,
    greater,
    less,
    multiply,
    symbols,
    where,
)

Derive = Callable[[Expression], Expression]
SlopeOf = Callable[[Operator], Derive | None]


class Step(NamedTuple):
    """One application of a rule of calculus: d(of) = result, by the rule named."""

    rule: str
    of: Expression
    result: Expression


class Slope(NamedTuple):
    """A derivative: simplified, as it is computed; and to be read: as the rules give it, with the steps in order,
    and ``written`` as that is simplified. 1 - tanh(u)² is read, and computed as 4 σ(2u) σ(-2u)."""

    raw: Expression
    simplified: Expression
    steps: tuple[Step, ...]
    written: Expression

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the rules that were applied, each once, outermost first."""
        return tuple(dict.fromkeys(step.rule for step in reversed(self.steps)))


def differentiate(tree: Expression, by: Hashable) -> Slope:
    """Return the derivative of the tree by the symbol with the key ``by``; all others are constants.

    >>> from clearprop.expressions import parse, text
    >>> d = differentiate(parse("1/2 * (t - y)**2", {"t": "t", "y": "y"}), "y")
    >>> text(d.raw), text(d.simplified)
    ('2 * (1/2) * (t - y) * (-1)', 'y - t')
    >>> d.rules
    ('constant factor rule', 'power rule', 'chain rule', 'difference rule')
    """
    steps: list[Step] = []
    raw = _derive(tree, by, steps, lambda operator: operator.written_slope)
    computed = _derive(tree, by, [], lambda operator: operator.slope)
    return Slope(raw, simplify(computed), tuple(steps), simplify(raw))


def derivative(tree: Expression, by: Hashable) -> Expression:
    """Return the simplified derivative."""
    return differentiate(tree, by).simplified


def _derive(tree: Expression, by: Hashable, steps: list[Step], slope_of: SlopeOf) -> Expression:
    if by not in symbols(tree):
        return Number(0.0)
    match tree:
        case Symbol():
            return Number(1.0)
        case Apply(operator, arguments):
            rule, result = _apply(operator, arguments, by, steps, slope_of)
            steps.append(Step(rule, tree, result))
            return result
    raise TypeError(f"not an expression: {tree!r}")


def _apply(
    operator: Operator, arguments: tuple[Expression, ...], by: Hashable, steps: list[Step], slope_of: SlopeOf
) -> tuple[str, Expression]:
    def d(tree: Expression) -> Expression:
        return _derive(tree, by, steps, slope_of)

    match operator, arguments:
        case Operator.ADD, terms:
            return "sum rule", add(*_nonzero(d(term) for term in terms))
        case Operator.SUBTRACT, (u, v):
            du, dv = d(u), d(v)
            if dv == Number(0.0):
                return "difference rule", du
            return "difference rule", _negated(dv) if du == Number(0.0) else du - dv
        case Operator.NEGATE, (u,):
            return "constant factor rule", _negated(d(u))
        case Operator.MULTIPLY, factors:
            return _product(factors, by, d)
        case Operator.DIVIDE, (u, v) if by not in symbols(v):
            return "constant factor rule", d(u) / v
        case Operator.DIVIDE, (u, v) if by not in symbols(u):
            return "quotient rule", -_times(u, d(v)) / v**2
        case Operator.DIVIDE, (u, v):
            return "quotient rule", (_times(d(u), v) - _times(u, d(v))) / v**2
        case Operator.POWER, (u, n) if by not in symbols(n):
            outer = multiply(n, u) if n == Number(2.0) else n * u ** simplify(n - 1)
            return _chain("power rule", outer, u, by, d, steps)
        case Operator.POWER, (u, n) if by not in symbols(u):
            return _chain("exponential rule", u**n * _log(u), n, by, d, steps)
        case Operator.POWER, (u, n):
            return "general power rule", u**n * (d(n) * _log(u) + n * d(u) / u)
        case Operator.MAX, (u, v):
            first, second = (v, u) if isinstance(u, Number) else (u, v)  # max(0, z) is max(z, 0), at its kink too.
            return "larger of two", where(greater(first, second), d(first), d(second))
        case Operator.MIN, (u, v):
            first, second = (v, u) if isinstance(u, Number) else (u, v)
            return "smaller of two", where(less(first, second), d(first), d(second))
        case Operator.WHERE, (condition, u, v):
            return "case by case", where(condition, d(u), d(v))
        case _, (u,) if (slope := slope_of(operator)) is not None:
            return _chain(f"derivative of {operator.value}", slope(u), u, by, d, steps)
    raise TypeError(f"{operator.value} has no derivative")


def _chain(
    rule: str, outer: Expression, inner: Expression, by: Hashable, d: Derive, steps: list[Step]
) -> tuple[str, Expression]:
    """outer'(inner) * inner', which is plain outer' where the inner is the symbol itself."""
    if inner == Symbol(by):
        return rule, outer
    slope = d(inner)
    result = multiply(*parts(outer, Operator.MULTIPLY), slope)
    steps.append(Step("chain rule", inner, slope))
    return rule, result


def _product(factors: tuple[Expression, ...], by: Hashable, d: Derive) -> tuple[str, Expression]:
    varying = [k for k, factor in enumerate(factors) if by in symbols(factor)]
    terms = []
    for k in varying:
        slope = d(factors[k])
        if len(varying) == 1:
            # As on paper: the power comes down in front of the constant, 2 * 1/2 * (t - y).
            constants = [factor for j, factor in enumerate(factors) if j != k]
            first, *rest = parts(slope, Operator.MULTIPLY)
            ordered = [first, *constants, *rest] if isinstance(first, Number) else [*constants, first, *rest]
            return "constant factor rule", _times(*ordered)
        others = [factor if j != k else slope for j, factor in enumerate(factors)]
        terms.append(_times(*others))
    return "product rule", add(*terms)


def _times(*factors: Expression) -> Expression:
    """Return the product, without factors of 1."""
    return multiply(*([factor for factor in factors if factor != Number(1.0)] or [Number(1.0)]))


def _log(u: Expression) -> Expression:
    return Number(math.log(u.value)) if isinstance(u, Number) and u.value > 0 else Apply(Operator.LOG, (u,))


def _negated(tree: Expression) -> Expression:
    return Number(-tree.value) if isinstance(tree, Number) else -tree


def _nonzero(terms: Iterator[Expression]) -> tuple[Expression, ...]:
    return tuple(term for term in terms if term != Number(0.0)) or (Number(0.0),)
