"""The chain rule, written out: why a gradient is what it is.

    ∂E_k/∂w = ∂E_k/∂output_k · ∂output_k/∂sum_k · ∂sum_k/∂output_h · ∂output_h/∂sum_h · ∂sum_h/∂w

One term per output error, as the lecture splits it; where more than one path leads from a
unit to an error, the term starts with the collapsed factor ∂E_k/∂output_u, and that factor's
expansion writes out the paths, or the next layer where there are too many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from clearprop.derivation.local_derivatives import Factor, Links, Term, Working
from clearprop.derivation.words import words
from clearprop.display import Displayable
from clearprop.errors import Disagreement
from clearprop.expressions import Expression, Number, Symbol, evaluate, renamed
from clearprop.expressions.tree import multiply
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle
from clearprop.propagation.forward import example_share
from clearprop.rules.activations import Activation
from clearprop.rules.roles import Role
from clearprop.types import Array

PATH_LIMIT = 16
"""A collapsed factor with at most so many paths is expanded in full, otherwise by one layer."""
WIDTH_LIMIT = 16
"""A one-layer expansion over more units than this shows the largest ones and counts the rest."""
AGREEMENT = 1e-9
"""How closely a derivation must agree with backward, relative to the sizes of all paths added up: where
they cancel, what is left is rounding."""


@dataclass(frozen=True)
class Assigned:
    """One line of the update: a quantity, its expression, its value."""

    quantity: Quantity
    expression: Expression
    value: float


@dataclass(frozen=True)
class GradientDerivation(Displayable):
    """∂E/∂(a parameter, sum or output): the terms, their sum, and for a parameter the update.

    ``cycle`` and ``row`` say whose numbers these are; ``row`` is None for a batch.
    """

    cycle: Cycle
    quantity: Quantity
    terms: tuple[Term, ...]
    gradient: float
    row: int | None = 0
    update: tuple[Assigned, ...] = ()
    updated: float | None = None

    def value(self, quantity: Any) -> float:
        """The number behind any symbol in this derivation."""
        return symbol_value(self.cycle, quantity, self.row or 0)


class Chain:
    """The derivations of one example of a cycle."""

    def __init__(self, cycle: Cycle, row: int = 0) -> None:
        self.cycle, self.row = cycle, row
        self.network = cycle.problem.network
        self.links = Links(cycle, row)
        self.last = self.network.depth - 1
        self.scalar_output = isinstance(self.network.layers[-1].rule, Activation)

    # --- ∂E_k of every sum and output: backward once more, one output error at a time ---------

    @cached_property
    def by_sum(self) -> tuple[Array, ...]:
        """∂E_k/∂sum_u per layer, shape (errors, units)."""
        return self._split[0]

    @cached_property
    def by_output(self) -> tuple[Array, ...]:
        """∂E_k/∂output_u per layer, shape (errors, units)."""
        return self._split[1]

    @cached_property
    def sizes(self) -> tuple[Array, ...]:
        """The sizes of all contributions that sum_u makes to the errors, added up, per layer."""
        return self._split[2]

    @cached_property
    def _split(self) -> tuple[tuple[Array, ...], tuple[Array, ...], tuple[Array, ...]]:
        parameters = self.cycle.parameters
        count = self.network.sizes[-1]
        by_sum: list[Array] = [np.empty(0)] * self.network.depth
        by_output: list[Array] = [np.empty(0)] * self.network.depth
        sizes: list[Array] = [np.empty(0)] * self.network.depth
        with np.errstate(all="ignore"):
            slopes = [self.links.error_by_output(k, q.Error(k)).value for k in range(count)]
            by_output[-1] = np.diag(slopes)
            fused = self.links.fused
            if fused is not None:
                entries = fused.entries(self.links.sums(self.last), self.links.targets)
                by_sum[-1] = entries * self.links.share
            else:
                by_sum[-1] = self.through(self.last, by_output[-1])
            sizes[-1] = np.abs(by_sum[-1]).sum(axis=0)
            for layer in reversed(range(self.last)):
                weights = parameters.weights(layer + 1)
                by_output[layer] = by_sum[layer + 1] @ weights
                by_sum[layer] = self.through(layer, by_output[layer])
                sizes[layer] = self._sizes_through(layer, sizes[layer + 1] @ np.abs(weights))
        for layer, signal in enumerate(self.cycle.gradients.signals):
            expected, found = signal[self.row], by_sum[layer].sum(axis=0)
            if not np.all(np.abs(expected - found) <= AGREEMENT * sizes[layer] + 1e-300):
                raise Disagreement(
                    f"the error signals of layer {layer + 1} do not add up to what backward found; "
                    "this is a bug in clearprop, please report it with the network file"
                )
        return tuple(by_sum), tuple(by_output), tuple(sizes)

    def through(self, layer: int, upstream: Array) -> Array:
        """∂E/∂sum from ∂E/∂output of one layer, row by row."""
        mask = self.cycle.trace.masks[layer]
        if mask is not None:
            upstream = upstream * mask[self.row]
        sums = np.broadcast_to(self.links.sums(layer), upstream.shape)
        return self.network.layers[layer].rule.pull_back(sums, upstream)

    def _sizes_through(self, layer: int, upstream: Array) -> Array:
        if isinstance(self.network.layers[layer].rule, Activation):
            return np.abs(self.through(layer, upstream))
        return np.asarray(upstream @ np.abs(self.through(layer, np.eye(len(upstream)))))

    # --- terms ---------------------------------------------------------------------------

    def parameter_terms(self, index: int) -> tuple[Term, ...]:
        """The terms of ∂E_total/∂parameter for this example alone, the penalty excepted."""
        layer = self.cycle.parameters.layout.place(index).layer
        terms = []
        for u in self.units(index):
            last = self.links.sum_by_parameter(layer, u, index)
            terms += [Term(of, (*factors, last)) for of, factors in self.to_sum(layer, u)]
        return tuple(terms)

    def parameter_size(self, index: int) -> float:
        """The sizes of all contributions that a parameter makes to this example's errors, added up."""
        layer = self.cycle.parameters.layout.place(index).layer
        links = ((u, self.links.sum_by_parameter(layer, u, index).value) for u in self.units(index))
        return sum(float(self.sizes[layer][u]) * abs(value) for u, value in links)

    def units(self, index: int) -> Sequence[int]:
        """The units that a parameter belongs to: all of a layer for its shared bias."""
        layer, unit, source = self.cycle.parameters.layout.place(index)
        shared = source is None and self.network.layers[layer].bias == "shared"
        return range(self.network.sizes[layer + 1]) if shared else (unit,)

    def to_sum(self, layer: int, unit: int) -> Iterator[tuple[Quantity, tuple[Factor, ...]]]:
        """The factors of ∂E/∂sum_unit, for each error that the unit reaches."""
        if layer == self.last:
            yield from self._to_output_sum(unit)
            return
        if not isinstance(self.network.layers[layer].rule, Activation):
            for k in range(self.network.sizes[-1]):
                yield q.Error(k), (self.collapsed_sum(k, layer, unit),)
            return
        slope = self.links.output_by_sum(layer, unit)
        for of, factors in self.to_output(layer, unit):
            yield of, (*factors, slope)

    def _to_output_sum(self, unit: int) -> Iterator[tuple[Quantity, tuple[Factor, ...]]]:
        total = q.TotalError()
        if self.links.fused is not None:
            yield total, (self.links.error_by_sum(unit, total),)
        elif self.scalar_output:
            yield total, (self.links.error_by_output(unit, total), self.links.output_by_sum(self.last, unit))
        else:
            for k in range(self.network.sizes[-1]):
                of = q.Error(k)
                yield of, (self.links.error_by_output(k, of), self.links.output_by_sum(self.last, k, unit))

    def to_output(self, layer: int, unit: int) -> Iterator[tuple[Quantity, tuple[Factor, ...]]]:
        """The factors of ∂E/∂output_unit, for each error that the unit reaches."""
        if layer == self.last:
            of: Quantity = q.TotalError() if self.scalar_output else q.Error(unit)
            yield of, (self.links.error_by_output(unit, of),)
            return
        for k in range(self.network.sizes[-1]):
            if layer == self.last - 1 and self.scalar_output:
                weight = self.links.sum_by_output(self.last, k, unit)
                yield q.Error(k), (*self.error_to_sum(k), weight)
            else:
                yield q.Error(k), (self.collapsed_output(k, layer, unit),)

    def error_to_sum(self, k: int) -> tuple[Factor, ...]:
        """∂E_k/∂sum_k of a scalar output: one fused factor, or loss and activation."""
        of = q.Error(k)
        if self.links.fused is not None:
            return (self.links.error_by_sum(k, of),)
        return self.links.error_by_output(k, of), self.links.output_by_sum(self.last, k)

    # --- collapsed factors and what they stand for ---------------------------------------------

    def collapsed_output(self, k: int, layer: int, unit: int) -> Factor:
        """∂E_k/∂output_unit, a sum over all paths from the unit to the error."""
        quantity = q.Derivative(q.Error(k), q.Output(layer, unit))
        expansion, elided = self._expansion(k, layer, unit)
        value = float(self.by_output[layer][k, unit])
        return Factor(quantity, Symbol(quantity), value, expansion=expansion, elided=elided)

    def collapsed_sum(self, k: int, layer: int, unit: int, expand: bool = True) -> Factor:
        """∂E_k/∂sum_unit; under softmax a sum over the outputs of its layer."""
        quantity = q.Derivative(q.Error(k), q.Sum(layer, unit))
        value = float(self.by_sum[layer][k, unit])
        expansion: tuple[Term, ...] = ()
        elided = 0
        if expand and layer < self.last and not isinstance(self.network.layers[layer].rule, Activation):
            size = self.network.sizes[layer + 1]
            terms = []
            for v in range(min(size, WIDTH_LIMIT)):
                of = q.Derivative(q.Error(k), q.Output(layer, v))
                first = Factor(of, Symbol(of), float(self.by_output[layer][k, v]))
                terms.append(Term(q.Error(k), (first, self.links.output_by_sum(layer, v, unit))))
            expansion, elided = tuple(terms), size - len(terms)
        return Factor(quantity, Symbol(quantity), value, expansion=expansion, elided=elided)

    def _expansion(self, k: int, layer: int, unit: int) -> tuple[tuple[Term, ...], int]:
        scalar = all(isinstance(rule.rule, Activation) for rule in self.network.layers[layer + 1 :])
        paths = prod(self.network.sizes[layer + 2 : -1])
        if scalar and paths <= PATH_LIMIT:
            return tuple(self._paths(k, layer, unit)), 0
        return self._one_layer(k, layer, unit)

    def _paths(self, k: int, layer: int, unit: int) -> Iterator[Term]:
        """Every path from the unit's output to E_k, each as a product of local derivatives."""

        def onward(at: int, source: int) -> Iterator[tuple[Factor, ...]]:
            if at == self.last:
                yield (*self.error_to_sum(k), self.links.sum_by_output(at, k, source))
                return
            for u in range(self.network.sizes[at + 1]):
                here = self.links.output_by_sum(at, u), self.links.sum_by_output(at, u, source)
                for factors in onward(at + 1, u):
                    yield (*factors, *here)

        for factors in onward(layer + 1, unit):
            yield Term(q.Error(k), factors)

    def _one_layer(self, k: int, layer: int, unit: int) -> tuple[tuple[Term, ...], int]:
        """Σ_v ∂E_k/∂sum_v · weight: the error signals of the next layer, each expandable by name."""
        products = self.by_sum[layer + 1][k] * self.cycle.parameters.weights(layer + 1)[:, unit]
        largest = np.sort(np.argsort(-np.abs(products), kind="stable")[:WIDTH_LIMIT])
        terms = tuple(
            Term(
                q.Error(k),
                (
                    self.collapsed_sum(k, layer + 1, int(v), expand=False),
                    self.links.sum_by_output(layer + 1, int(v), unit),
                ),
            )
            for v in largest
        )
        return terms, len(products) - len(terms)


# --- whole derivations ---------------------------------------------------------------------


def derive_parameter(cycle: Cycle, index: int, chains: dict[int, Chain] | None = None) -> GradientDerivation:
    """Why the gradient of a weight or bias, and its new value, are what they are.

    Raises:
        Disagreement: the terms do not add up to what backward found.
    """
    chains = {} if chains is None else chains
    count = len(cycle.examples)
    for row in range(count):
        if row not in chains:
            chains[row] = Chain(cycle, row)
    terms = _batch_terms(cycle, index, chains) if cycle.example == "all" else chains[0].parameter_terms(index)
    if cycle.problem.penalty and cycle.parameters.layout.is_weight[index]:
        terms += (_penalty_term(cycle, index),)
    gradient = float(cycle.gradients.of.vector[index])
    size = sum(chains[row].parameter_size(index) for row in range(count))
    size *= example_share(cycle.problem.network, count)
    _require_agreement(cycle.names.text(q.Parameter(index)), terms, gradient, size)
    return GradientDerivation(
        cycle,
        q.Parameter(index),
        terms,
        gradient,
        None if cycle.example == "all" else 0,
        update_lines(cycle, index),
        float(cycle.updated.vector[index]),
    )


def _batch_terms(cycle: Cycle, index: int, chains: dict[int, Chain]) -> tuple[Term, ...]:
    """Per example, then the reduction over the examples."""
    count = len(cycle.examples)
    share = example_share(cycle.problem.network, count)
    quantity = q.Derivative(q.TotalError(), q.Parameter(index))
    terms = []
    for row in range(count):
        own = chains[row].parameter_terms(index)
        whole = Factor(quantity, Symbol(quantity), sum(term.product for term in own), expansion=own)
        reduction = Factor(q.Named(f"1/{count}"), Number(1.0) / Number(float(count)), share, remark=words("mean"))
        factors = (whole,) if cycle.problem.network.loss.over_examples == "sum" else (reduction, whole)
        terms.append(Term(q.TotalError(), factors, int(cycle.numbers[row])))
    return tuple(terms)


def _penalty_term(cycle: Cycle, index: int) -> Term:
    penalty = cycle.problem.penalty
    places: dict[Any, Quantity] = {Role.WEIGHT: q.Parameter(index), "l1": q.Named("l1"), "l2": q.Named("l2")}
    slope = penalty.symbolic_slope
    value = evaluate(penalty.slope.simplified, {Role.WEIGHT: float(cycle.parameters.vector[index])})
    factor = Factor(
        q.Derivative(q.PenaltyError(), q.Parameter(index)),
        renamed(slope.simplified, places),
        float(value),
        Working(renamed(penalty.symbolic, places), renamed(slope.raw, places), slope.rules),
    )
    return Term(q.PenaltyError(), (factor,))


def _require_agreement(name: str, terms: tuple[Term, ...], expected: float, size: float = 0.0) -> None:
    products = [term.product for term in terms]
    size = max(size, sum(map(abs, products)))
    if not abs(sum(products) - expected) <= AGREEMENT * size + 1e-300:
        raise Disagreement(
            f"the derivation of {name} gives {sum(products)!r}, backward found {expected!r}; "
            "this is a bug in clearprop, please report it with the network file"
        )


def update_lines(cycle: Cycle, index: int) -> tuple[Assigned, ...]:
    """The optimizer's assignments, spoken of one parameter. Empty for a frozen bias."""
    if not cycle.parameters.layout.trainable[index]:
        return ()
    optimizer = cycle.problem.optimizer
    places: dict[Any, Quantity] = {
        Role.WEIGHT: q.Parameter(index),
        Role.GRADIENT: q.Derivative(q.TotalError(), q.Parameter(index)),
        Role.RATE: q.LearningRate(),
        Role.STEP: q.Named("step"),
        **{name: q.Named(name) for name in optimizer.constants},
        **{name: q.State(name, index) for name in optimizer.state},
    }
    lines = []
    if optimizer.clip_norm is not None or optimizer.clip_value is not None:
        places[Role.GRADIENT] = q.State("clipped", index)
        lines.append(_clipped_line(cycle, index))
    for symbol, expression in optimizer.assignments:
        tree = renamed(expression, places)
        name = str(symbol.key)
        if symbol.key is Role.WEIGHT:
            quantity: Quantity = q.Updated(q.Parameter(index))
            value = float(cycle.updated.vector[index])
        else:
            state = q.State(name, index)
            quantity = q.Updated(state) if name in optimizer.state else state
            value = float(cycle.update.assigned[name][index])
        places[symbol.key] = quantity
        lines.append(Assigned(quantity, tree, value))
    return tuple(lines)


def _clipped_line(cycle: Cycle, index: int) -> Assigned:
    optimizer = cycle.problem.optimizer
    tree = renamed(optimizer.bounded, {Role.GRADIENT: q.Derivative(q.TotalError(), q.Parameter(index))})
    if optimizer.clip_norm is not None:
        tree = multiply(Number(cycle.update.clip_factor), tree)
    return Assigned(q.State("clipped", index), tree, float(cycle.update.gradient[index]))


def derive_signal(cycle: Cycle, quantity: q.Sum | q.Output, row: int = 0) -> GradientDerivation:
    """∂E_total by a weighted sum or an output: for a sum, its error signal."""
    chain = Chain(cycle, row)
    parts = chain.to_sum if isinstance(quantity, q.Sum) else chain.to_output
    terms = tuple(Term(of, factors) for of, factors in parts(quantity.layer, quantity.unit))
    table = chain.by_sum if isinstance(quantity, q.Sum) else chain.by_output
    gradient = float(table[quantity.layer][:, quantity.unit].sum())
    _require_agreement(cycle.names.text(quantity), terms, gradient)
    return GradientDerivation(cycle, quantity, terms, gradient, row)


def symbol_value(cycle: Cycle, quantity: Any, row: int = 0) -> float:
    """The number behind a symbol of a derivation."""
    match quantity:
        case q.Named("step"):
            return float(cycle.step)
        case q.Named("l1" | "l2" as name):
            return float(getattr(cycle.problem.penalty, name))
        case q.Named(name) if name in cycle.problem.optimizer.constants:
            return float(cycle.problem.optimizer.constants[name])
        case q.State("clipped", index):
            return float(cycle.update.gradient[index])
        case q.Derivative(q.Error(k), q.Sum(layer, unit)):
            return float(Chain(cycle, row).by_sum[layer][k, unit])
        case q.Derivative(q.Error(k), q.Output(layer, unit)):
            return float(Chain(cycle, row).by_output[layer][k, unit])
    return cycle.value(quantity, row)
