"""The place and the name of every weight and bias in the flat vector.

Layer after layer: the weights row by row (one row per unit, one column per input of the layer), then the biases.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, chain, count, pairwise
from typing import NamedTuple

import numpy as np

from clearprop.cached import cached_property
from clearprop.network.layer import Dense
from clearprop.network.name_checks import composed
from clearprop.network.notation import in_ascii
from clearprop.types import Array

WEIGHT = "w"
"""Begins the names of weights that are numbered through the network: w1, w2, …"""


class Place(NamedTuple):
    """The place of a parameter. ``source`` is None for a bias; a shared bias has unit 0."""

    layer: int
    unit: int
    source: int | None


@dataclass(frozen=True)
class Layout:
    """The places and names of the parameters of a network.

    - ``layers``: the layers.
    - ``columns``: the names of the inputs, then of the units of each layer.

    >>> layout = Layout((Dense(2, bias="shared"),), (("x1", "x2"), ("y1", "y2")))
    >>> list(layout.names()), layout.place(2)
    (['w1', 'w2', 'w3', 'w4', 'b1'], Place(layer=0, unit=1, source=0))
    """

    layers: tuple[Dense, ...]
    columns: tuple[tuple[str, ...], ...]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The number of inputs, then of the units of each layer."""
        return tuple(map(len, self.columns))

    @cached_property
    def _bounds(self) -> list[int]:
        """The positions at which the weights and biases of each layer begin, and at which the last ones end."""
        spans = ((layer.size * inputs, layer.biases) for inputs, layer in zip(self.sizes, self.layers, strict=False))
        return list(accumulate(chain.from_iterable(spans), initial=0))

    @cached_property
    def weights(self) -> list[slice]:
        """The span of each layer's weights."""
        return [slice(*self._bounds[2 * layer : 2 * layer + 2]) for layer in range(len(self.layers))]

    @cached_property
    def biases(self) -> list[slice]:
        """The span of each layer's biases."""
        return [slice(*self._bounds[2 * layer + 1 : 2 * layer + 3]) for layer in range(len(self.layers))]

    @property
    def size(self) -> int:
        """The number of weights and biases."""
        return self._bounds[-1]

    @cached_property
    def is_weight(self) -> Array:
        """A mask, True for weights, to which a penalty applies, and False for biases."""
        mask = np.zeros(self.size, dtype=bool)
        for weights in self.weights:
            mask[weights] = True
        return mask

    @cached_property
    def trainable(self) -> Array:
        """A mask, False for the biases that the network keeps as they are."""
        mask = np.ones(self.size, dtype=bool)
        for layer, biases in zip(self.layers, self.biases, strict=True):
            mask[biases] = layer.train_bias
        return mask

    def index(self, place: Place) -> int:
        """Return the position in the flat vector."""
        if place.source is None:
            return int(self.biases[place.layer].start) + place.unit
        start = int(self.weights[place.layer].start)
        return start + place.unit * self.sizes[place.layer] + place.source

    def place(self, index: int) -> Place:
        """Return the place of a position, the inverse of ``index``."""
        for layer, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            if index < weights.stop:
                unit, source = divmod(index - weights.start, self.sizes[layer])
                return Place(layer, unit, source)
            if index < biases.stop:
                return Place(layer, index - biases.start, None)
        raise IndexError(index)

    @cached_property
    def _weights_before(self) -> tuple[int, ...]:
        """The number of weights before each layer: default names number them through."""
        return tuple(accumulate((inputs * units for inputs, units in pairwise(self.sizes)), initial=0))

    def name(self, index: int) -> str:
        """Return the name of the parameter at a position."""
        layer, unit, source = self.place(index)
        return self._bias_name(layer, unit) if source is None else self._weight_name(layer, unit, source)

    def _weight_name(self, layer: int, unit: int, source: int) -> str:
        """Return the name of a weight: ``w1, w2, …`` row by row, layer by layer, unless the layer names it."""
        names = self.layers[layer].weight_names
        if names is not None:
            return names[unit][source]
        return f"{WEIGHT}{self._weights_before[layer] + unit * self.sizes[layer] + source + 1}"

    def _bias_name(self, layer: int, unit: int) -> str:
        """Return the name of a bias: ``b_<unit>``, or ``b1, b2, …`` one per layer where shared, unless named."""
        dense = self.layers[layer]
        if dense.bias_names is not None:
            return dense.bias_names if isinstance(dense.bias_names, str) else dense.bias_names[unit]
        return f"b{layer + 1}" if dense.bias == "shared" else f"b_{self.columns[layer + 1][unit]}"

    def names(self) -> Iterator[str]:
        """Yield all names, in the order of the vector."""
        for layer in range(len(self.layers)):
            yield from self.weight_names(layer)
            yield from self.bias_names(layer)

    def weight_names(self, layer: int) -> Iterator[str]:
        """Return the names of a layer's weights, row by row."""
        given = self.layers[layer].weight_names
        if given is not None:
            return chain.from_iterable(given)
        first, after = self._weights_before[layer : layer + 2]
        return (f"{WEIGHT}{number + 1}" for number in range(first, after))

    def bias_names(self, layer: int) -> Iterator[str]:
        """Yield the names of a layer's biases."""
        for unit in range(self.layers[layer].biases):
            yield self._bias_name(layer, unit)

    @cached_property
    def _named(self) -> dict[str, int]:
        """The positions of the parameters, default weight names excepted: there may be millions."""
        named = {}
        for layer, dense in enumerate(self.layers):
            if dense.weight_names is not None:
                named.update({name: self.weights[layer].start + k for k, name in enumerate(self.weight_names(layer))})
            named.update({name: self.biases[layer].start + k for k, name in enumerate(self.bias_names(layer))})
        return named

    @cached_property
    def aliases(self) -> dict[str, str]:
        """The names with letters beyond ASCII, each by a spelling in ASCII that nothing else has.

        >>> Layout((Dense(("θ",)),), (("Größe", "Grosse"), ("θ",))).aliases
        {'Grosse_2': 'Größe', 'theta': 'θ', 'b_theta': 'b_θ'}
        """
        foreign = dict.fromkeys(name for name in chain(*self.columns, self._named) if not name.isascii())
        taken = set(chain(*self.columns, self._named)) if foreign else set()
        aliases: dict[str, str] = {}
        for name in foreign:
            plain = in_ascii(name)
            numbered = chain([plain], (f"{plain}_{number}" for number in count(2)))
            alias = next(each for each in numbered if each not in taken and self._position(each) is None)
            taken.add(alias)
            aliases[alias] = name
        return aliases

    def find(self, name: str) -> int | None:
        """Return the position of a name, also in its ASCII spelling, or None if there is no such parameter."""
        name = composed(name)
        position = self._position(name)
        return self._position(self.aliases.get(name, "")) if position is None else position

    def _position(self, name: str) -> int | None:
        if name in self._named:
            return self._named[name]
        if name[:1] == WEIGHT and name[1:].isdecimal() and name.isascii() and len(name) < 12:
            number = int(name[1:]) - 1
            for layer, dense in enumerate(self.layers):
                before, after = self._weights_before[layer : layer + 2]
                if before <= number < after and dense.weight_names is None and name == f"{WEIGHT}{number + 1}":
                    return int(self.weights[layer].start) + number - before
        return None
