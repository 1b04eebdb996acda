"""The numbers of a network: one flat vector, with a view for every matrix and a name for every entry.

Layer after layer, the weights row by row (one row per unit), then the biases. Everything that
computes, trains, saves or explains a network is handed this one vector.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from clearprop.errors import InvalidArgument, UnknownName
from clearprop.network.description import Network
from clearprop.rules.initializers import initializer
from clearprop.types import Array


class Place(NamedTuple):
    """Where a parameter sits. ``source`` is None for a bias; a shared bias has unit 0."""

    layer: int
    unit: int
    source: int | None


class Layout:
    """Where each parameter of a network stands in the flat vector."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.weights: list[slice] = []
        self.biases: list[slice] = []
        start = 0
        for inputs, layer in zip(network.sizes, network.layers, strict=False):
            self.weights.append(slice(start, start + layer.size * inputs))
            start = self.weights[-1].stop
            self.biases.append(slice(start, start + layer.biases))
            start = self.biases[-1].stop
        self.size = start

    @cached_property
    def is_weight(self) -> Array:
        """True for weights, False for biases: what a penalty applies to."""
        mask = np.zeros(self.size, dtype=bool)
        for weights in self.weights:
            mask[weights] = True
        return mask

    @cached_property
    def trainable(self) -> Array:
        """False for the biases that the network keeps as they are."""
        mask = np.ones(self.size, dtype=bool)
        for layer, biases in zip(self.network.layers, self.biases, strict=True):
            mask[biases] = layer.train_bias
        return mask

    def index(self, place: Place) -> int:
        """The position in the flat vector."""
        if place.source is None:
            return int(self.biases[place.layer].start) + place.unit
        start = int(self.weights[place.layer].start)
        return start + place.unit * self.network.sizes[place.layer] + place.source

    def place(self, index: int) -> Place:
        """The inverse of ``index``."""
        for layer, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            if index < weights.stop:
                unit, source = divmod(index - weights.start, self.network.sizes[layer])
                return Place(layer, unit, source)
            if index < biases.stop:
                return Place(layer, index - biases.start, None)
        raise IndexError(index)

    def name(self, index: int) -> str:
        """What the parameter is called."""
        layer, unit, source = self.place(index)
        if source is None:
            return self.network.bias_name(layer, unit)
        return self.network.weight_name(layer, unit, source)

    def names(self) -> Iterator[str]:
        """All names, in the order of the vector."""
        for layer, dense in enumerate(self.network.layers):
            for unit in range(dense.size):
                for source in range(self.network.sizes[layer]):
                    yield self.network.weight_name(layer, unit, source)
            for unit in range(dense.biases):
                yield self.network.bias_name(layer, unit)

    @cached_property
    def _named(self) -> dict[str, int]:
        """The positions of the parameters, default weight names excepted: there may be millions."""
        named = {}
        for layer, dense in enumerate(self.network.layers):
            if dense.weight_names is not None:
                flat = (name for row in dense.weight_names for name in row)
                named.update({name: self.weights[layer].start + k for k, name in enumerate(flat)})
            for unit in range(dense.biases):
                named[self.network.bias_name(layer, unit)] = self.biases[layer].start + unit
        return named

    def find(self, name: str) -> int | None:
        """The position of a name, or None if there is no such parameter."""
        if name in self._named:
            return self._named[name]
        if name[:1] == "w" and name[1:].isdecimal() and name.isascii() and len(name) < 12:
            number = int(name[1:]) - 1
            for layer, dense in enumerate(self.network.layers):
                before, after = self.network.weights_before[layer : layer + 2]
                if before <= number < after and dense.weight_names is None and name == f"w{number + 1}":
                    return int(self.weights[layer].start) + number - before
        return None


@dataclass(frozen=True, eq=False)
class Parameters:
    """The weights and biases of a network, or one number for each: gradients, moments, new values.

    >>> from clearprop.network.description import Dense, Network
    >>> net = Network(inputs=2, layers=[Dense(2, "logistic", bias="shared")])
    >>> p = Parameters.of(net, weights=[[[0.1, 0.3], [0.2, 0.4]]], biases=[0.25])
    >>> p["w2"], p.weights(0).shape
    (0.3, (2, 2))
    """

    layout: Layout
    vector: Array

    def weights(self, layer: int) -> Array:
        """The weight matrix of a layer, a view of shape (units, inputs)."""
        shape = self.layout.network.sizes[layer + 1], self.layout.network.sizes[layer]
        return self.vector[self.layout.weights[layer]].reshape(shape)

    def biases(self, layer: int) -> Array:
        """The biases of a layer, a view of shape (units,), (1,) if shared, (0,) if there are none."""
        return self.vector[self.layout.biases[layer]]

    def __getitem__(self, name: str) -> float:
        index = self.layout.find(name)
        if index is None:
            raise UnknownName("parameter", name, self.layout.names())
        return float(self.vector[index])

    def __iter__(self) -> Iterator[str]:
        return self.layout.names()

    def __len__(self) -> int:
        return self.layout.size

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameters):
            return NotImplemented
        same = self.layout.network == other.layout.network
        return same and np.array_equal(self.vector, other.vector)

    __hash__ = None  # type: ignore[assignment]

    def items(self) -> Iterator[tuple[str, float]]:
        """Each name with its number."""
        return zip(self.layout.names(), self.vector.tolist(), strict=True)

    def with_vector(self, vector: Array) -> Parameters:
        """Other numbers in the same places."""
        return Parameters(self.layout, vector)

    @staticmethod
    def of(network: Network, weights: Sequence[Any], biases: Sequence[Any] | None = None) -> Parameters:
        """From one weight matrix per layer, and per layer a list of biases, a shared one, or None.

        Raises:
            InvalidArgument: a matrix of the wrong shape, or a number that is not finite.
        """
        layout = Layout(network)
        parameters = Parameters(layout, np.zeros(layout.size))
        biases = [None] * network.depth if biases is None else biases
        if len(weights) != network.depth or len(biases) != network.depth:
            raise InvalidArgument(
                f"expected weights and biases for {network.depth} layers, found {len(weights)} and {len(biases)}"
            )
        for layer in range(network.depth):
            matrix = parameters.weights(layer)
            given = np.asarray(weights[layer], dtype=float)
            if given.shape != matrix.shape:
                raise InvalidArgument(
                    f"layers[{layer + 1}].weights: expected shape {matrix.shape} (units, inputs), found {given.shape}"
                )
            matrix[:] = given
            if biases[layer] is not None:
                values = np.atleast_1d(np.asarray(biases[layer], dtype=float))
                if values.shape != parameters.biases(layer).shape:
                    raise InvalidArgument(
                        f"layers[{layer + 1}].bias: expected {parameters.biases(layer).size} numbers, "
                        f"found {values.size}"
                    )
                parameters.biases(layer)[:] = values
        if not np.all(np.isfinite(parameters.vector)):
            name = layout.name(int(np.argmin(np.isfinite(parameters.vector))))
            raise InvalidArgument(f"the value of {name} is not a finite number")
        return parameters

    @staticmethod
    def random(network: Network, seed: int = 0) -> Parameters:
        """Each layer's weights from its initializer, biases zero.

        Every layer draws from a stream of its own, so that giving one layer's weights leaves
        the others' as they were.
        """
        layout = Layout(network)
        parameters = Parameters(layout, np.zeros(layout.size))
        for layer, dense in enumerate(network.layers):
            generator = np.random.default_rng([seed, layer])
            matrix = parameters.weights(layer)
            matrix[:] = initializer(str(dense.init)).values(dense.size, network.sizes[layer], generator)
        return parameters
