"""Explanations as JSON: names and numbers in full float64 precision, whatever is displayed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from clearprop.derivation.derive import Derivation
from clearprop.derivation.local_derivatives import Factor, Term
from clearprop.derivation.paths import Path
from clearprop.derivation.shares import WEIGHT
from clearprop.derivation.values import ValueDerivation
from clearprop.expressions import text
from clearprop.network import names as q
from clearprop.network.names import Names, Quantity
from clearprop.propagation.cycle import Cycle, moments


def cycle_structure(cycle: Cycle, derivations: Sequence[Derivation]) -> dict[str, Any]:
    """Return the JSON of ``explain``: the numbers of a cycle and some derivations."""
    names = cycle.names
    batch = cycle.example == "all"
    values = errors_structure(cycle) if batch else {**units_structure(cycle, 0), **errors_structure(cycle)}
    structure: dict[str, Any] = {"values": values}
    if batch:
        structure["examples"] = [
            {"example": int(number), "values": {**units_structure(cycle, row), **_own_errors(cycle, row)}}
            for row, number in enumerate(cycle.numbers)
        ]
    structure["gradients"] = dict(cycle.gradients.of.items())
    structure["updated"] = dict(cycle.updated.items())
    structure["after"] = {names.text(q.TotalError()): cycle.error_after}
    if cycle.engine is not None:
        dtype, difference, parameter = cycle.engine
        name = cycle.parameters.layout.name(parameter)
        structure["engine"] = {"dtype": dtype, "largest_difference": difference, "at": name}
    structure["derivations"] = {
        names.text(derivation.quantity): derivation_structure(derivation) for derivation in derivations
    }
    return structure


def units_structure(cycle: Cycle, row: int) -> dict[str, float]:
    """Return the weight of one example, if it has one, and each of its weighted sums and outputs."""
    found = {} if cycle.trace.weights is None else {cycle.names.text(WEIGHT): cycle.value(WEIGHT, row)}
    for layer, units in enumerate(cycle.problem.network.unit_names):
        for kind in (q.Sum, q.Output):
            for unit in range(len(units)):
                quantity = kind(layer, unit)
                found[cycle.names.text(quantity)] = cycle.value(quantity, row)
    return found


def errors_structure(cycle: Cycle) -> dict[str, float]:
    """Return the errors of the cycle, with the penalty where there is one."""
    quantities: list[Quantity] = [q.Error(k) for k in range(cycle.problem.network.sizes[-1])]
    quantities += [q.PenaltyError()] if cycle.problem.penalty else []
    quantities += [q.TotalError()]
    return {cycle.names.text(quantity): cycle.value(quantity) for quantity in quantities}


def _own_errors(cycle: Cycle, row: int) -> dict[str, float]:
    """The errors of one example of a batch; the penalty belongs to the whole batch."""
    names = cycle.names
    errors = {names.text(q.Error(k)): float(error) for k, error in enumerate(cycle.errors[row])}
    return {**errors, names.text(q.TotalError()): float(cycle.errors[row].sum())}


def derivation_structure(derivation: Derivation) -> dict[str, Any]:
    """Return one derivation."""
    names = derivation.cycle.names
    if isinstance(derivation, ValueDerivation):
        formulas = [text(formula, names_of(names)) for formula in derivation.formulas]
        return {"value": derivation.value, "expression": formulas[0] if formulas else None}
    structure: dict[str, Any] = {"gradient": derivation.gradient}
    if derivation.updated is not None:
        structure["updated"] = derivation.updated
        structure["update"] = [
            {
                "symbol": names.text(line.quantity),
                "expression": text(line.expression, names_of(names)),
                "value": line.value,
            }
            for line in derivation.update
        ]
    structure["terms"] = [term_structure(term, names) for term in derivation.terms]
    return structure


def term_structure(term: Term, names: Names) -> dict[str, Any]:
    """Return one term: its factors and their product."""
    structure: dict[str, Any] = {"of": names.text(term.of)}
    if term.example is not None:
        structure["example"] = term.example
    structure["factors"] = [factor_structure(factor, names) for factor in term.factors]
    structure["product"] = term.product
    return structure


def factor_structure(factor: Factor, names: Names) -> dict[str, Any]:
    """Return one factor, with its expansion where it is collapsed."""
    structure: dict[str, Any] = {
        "symbol": names.text(factor.quantity),
        "expression": text(factor.expression, names_of(names)),
        "value": factor.value,
    }
    if factor.expansion:
        structure["expansion"] = [term_structure(term, names) for term in factor.expansion]
        if factor.elided:
            structure["elided"] = factor.elided
    return structure


def cycles_structure(cycles: Sequence[Cycle]) -> list[dict[str, Any]]:
    """Return the error and every parameter at the start (cycle 0) and after each update."""
    first = cycles[0]
    total = first.names.text(q.TotalError())
    return [
        {"cycle": number, total: error, "parameters": dict(parameters.items())}
        for number, (error, parameters) in enumerate(moments(cycles))
    ]


def paths_structure(paths: Sequence[Path], names: Names) -> list[dict[str, Any]]:
    """Return the largest path contributions."""
    return [
        {
            "path": [names.text(quantity) for quantity in path.quantities()],
            "contribution": path.contribution,
        }
        for path in paths
    ]


def names_of(names: Names) -> Any:
    """Return a function that names the symbols of an expression."""
    return lambda key: key if isinstance(key, str) else names.text(key)


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
