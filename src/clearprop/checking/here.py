"""The formulas around a line: what a mistake is written with.

Every expression comes from the lines themselves or from the rules of the network; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from clearprop.derivation.lines import Lines
from clearprop.derivation.shares import shared
from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, renamed, simplify, substitute
from clearprop.expressions.tree import add, multiply
from clearprop.network import names as q
from clearprop.network.layout import Place
from clearprop.network.names import Quantity
from clearprop.rules.activations import Activation
from clearprop.rules.roles import Role, t, y

TOTAL = q.TotalError()
OWN = object()
"""Stands for what a sum has anyway."""


class Here:
    """The formulas of one example of a cycle, by layer, unit and source (all counted from 0)."""

    def __init__(self, lines: Lines, row: int = 0) -> None:
        self.lines, self.example = lines, lines.example(row)
        self.network, self.layout, self.last = lines.network, lines.layout, self.example.last
        self.sizes, self.outputs = self.network.sizes, self.network.sizes[-1]
        self.loss = self.network.loss.rule
        self.batch, self.count = lines.batch, len(lines.cycle.numbers)

    # --- quantities ---------------------------------------------------------------------------------------

    def seen(self, layer: int, source: int) -> Expression:
        """Return an input of a layer."""
        return Symbol(self.example.seen(layer, source))

    def weight(self, layer: int, unit: int, source: int) -> Expression:
        """Return the weight of a unit for one of its inputs."""
        return self.example.weight(layer, unit, source)

    def square(self, layer: int) -> bool:
        """Return whether a layer has as many units as inputs, and more than one."""
        return self.sizes[layer] == self.sizes[layer + 1] > 1

    def bias(self, layer: int, unit: int) -> Expression | None:
        """Return the bias of a unit, or None where it has none."""
        policy = self.network.layers[layer].bias
        if policy == "none":
            return None
        return Symbol(q.Parameter(self.layout.index(Place(layer, 0 if policy == "shared" else unit, None))))

    def total(self, layer: int, unit: int) -> Expression:
        """Return the weighted sum of a unit."""
        return Symbol(q.Sum(layer, unit))

    def output(self, layer: int, unit: int) -> Expression:
        """Return the output of a unit; those of layer -1 are the inputs."""
        return self.seen(layer + 1, unit)

    def by_output(self, layer: int, unit: int) -> Expression:
        """Return ∂E/∂output_unit."""
        return Symbol(q.Derivative(TOTAL, q.Output(layer, unit)))

    def signal(self, layer: int, unit: int) -> Expression:
        """Return ∂E/∂sum_unit."""
        return Symbol(q.Derivative(TOTAL, q.Sum(layer, unit)))

    def slope(self, layer: int, unit: int) -> Expression:
        """Return ∂output_unit/∂sum_unit."""
        return Symbol(q.Derivative(q.Output(layer, unit), q.Sum(layer, unit)))

    def place(self, index: int) -> Place:
        """Return the place of a parameter."""
        return self.layout.place(index)

    # --- rules --------------------------------------------------------------------------------------------

    def rule(self, layer: int) -> Any:
        """Return the activation of a layer."""
        return self.network.layers[layer].rule

    def scalar(self, layer: int) -> bool:
        """Return whether each unit of a layer is activated alone, which is not so under softmax."""
        return isinstance(self.rule(layer), Activation)

    def activation(self, layer: int) -> str:
        """Return the name of a layer's activation."""
        return str(self.rule(layer).name)

    def fused(self, layer: int) -> bool:
        """Return whether the error signals of a layer come from a loss and an activation with one formula."""
        return layer == self.last and self.example.fused is not None

    def activated(self, layer: int, unit: int, tree: Expression) -> Expression:
        """Return an expression in z of a unit's sum, times the mask of dropout."""
        return self.example.masked(layer, unit, renamed(tree, {Role.SUM: q.Sum(layer, unit)}))

    def sloped(self, layer: int, unit: int, tree: Expression) -> Expression:
        """Return an expression in y and z of a unit's output and sum, times the mask of dropout."""
        places = {Role.SUM: q.Sum(layer, unit), Role.OUTPUT: q.Output(layer, unit)}
        return self.example.masked(layer, unit, renamed(tree, places))

    def share(self, tree: Expression) -> Expression:
        """Return an expression in y and t, times the example's weight and its share of the outputs."""
        return shared(tree, *self.example.sharing)

    def error(self, k: int, tree: Expression) -> Expression:
        """Return an expression in y and t of output k, with its share."""
        return renamed(self.share(tree), self.example.places(k))

    def is_first_signal(self, quantity: Quantity) -> int | None:
        """Return the output at which the loss is differentiated in this line: by the output or, where loss and
        activation have one formula, by the sum."""
        match quantity:
            case q.Derivative(q.TotalError(), q.Output(layer, k)) if layer == self.last:
                return k
            case q.Derivative(q.TotalError(), q.Sum(layer, k)) if self.fused(layer):
                return k
        return None

    # --- whole formulas -----------------------------------------------------------------------------------

    def weighted(
        self,
        layer: int,
        unit: int,
        *,
        seen: Callable[[int], Expression] | None = None,
        weight: Callable[[int], Expression] | None = None,
        bias: Any = OWN,
    ) -> Expression:
        """Return Σ_i seen_i · weight_i + bias with some of its parts replaced; a bias of None is left out."""
        terms = [
            multiply(
                self.seen(layer, i) if seen is None else seen(i),
                self.weight(layer, unit, i) if weight is None else weight(i),
            )
            for i in range(self.sizes[layer])
        ]
        last = self.bias(layer, unit) if bias is OWN else bias
        return add(*terms, *([] if last is None else [last]))

    def handed_back(self, layer: int, unit: int) -> list[Expression]:
        """Return the terms of ∂E/∂output_unit of a hidden unit: ∂E/∂sum_v · weight_vu for each unit v after it."""
        return [
            multiply(self.signal(layer + 1, v), self.weight(layer + 1, v, unit)) for v in range(self.sizes[layer + 2])
        ]

    def gradient(self, index: int, own: Expression) -> Expression:
        """Return a parameter's gradient from its part without the penalty."""
        if self.batch or not self.lines.penalized(index):
            return own
        return own + Symbol(q.Derivative(q.PenaltyError(), q.Parameter(index)))

    @property
    def penalty(self) -> list[Expression]:
        """The penalty, as a term of the error where it has one; it belongs to the batch, not to one example of it."""
        return [Symbol(q.PenaltyError())] if self.lines.penalty and not self.batch else []

    def half_square(self) -> bool:
        """Return whether the loss is half the square of target - output."""
        return self.loss.name == "half_squared_error"

    def squared(self) -> bool:
        """Return whether the loss is the square of target - output, halved or not."""
        return self.loss.name in ("half_squared_error", "squared_error")

    @property
    def factor(self) -> Expression | None:
        """Return the factor of the square in the loss: ½, or None for 1."""
        return Number(1.0) / Number(2.0) if self.half_square() else None


DIFFERENCE = t - y


def scaled(factor: Expression | None, tree: Expression) -> Expression:
    """Return the tree times a factor, if there is one."""
    return tree if factor is None else factor * tree


def swapped(tree: Expression, pairs: dict[Any, Any]) -> Expression:
    """Return the tree with each symbol in the place of another."""
    return substitute(tree, lambda key: Symbol(pairs[key]) if key in pairs else None)


def with_numbers(tree: Expression, numbers: dict[Any, float]) -> Expression:
    """Return the tree with a number in place of some symbols, simplified."""
    return simplify(substitute(tree, lambda key: Number(numbers[key]) if key in numbers else None))


def function_replaced(
    tree: Expression, operator: Operator, replacement: Callable[[tuple[Expression, ...]], Expression]
) -> Expression:
    """Return the tree with each use of an operator replaced."""
    if not isinstance(tree, Apply):
        return tree
    arguments = tuple(function_replaced(each, operator, replacement) for each in tree.arguments)
    return replacement(arguments) if tree.operator is operator else Apply(tree.operator, arguments)


def mean(terms: Iterable[Expression]) -> Expression:
    """Return the mean of the terms."""
    listed = list(terms)
    return add(*listed) / Number(float(len(listed)))
