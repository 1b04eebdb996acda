"""Refusal of numbers that are not finite, naming the first, its place, and the part of the formula that made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clearprop.errors import NotFinite
from clearprop.expressions import Expression, Slope, evaluate, not_finite_part, renamed, symbols, text
from clearprop.messages import brief
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
    "total_fault": (
        "{quantity} is {value}: the errors and the penalty add up to more than the largest number; "
        "try smaller weights, or targets in a larger unit"
    ),
    "slope_fault": (
        "{quantity} is {value}; layer {layer}, unit {unit}, example {example}; {part} is not finite at {numbers}; "
        "try a formula that has a slope there, such as one with a small constant under its root or in its denominator"
    ),
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
            fault = _fault("output_fault", called, outputs[row, unit], numbers[row], layer=layer + 1, **cause)
            fault.undefined = formula is not None and _is_undefined(formula, {Role.SUM: sums[row, unit]}, Role.SUM)
            raise fault
    for row, k in _bad(errors):
        loss, output = network.loss.rule, names.text(q.Output(network.depth - 1, k))
        given = {
            Role.OUTPUT: (output, trace.outputs[-1][row, k]),
            Role.TARGET: (names.text(q.Target(k)), targets[row, k]),
        }
        weight = {} if trace.weights is None else {"weight": trace.weights[row]}
        cause = _cause(loss.name, loss.formula, given, **weight)
        fault = _fault("error_fault", names.text(q.Error(k)), errors[row, k], numbers[row], **cause)
        # An output at the end of its interval got there by large sums.
        bounds = network.layers[-1].rule.bounds
        free = bounds is None or not np.isfinite(bounds).all()
        values = {role: value for role, (_, value) in given.items()}
        fault.undefined = free and _is_undefined(loss.formula, values, Role.OUTPUT)
        raise fault


def require_finite_total(problem: Problem, error: float) -> None:
    """Refuse a total error that is not finite though every output's error is.

    Raises:
        NotFinite: what adds up to it, and what to try.
    """
    if not np.isfinite(error):
        raise NotFinite(SENTENCES["total_fault"].format(quantity=problem.names.text(q.TotalError()), value=error))


def _is_undefined(formula: Expression, at: Mapping[Role, float], of: Role) -> bool:
    """Return whether a formula has no value at a point, as 1/0 and log(-1), rather than one that is too large."""
    if np.isnan(evaluate(formula, at)):
        return True
    beside = [evaluate(formula, {**at, of: at[of] + step}) for step in (-1e-6, 1e-6)]
    return bool(np.isfinite(beside).any())


def require_finite_slopes(problem: Problem, trace: Trace, targets: Array, numbers: Array) -> None:
    """Refuse a local derivative that is not finite, naming the first one on the way back.

    Raises:
        NotFinite: which derivative, its formula, the numbers in it, and where.
    """
    network, last = trace.network, trace.network.depth - 1
    outputs = trace.outputs[last]
    joined = network.fused is not None and trace.masks[last] is None
    given: dict[Role, tuple[q.Quantity, Any]]
    if not joined:
        slope = network.loss.rule.slope
        values = evaluate(slope.simplified, {Role.OUTPUT: outputs, Role.TARGET: targets})
        for row, k in _bad(np.broadcast_to(values, outputs.shape)):
            given = {Role.OUTPUT: (q.Output(last, k), outputs[row, k]), Role.TARGET: (q.Target(k), targets[row, k])}
            raise _slope_fault(
                problem, q.Derivative(q.Error(k), q.Output(last, k)), slope, given, values[row, k], numbers[row]
            )
    for layer in reversed(range(last if joined else last + 1)):
        rule, sums = network.layers[layer].rule, trace.sums[layer]
        if not isinstance(rule, Activation):
            continue
        values = rule.slopes(sums)
        for row, unit in _bad(values):
            derivative = q.Derivative(q.Output(layer, unit), q.Sum(layer, unit))
            given = {Role.SUM: (q.Sum(layer, unit), sums[row, unit])}
            raise _slope_fault(problem, derivative, rule.slope, given, values[row, unit], numbers[row])


def _slope_fault(
    problem: Problem,
    quantity: q.Derivative,
    slope: Slope,
    given: Mapping[Role, tuple[q.Quantity, Any]],
    value: float,
    example: int,
) -> NotFinite:
    """Return the fault of a local derivative: its whole formula, and the numbers of the symbols in it."""
    names, by = problem.names, quantity.by
    assert isinstance(by, q.Sum | q.Output)
    called = {role: names.text(quantity) for role, (quantity, _) in given.items()}
    used = symbols(slope.written)
    shown = ", ".join(
        f"{called[role]} = {brief(float(number), '.6g')}" for role, (_, number) in given.items() if role in used
    )
    return NotFinite(
        SENTENCES["slope_fault"].format(
            quantity=names.text(quantity),
            value=value,
            layer=by.layer + 1,
            unit=problem.network.unit_names[by.layer][by.unit],
            example=example,
            part=text(renamed(slope.written, called)),
            numbers=shown,
        )
    )


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
    numbers = (f"{called} = {brief(float(value), '.6g')}" for called, value in (*given.values(), *more.items()))
    return {"part": shown, "numbers": ", ".join(numbers)}


def require_finite_update(
    problem: Problem, trace: Trace, targets: Array, numbers: Array, gradients: Parameters, changed: Update
) -> None:
    """Refuse gradients or new parameters that are not finite.

    Raises:
        NotFinite: naming the local derivative that is not finite, or the first parameter, and what to try.
    """
    if not np.all(np.isfinite(gradients.vector)):
        require_finite_slopes(problem, trace, targets, numbers)
    layout, network = gradients.layout, problem.network
    for key, vector in (("gradient_fault", gradients.vector), ("update_fault", changed.parameters.vector)):
        if not np.all(np.isfinite(vector)):
            index = int(np.argmax(~np.isfinite(vector)))
            layer, unit, source = layout.place(index)
            shared = source is None and network.layers[layer].bias == "shared"
            where = f"layer {layer + 1}" + ("" if shared else f", unit {network.unit_names[layer][unit]}")
            named = {"parameter": layout.name(index), "value": vector[index], "place": where}
            raise NotFinite(SENTENCES[key].format(**named))
