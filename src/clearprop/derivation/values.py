"""Why a value of the forward pass is what it is: its formula, the numbers put in, its value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from clearprop.derivation.lines import Lines
from clearprop.derivation.local_derivatives import plugged
from clearprop.derivation.shares import reduced
from clearprop.derivation.words import words
from clearprop.display import Displayable
from clearprop.errors import InvalidArgument
from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, bind, evaluate
from clearprop.expressions.tree import add, multiply
from clearprop.messages import abridged
from clearprop.network import names as q
from clearprop.network.data import Column
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle
from clearprop.propagation.forward import output_errors
from clearprop.rules.activations import Activation
from clearprop.rules.standardize import ORIGINAL, STANDARDIZED

SHOWN_TERMS = 6
"""A sum of more terms than this, by more than a few, shows its first ones and counts the rest."""

Formulas = tuple[tuple[Expression, ...], str]
"""The formulas of a value, from the general to the plain one, and a remark."""


@dataclass(frozen=True, repr=False)
class ValueDerivation(Displayable):
    """``quantity = formula = (numbers put in) = value``; without formulas it is given, as the remark says."""

    cycle: Cycle
    quantity: Quantity
    formulas: tuple[Expression, ...]
    plugged: Expression
    value: float
    remark: str = ""

    def __repr__(self) -> str:
        return f"ValueDerivation({self.cycle.names.text(self.quantity)} = {self.value:.6g})"


def derive_value(lines: Lines, quantity: Quantity) -> ValueDerivation:
    """Return the derivation of a sum, an output, an error, a target or an input.

    In a batch, sums and outputs are those of its first example; errors are the batch's.
    """
    cycle = lines.cycle
    formulas, remark = _formulas(lines, quantity)
    value = cycle.value(quantity, 0)
    tree = plugged(formulas[-1], lambda key: cycle.value(key, 0)) if formulas else Number(value)
    return ValueDerivation(cycle, quantity, formulas, tree, value, remark)


def _formulas(lines: Lines, quantity: Quantity) -> Formulas:
    penalty = lines.penalty
    match quantity:
        case q.Input(index) | q.Output(-1, index):
            return _of_input(lines.cycle, index)
        case q.Target(k):
            return _of_target(lines.cycle, k)
        case q.Named("weight"):
            return (), words("example_weight")
        case q.Sum(layer, _):
            biases = 0 if lines.network.layers[layer].bias == "none" else 1
            return (_elided(lines.of_example(quantity, 0).expression, biases),), ""
        case q.Output(layer, unit):
            return _of_output(lines, layer, unit)
        case q.Error(k) if lines.batch:
            return _of_batch(lines, k)
        case q.Error(k):
            fused = lines.example(0).fused
            total = lines.cycle.names.text(q.Sum(lines.network.depth - 1, k))
            remark = "" if fused is None else words("precision", sum=total)
            return (lines[quantity].expression,), remark
        case q.TotalError():
            return (_elided(lines[quantity].expression, 1 if penalty else 0),), ""
        case q.PenaltyError():
            count = int(lines.layout.is_weight.sum())
            terms = islice(lines.penalty_terms(), SHOWN_TERMS + 3)
            return (elided_sum(tuple(terms), count),) if penalty else (), words("penalty")
    raise InvalidArgument(f"{lines.cycle.names.text(quantity)} has no derivation")


def elided_sum(terms: Sequence[Expression], count: int | None = None, always: Sequence[Expression] = ()) -> Expression:
    """Return the sum of the terms; of many, the first few and the number of the others (``count`` is that of all)."""
    count = len(terms) if count is None else count
    if count > SHOWN_TERMS + 2:
        terms = [*terms[:SHOWN_TERMS], Symbol(words("more", count=count - SHOWN_TERMS))]
    return add(*terms, *always)


def _elided(tree: Expression, always: int = 0) -> Expression:
    """Return the sum with its terms elided, except the last ``always`` ones."""
    match tree:
        case Apply(Operator.ADD, terms):
            end = len(terms) - always
            return elided_sum(terms[:end], always=terms[end:])
    return tree


def _of_input(cycle: Cycle, index: int) -> Formulas:
    """Return how an input follows from a column of the table, if there is one."""
    fitted = cycle.problem.fitted
    if fitted is None:
        return (), words("input")
    column, category = fitted.source(index)
    if category is not None:
        return (), words("category", column=abridged(column.name), category=abridged(category))
    return _of_column(column, cycle.examples.inputs[0, index])


def _of_target(cycle: Cycle, index: int) -> Formulas:
    """Return how a target follows from a column of the table, where it is not the column's own number."""
    fitted = cycle.problem.fitted
    if fitted is None or not fitted.standardized:
        return (), words("target")
    return _of_column(fitted.standardized[index], cycle.examples.targets[0, index])


def _of_column(column: Column, value: float) -> Formulas:
    """Return how a number follows from that of a numeric column."""
    if column.mean == 0 and column.scale == 1:
        return (), words("column", column=abridged(column.name))
    numbers = {"mean": column.mean, "scale": column.scale}
    original = float(evaluate(ORIGINAL, {"value": value, **numbers}))
    # The sum's rounding is not the table's: 5.1 must not come back as 5.1000000000000005.
    shown = float(f"{original:.12g}")
    return (bind(STANDARDIZED, {"value": shown, **numbers}),), words("standardized", column=abridged(column.name))


def _of_output(lines: Lines, layer: int, unit: int) -> Formulas:
    """Return the activation, and where it is a primitive with a plainer form, that too; with the mask of dropout."""
    example = lines.example(0)
    mask, tree = example.masks[layer], lines.of_example(q.Output(layer, unit), 0).expression
    remark = "" if mask is None else words("kept" if mask[unit] else "dropped")
    if not isinstance(lines.network.layers[layer].rule, Activation):
        return (example.masked(layer, unit, example.activated(layer, unit, elided_sum)),), remark
    formulas = [tree]
    inner = tree if mask is None or not isinstance(tree, Apply) else tree.arguments[-1]
    if isinstance(inner, Apply):
        meaning = inner.operator.meaning
        formulas += [example.masked(layer, unit, meaning(inner.arguments[0]))] if meaning is not None else []
    return tuple(formulas), remark


def _of_batch(lines: Lines, k: int) -> Formulas:
    """Add up the errors of output k of all examples; an example's weight stands in front of its error."""
    trace, reduction = lines.cycle.trace, lines.network.loss.over_examples
    errors = output_errors(replace(trace, weights=None), lines.cycle.examples.targets)[:, k].tolist()
    terms: list[Expression] = list(map(Number, errors))
    key = "over_examples"
    if trace.weights is not None:
        key = "weighted_examples"
        terms = [multiply(Number(w), error) for w, error in zip(trace.weights.tolist(), terms, strict=True)]
    return (reduced(elided_sum(terms), reduction, len(terms)),), words(key, reduction=reduction)
