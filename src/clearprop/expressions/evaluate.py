"""Evaluate: the tree as numbers, in NumPy.

The reference that every other way of computing is compared with. Works in the precision of
the values it is given (float32, float64, extended), and broadcasts like NumPy.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from clearprop.expressions.tree import Apply, Expression, Number, Symbol
from clearprop.types import Array

Values = Mapping[Any, Any]


def evaluate(tree: Expression, values: Values) -> Array:
    """Return the value of the tree, given a value for the key of each symbol.

    >>> from clearprop.expressions import parse
    >>> float(evaluate(parse("logistic(z)", {"z": "z"}), {"z": 0.41}))
    0.6010878788483...
    """
    arrays = {key: np.asarray(value) for key, value in values.items()}
    dtype = np.result_type(np.float32, *(a.dtype for a in arrays.values())) if arrays else np.dtype(float)
    with np.errstate(all="ignore"):
        return np.asarray(_walk(tree, {key: a.astype(dtype, copy=False) for key, a in arrays.items()}, dtype))


def _walk(tree: Expression, values: Mapping[Hashable, Array], dtype: np.dtype[Any]) -> Any:
    match tree:
        case Apply(operator, arguments):
            return operator.compute(*(_walk(argument, values, dtype) for argument in arguments))
        case Symbol(key):
            return values[key]
        case Number(value):
            return dtype.type(value)
    raise TypeError(f"not an expression: {tree!r}")


def not_finite_part(tree: Expression, values: Values) -> Expression | None:
    """Return the innermost part of the tree whose value is not finite, or None if all are."""
    if isinstance(tree, Apply):
        for argument in tree.arguments:
            part = not_finite_part(argument, values)
            if part is not None:
                # The branch that a choice does not take may be infinite.
                return None if np.all(np.isfinite(evaluate(tree, values))) else part
    return None if np.all(np.isfinite(evaluate(tree, values))) else tree
