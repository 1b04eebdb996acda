"""Panels: the layout of activations and weights in memory while the engine computes.

The units of a layer are cut into panels of a few vectors. A panel of activations has one row per
example, a panel of weights one row per input, and the last row has the biases:

    activations   [panel of units][example][units of the panel]
    weights       [panel of units][input, then bias][units of the panel]
    transposed    [panel of inputs][unit][inputs of the panel]

So every kernel reads and writes rows that follow each other, at any width of the layers. The rest
of a panel is zero, and stays zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from clearprop.cached import cached_property
from clearprop.engine.numbers import Numbers
from clearprop.network.description import Network
from clearprop.types import Array


@dataclass(frozen=True)
class Panel:
    """The shape of a panel's row: ``vectors`` of these numbers side by side."""

    numbers: Numbers
    vectors: int

    @property
    def width(self) -> int:
        """The number of units in a panel."""
        return self.vectors * self.numbers.lanes

    @property
    def row(self) -> int:
        """The bytes of a row of a panel."""
        return self.width * self.numbers.bytes


@dataclass(frozen=True)
class Panels(Panel):
    """The panels of a network: where its activations and weights stand."""

    network: Network

    def count(self, layer: int) -> int:
        """Return the number of panels of a layer; layer 0 is the inputs."""
        return -(-self.network.sizes[layer] // self.width)

    def tail(self, layer: int) -> int:
        """Return the number of units in the last panel."""
        return self.network.sizes[layer] - (self.count(layer) - 1) * self.width

    def tail_vectors(self, layer: int) -> int:
        """Return the number of vectors in the last panel."""
        return -(-self.tail(layer) // self.numbers.lanes)

    @property
    def widths(self) -> tuple[int, ...]:
        """The numbers of vectors that panels of units have, the smaller first."""
        layers = range(1, self.network.depth + 1)
        full = {self.vectors for layer in layers if self.count(layer) > 1}
        return tuple(sorted(full | {self.tail_vectors(layer) for layer in layers}))

    def padded(self, layer: int) -> int:
        """The number of units, in whole vectors: the columns of a row of inputs or targets."""
        return -(-self.network.sizes[layer] // self.numbers.lanes) * self.numbers.lanes

    # --- where things stand, in rows of a panel ---------------------------------------------------

    def weight_rows(self, layer: int) -> int:
        """The rows of a panel of a layer's weights: its inputs in whole vectors, and the biases."""
        return self.padded(layer - 1) + 1

    @cached_property
    def weight_starts(self) -> tuple[int, ...]:
        """The row at which each layer's weights begin, and at which all end; layer 0 has none."""
        layers = range(1, self.network.depth + 1)
        return (0, *accumulate((self.count(layer) * self.weight_rows(layer) for layer in layers), initial=0))

    @property
    def weights(self) -> int:
        """The rows of all weights; the same again for each number that the optimizer remembers per weight."""
        return self.weight_starts[-1]

    @cached_property
    def transposed_starts(self) -> tuple[int, ...]:
        """The row at which each layer's transposed weights begin; the first layer needs none."""
        layers = range(2, self.network.depth + 1)
        return (0, 0, *accumulate((self.count(layer - 1) * self.padded(layer) for layer in layers), initial=0))

    @property
    def transposed(self) -> int:
        """The rows of all transposed weights."""
        return self.transposed_starts[-1]

    def activation_starts(self) -> tuple[int, ...]:
        """The panel at which each layer's activations begin, and the end."""
        return tuple(accumulate(map(self.count, range(self.network.depth + 1)), initial=0))

    # --- parameters in and out ----------------------------------------------------------------------

    @cached_property
    def places(self) -> Array:
        """The place among the weights of each parameter of the flat vector; of a shared bias, its first place."""
        layout = self.network.layout
        places = np.empty(layout.size, np.int64)
        for index, (weights, biases) in enumerate(zip(layout.weights, layout.biases, strict=True)):
            layer = index + 1
            units, inputs = np.arange(self.network.sizes[layer]), np.arange(self.network.sizes[index])
            start, rows = self.weight_starts[layer], self.weight_rows(layer)
            first = (start + units // self.width * rows) * self.width + units % self.width
            places[weights] = (first[:, None] + inputs[None, :] * self.width).ravel()
            count = biases.stop - biases.start
            places[biases] = first[:count] + (rows - 1) * self.width
        return places

    def pack(self, vector: Array) -> Array:
        """Return the weights as panels, from the flat vector."""
        panels = np.zeros(self.weights * self.width, self.numbers.dtype)
        panels[self.places] = vector
        for number, layer in enumerate(self.network.layers, start=1):
            if layer.bias == "shared":
                rows, units = self.weight_rows(number), np.arange(layer.size)
                start = self.weight_starts[number] + units // self.width * rows + rows - 1
                panels[start * self.width + units % self.width] = vector[self.network.layout.biases[number - 1]]
        return panels

    def unpack(self, panels: Array) -> Array:
        """Return the flat vector, from the weights as panels."""
        return panels[self.places]

    def transpose(self, panels: Array) -> Array:
        """Return the transposed weights, from the weights, both as panels."""
        turned = np.zeros(self.transposed * self.width, self.numbers.dtype)
        for layer in range(2, self.network.depth + 1):
            units, inputs = self.network.sizes[layer], self.network.sizes[layer - 1]
            block = self._block(panels, self.weight_starts[layer], self.count(layer), self.weight_rows(layer))
            matrix = block.transpose(1, 0, 2).reshape(self.weight_rows(layer), -1)[:inputs, :units].T
            rows = self._block(turned, self.transposed_starts[layer], self.count(layer - 1), self.padded(layer))
            wide = np.zeros((units, self.count(layer - 1) * self.width), self.numbers.dtype)
            wide[:, :inputs] = matrix
            rows[:, :units] = wide.reshape(units, -1, self.width).transpose(1, 0, 2)
        return turned

    def _block(self, panels: Array, start: int, count: int, rows: int) -> Any:
        return panels[start * self.width : (start + count * rows) * self.width].reshape(count, rows, self.width)
