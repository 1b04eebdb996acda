"""The known mistakes as data for the page: each wrong line of a cycle as a tree, beside the right one.

Trees are written as in ``trees.py``; their symbols are the names of quantities.
"""

from __future__ import annotations

from typing import Any

from clearprop.checking.candidates import EVERYWHERE, candidates
from clearprop.checking.order import Order
from clearprop.derivation.lines import Lines
from clearprop.expressions import Apply, Expression, Number, Symbol
from clearprop.network.names import Names
from clearprop.propagation.cycle import Cycle


def exported_mistakes(cycle: Cycle) -> list[dict[str, Any]]:
    """Return every mistake and convention that can be made in a cycle, with the lines that it rewrites.

    ``lines`` has for each quantity the tree that stands in place of the right one.
    """
    lines = Lines(cycle)
    order = Order(lines, tuple(lines.quantities()))
    name = cycle.names.text
    return [
        {
            "name": each.of.name,
            "says": each.of.says,
            "convention": each.is_convention,
            "lines": {name(order.quantities[at]): tree(own.tree, cycle.names) for at, own in each.formulas.items()},
        }
        for each in candidates(order)
        if each.width == EVERYWHERE
    ]


def exported_lines(cycle: Cycle) -> list[dict[str, Any]]:
    """Return the right lines of a cycle in computing order, each with its tree."""
    return [
        {"quantity": cycle.names.text(line.quantity), "tree": tree(line.expression, cycle.names)}
        for line in Lines(cycle)
    ]


def tree(expression: Expression, names: Names) -> Any:
    """Return a tree of quantities as numbers, names and lists."""
    match expression:
        case Number(value):
            return value
        case Symbol(key):
            return names.text(key)  # type: ignore[arg-type]
        case Apply(operator, arguments):
            return [operator.value, *(tree(argument, names) for argument in arguments)]
    raise TypeError(f"not an expression: {expression!r}")
