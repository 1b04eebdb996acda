"""Local derivatives: one link of the chain rule, with its expression from the lines, its working and its number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from clearprop.cached import cached_property
from clearprop.derivation.lines import Line, Lines
from clearprop.derivation.shares import SHOWN_COLLAPSE, elided_sum, shared_slope
from clearprop.derivation.words import words
from clearprop.expressions import Expression, Number, Slope, Symbol, evaluate, renamed, substitute, symbols
from clearprop.expressions.tree import add
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


class Working(NamedTuple):
    """The way to a local derivative: what the rules of calculus make of it, and their names."""

    raw: Expression
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Factor(Computed):
    """One factor of a product: ``∂of/∂by``.

    A collapsed factor stands for a sum over paths; ``expansion`` writes that out, ``elided`` counts the terms
    left out. ``collapse`` has the products that simplify to the expression of a fused loss and activation, and
    ``steps`` what stands between them, each with a remark.
    """

    working: Working | None = None
    expansion: tuple[Term, ...] = ()
    elided: int = 0
    collapse: tuple[Term, ...] = ()
    steps: tuple[tuple[Expression, str], ...] = ()
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


def worked(slope: Slope, places: Mapping[Any, Quantity]) -> Working:
    """Return the working of a slope, with quantities in the places of its roles."""
    return Working(renamed(slope.raw, places), slope.rules)


def collapsed(quantity: Quantity, value: float, expansion: tuple[Term, ...] = (), elided: int = 0) -> Factor:
    """Return a factor that stands for a sum: written as the quantity itself."""
    return Factor(quantity, Symbol(quantity), Number(value), value, expansion=expansion, elided=elided)


class Links:
    """The local derivatives ∂of/∂by of the example in one row of a cycle's batch, each made once."""

    def __init__(self, lines: Lines, row: int = 0) -> None:
        self.lines, self.cycle, self.row = lines, lines.cycle, row
        self.formulas = lines.example(row)
        self.network, self.fused, self.last = lines.network, self.formulas.fused, self.formulas.last
        self._made: dict[Quantity, Factor] = {}

    def __call__(self, of: Quantity, by: Quantity) -> Factor:
        """Return ∂of/∂by, from its line."""
        quantity = q.Derivative(of, by)
        if quantity not in self._made:
            line = self.lines.of_example(quantity, self.row)
            numbers = plugged(line.expression, self.number), self.value(line)
            self._made[quantity] = Factor(quantity, line.expression, *numbers, **self._way(quantity))
        return self._made[quantity]

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

    def _way(self, quantity: q.Derivative) -> dict[str, Any]:
        """Return the working that leads to a factor, or what collapses into it, and a remark."""
        match quantity:
            case q.Derivative(q.Output(layer, unit), q.Sum(_, by)):
                rule, mask = self.network.layers[layer].rule, self.formulas.masks[layer]
                remark = "" if mask is None else words("kept" if mask[unit] else "dropped")
                if isinstance(rule, Activation) and unit != by:
                    names = self.cycle.names.text
                    return {"remark": words("independent", error=names(quantity.of), other=names(quantity.by))}
                if not isinstance(rule, Activation):
                    return {"remark": remark}
                places = {Role.OUTPUT: q.Output(layer, unit), Role.SUM: q.Sum(layer, unit)}
                raw = self.formulas.masked(layer, unit, renamed(rule.slope.raw, places))
                return {"remark": remark, "working": Working(raw, rule.slope.rules)}
            case q.Derivative(q.Error(m), q.Output(layer, k) | q.Sum(layer, k)) if layer == self.last and m != k:
                if isinstance(quantity.by, q.Output) or not self.formulas.fused_softmax(layer):
                    names = self.cycle.names.text
                    return {"remark": words("independent", error=names(quantity.of), other=names(quantity.by))}
                return self._collapse(quantity.of, k)
            case q.Derivative(q.TotalError() | q.Error(), q.Output(layer, k)) if layer == self.last:
                return {"working": worked(shared_slope(*self.formulas.sharing), self.formulas.places(k))}
            case q.Derivative(q.TotalError() | q.Error() as of, q.Sum(layer, k)) if layer == self.last and self.fused:
                return self._collapse(of, k)
        return {}

    def _collapse(self, of: Quantity, k: int) -> dict[str, Any]:
        """Return the products that ∂E/∂sum_k of a fused loss replaces, the steps from them to its formula, and a
        remark."""
        loss, last = self.network.loss.rule.name, self.network.layers[-1].rule.name
        fused, parts = words("fused", loss=loss, activation=last), self._fused_parts(of, k)
        if of != q.TotalError() or not self.formulas.fused_softmax(self.last):
            return {"remark": fused, "collapse": parts}
        trees = [add(*(self.formulas.entry(m, k) for m in range(len(parts))))] if len(parts) <= SHOWN_COLLAPSE else []
        if self.formulas.targets_sum_to_one:
            trees.append(self.formulas.collected(k, elided_sum))
        steps = tuple((tree, "" if at else fused) for at, tree in enumerate(trees))
        remark = words("whole") if self.formulas.targets_sum_to_one else "" if steps else fused
        return {"remark": remark, "collapse": parts, "steps": steps}

    def _fused_parts(self, of: Quantity, k: int) -> tuple[Term, ...]:
        """Return ∂E_m/∂output_m · ∂output_m/∂sum_k for each output m that sum_k reaches, or for one error alone.
        Their values may overflow where the fused one does not."""
        softmax = isinstance(self.network.layers[-1].rule, Softmax)
        errors = [of] if isinstance(of, q.Error) else map(q.Error, range(self.network.sizes[-1]) if softmax else (k,))
        by, last = q.Sum(self.last, k), self.last
        ends = ((error, q.Output(last, error.index)) for error in errors)
        return tuple(Term(error, (self(error, output), self(output, by))) for error, output in ends)
