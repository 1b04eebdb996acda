"""Kinks: where the slope of an expression may jump.

A choice, a maximum or an absolute value changes course where its switch is zero. Finite
differences mean nothing across such a point.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from clearprop.expressions.evaluate import Values, evaluate
from clearprop.expressions.tree import RELATIONS, Apply, Expression, Operator, nodes, sin
from clearprop.types import Array


def switches(tree: Expression) -> Iterator[Expression]:
    """Yield the expressions whose change of sign is a kink of the tree.

    >>> from clearprop.expressions import parse, text
    >>> [text(switch) for switch in switches(parse("max(z, 0) + abs(z - 1)", {"z": "z"}))]
    ['z - 0', 'z - 1']
    """
    for node in nodes(tree):
        match node:
            case Apply(Operator.ABS, (u,)):
                yield u
            case Apply(Operator.FLOOR, (u,)):
                yield sin(math.pi * u)  # zero at every whole number
            case Apply(operator, (u, v)) if operator in RELATIONS | {Operator.MAX, Operator.MIN}:
                yield u - v


def sides(tree: Expression, values: Values) -> Array:
    """Return on which side of each kink the values are: signs, one per switch and value."""
    found = [np.sign(np.atleast_1d(evaluate(switch, values))).ravel() for switch in switches(tree)]
    return np.concatenate(found) if found else np.empty(0)
