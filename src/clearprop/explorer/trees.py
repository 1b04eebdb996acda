"""Expression trees as JSON, for the page's evaluator and printers.

A number is a number, a symbol a string, and an operator a list: its name, then its arguments;
``["*", 2, ["logistic", "z"]]``. Roles go by their letters, constants by their names, and a
network's own named quantities (an example's weight) by ``#`` and their name.
"""

from __future__ import annotations

from typing import Any

from clearprop.errors import Disagreement
from clearprop.expressions import Apply, Expression, Number, Slope, Symbol
from clearprop.network import names as q
from clearprop.rules.roles import Role

ROLES = frozenset(str(role) for role in Role)


def tree(expression: Expression) -> Any:
    """Return the tree as numbers, strings and lists.

    >>> from clearprop.rules.activations import activation
    >>> tree(activation("leaky_relu").formula)
    ['where', ['>', 'z', 0.0], 'z', ['*', 0.01, 'z']]
    """
    match expression:
        case Number(value):
            return value
        case Symbol(key):
            return symbol(key)
        case Apply(operator, arguments):
            return [operator.value, *(tree(argument) for argument in arguments)]
    raise TypeError(f"not an expression: {expression!r}")


def symbol(key: Any) -> str:
    """Return the name of a rule's symbol in the page.

    Raises:
        Disagreement: the name is also that of a role.
    """
    match key:
        case Role():
            return str(key)
        case q.Named(name):
            return f"#{name}"
        case str() if key not in ROLES:
            return key
    raise Disagreement(f"the symbol {key!r} cannot be told from a role; this is a bug in clearprop, please report it")


def slope(derivative: Slope) -> dict[str, Any]:
    """Return a derivative: as the rules of calculus give it, simplified, as it is written, and the names of those
    rules."""
    trees = {key: tree(getattr(derivative, key)) for key in ("raw", "simplified", "written")}
    return {**trees, "rules": list(derivative.rules)}
