"""The chain rule, written out: why a gradient is what it is.

    ∂E_k/∂w = ∂E_k/∂output_k · ∂output_k/∂sum_k · ∂sum_k/∂output_h · ∂output_h/∂sum_h · ∂sum_h/∂w

One term per output error, as the lecture splits it; where more than one path leads from a
unit to an error, the term starts with the collapsed factor ∂E_k/∂output_u, and that factor's
expansion writes out the paths, or the next layer where there are too many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

import numpy as np

from clearprop.cached import cached_property
from clearprop.derivation.lines import Lines
from clearprop.derivation.local_derivatives import Factor, Links, Term, collapsed
from clearprop.derivation.split import Split, split
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle
from clearprop.rules.activations import Activation

PATH_LIMIT = 16
"""The largest number of paths that the expansion of a collapsed factor writes out; of more, it shows one layer."""
SIGNAL_LIMIT = 64
"""The largest number of error signals of hidden layers, for all errors, that a derivation writes out; where there are
more, each is derived on request."""
WIDTH_LIMIT = 16
"""The largest number of units in the expansion by one layer: the terms of the largest ones, and a count of the rest."""


class Chain:
    """The derivations of one example of a cycle, from its lines."""

    def __init__(self, cycle: Cycle, row: int = 0, lines: Lines | None = None) -> None:
        self.cycle, self.network = cycle, cycle.problem.network
        self.link = Links(Lines(cycle) if lines is None else lines, row)
        self.last = self.network.depth - 1
        self.scalar_output = isinstance(self.network.layers[-1].rule, Activation)
        self._signals: dict[tuple[int, int, int], Factor] = {}

    @cached_property
    def split(self) -> Split:
        """∂E_k of every sum and output."""
        return split(self.link)

    def parameter_terms(self, index: int, error: q.Error | None = None) -> tuple[Term, ...]:
        """Return the terms of ∂E_total/∂parameter for this example alone, without the penalty; or of ∂E_k alone."""
        layer = self.cycle.parameters.layout.place(index).layer
        terms = []
        for u in self.link.formulas.units(index):
            last = self.link(q.Sum(layer, u), q.Parameter(index))
            terms += [Term(of, (*factors, last)) for of, factors in self.to_sum(layer, u, error)]
        return tuple(terms)

    def parameter_size(self, index: int) -> float:
        """Return the sizes of all contributions that a parameter makes to this example's errors, added up."""
        layer = self.cycle.parameters.layout.place(index).layer
        units = self.link.formulas.units(index)
        slopes = [self.link(q.Sum(layer, u), q.Parameter(index)).value for u in units]
        return sum(float(self.split.sizes[layer][u]) * abs(slope) for u, slope in zip(units, slopes, strict=True))

    def size(self, by: q.Sum | q.Output) -> float:
        """Return the sizes of all contributions that a sum or an output makes to this example's errors, added up."""
        if isinstance(by, q.Sum):
            return float(self.split.sizes[by.layer][by.unit])
        if by.layer == self.last:
            return 0.0
        weights = np.abs(self.cycle.parameters.weights(by.layer + 1)[:, by.unit])
        return float(self.split.sizes[by.layer + 1] @ weights)

    def to_sum(
        self, layer: int, unit: int, error: q.Error | None = None
    ) -> Iterator[tuple[Quantity, tuple[Factor, ...]]]:
        """Yield the factors of ∂E/∂sum_unit, for each error that the unit reaches, or for one ``error`` alone."""
        if layer == self.last:
            yield from self._to_output_sum(unit, error)
            return
        if not isinstance(self.network.layers[layer].rule, Activation):
            for of in self._errors(error):
                yield of, (self.collapsed_sum(of.index, layer, unit),)
            return
        slope = self.link(q.Output(layer, unit), q.Sum(layer, unit))
        for reached, factors in self.to_output(layer, unit, error):
            yield reached, (*factors, slope)

    def _errors(self, error: q.Error | None) -> list[q.Error]:
        return [*map(q.Error, range(self.network.sizes[-1]))] if error is None else [error]

    def _to_output_sum(self, unit: int, error: q.Error | None) -> Iterator[tuple[Quantity, tuple[Factor, ...]]]:
        if error is None and (self.scalar_output or self.link.fused is not None):
            yield q.TotalError(), self.error_to_sum(q.TotalError(), unit)
            return
        for of in self._errors(error):
            yield of, self.error_to_sum(of, unit)

    def to_output(
        self, layer: int, unit: int, error: q.Error | None = None
    ) -> Iterator[tuple[Quantity, tuple[Factor, ...]]]:
        """Yield the factors of ∂E/∂output_unit, for each error that the unit reaches, or for one ``error`` alone.
        The outputs of layer -1 are the inputs."""
        if layer == self.last:
            reached: Quantity = error or (q.TotalError() if self.scalar_output else q.Error(unit))
            yield reached, (self.link(reached, q.Output(layer, unit)),)
            return
        for of in self._errors(error):
            if layer == self.last - 1 and self.scalar_output:
                weight = self.link(q.Sum(self.last, of.index), q.Output(layer, unit))
                yield of, (*self.error_to_sum(of, of.index), weight)
            else:
                yield of, (self.collapsed_output(of.index, layer, unit),)

    def error_to_sum(self, of: Quantity, unit: int) -> tuple[Factor, ...]:
        """Return ∂E/∂sum of an output unit: one fused factor, or loss and activation."""
        total, end = q.Sum(self.last, unit), unit
        if self.link.fused is not None:
            return (self.link(of, total),)
        if isinstance(of, q.Error) and not self.scalar_output:
            end = of.index  # Under softmax the sum reaches every output.
        output = q.Output(self.last, end)
        return self.link(of, output), self.link(output, total)

    # --- collapsed factors and what they stand for ---------------------------------------------

    def collapsed_output(self, k: int, layer: int, unit: int, path_limit: int = PATH_LIMIT) -> Factor:
        """Return ∂E_k/∂output_unit, a sum over all paths from the unit to the error."""
        quantity = q.Derivative(q.Error(k), q.Output(layer, unit))
        return collapsed(quantity, self.split.output(k, layer, unit), *self._expansion(k, layer, unit, path_limit))

    def collapsed_sum(self, k: int, layer: int, unit: int, expand: bool = True) -> Factor:
        """Return ∂E_k/∂sum_unit; under softmax it is a sum over the outputs of its layer."""
        softmax = layer < self.last and not isinstance(self.network.layers[layer].rule, Activation)
        size = self.network.sizes[layer + 1] if expand and softmax else 0
        terms = []
        for v in range(min(size, WIDTH_LIMIT)):
            by_output = q.Derivative(q.Error(k), q.Output(layer, v))
            named = collapsed(by_output, self.split.output(k, layer, v))
            first = self.collapsed_output(k, layer, v, path_limit=1) if self.short else named
            terms.append(Term(q.Error(k), (first, self.link(q.Output(layer, v), q.Sum(layer, unit)))))
        value = float(self.split.by_sum[layer][k, unit])
        return collapsed(q.Derivative(q.Error(k), q.Sum(layer, unit)), value, tuple(terms), size - len(terms))

    def _signal(self, k: int, layer: int, unit: int) -> Factor:
        """Return ∂E_k/∂sum_unit: with its factors, or where that would be too long by its name alone."""
        if self.link.formulas.fused_softmax(layer):
            return self.link(q.Error(k), q.Sum(layer, unit))
        if not self.short:
            return self.collapsed_sum(k, layer, unit, expand=False)
        if (k, layer, unit) not in self._signals:
            signal = self.collapsed_sum(k, layer, unit)
            ways: tuple[Factor, ...] = ()
            if layer == self.last:
                ways = self.error_to_sum(q.Error(k), unit)
            elif isinstance(self.network.layers[layer].rule, Activation):
                slope = self.link(q.Output(layer, unit), q.Sum(layer, unit))
                ways = self.collapsed_output(k, layer, unit, path_limit=1), slope
            self._signals[k, layer, unit] = replace(signal, expansion=(Term(q.Error(k), ways),)) if ways else signal
        return self._signals[k, layer, unit]

    @cached_property
    def short(self) -> bool:
        """Whether the error signals of all hidden layers can be written out."""
        return sum(self.network.sizes[1:-1]) * self.network.sizes[-1] <= SIGNAL_LIMIT

    def _expansion(self, k: int, layer: int, unit: int, path_limit: int) -> tuple[tuple[Term, ...], int]:
        scalar = all(isinstance(dense.rule, Activation) for dense in self.network.layers[layer + 1 :])
        paths = prod(self.network.sizes[layer + 2 : -1])
        if scalar and paths <= path_limit:
            return tuple(Term(q.Error(k), factors) for factors in self._paths(k, layer + 1, unit)), 0
        return self._one_layer(k, layer, unit)

    def _paths(self, k: int, layer: int, source: int) -> Iterator[tuple[Factor, ...]]:
        """Yield every path from a unit that this layer sees to E_k as its local derivatives, from the error on."""
        if layer == self.last:
            yield (*self.error_to_sum(q.Error(k), k), self.link(q.Sum(layer, k), q.Output(layer - 1, source)))
            return
        for u in range(self.network.sizes[layer + 1]):
            output, total = q.Output(layer, u), q.Sum(layer, u)
            here = self.link(output, total), self.link(total, q.Output(layer - 1, source))
            for factors in self._paths(k, layer + 1, u):
                yield (*factors, *here)

    def _one_layer(self, k: int, layer: int, unit: int) -> tuple[tuple[Term, ...], int]:
        """Σ_v ∂E_k/∂sum_v · weight: the error signals of the next layer, each expandable by name."""
        products = self.split.by_sum[layer + 1][k] * self.cycle.parameters.weights(layer + 1)[:, unit]
        largest = np.sort(np.argsort(-np.abs(products), kind="stable")[:WIDTH_LIMIT])
        terms = []
        for v in map(int, largest):
            signal = self._signal(k, layer + 1, v)
            weight = self.link(q.Sum(layer + 1, v), q.Output(layer, unit))
            terms.append(Term(q.Error(k), (signal, weight)))
        return tuple(terms), len(products) - len(terms)
