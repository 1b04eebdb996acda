"""How near the code of an expression must be to the expression evaluated with more digits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, evaluate
from clearprop.types import Array


class Near(NamedTuple):
    """What a tree is exactly, and how far off it may be computed."""

    exact: Array
    allowed: Array


def near(tree: Expression, values: Mapping[Any, Array]) -> Near:
    """The tree in higher precision, and twice how far it moves when every part of it moves by two units
    in the last place of the values' own precision.

    Whatever rounds each part a little differently may differ by as much, and no more: much where digits
    cancel, little elsewhere. A sum of several terms is rounded after each addition, and so is a product:
    in u + v + u the error of u + v counts, however small the whole sum is.
    """
    info = np.finfo(np.result_type(*values.values()))
    unit, least = float(info.eps), float(info.smallest_subnormal)
    longer = np.longdouble if info.dtype == float else float
    values = {key: value.astype(longer) for key, value in values.items()}
    exact = evaluate(tree, values)
    rng = np.random.default_rng(6)

    def sign() -> Array:
        return rng.choice([-1, 1], exact.shape)

    def rounded(result: Array) -> Array:
        return result if result.dtype == bool else result * (1 + 2 * unit * sign()) + 2 * least * sign()

    def walk(part: Expression) -> Any:
        match part:
            case Apply(Operator.ADD | Operator.MULTIPLY as operator, arguments):
                return reduce(lambda one, other: rounded(operator.compute(one, other)), map(walk, arguments))
            case Apply(operator, arguments):
                return rounded(operator.compute(*map(walk, arguments)))
            case Symbol(key):
                return values[key]
            case Number(value) if value.is_integer():  # which no precision rounds
                return exact.dtype.type(value)
            case Number(value):
                return exact.dtype.type(value) * (1 + unit * sign())
        raise TypeError(part)

    with np.errstate(all="ignore"):
        moved = np.max([np.broadcast_to(np.abs(walk(tree) - exact), exact.shape) for _ in range(16)], axis=0)
    return Near(exact, 2 * moved + 4 * least)


def disagreement(found: Array, expected: Near) -> str | None:
    """What is too far off, or None."""
    exact, allowed = (np.broadcast_to(part, found.shape) for part in expected)
    with np.errstate(all="ignore"):
        fine = (np.abs(found - exact) <= allowed) | (np.isnan(found) & np.isnan(exact)) | (found == exact)
        # What is too large for the precision, or moves out of it, may be infinite.
        fine |= ~np.isfinite(found) & ~(np.abs(exact) + allowed <= float(np.finfo(found.dtype).max))
    at = int(np.argmin(fine))
    return None if fine.all() else f"at {at}: found {found[at]!r}, expected {exact[at]!r} ± {float(allowed[at])}"
