"""An expression compiled to a function of arrays: evaluated many times, it is walked once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from clearprop.expressions import Apply, Expression, Number, Operator, Symbol

Values = Mapping[Any, Any]
Function = Callable[[Values], Any]


@dataclass(frozen=True, eq=False)
class Formula:
    """An expression as a function of lines: its ``value``, the ``size`` that its rounding is relative to, and the
    lines that it ``uses``, by position."""

    tree: Expression
    value: Function
    size: Function
    uses: tuple[int, ...]


def compiled(tree: Expression, constant: Callable[[Any], float | None]) -> tuple[Function, Function]:
    """Return the value of a tree as a function of its symbols' values, and the size that its rounding is relative to:
    that of the terms of its sums. ``constant`` has the numbers of symbols that have one; the others are looked up.
    """
    found = _constant(tree, constant)
    if found is not None:
        size = abs(found)
        if isinstance(tree, Apply):
            with np.errstate(all="ignore"):
                size = _composed(tree, constant)[1]({})
        return lambda values: found, lambda values: size
    if isinstance(tree, Symbol):
        key = tree.key
        return lambda values: values[key], lambda values: np.abs(values[key])
    assert isinstance(tree, Apply)
    return _composed(tree, constant)


def _composed(tree: Apply, constant: Callable[[Any], float | None]) -> tuple[Function, Function]:
    """Return the value and the size of an operation, from those of its arguments."""
    parts = [compiled(each, constant) for each in tree.arguments]
    compute, arguments = tree.operator.compute, [value for value, _ in parts]
    value = _applied(compute, arguments)
    sizes = [size for _, size in parts]
    match tree.operator:
        case Operator.ADD | Operator.SUBTRACT:
            return value, lambda values: reduce(np.add, [size(values) for size in sizes])
        case Operator.MULTIPLY:
            return value, lambda values: reduce(np.multiply, [size(values) for size in sizes])
        case Operator.NEGATE:
            return value, sizes[0]
        case Operator.DIVIDE:
            return value, lambda values: sizes[0](values) / np.abs(arguments[1](values))
    return value, lambda values: np.abs(value(values))


def _applied(compute: Callable[..., Any], arguments: list[Function]) -> Function:
    if len(arguments) == 1:
        (first,) = arguments
        return lambda values: compute(first(values))
    if len(arguments) == 2:
        first, second = arguments
        return lambda values: compute(first(values), second(values))
    return lambda values: compute(*[argument(values) for argument in arguments])


def _constant(tree: Expression, constant: Callable[[Any], float | None]) -> Any:
    """Return the number of a tree without unknown symbols, or None."""
    match tree:
        case Number(value):
            return np.float64(value)
        case Symbol(key):
            found = constant(key)
            return None if found is None else np.float64(found)
        case Apply(operator, arguments):
            parts = []
            for argument in arguments:
                part = _constant(argument, constant)
                if part is None:
                    return None
                parts.append(part)
            with np.errstate(all="ignore"):
                return np.float64(operator.compute(*parts))
    return None
