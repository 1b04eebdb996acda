"""Local derivatives: one link of the chain rule, with its formula, its working and its number.

Each is read from the rule that computed the forward pass; none is stated here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from clearprop.derivation.words import words
from clearprop.expressions import (
    Apply,
    Expression,
    Number,
    Operator,
    Slope,
    Symbol,
    differentiate,
    evaluate,
    renamed,
    simplify,
)
from clearprop.expressions.tree import multiply
from clearprop.network import names as q
from clearprop.network.description import Objective
from clearprop.network.names import Quantity
from clearprop.network.parameters import Place
from clearprop.propagation.cycle import Cycle
from clearprop.propagation.forward import error_share
from clearprop.rules.activations import Activation, Softmax
from clearprop.rules.fused import AnyFused
from clearprop.rules.roles import Role


@dataclass(frozen=True)
class Working:
    """How a local derivative comes about: what is differentiated, as the rules of calculus
    give it, and the names of those rules."""

    of: Expression
    raw: Expression
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Factor:
    """One factor of a product: ``∂of/∂by``, its expression, its number.

    A collapsed factor stands for a sum over paths; ``expansion`` writes that out. ``collapse``
    has the products that a fused loss and activation simplify to the expression.
    """

    quantity: Quantity
    expression: Expression
    value: float
    working: Working | None = None
    expansion: tuple[Term, ...] = ()
    elided: int = 0
    collapse: tuple[Term, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class Term:
    """A product of factors: one way in which a parameter contributes to an error."""

    of: Quantity
    factors: tuple[Factor, ...]
    example: int | None = None

    @cached_property
    def product(self) -> float:
        """The product of the factors, at full precision."""
        return float(np.prod([factor.value for factor in self.factors]))


WEIGHT = q.Named("weight")
"""How much an example counts, in the formulas of those that have a weight."""


def weighted(tree: Expression) -> Expression:
    """The tree times the example's weight, as one product; a minus sign stays in front."""
    match tree:
        case Apply(Operator.NEGATE, (u,)):
            return -weighted(u)
        case Apply(Operator.MULTIPLY, factors):
            return multiply(Symbol(WEIGHT), *factors)
    return multiply(Symbol(WEIGHT), tree)


def shared(tree: Expression, objective: Objective, outputs: int, counted: bool) -> Expression:
    """A loss's tree times what its error is multiplied with: the example's weight if it has one
    (``counted``), and its share of so many outputs under ``over_outputs = "mean"``."""
    tree = weighted(tree) if counted else tree
    return tree / outputs if objective.over_outputs == "mean" else tree


def shared_slope(objective: Objective, outputs: int, counted: bool) -> Slope:
    """The derivative by the output of what ``shared`` makes of the loss."""
    slope = differentiate(shared(objective.rule.formula, objective, outputs, counted), Role.OUTPUT)
    if not counted:
        return slope
    # Simplified as without a weight, which stays in front where it is seen.
    return slope._replace(simplified=simplify(shared(objective.rule.slope.simplified, objective, outputs, counted)))


def shared_fused(fused: AnyFused, objective: Objective, outputs: int, counted: bool) -> Expression:
    """The error signal of a fused loss and activation as it is shown, times the same."""
    tree = shared(fused.shown_slope, objective, outputs, counted)
    return simplify(tree) if objective.over_outputs == "mean" else tree


class Links:
    """The local derivatives of one cycle, for the example in the given row of its batch."""

    def __init__(self, cycle: Cycle, row: int = 0) -> None:
        self.cycle, self.row = cycle, row
        self.network = cycle.problem.network
        self.last = self.network.depth - 1
        self.masked = cycle.trace.masks[self.last] is not None
        self.fused = None if self.masked else self.network.fused

    @cached_property
    def error(self) -> Expression:
        """E_k as an expression in y and t, with the example's weight if it has one, and its share
        under ``over_outputs = "mean"``."""
        return shared(self.network.loss.rule.formula, *self.sharing)

    @cached_property
    def sharing(self) -> tuple[Objective, int, bool]:
        """What ``shared`` asks for."""
        return self.network.loss, self.network.sizes[-1], self.weight is not None

    @cached_property
    def share(self) -> float:
        """What each output's error is multiplied with."""
        shares = np.broadcast_to(error_share(self.cycle.trace), (len(self.cycle.examples), 1))
        return float(shares[self.row, 0])

    @cached_property
    def error_slope(self) -> Slope:
        return shared_slope(*self.sharing)

    def output_places(self, k: int) -> dict[Any, Quantity]:
        """The quantities that play the roles of output k."""
        return {Role.OUTPUT: q.Output(self.last, k), Role.SUM: q.Sum(self.last, k), Role.TARGET: q.Target(k)}

    def error_by_output(self, k: int, of: Quantity) -> Factor:
        """∂E/∂output_k, the loss differentiated."""
        places = self.output_places(k)
        given = {Role.OUTPUT: self.output(self.last, k), Role.TARGET: self.target(k), WEIGHT: self.weight}
        slope = self.error_slope
        return Factor(
            q.Derivative(of, q.Output(self.last, k)),
            renamed(slope.simplified, places),
            float(evaluate(slope.simplified, given)),
            Working(renamed(self.error, places), renamed(slope.raw, places), slope.rules),
        )

    def error_by_sum(self, k: int, of: Quantity) -> Factor:
        """∂E/∂sum_k of a loss fused with its activation: where the sums and targets meet."""
        assert self.fused is not None
        network, places = self.network, self.output_places(k)
        value = self.fused.signals(self.sums(self.last)[None], self.targets[None])[0, k]
        shown = shared_fused(self.fused, *self.sharing)
        rule, last = network.loss.rule.name, network.layers[-1].rule.name
        return Factor(
            q.Derivative(of, q.Sum(self.last, k)),
            renamed(shown, places),
            float(value) * self.share,
            collapse=self.fused_parts(k),
            remark=words("fused", loss=rule, activation=last),
        )

    def fused_parts(self, k: int) -> tuple[Term, ...]:
        """What ``error_by_sum`` puts together: ∂E_m/∂output_m · ∂output_m/∂sum_k for each output m that
        sum_k reaches. Their values may overflow where the fused one does not."""
        softmax = isinstance(self.network.layers[-1].rule, Softmax)
        outputs = range(self.network.sizes[-1]) if softmax else (k,)
        return tuple(
            Term(q.Error(m), (self.error_by_output(m, q.Error(m)), self.output_by_sum(self.last, m, k)))
            for m in outputs
        )

    def output_by_sum(self, layer: int, unit: int, by: int | None = None) -> Factor:
        """∂output_unit/∂sum_by: the activation differentiated; ``by`` differs only under softmax."""
        by = unit if by is None else by
        rule, mask = self.network.layers[layer].rule, self.cycle.trace.masks[layer]
        scale = None if mask is None else float(mask[self.row, unit])
        places: dict[Any, Quantity] = {Role.OUTPUT: q.Output(layer, unit), Role.SUM: q.Sum(layer, unit)}
        working = None
        if isinstance(rule, Activation):
            slope = rule.slope
            # A dropped or scaled output is no longer the activation's own value.
            shown = rule.printed_slope if scale is None else slope.simplified
            expression = renamed(shown, places)
            working = Working(renamed(rule.formula, places), renamed(slope.raw, places), slope.rules)
            value = float(rule.slopes(self.sums(layer)[unit : unit + 1])[0])
        else:
            places["other"] = q.Output(layer, by)
            expression = renamed(rule.diagonal if unit == by else rule.off_diagonal, places)
            one = np.eye(self.network.sizes[layer + 1])[unit]
            jacobian = rule.pull_back(self.sums(layer)[None], one)
            value = float(jacobian[0, by])
        if scale is not None:
            expression, value = multiply(Number(scale), expression), scale * value
        remark = "" if scale is None else words("kept" if scale else "dropped")
        return Factor(q.Derivative(q.Output(layer, unit), q.Sum(layer, by)), expression, value, working, remark=remark)

    def sum_by_output(self, layer: int, unit: int, source: int) -> Factor:
        """∂sum_unit/∂output_source of the layer before: the weight between them."""
        index = self.cycle.parameters.layout.index(Place(layer, unit, source))
        value = float(self.cycle.parameters.weights(layer)[unit, source])
        by = q.Output(layer - 1, source)
        return Factor(q.Derivative(q.Sum(layer, unit), by), Symbol(q.Parameter(index)), value)

    def sum_by_parameter(self, layer: int, unit: int, index: int) -> Factor:
        """∂sum_unit/∂parameter: what the weight is multiplied with; 1 for a bias."""
        source = self.cycle.parameters.layout.place(index).source
        quantity = q.Derivative(q.Sum(layer, unit), q.Parameter(index))
        if source is None:
            return Factor(quantity, Number(1.0), 1.0)
        value = float(self.cycle.trace.before(layer)[self.row, source])
        return Factor(quantity, Symbol(q.Output(layer - 1, source)), value)

    # --- numbers of this example -----------------------------------------------------------

    def sums(self, layer: int) -> Any:
        return self.cycle.trace.sums[layer][self.row]

    def output(self, layer: int, unit: int) -> Any:
        return self.cycle.trace.outputs[layer][self.row, unit]

    @property
    def targets(self) -> Any:
        return self.cycle.examples.targets[self.row]

    def target(self, k: int) -> Any:
        return self.targets[k]

    @property
    def weight(self) -> Any:
        weights = self.cycle.trace.weights
        return None if weights is None else weights[self.row]
