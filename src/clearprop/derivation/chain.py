"""The chain rule, written out: why a gradient is what it is.

    ∂E_k/∂w = ∂E_k/∂output_k · ∂output_k/∂sum_k · ∂sum_k/∂output_h · ∂output_h/∂sum_h · ∂sum_h/∂w

One term per output error, as the lecture splits it; where more than one path leads from a
unit to an error, the term starts with the collapsed factor ∂E_k/∂output_u, and that factor's
expansion writes out the paths, or the next layer where there are too many.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from math import prod

import numpy as np

from clearprop.derivation.lines import Lines
from clearprop.derivation.local_derivatives import Factor, Links, Term, collapsed
from clearprop.derivation.split import Split, split
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle
from clearprop.rules.activations import Activation

PATH_LIMIT = 16
"""The largest number of paths that the expansion of a collapsed factor writes out; of more, it shows one layer."""
WIDTH_LIMIT = 16
"""The largest number of units in the expansion by one layer: the terms of the largest ones, and a count of the rest."""


class Chain:
    """The derivations of one example of a cycle, from its lines."""

    def __init__(self, cycle: Cycle, row: int = 0, lines: Lines | None = None) -> None:
        self.cycle, self.row = cycle, row
        self.network = cycle.problem.network
        self.links = Links(Lines(cycle) if lines is None else lines, row)
        self.last = self.network.depth - 1
        self.scalar_output = isinstance(self.network.layers[-1].rule, Activation)

    @cached_property
    def split(self) -> Split:
        """∂E_k of every sum and output."""
        return split(self.links)

    def parameter_terms(self, index: int) -> tuple[Term, ...]:
        """Return the terms of ∂E_total/∂parameter for this example alone, without the penalty."""
        layer = self.cycle.parameters.layout.place(index).layer
        terms = []
        for u in self.links.formulas.units(index):
            last = self.links.sum_by_parameter(layer, u, index)
            terms += [Term(of, (*factors, last)) for of, factors in self.to_sum(layer, u)]
        return tuple(terms)

    def parameter_size(self, index: int) -> float:
        """Return the sizes of all contributions that a parameter makes to this example's errors, added up."""
        layer = self.cycle.parameters.layout.place(index).layer
        units = self.links.formulas.units(index)
        return sum(
            float(self.split.sizes[layer][u]) * abs(self.links.sum_by_parameter(layer, u, index).value) for u in units
        )

    def to_sum(self, layer: int, unit: int) -> Iterator[tuple[Quantity, tuple[Factor, ...]]]:
        """Yield the factors of ∂E/∂sum_unit, for each error that the unit reaches."""
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
        """Yield the factors of ∂E/∂output_unit, for each error that the unit reaches."""
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
        """Return ∂E_k/∂sum_k of a scalar output: one fused factor, or loss and activation."""
        of = q.Error(k)
        if self.links.fused is not None:
            return (self.links.error_by_sum(k, of),)
        return self.links.error_by_output(k, of), self.links.output_by_sum(self.last, k)

    # --- collapsed factors and what they stand for ---------------------------------------------

    def collapsed_output(self, k: int, layer: int, unit: int) -> Factor:
        """Return ∂E_k/∂output_unit, a sum over all paths from the unit to the error."""
        value = float(self.split.by_output[layer][k, unit])
        return collapsed(q.Derivative(q.Error(k), q.Output(layer, unit)), value, *self._expansion(k, layer, unit))

    def collapsed_sum(self, k: int, layer: int, unit: int, expand: bool = True) -> Factor:
        """Return ∂E_k/∂sum_unit; under softmax it is a sum over the outputs of its layer."""
        softmax = layer < self.last and not isinstance(self.network.layers[layer].rule, Activation)
        size = self.network.sizes[layer + 1] if expand and softmax else 0
        terms = []
        for v in range(min(size, WIDTH_LIMIT)):
            first = collapsed(q.Derivative(q.Error(k), q.Output(layer, v)), float(self.split.by_output[layer][k, v]))
            terms.append(Term(q.Error(k), (first, self.links.output_by_sum(layer, v, unit))))
        value = float(self.split.by_sum[layer][k, unit])
        return collapsed(q.Derivative(q.Error(k), q.Sum(layer, unit)), value, tuple(terms), size - len(terms))

    def _expansion(self, k: int, layer: int, unit: int) -> tuple[tuple[Term, ...], int]:
        scalar = all(isinstance(dense.rule, Activation) for dense in self.network.layers[layer + 1 :])
        paths = prod(self.network.sizes[layer + 2 : -1])
        if scalar and paths <= PATH_LIMIT:
            return tuple(Term(q.Error(k), factors) for factors in self._paths(k, layer + 1, unit)), 0
        return self._one_layer(k, layer, unit)

    def _paths(self, k: int, layer: int, source: int) -> Iterator[tuple[Factor, ...]]:
        """Every path from a unit that this layer sees to E_k, each as its local derivatives, from the error on."""
        if layer == self.last:
            yield (*self.error_to_sum(k), self.links.sum_by_output(layer, k, source))
            return
        for u in range(self.network.sizes[layer + 1]):
            here = self.links.output_by_sum(layer, u), self.links.sum_by_output(layer, u, source)
            for factors in self._paths(k, layer + 1, u):
                yield (*factors, *here)

    def _one_layer(self, k: int, layer: int, unit: int) -> tuple[tuple[Term, ...], int]:
        """Σ_v ∂E_k/∂sum_v · weight: the error signals of the next layer, each expandable by name."""
        products = self.split.by_sum[layer + 1][k] * self.cycle.parameters.weights(layer + 1)[:, unit]
        largest = np.sort(np.argsort(-np.abs(products), kind="stable")[:WIDTH_LIMIT])
        terms = []
        for v in map(int, largest):
            signal = self.collapsed_sum(k, layer + 1, v, expand=False)
            terms.append(Term(q.Error(k), (signal, self.links.sum_by_output(layer + 1, v, unit))))
        return tuple(terms), len(products) - len(terms)
