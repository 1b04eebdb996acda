"""Why a value of the forward pass is what it is: its formula, the numbers put in, its value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop.derivation.chain import symbol_value
from clearprop.derivation.local_derivatives import Links
from clearprop.derivation.words import words
from clearprop.display import Displayable
from clearprop.errors import InvalidArgument
from clearprop.expressions import Apply, Expression, Number, Symbol, bind, evaluate, renamed, substitute
from clearprop.expressions.tree import add, definition, multiply
from clearprop.messages import abridged
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.network.parameters import Place
from clearprop.propagation.cycle import Cycle
from clearprop.propagation.forward import example_share, output_errors
from clearprop.rules.activations import Activation
from clearprop.rules.roles import Role
from clearprop.rules.standardize import ORIGINAL, STANDARDIZED

SHOWN_TERMS = 6
"""A sum of more terms than this, by more than a few, shows its first ones and counts the rest."""


@dataclass(frozen=True)
class ValueDerivation(Displayable):
    """``quantity = formula = (written out) = value``; ``given`` for what the file says."""

    cycle: Cycle
    quantity: Quantity
    formulas: tuple[Expression, ...]
    value_: float
    row: int = 0
    remark: str = ""

    def value(self, quantity: Any) -> float:
        """The number behind any symbol in this derivation."""
        return symbol_value(self.cycle, quantity, self.row)


def derive_value(cycle: Cycle, quantity: Quantity, row: int = 0) -> ValueDerivation:
    """The derivation of a sum, an output, an error, a target or an input.

    In a batch, sums and outputs are those of the example in ``row``; errors are the batch's.
    """
    formulas, remark = _formulas(cycle, quantity, row)
    return ValueDerivation(cycle, quantity, formulas, cycle.value(quantity, row), row, remark)


def _formulas(cycle: Cycle, quantity: Quantity, row: int) -> tuple[tuple[Expression, ...], str]:
    match quantity:
        case q.Input(index) | q.Output(-1, index):
            return input_formulas(cycle, index, row)
        case q.Target():
            return (), words("target")
        case q.Named("weight"):
            return (), words("example_weight")
        case q.Sum(layer, unit):
            return (weighted_sum(cycle, layer, unit),), ""
        case q.Output(layer, unit):
            return output_formulas(cycle, layer, unit, row)
        case q.Error(k):
            return error_formulas(cycle, k)
        case q.TotalError():
            return (total_formula(cycle),), ""
        case q.PenaltyError():
            return (penalty_formula(cycle),) if cycle.problem.penalty else (), words("penalty")
    raise InvalidArgument(f"{cycle.names.text(quantity)} has no derivation")


def input_formulas(cycle: Cycle, index: int, row: int) -> tuple[tuple[Expression, ...], str]:
    """How an input follows from a column of the table, if there is one."""
    fitted = cycle.problem.fitted
    if fitted is None:
        return (), words("input")
    column, category = fitted.source(index)
    if category is not None:
        return (), words("category", column=abridged(column.name), category=abridged(category))
    if column.mean == 0 and column.scale == 1:
        return (), words("column", column=abridged(column.name))
    numbers = {"mean": column.mean, "scale": column.scale}
    original = float(evaluate(ORIGINAL, {"value": cycle.examples.inputs[row, index], **numbers}))
    # The sum's rounding is not the table's: 5.1 must not come back as 5.1000000000000005.
    shown = float(f"{original:.12g}")
    return (bind(STANDARDIZED, {"value": shown, **numbers}),), words("standardized", column=abridged(column.name))


def elided_sum(terms: list[Expression], always: list[Expression] | None = None) -> Expression:
    """The sum of the terms; of many, the first few and how many more."""
    always = always or []
    if len(terms) > SHOWN_TERMS + 2:
        terms = [*terms[:SHOWN_TERMS], Symbol(words("more", count=len(terms) - SHOWN_TERMS))]
    return add(*terms, *always)


def weighted_sum(cycle: Cycle, layer: int, unit: int) -> Expression:
    """Σ_i output_i · weight_i + bias, as the lecture orders it."""
    network, layout = cycle.problem.network, cycle.parameters.layout
    terms = [
        multiply(Symbol(q.Output(layer - 1, source)), Symbol(q.Parameter(layout.index(Place(layer, unit, source)))))
        for source in range(min(network.sizes[layer], SHOWN_TERMS + 3))
    ]
    hidden = network.sizes[layer] - len(terms)
    if hidden:
        terms = [*terms[:SHOWN_TERMS], Symbol(words("more", count=hidden + len(terms) - SHOWN_TERMS))]
    policy = network.layers[layer].bias
    if policy != "none":
        place = Place(layer, 0 if policy == "shared" else unit, None)
        terms.append(Symbol(q.Parameter(layout.index(place))))
    return add(*terms)


def output_formulas(cycle: Cycle, layer: int, unit: int, row: int) -> tuple[tuple[Expression, ...], str]:
    """The activation, and where it is a primitive with a plainer form, that too."""
    rule, mask = cycle.problem.network.layers[layer].rule, cycle.trace.masks[layer]
    if isinstance(rule, Activation):
        tree = renamed(rule.formula, {Role.SUM: q.Sum(layer, unit)})
        formulas = [tree]
        if isinstance(tree, Apply):
            plain = definition(tree.operator, tree.arguments[0])
            formulas += [plain] if plain is not None else []
    else:
        units = range(cycle.problem.network.sizes[layer + 1])
        terms = [renamed(rule.term, {Role.SUM: q.Sum(layer, u)}) for u in units]
        parts: dict[Any, Expression] = {"term": terms[unit], "total": elided_sum(terms)}
        formulas = [substitute(rule.output, parts.get)]
    remark = ""
    if mask is not None:
        formulas = [multiply(Number(float(mask[row, unit])), formula) for formula in formulas]
        remark = words("kept" if mask[row, unit] else "dropped")
    return tuple(formulas), remark


def error_formulas(cycle: Cycle, k: int) -> tuple[tuple[Expression, ...], str]:
    """The loss of one output; in a batch, what its examples' errors add up to."""
    links = Links(cycle)
    if cycle.example == "all":
        network = cycle.problem.network
        terms = batch_terms(cycle, k)
        whole = elided_sum(terms)
        if example_share(network, len(terms)) != 1:
            whole = whole / len(terms)
        key = "over_examples" if links.weight is None else "weighted_examples"
        return (whole,), words(key, reduction=network.loss.over_examples)
    remark = ""
    if links.fused is not None:
        remark = words("precision", sum=cycle.names.text(q.Sum(links.last, k)))
    return (renamed(links.error, links.output_places(k)),), remark


def batch_terms(cycle: Cycle, k: int) -> list[Expression]:
    """The error of output k of each example; before its weight, where it has one, times that."""
    weights = cycle.trace.weights
    if weights is None:
        return [Number(float(e)) for e in cycle.errors[:, k]]
    own = output_errors(replace(cycle.trace, weights=None), cycle.examples.targets)[:, k]
    return [multiply(Number(float(w)), Number(float(e))) for w, e in zip(weights, own, strict=True)]


def total_formula(cycle: Cycle) -> Expression:
    """E_1 + E_2 + …, and the penalty once."""
    errors: list[Expression] = [Symbol(q.Error(k)) for k in range(cycle.problem.network.sizes[-1])]
    return elided_sum(errors, [Symbol(q.PenaltyError())] if cycle.problem.penalty else [])


def penalty_formula(cycle: Cycle) -> Expression:
    """The penalty's term for each weight, added up."""
    formula = cycle.problem.penalty.formula
    indices = np.flatnonzero(cycle.parameters.layout.is_weight)[: SHOWN_TERMS + 3]
    terms = [renamed(formula, {Role.WEIGHT: q.Parameter(int(index))}) for index in indices]
    hidden = int(cycle.parameters.layout.is_weight.sum()) - len(terms)
    if hidden:
        terms = [*terms[:SHOWN_TERMS], Symbol(words("more", count=hidden + len(terms) - SHOWN_TERMS))]
    return add(*terms)
