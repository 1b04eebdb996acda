"""The error of one output as it counts: the loss, times the example's weight and its share of the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clearprop.derivation.words import words
from clearprop.expressions import (
    Apply,
    Expression,
    Number,
    Operator,
    Slope,
    Symbol,
    differentiate,
    simplify,
    substitute,
)
from clearprop.expressions.tree import add, multiply
from clearprop.network import names as q
from clearprop.network.description import Objective, OverExamples
from clearprop.rules.fused import AnyFused
from clearprop.rules.losses import REDUCTIONS
from clearprop.rules.roles import Role

WEIGHT = q.Named("weight")
"""The weight of an example, in the formulas of examples that have one."""


SHOWN_TERMS = 6
"""A sum of more terms than this, by more than a few, shows its first ones and counts the rest."""
SHOWN_COLLAPSE = 6
"""The most products that are written out before they collapse to one formula."""


def weighted(tree: Expression) -> Expression:
    """Return the tree times the example's weight, as one product; a minus sign stays in front."""
    match tree:
        case Apply(Operator.NEGATE, (u,)):
            return -weighted(u)
        case Apply(Operator.MULTIPLY, factors):
            return multiply(Symbol(WEIGHT), *factors)
    return multiply(Symbol(WEIGHT), tree)


def reduced(total: Expression, reduction: OverExamples, count: float) -> Expression:
    """Return the sum or mean of ``count`` terms with this total; the mean of one is that one."""
    parts: dict[Any, Expression] = {"total": total, "count": Number(float(count))}
    return total if count == 1 else substitute(REDUCTIONS[reduction], parts.get)


def shared(tree: Expression, objective: Objective, outputs: int, counted: bool) -> Expression:
    """Return a loss's tree times the example's weight, if it has one (``counted``), and divided by the number
    of outputs under ``over_outputs = "mean"``."""
    tree = weighted(tree) if counted else tree
    return reduced(tree, objective.over_outputs, outputs)


def shared_slope(objective: Objective, outputs: int, counted: bool) -> Slope:
    """Return the derivative of the shared loss by the output."""
    slope = differentiate(shared(objective.rule.formula, objective, outputs, counted), Role.OUTPUT)
    if not counted:
        return slope
    # Simplified as without a weight, which stays in front where it is seen.
    own = objective.rule.slope
    simplified, written = (shared(each, objective, outputs, counted) for each in (own.simplified, own.written))
    return slope._replace(simplified=simplify(simplified), written=simplify(written))


def shared_fused(fused: AnyFused, objective: Objective, outputs: int, counted: bool) -> Expression:
    """Return the error signal of a fused loss and activation as it is shown, shared likewise."""
    tree = shared(fused.shown_slope, objective, outputs, counted)
    return simplify(tree) if objective.over_outputs == "mean" else tree


def elided_sum(terms: Sequence[Expression], count: int | None = None, always: Sequence[Expression] = ()) -> Expression:
    """Return the sum of the terms; of many, the first few and the number of the others (``count`` is that of all)."""
    count = len(terms) if count is None else count
    if count > SHOWN_TERMS + 2:
        terms = [*terms[:SHOWN_TERMS], Symbol(words("more", count=count - SHOWN_TERMS))]
    return add(*terms, *always)
