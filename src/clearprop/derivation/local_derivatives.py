"""Local derivatives: one link of the chain rule, with its expression from the lines, its working and its number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from clearprop.derivation.lines import Line, Lines
from clearprop.derivation.shares import shared_slope
from clearprop.derivation.words import words
from clearprop.expressions import Expression, Number, Symbol, evaluate, renamed, substitute, symbols
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.rules.activations import Activation, Softmax
from clearprop.rules.roles import Role


@dataclass(frozen=True)
class Computed:
    """A line with its numbers: the expression, the same with the numbers put in, and its value."""

    quantity: Quantity
    expression: Expression
    plugged: Expression
    value: float


@dataclass(frozen=True)
class Working:
    """The way to a local derivative: what is differentiated, what the rules of calculus make of it, and their names."""

    of: Expression
    raw: Expression
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Factor(Computed):
    """One factor of a product: ``∂of/∂by``.

    A collapsed factor stands for a sum over paths; ``expansion`` writes that out, ``elided`` counts the terms
    left out. ``collapse`` has the products that simplify to the expression of a fused loss and activation.
    """

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


def plugged(tree: Expression, number: Callable[[Any], float]) -> Expression:
    """Return the tree with the number of each quantity in its place."""
    return substitute(tree, lambda key: None if isinstance(key, str) else Number(number(key)))


def collapsed(quantity: Quantity, value: float, expansion: tuple[Term, ...] = (), elided: int = 0) -> Factor:
    """Return a factor that stands for a sum: written as the quantity itself."""
    return Factor(quantity, Symbol(quantity), Number(value), value, expansion=expansion, elided=elided)


class Links:
    """The local derivatives of the example in one row of a cycle's batch, each made once."""

    def __init__(self, lines: Lines, row: int = 0) -> None:
        self.lines, self.cycle, self.row = lines, lines.cycle, row
        self.formulas = lines.example(row)
        self.network, self.fused = self.cycle.problem.network, self.formulas.fused
        self.last = self.network.depth - 1
        self._made: dict[Quantity, Factor] = {}

    def _make(self, quantity: q.Derivative, **more: Any) -> Factor:
        line = self.lines.of_example(quantity, self.row)
        made = Factor(quantity, line.expression, plugged(line.expression, self.number), self.value(line), **more)
        self._made[quantity] = made
        return made

    def number(self, quantity: Any) -> float:
        """Return the number of a quantity of this example."""
        return self.cycle.value(quantity, self.row)

    def value(self, line: Line) -> float:
        """Return the number of a line: what backward found, or its expression evaluated with all digits."""
        found = self.cycle.known(line.quantity, self.row) if not line.rewritten else None
        if found is not None:
            return float(found)
        tree = line.expression if line.exact is None else line.exact
        return float(evaluate(tree, {key: self.number(key) for key in symbols(tree)}))

    def error_by_output(self, k: int, of: Quantity) -> Factor:
        """∂E/∂output_k, the loss differentiated."""
        quantity = q.Derivative(of, q.Output(self.last, k))
        return self._made.get(quantity) or self._make(quantity, working=self._loss_working(k))

    def _loss_working(self, k: int) -> Working:
        places, slope = self.formulas.places(k), shared_slope(*self.formulas.sharing)
        return Working(self.formulas.error(k).expression, renamed(slope.raw, places), slope.rules)

    def error_by_sum(self, k: int, of: Quantity) -> Factor:
        """∂E/∂sum_k of a loss fused with its activation: where the sums and targets meet."""
        rule, last = self.network.loss.rule.name, self.network.layers[-1].rule.name
        remark = words("fused", loss=rule, activation=last)
        quantity = q.Derivative(of, q.Sum(self.last, k))
        return self._made.get(quantity) or self._make(quantity, collapse=self.fused_parts(k), remark=remark)

    def fused_parts(self, k: int) -> tuple[Term, ...]:
        """The products that ``error_by_sum`` replaces: ∂E_m/∂output_m · ∂output_m/∂sum_k for each output m that
        sum_k reaches. Their values may overflow where the fused one does not."""
        softmax = isinstance(self.network.layers[-1].rule, Softmax)
        outputs = range(self.network.sizes[-1]) if softmax else (k,)
        return tuple(
            Term(q.Error(m), (self.error_by_output(m, q.Error(m)), self.output_by_sum(self.last, m, k)))
            for m in outputs
        )

    def output_by_sum(self, layer: int, unit: int, by: int | None = None) -> Factor:
        """∂output_unit/∂sum_by: the activation differentiated; ``by`` differs only under softmax."""
        quantity, mask = (
            q.Derivative(q.Output(layer, unit), q.Sum(layer, unit if by is None else by)),
            self.formulas.masks[layer],
        )
        remark = "" if mask is None else words("kept" if mask[unit] else "dropped")
        return self._made.get(quantity) or self._make(quantity, working=self._slope_working(layer, unit), remark=remark)

    def _slope_working(self, layer: int, unit: int) -> Working | None:
        rule = self.network.layers[layer].rule
        if not isinstance(rule, Activation):
            return None
        places: dict[Any, Quantity] = {Role.OUTPUT: q.Output(layer, unit), Role.SUM: q.Sum(layer, unit)}
        of, raw = (self.formulas.masked(layer, unit, renamed(tree, places)) for tree in (rule.formula, rule.slope.raw))
        return Working(of, raw, rule.slope.rules)

    def sum_by_output(self, layer: int, unit: int, source: int) -> Factor:
        """∂sum_unit/∂output_source of the layer before: the weight between them."""
        quantity = q.Derivative(q.Sum(layer, unit), q.Output(layer - 1, source))
        return self._made.get(quantity) or self._make(quantity)

    def sum_by_parameter(self, layer: int, unit: int, index: int) -> Factor:
        """∂sum_unit/∂parameter: what the weight is multiplied with; 1 for a bias."""
        quantity = q.Derivative(q.Sum(layer, unit), q.Parameter(index))
        return self._made.get(quantity) or self._make(quantity)
