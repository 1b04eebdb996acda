"""Why a value of the forward pass is what it is: its formula, the numbers put in, its value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from clearprop.derivation.lines import Lines
from clearprop.derivation.local_derivatives import plugged
from clearprop.derivation.shares import SHOWN_TERMS, elided_sum, reduced
from clearprop.derivation.words import words
from clearprop.display import Displayable
from clearprop.errors import InvalidArgument
from clearprop.expressions import (
    Apply,
    Expression,
    Number,
    Operator,
    bind,
    evaluate,
    renamed,
    substitute,
    symbols,
)
from clearprop.expressions.tree import multiply
from clearprop.messages import abridged, brief
from clearprop.network import names as q
from clearprop.network.data import Column, shown_label
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle
from clearprop.propagation.forward import output_errors
from clearprop.rules.activations import Activation
from clearprop.rules.roles import Role
from clearprop.rules.standardize import ORIGINAL, STANDARDIZED

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

    @property
    def listed(self) -> Quantity:
        """The quantity under whose name it is listed."""
        return self.quantity

    def __repr__(self) -> str:
        return f"ValueDerivation({self.cycle.names.text(self.quantity)} = {self.value:.6g})"


def derive_value(lines: Lines, quantity: Quantity) -> ValueDerivation:
    """Return the derivation of a sum, an output, an error, a target, an input, or a number of the update.

    In a batch, sums and outputs are those of its first example, unless they are one of an example; errors are
    the batch's.

    Raises:
        InvalidArgument: the quantity is not part of this cycle.
    """
    cycle, row, own = lines.cycle, 0, quantity
    if isinstance(quantity, q.OfExample):
        row, own = cycle.row(quantity.example), quantity.of

    def number(key: Any) -> float:
        found = cycle.known(q.OfExample(key, quantity.example) if isinstance(quantity, q.OfExample) else key, row)
        if found is None:
            line = lines[key] if isinstance(key, q.OfExample) else lines.of_example(key, row)
            tree = line.expression if line.exact is None else line.exact
            found = evaluate(tree, {each: number(each) for each in symbols(tree)})
        return float(found)

    formulas, remark = _formulas(lines, own, row if isinstance(quantity, q.OfExample) or not lines.batch else None)
    value = number(own)
    tree = plugged(formulas[-1], number) if formulas else Number(value)
    return ValueDerivation(cycle, quantity, formulas, tree, value, remark)


def _formulas(lines: Lines, quantity: Quantity, row: int | None) -> Formulas:
    """Return the formulas of a quantity of the example in a row, or without one of the whole batch."""
    penalty = lines.penalty
    match quantity:
        case q.Input(index) | q.Output(-1, index):
            return _of_input(lines.cycle, index, row or 0)
        case q.Target(k):
            return _of_target(lines.cycle, k, row or 0)
        case q.Named("weight"):
            return (), words("example_weight")
        case q.Sum(layer, _):
            biases = 0 if lines.network.layers[layer].bias == "none" else 1
            return (_elided(lines.of_example(quantity, row or 0).expression, biases),), ""
        case q.Output(layer, unit):
            return _of_output(lines, layer, unit, row or 0)
        case q.Error(k):
            if row is None:
                return _of_batch(lines, k)
            fused = lines.example(row).fused
            total = lines.cycle.names.text(q.Sum(lines.network.depth - 1, k))
            remark = "" if fused is None else words("precision", sum=total)
            return (lines.of_example(quantity, row).expression,), remark
        case q.TotalError() if row is not None and lines.batch:
            return (_elided(lines.of_example(quantity, row).expression),), ""
        case q.TotalError():
            return (_elided(lines[quantity].expression, 1 if penalty else 0),), ""
        case q.PenaltyError():
            count = int(lines.layout.is_weight.sum())
            terms = islice(lines.penalty_terms(), SHOWN_TERMS + 3)
            return (elided_sum(tuple(terms), count),) if penalty else (), words("penalty")
        case q.LearningRate():
            return _of_rate(lines.cycle)
        case q.Updated(q.State()) | q.State() if quantity in lines:
            return (_elided_norm(lines[quantity].expression),), ""
        case q.Named(name) if name.startswith(("norm", "clip_factor")) and quantity in lines:
            return (_elided_norm(lines[quantity].expression),), ""
        case q.State(symbol, _) if symbol in lines.cycle.state:
            return (), words("state")
        case q.Parameter() | q.Named():
            return (), words("constant")
        case q.Derivative():
            line = lines[quantity] if row is None else lines.of_example(quantity, row)
            return (_elided(line.expression),), ""
    raise InvalidArgument(f"{lines.cycle.names.text(quantity)} has no derivation")


def _of_rate(cycle: Cycle) -> Formulas:
    """Return the rate that the schedule gives, its constants put in; that of one that watches follows from losses."""
    schedule, base = cycle.problem.optimizer.schedule, cycle.problem.optimizer.learning_rate
    if schedule.watches:
        return (), words("watched", base=brief(base), schedule=schedule.name)
    if schedule.name == "constant" and not schedule.warmup:
        return (), words("rate")
    numbers: dict[Any, float] = {**schedule.numbers, "base": base, "epoch": cycle.epoch, Role.STEP: cycle.step}
    assert cycle.problem.examples is not None
    numbers["examples"] = len(cycle.problem.examples.learnt)
    tree = substitute(schedule.rate, lambda key: Number(float(numbers[key])))
    named = renamed(schedule.rate, {key: q.Named(str(key)) for key in numbers})
    key = "scheduled_by_epoch" if "epoch" in symbols(schedule.rate) else "scheduled"
    return (named, tree), words(key, schedule=schedule.name)


def _elided_norm(tree: Expression) -> Expression:
    """Return an assignment; of the norm of many gradients, the first few."""
    match tree:
        case Apply(Operator.SQRT, (inner,)):
            return Operator.SQRT(_elided(inner))
    return tree


def _elided(tree: Expression, always: int = 0) -> Expression:
    """Return the sum with its terms elided, except the last ``always`` ones."""
    match tree:
        case Apply(Operator.ADD, terms):
            end = len(terms) - always
            return elided_sum(terms[:end], always=terms[end:])
    return tree


def _of_input(cycle: Cycle, index: int, row: int) -> Formulas:
    """Return how an input follows from a column of the table, if there is one."""
    fitted = cycle.problem.fitted
    if fitted is None:
        return (), words("input")
    column, category = fitted.source(index)
    if category is not None:
        return (), words("category", column=abridged(column.name), category=abridged(category))
    return _of_column(column, cycle.examples.inputs[row, index])


def _of_target(cycle: Cycle, index: int, row: int) -> Formulas:
    """Return how a target follows from a column of the table, where it is not the column's own number."""
    fitted = cycle.problem.fitted
    if fitted is not None and fitted.classes is not None:
        label = fitted.classes[index if cycle.problem.network.sizes[-1] > 1 else 1]
        column = abridged(fitted.targets[0])
        return (), words("category", column=column, category=abridged(shown_label(label)))
    if fitted is None or not fitted.standardized:
        return (), words("target")
    return _of_column(fitted.standardized[index], cycle.examples.targets[row, index])


def _of_column(column: Column, value: float) -> Formulas:
    """Return how a number follows from that of a numeric column."""
    if column.mean == 0 and column.scale == 1:
        return (), words("column", column=abridged(column.name))
    numbers = {"mean": column.mean, "scale": column.scale}
    original = float(evaluate(ORIGINAL, {"value": value, **numbers}))
    # The sum's rounding is not the table's: 5.1 must not come back as 5.1000000000000005.
    shown = float(f"{original:.12g}")
    return (bind(STANDARDIZED, {"value": shown, **numbers}),), words("standardized", column=abridged(column.name))


def _spelt_out(tree: Expression) -> Expression:
    """Return the tree with plainer forms in place of functions that have one: expm1(z) as exp(z) - 1."""
    if not isinstance(tree, Apply):
        return tree
    arguments = [_spelt_out(argument) for argument in tree.arguments]
    return (tree.operator.meaning or tree.operator)(*arguments)


def _of_output(lines: Lines, layer: int, unit: int, row: int) -> Formulas:
    """Return the activation, and where it has a plainer form, that too; with the mask of dropout."""
    example = lines.example(row)
    mask, tree = example.masks[layer], lines.of_example(q.Output(layer, unit), row).expression
    remark = "" if mask is None else words("kept" if mask[unit] else "dropped")
    if not isinstance(lines.network.layers[layer].rule, Activation):
        return (example.masked(layer, unit, example.activated(layer, unit, elided_sum)),), remark
    return tuple(dict.fromkeys((tree, _spelt_out(tree)))), remark


def _of_batch(lines: Lines, k: int) -> Formulas:
    """Add up the errors of output k of all examples; an example's weight stands in front of its error."""
    trace, reduction = lines.cycle.trace, lines.network.loss.over_examples
    errors = output_errors(replace(trace, weights=None), lines.cycle.examples.targets)[:, k].tolist()
    terms: list[Expression] = list(map(Number, errors))
    key = "over_examples"
    if trace.weights is not None:
        key = "weighted_examples"
        terms = [multiply(Number(w), error) for w, error in zip(trace.weights.tolist(), terms, strict=True)]
    formula = reduced(elided_sum(terms), reduction, trace.count)
    return (formula,), words(key, reduction=reduction.replace("_", " "))
