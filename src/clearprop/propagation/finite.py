"""Refusal of numbers that are not finite, naming the first, its place, and the part of the formula that made it."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.errors import NotFinite
from clearprop.expressions import not_finite_part, renamed, text
from clearprop.network import names as q
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.forward import Trace
from clearprop.propagation.update import Update
from clearprop.rules.activations import Activation
from clearprop.rules.roles import Role
from clearprop.types import Array


def require_finite(problem: Problem, trace: Trace, targets: Array, errors: Array, numbers: Array) -> None:
    """Refuse a forward pass with a number that is not finite, naming the first and its part.

    ``numbers`` says which examples these are, counted from 1.

    Raises:
        NotFinite: where, and which part of which expression.
    """
    names = problem.names
    for layer, (sums, outputs) in enumerate(zip(trace.sums, trace.outputs, strict=True)):
        rule = trace.network.layers[layer].rule
        for values, kind in ((sums, q.Sum), (outputs, q.Output)):
            if np.all(np.isfinite(values)):
                continue
            row, unit = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
            what = names.text(kind(layer, unit))
            why = f"; layer {layer + 1}, example {numbers[row]}"
            if kind is q.Output and isinstance(rule, Activation):
                given = {Role.SUM: sums[row, unit]}
                part = not_finite_part(rule.formula, given)
                name = names.text(q.Sum(layer, unit))
                shown = text(renamed(part, {Role.SUM: name})) if part else rule.name
                why += f"; {shown} is not finite at {name} = {float(sums[row, unit]):.6g}"
            elif kind is q.Sum:
                why += "; weights or inputs are too large"
            raise NotFinite(f"{what} is {values[row, unit]}{why}")
    if not np.all(np.isfinite(errors)):
        row, k = (int(i) for i in np.argwhere(~np.isfinite(errors))[0])
        loss = trace.network.loss.rule
        given = {Role.OUTPUT: trace.outputs[-1][row, k], Role.TARGET: targets[row, k]}
        part = not_finite_part(loss.formula, given)
        values_of: dict[Any, str] = {
            Role.OUTPUT: names.text(q.Output(trace.network.depth - 1, k)),
            Role.TARGET: names.text(q.Target(k)),
        }
        shown = text(renamed(part, values_of)) if part else loss.name
        at = f"{values_of[Role.OUTPUT]} = {float(given[Role.OUTPUT]):.6g}, "
        at += f"{values_of[Role.TARGET]} = {float(given[Role.TARGET]):.6g}"
        if trace.weights is not None:
            at += f", weight = {float(trace.weights[row]):.6g}"
        raise NotFinite(
            f"{names.text(q.Error(k))} is {errors[row, k]}; example {numbers[row]}; {shown} is not finite at {at}"
        )


def require_finite_update(problem: Problem, gradients: Parameters, changed: Update) -> None:
    """Refuse gradients or new parameters that are not finite.

    Raises:
        NotFinite: naming the first parameter, where it is and what to try.
    """
    layout, network = gradients.layout, problem.network
    for vector, what in (
        (gradients.vector, "the gradient of"),
        (changed.parameters.vector, "the new value of"),
    ):
        if not np.all(np.isfinite(vector)):
            index = int(np.argmax(~np.isfinite(vector)))
            layer, unit, source = layout.place(index)
            shared = source is None and network.layers[layer].bias == "shared"
            where = f"layer {layer + 1}" + ("" if shared else f", unit {network.unit_names[layer][unit]}")
            raise NotFinite(
                f"{what} {layout.name(index)} is {vector[index]}, in {where}; "
                "try a smaller learning rate, smaller weights, or clip_norm under [optimizer]"
            )
