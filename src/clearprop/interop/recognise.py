"""The named activation that an expression is: what an exporter wrote in pieces gets its name back.

The expression is compared with every rule, first as it is written, then on a grid of numbers; the constants of a rule
are looked for among the numbers in the expression. What is no named rule stays an expression, which clearprop
differentiates, prints and compiles like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from clearprop.expressions import Apply, Expression, Number, Symbol, evaluate, simplify, text
from clearprop.expressions.tree import nodes
from clearprop.rules.activations import ACTIVATIONS, Activation, activation
from clearprop.rules.roles import Role, z
from clearprop.types import Array

EXACT, SINGLE = 1e-12, 1e-6
"""How close the numbers of two expressions must be: of float64, and where constants were rounded to float32."""
MOST = 8
"""The number of constants of an expression that are tried as those of a rule."""


def recognised(tree: Expression, tolerance: float = EXACT) -> Activation:
    """Return the named rule that an expression in z is, with its constants, or the expression as a rule.

    >>> from clearprop.expressions import parse
    >>> z = {"z": Role.SUM}
    >>> recognised(parse("z / (1 + exp(-z))", z)), recognised(parse("max(0.1 * z, z)", z))
    (silu, leaky_relu(slope=0.1))
    """
    return named(tree, tolerance) or _as_expression(tree)


def named(tree: Expression, tolerance: float = EXACT) -> Activation | None:
    """Return the named rule that an expression in z is, or None."""
    simple = simplify(tree)
    rules = [rule for rule in ACTIVATIONS.values() if isinstance(rule, Activation)]
    for rule in rules:
        if simplify(rule.formula) == simple:
            return rule
    grid = _grid(tree)
    values = _values(tree, grid)
    for rule in rules:
        for candidate in _with_constants(rule, tree):
            if _close(_values(candidate.formula, grid), values, tolerance):
                return candidate
    return None


def in_two(tree: Expression, tolerance: float = EXACT) -> tuple[Expression, Expression] | None:
    """Return the inner and the outer of two named rules, one applied to the other, that a tree is made of.

    >>> from clearprop.expressions import parse
    >>> inner, outer = in_two(parse("tanh(max(z, 0))", {"z": Role.SUM})) or (z, z)
    >>> text(inner), text(outer)
    ('max(z, 0)', 'tanh(z)')
    """
    for inner in dict.fromkeys(nodes(tree)):
        if not isinstance(inner, Apply) or inner == tree or Role.SUM not in inner.symbols:
            continue
        outer = _replaced(tree, inner, Symbol("inner"))
        if not isinstance(outer, Apply) or Role.SUM in outer.symbols:
            continue
        outer = _replaced(outer, Symbol("inner"), z)
        rules = named(inner, tolerance), named(outer, tolerance)
        if all(rule is not None and rule.name != "identity" for rule in rules):
            return inner, outer
    return None


def _replaced(tree: Expression, part: Expression, by: Expression) -> Expression:
    if tree == part:
        return by
    if isinstance(tree, Apply):
        return Apply(tree.operator, tuple(_replaced(each, part, by) for each in tree.arguments))
    return tree


def _as_expression(tree: Expression) -> Activation:
    simple = simplify(tree)
    if Role.SUM not in (simple.symbols if isinstance(simple, Apply) else ()):
        simple = tree
    rule = activation(text(simple))
    assert isinstance(rule, Activation)
    return rule


def _numbers(tree: Expression) -> list[float]:
    found = (node.value for node in nodes(tree) if isinstance(node, Number))
    return list(dict.fromkeys(found))[:MOST]


def _grid(tree: Expression) -> Array:
    """Return numbers on both sides of every kink: many small ones, and some near and beyond the tree's constants."""
    numbers = np.array([v for v in _numbers(tree) if abs(v) < 1e6] or [1.0])
    near = [sign * numbers * factor + shift for sign in (1, -1) for factor in (1.0, 1.37, 2.9) for shift in (-0.6, 0.7)]
    return np.concatenate([np.linspace(-30.03, 30.07, 301), np.linspace(-1.51, 1.53, 61), *near])


def _values(tree: Expression, grid: Array) -> Array:
    return np.broadcast_to(evaluate(tree, {Role.SUM: grid}), grid.shape)


def _close(one: Array, other: Array, tolerance: float) -> bool:
    return bool(np.isfinite(one).all() and (np.abs(one - other) <= tolerance * np.maximum(1.0, np.abs(one))).all())


def _with_constants(rule: Activation, tree: Expression) -> Iterator[Activation]:
    """Yield the rule with its usual constants, then with numbers of the tree in their places."""
    yield rule
    if not rule.constants or len(rule.constants) > 2:
        return
    own = _numbers(tree)
    tried = dict.fromkeys([*own, *(-v for v in own), *(v - 1 for v in own), *(1 / v for v in own if v)])
    for numbers in permutations(tried, len(rule.constants)):
        constants = dict(zip(rule.constants, numbers, strict=True))
        if constants.get("alpha") != 0:  # a selu without its curve is 2 relu, which nobody calls selu
            yield rule.with_constants(constants)
