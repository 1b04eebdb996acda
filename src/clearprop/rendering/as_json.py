"""Explanations as JSON: names and numbers in full float64 precision, whatever is displayed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from clearprop.derivation.derive import Derivation
from clearprop.derivation.local_derivatives import Computed, Factor, Term
from clearprop.derivation.paths import Path
from clearprop.derivation.shares import WEIGHT
from clearprop.derivation.values import ValueDerivation
from clearprop.expressions import text
from clearprop.network import names as q
from clearprop.network.names import Names, Quantity
from clearprop.propagation.cycle import Cycle, moments
from clearprop.rendering.document import View

Name = Callable[[Any], str]


def cycle_structure(cycle: Cycle, derivations: Sequence[Derivation]) -> dict[str, Any]:
    """Return the JSON of ``explain``: the numbers of a cycle and some derivations."""
    name, batch = cycle.names.text, cycle.example == "all"
    told = cycle.learning is not None
    errors = errors_structure(cycle) if told else {}
    values = errors if batch else {**units_structure(cycle, 0), **errors}
    structure: dict[str, Any] = {"values": values}
    if batch:
        structure["examples"] = [
            {
                "example": int(number),
                "inputs": _inputs(cycle, row),
                "values": units_structure(cycle, row) | (_own_errors(cycle, row) if told else {}),
                **({"signals": _signals(cycle, row)} if told else {}),
            }
            for row, number in enumerate(cycle.numbers)
        ]
    else:
        structure["inputs"] = _inputs(cycle, 0)
    structure["parameters"] = dict(cycle.parameters.items())
    if told:
        structure |= {} if batch else {"signals": _signals(cycle, 0)}
        structure["gradients"] = dict(cycle.gradients.of.items())
        structure["updated"] = dict(cycle.updated.items())
        structure["after"] = {name(q.TotalError()): cycle.error_after}
    if cycle.engine is not None:
        dtype, difference, parameter = cycle.engine
        at = cycle.parameters.layout.name(parameter)
        structure["engine"] = {"dtype": dtype, "largest_difference": difference, "at": at}
    if cycle.ended is not None:
        structure["ended"] = {"dtype": cycle.problem.settings.dtype, "step": cycle.ended}
    if cycle.problem.remarks:
        structure["assumed"] = list(cycle.problem.remarks)
    structure["derivations"] = {name(each.listed): derivation_structure(each) for each in derivations}
    return structure


def _inputs(cycle: Cycle, row: int) -> dict[str, float]:
    """Return the inputs of one example."""
    return {
        name: float(value)
        for name, value in zip(cycle.problem.network.input_names, cycle.examples.inputs[row], strict=True)
    }


def _signals(cycle: Cycle, row: int) -> dict[str, float]:
    """Return the error signal of every unit for one example."""
    names = cycle.names
    return {
        names.text(q.Derivative(q.TotalError(), q.Sum(layer, unit))): float(value)
        for layer, signals in enumerate(cycle.gradients.signals)
        for unit, value in enumerate(signals[row])
    }


def units_structure(cycle: Cycle, row: int) -> dict[str, float]:
    """Return the weight of one example, if it has one, and each of its weighted sums and outputs."""
    found = {} if cycle.trace.weights is None else {cycle.names.text(WEIGHT): cycle.value(WEIGHT, row)}
    for layer, size in enumerate(cycle.problem.network.sizes[1:]):
        for quantity in (kind(layer, unit) for kind in (q.Sum, q.Output) for unit in range(size)):
            found[cycle.names.text(quantity)] = cycle.value(quantity, row)
    return found


def errors_structure(cycle: Cycle) -> dict[str, float]:
    """Return the errors of the cycle, with the penalty where there is one."""
    quantities: list[Quantity] = [q.Error(k) for k in range(cycle.problem.network.sizes[-1])]
    quantities += [q.PenaltyError()] if cycle.problem.penalty else []
    quantities += [q.TotalError()]
    return {cycle.names.text(quantity): cycle.value(quantity) for quantity in quantities}


def _own_errors(cycle: Cycle, row: int) -> dict[str, float]:
    """Return the errors of one example of a batch; the penalty belongs to the whole batch."""
    names = cycle.names
    errors = {names.text(q.Error(k)): float(error) for k, error in enumerate(cycle.errors[row])}
    return {**errors, names.text(q.TotalError()): float(cycle.errors[row].sum())}


def derivation_structure(derivation: Derivation) -> dict[str, Any]:
    """Return one derivation."""
    name = View(derivation.cycle.names).name
    if isinstance(derivation, ValueDerivation):
        expression = text(derivation.formulas[0], name) if derivation.formulas else None
        return {"value": derivation.value, "expression": expression}
    structure: dict[str, Any] = {"gradient": derivation.gradient}
    if derivation.updated is not None:
        structure["updated"] = derivation.updated
        structure["update"] = [computed_structure(line, name) for line in derivation.update]
    structure["terms"] = [term_structure(term, name) for term in derivation.terms]
    return structure


def computed_structure(line: Computed, name: Name) -> dict[str, Any]:
    """Return a line or a factor."""
    return {"symbol": name(line.quantity), "expression": text(line.expression, name), "value": line.value}


def term_structure(term: Term, name: Name, expanded: bool = True) -> dict[str, Any]:
    """Return one term: its factors and their product."""
    example = {} if term.example is None else {"example": term.example}
    factors = [
        factor_structure(factor, name) if expanded else computed_structure(factor, name) for factor in term.factors
    ]
    return {"of": name(term.of), **example, "factors": factors, "product": term.product}


def factor_structure(factor: Factor, name: Name) -> dict[str, Any]:
    """Return one factor, with its expansion where it is collapsed; what is collapsed in that has its name alone."""
    structure = computed_structure(factor, name)
    if factor.expansion:
        structure["expansion"] = [term_structure(term, name, expanded=False) for term in factor.expansion]
        if factor.elided:
            structure["elided"] = factor.elided
    return structure


def cycles_structure(cycles: Sequence[Cycle]) -> list[dict[str, Any]]:
    """Return the error and every parameter at the start (cycle 0) and after each update."""
    total = cycles[0].names.text(q.TotalError())
    return [
        {"cycle": number, total: error, "parameters": dict(parameters.items())}
        for number, (error, parameters) in enumerate(moments(cycles))
    ]


def paths_structure(paths: Sequence[Path], names: Names) -> list[dict[str, Any]]:
    """Return the largest path contributions."""
    return [{"path": [*map(names.text, path.quantities())], "contribution": path.contribution} for path in paths]


def dumps(structure: Any) -> str:
    """Return JSON text; numbers that are not finite, which JSON has not, become null."""
    return json.dumps(_finite(structure), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case float() if not math.isfinite(value):
            return None
    return value
