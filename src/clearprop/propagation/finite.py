"""Refusal of numbers that are not finite, naming the first, its place, and the part of the formula that made it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from clearprop.errors import NotFinite
from clearprop.expressions import Expression, not_finite_part, renamed, text
from clearprop.network import names as q
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.forward import Trace
from clearprop.propagation.update import Update
from clearprop.rules.activations import Activation
from clearprop.rules.roles import Role
from clearprop.types import Array

REMEDY = "try a smaller learning rate, smaller weights, or clip_norm under [optimizer]"
SENTENCES: Mapping[str, str] = {
    "sum_fault": "{quantity} is {value}; layer {layer}, example {example}; weights or inputs are too large",
    "output_fault": "{quantity} is {value}; layer {layer}, example {example}; {part} is not finite at {numbers}",
    "error_fault": "{quantity} is {value}; example {example}; {part} is not finite at {numbers}",
    "gradient_fault": f"the gradient of {{parameter}} is {{value}}, in {{place}}; {REMEDY}",
    "update_fault": f"the new value of {{parameter}} is {{value}}, in {{place}}; {REMEDY}",
}
"""The sentences about numbers that are not finite; the explorer's page reads them too."""


def require_finite(problem: Problem, trace: Trace, targets: Array, errors: Array, numbers: Array) -> None:
    """Refuse a forward pass with a number that is not finite, naming the first and its part.

    ``numbers`` says which examples these are, counted from 1.

    Raises:
        NotFinite: where, and which part of which expression.
    """
    names, network = problem.names, trace.network
    for layer, (sums, outputs) in enumerate(zip(trace.sums, trace.outputs, strict=True)):
        for row, unit in _bad(sums):
            called = names.text(q.Sum(layer, unit))
            raise _fault("sum_fault", called, sums[row, unit], numbers[row], layer=layer + 1)
        for row, unit in _bad(outputs):
            rule, called = network.layers[layer].rule, names.text(q.Output(layer, unit))
            formula = rule.formula if isinstance(rule, Activation) else None
            cause = _cause(rule.name, formula, {Role.SUM: (names.text(q.Sum(layer, unit)), sums[row, unit])})
            raise _fault("output_fault", called, outputs[row, unit], numbers[row], layer=layer + 1, **cause)
    for row, k in _bad(errors):
        loss, output = network.loss.rule, names.text(q.Output(network.depth - 1, k))
        given = {
            Role.OUTPUT: (output, trace.outputs[-1][row, k]),
            Role.TARGET: (names.text(q.Target(k)), targets[row, k]),
        }
        weight = {} if trace.weights is None else {"weight": trace.weights[row]}
        cause = _cause(loss.name, loss.formula, given, **weight)
        raise _fault("error_fault", names.text(q.Error(k)), errors[row, k], numbers[row], **cause)


def _bad(values: Array) -> list[list[int]]:
    """Return the place of the first number that is not finite, or none."""
    first: list[list[int]] = np.argwhere(~np.isfinite(values))[:1].tolist()
    return first


def _fault(key: str, quantity: str, value: float, example: int, **more: object) -> NotFinite:
    return NotFinite(SENTENCES[key].format(quantity=quantity, value=value, example=example, **more))


def _cause(
    name: str, formula: Expression | None, given: Mapping[Role, tuple[str, float]], **more: float
) -> dict[str, str]:
    """Return the innermost part of a formula that is not finite, in words, and the numbers that it is computed from."""
    part = None if formula is None else not_finite_part(formula, {role: value for role, (_, value) in given.items()})
    shown = name if part is None else text(renamed(part, {role: called for role, (called, _) in given.items()}))
    numbers = (f"{called} = {float(value):.6g}" for called, value in (*given.values(), *more.items()))
    return {"part": shown, "numbers": ", ".join(numbers)}


def require_finite_update(problem: Problem, gradients: Parameters, changed: Update) -> None:
    """Refuse gradients or new parameters that are not finite.

    Raises:
        NotFinite: naming the first parameter, where it is and what to try.
    """
    layout, network = gradients.layout, problem.network
    for key, vector in (("gradient_fault", gradients.vector), ("update_fault", changed.parameters.vector)):
        if not np.all(np.isfinite(vector)):
            index = int(np.argmax(~np.isfinite(vector)))
            layer, unit, source = layout.place(index)
            shared = source is None and network.layers[layer].bias == "shared"
            where = f"layer {layer + 1}" + ("" if shared else f", unit {network.unit_names[layer][unit]}")
            named = {"parameter": layout.name(index), "value": vector[index], "place": where}
            raise NotFinite(SENTENCES[key].format(**named))
