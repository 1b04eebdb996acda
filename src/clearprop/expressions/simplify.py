"""Simplify: an equal tree that is shorter to read.

Only what one would do on paper at sight: numbers are combined, zeros and ones vanish,
equal factors become powers, equal terms are collected, ``-1 * (t - y)`` becomes ``y - t``.
Nothing is expanded and no function is rewritten, so a tree that was written to be
numerically stable stays as it was written. Simplified trees evaluate to the same numbers
(up to rounding) wherever the original is finite. A part whose combined numbers would not be
finite (1e300 * 1e300, a division by 0) stays as it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from clearprop.expressions.tree import Apply, Expression, Number, Operator, add, multiply

ZERO, ONE = Number(0.0), Number(1.0)


def simplify(tree: Expression) -> Expression:
    """Return the simplified tree.

    >>> from clearprop.expressions import parse, text
    >>> text(simplify(parse("2 * 1/2 * (t - y) * (0 - 1)", {"t": "t", "y": "y"})))
    'y - t'
    """
    if not isinstance(tree, Apply):
        return tree
    if tree.operator is Operator.WHERE:  # A condition decides as it was written, also where a part of it is nan.
        condition, *branches = tree.arguments
        return _simpler(Operator.WHERE, (condition, *map(simplify, branches)))
    arguments = tuple(simplify(argument) for argument in tree.arguments)
    try:
        return _simpler(tree.operator, arguments)
    except ArithmeticError:
        return Apply(tree.operator, arguments)


def _simpler(operator: Operator, arguments: tuple[Expression, ...]) -> Expression:
    """Simplify one node with simple arguments; raise ArithmeticError where a number would not be finite."""
    match operator, arguments:
        case Operator.ADD, terms:
            return _sum((1.0, term) for term in terms)
        case Operator.SUBTRACT, (u, v):
            return _sum(((1.0, u), (-1.0, v)))
        case Operator.NEGATE, (u,):
            return _scaled(-1.0, u)
        case Operator.MULTIPLY, factors:
            return _product(factors, ())
        case Operator.DIVIDE, (u, v):
            return _product((u,), (v,))
        case Operator.POWER, (u, n):
            return _power(u, n)
        case Operator.WHERE, (_, u, v) if u == v:
            return u
    return Apply(operator, arguments)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise OverflowError
    return value


def _split(tree: Expression) -> tuple[float, Expression]:
    """Split the tree into a number and the rest: 2 * u is (2, u), u / 4 is (0.25, u)."""
    match tree:
        case Number(value):
            return value, ONE
        case Apply(Operator.NEGATE, (u,)):
            coefficient, rest = _split(u)
            return -coefficient, rest
        case Apply(Operator.MULTIPLY, (Number(value), *rest)):
            return value, multiply(*rest)
        case Apply(Operator.DIVIDE, (u, Number(value))):
            coefficient, rest = _split(u)
            return _finite(coefficient / value), rest
    return 1.0, tree


def _scaled(coefficient: float, tree: Expression) -> Expression:
    """coefficient * tree; a difference is reversed rather than negated, and so are numbers to choose from."""
    inner, rest = _split(tree)
    coefficient = _finite(coefficient * inner)
    if rest == ONE or coefficient == 0:
        return Number(coefficient + 0.0)
    if coefficient == 1:
        return rest
    match rest:
        case Apply(Operator.SUBTRACT, (u, v)) if coefficient < 0:
            return _scaled(-coefficient, v - u)
        case Apply(Operator.WHERE, (condition, *branches)) if coefficient < 0 and _all_numbers(rest):
            return Apply(Operator.WHERE, (condition, *(_scaled(coefficient, branch) for branch in branches)))
    if coefficient == -1:
        return -rest
    if divisor := _divisor(abs(coefficient)):
        return -(rest / Number(divisor)) if coefficient < 0 else rest / Number(divisor)
    match rest:
        case Apply(Operator.DIVIDE, (u, v)):
            return _scaled(coefficient, u) / v
    return multiply(Number(coefficient), *parts(rest, Operator.MULTIPLY))


def _divisor(coefficient: float) -> float | None:
    """Return the whole number to divide by, where that is how a person multiplies by this: 2 for 0.5."""
    divisor = 1 / coefficient
    return divisor if 1 < divisor < 10 and divisor == round(divisor) and 1 / divisor == coefficient else None


def _all_numbers(tree: Expression) -> bool:
    """Return whether the tree chooses between numbers."""
    match tree:
        case Apply(Operator.WHERE, (_, *branches)):
            return all(map(_all_numbers, branches))
    return isinstance(tree, Number)


def _is_function(power: tuple[Expression, float]) -> bool:
    return isinstance(power[0], Apply) and power[0].operator.arity is not None


def parts(tree: Expression, operator: Operator) -> tuple[Expression, ...]:
    """Return the operands of this operator at the top of the tree, or the whole tree."""
    return tree.arguments if isinstance(tree, Apply) and tree.operator is operator else (tree,)


def _sum(terms: Iterable[tuple[float, Expression]]) -> Expression:
    collected: dict[Expression, float] = {}
    for sign, term in _flat_terms(terms):
        coefficient, rest = _split(term)
        collected[rest] = _finite(collected.get(rest, 0.0) + sign * coefficient)
    constant = collected.pop(ONE, 0.0)
    plus = [_scaled(c, rest) for rest, c in collected.items() if c > 0]
    minus = [_scaled(-c, rest) for rest, c in collected.items() if c < 0]
    if constant > 0:
        # 1 - u reads better than -u + 1, and u + 1 better than 1 + u.
        plus.insert(0, Number(constant)) if minus and not plus else plus.append(Number(constant))
    elif constant < 0:
        minus.append(Number(-constant))
    if not plus:
        return _scaled(-1.0, add(*minus)) if minus else ZERO
    result = add(*plus)
    for term in minus:
        result = result - term
    return result


def _flat_terms(terms: Iterable[tuple[float, Expression]]) -> Iterable[tuple[float, Expression]]:
    for sign, term in terms:
        match term:
            case Apply(Operator.ADD, parts):
                yield from _flat_terms((sign, part) for part in parts)
            case Apply(Operator.SUBTRACT, (u, v)):
                yield from _flat_terms(((sign, u), (-sign, v)))
            case Apply(Operator.NEGATE, (u,)):
                yield from _flat_terms(((-sign, u),))
            case _:
                yield sign, term


def _product(above: Iterable[Expression], below: Iterable[Expression]) -> Expression:
    coefficient = 1.0
    powers: dict[Expression, float] = {}

    def collect(tree: Expression, sign: float) -> None:
        nonlocal coefficient
        match tree:
            case Number(value):
                before, coefficient = coefficient, _finite(coefficient * value if sign > 0 else coefficient / value)
                if coefficient == 0 and before != 0 and value != 0:
                    raise FloatingPointError  # too small for a float: not a zero
            case Apply(Operator.MULTIPLY, parts):
                for part in parts:
                    collect(part, sign)
            case Apply(Operator.DIVIDE, (u, v)):
                collect(u, sign)
                collect(v, -sign)
            case Apply(Operator.NEGATE, (u,)):
                coefficient = -coefficient
                collect(u, sign)
            case Apply(Operator.POWER, (u, Number(n))) if n == round(n):
                powers[u] = powers.get(u, 0.0) + sign * n
            case _:
                powers[tree] = powers.get(tree, 0.0) + sign

    for tree in above:
        collect(tree, 1.0)
    for tree in below:
        collect(tree, -1.0)
    if coefficient == 0:
        return ZERO
    # 2 * z * exp(z), not 2 * exp(z) * z.
    top = [_power(base, Number(n)) for base, n in sorted(powers.items(), key=_is_function) if n > 0]
    bottom = [_power(base, Number(-n)) for base, n in powers.items() if n < 0]
    if not bottom:
        return _scaled(coefficient, multiply(*top)) if top else Number(coefficient)
    sign = -1.0 if coefficient < 0 else 1.0
    if divisor := _divisor(abs(coefficient)):  # u / (2 * v), not 0.5 * u / v
        return _scaled(sign, (multiply(*top) if top else ONE) / multiply(Number(divisor), *bottom))
    if top:
        return _scaled(coefficient, multiply(*top) / multiply(*bottom))
    return _scaled(sign, Number(abs(coefficient)) / multiply(*bottom))


def _power(base: Expression, exponent: Expression) -> Expression:
    match base, exponent:
        case _, Number(0.0):
            return ONE
        case _, Number(1.0):
            return base
        case Number(b), Number(n):
            try:
                value = b**n
            except (ArithmeticError, ValueError):
                return base**exponent
            return Number(value) if isinstance(value, float) and math.isfinite(value) else base**exponent
    return base**exponent
