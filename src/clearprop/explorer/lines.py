"""The lines of a cycle as JSON: the structure from which page and Python derive the same numbers."""

from __future__ import annotations

from typing import Any

from clearprop.derivation.lines import Lines
from clearprop.explorer.trees import tree


def exported_lines(lines: Lines) -> list[dict[str, Any]]:
    """Return each line's quantity by its name, its expression as a tree over such names, and its stage.

    >>> import clearprop as cp
    >>> from clearprop.propagation.cycle import cycle
    >>> exported_lines(Lines(cycle(cp.load("lecture"))))[1]
    {'quantity': 'output_h1', 'expression': ['logistic', 'sum_h1'], 'stage': 'forward'}
    """
    name: Any = lines.cycle.names.text
    return [
        {"quantity": name(line.quantity), "expression": tree(line.expression, name), "stage": line.stage.value}
        for line in lines
    ]
