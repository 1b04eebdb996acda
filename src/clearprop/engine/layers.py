"""The table of layers: what native code is told of each, a row of words.

Row 0 are the inputs. Places among weights are in bytes, those among activations in panels.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np

from clearprop.engine.panels import Panels
from clearprop.propagation.dropout import mixed
from clearprop.rules.activations import AnyActivation, Softmax
from clearprop.types import Array

WORDS = (
    "units",
    "panels",
    "tail",  # units of the last panel
    "rows",  # of a panel of weights: inputs in whole vectors, and the biases
    "turned",  # rows of a panel of transposed weights: units in whole vectors
    "weights",  # where they begin
    "transposed",  # where they begin
    "activations",  # the first panel
    "signals",  # the first panel
    "rule",  # the number of the activation
    "bias",  # UNTRAINED, EACH or SHARED
    "dropped",  # how many layers before this have dropout; NONE if this one has not
    "least",  # of a unit's 53 random bits, to be kept
    "kept",  # what is kept is multiplied with this: the bits of a float64
    "hashes",  # where those of the units begin
    "squares",  # where the sums of squares of its tiles begin
)

NONE = -1
UNTRAINED, EACH, SHARED = range(3)
"""Kinds of biases."""


def table(panels: Panels, rules: tuple[AnyActivation, ...]) -> Array:
    """The table of a network's layers, whose activations are among these rules."""
    network, starts = panels.network, panels.activation_starts()
    rows, dropped, hashes, squares = [], 0, 0, 0
    for number in range(network.depth + 1):
        row = dict.fromkeys(WORDS, 0)
        row["units"], row["panels"], row["tail"] = network.sizes[number], panels.count(number), panels.tail(number)
        row["activations"], row["rule"], row["dropped"] = starts[number], NONE, NONE
        if number > 0:
            layer = network.layers[number - 1]
            row["rows"], row["turned"] = panels.weight_rows(number), panels.padded(number)
            row["weights"] = panels.weight_starts[number] * panels.row
            row["transposed"] = panels.transposed_starts[number] * panels.row
            row["signals"] = starts[-1] + starts[number] - starts[1]
            row["rule"] = rules.index(layer.rule)
            if layer.bias != "none" and layer.train_bias:
                row["bias"] = SHARED if layer.bias == "shared" else EACH
            row["squares"] = squares
            squares += tiles(panels, number)
            if layer.dropout:
                row["dropped"], row["hashes"] = dropped, hashes
                dropped, hashes = dropped + 1, hashes + 8 * panels.padded(number)
                # A unit is kept if its 53 bits, as a number in [0, 1), reach the share; compared as integers.
                row["least"] = ceil(Fraction(layer.dropout) * 2**53)
                row["kept"] = int(np.float64(1 / (1 - layer.dropout)).view(np.int64))
        rows.append([row[word] for word in WORDS])
    return np.array(rows, np.int64)


def tiles(panels: Panels, layer: int) -> int:
    """The tiles of a layer's gradient, one more per panel of units for the biases, one for a bias that is shared."""
    return panels.count(layer) * (panels.count(layer - 1) + 1) + 1


def hashes(panels: Panels) -> Array:
    """The hash of each unit of the layers with dropout."""
    found = [np.empty(0, np.uint64)]
    for number, layer in enumerate(panels.network.layers, start=1):
        if layer.dropout:
            units = np.zeros(panels.padded(number), np.uint64)
            units[: layer.size] = mixed(np.arange(layer.size, dtype=np.uint64))
            found.append(units)
    return np.concatenate(found)


def aside(panels: Panels) -> int:
    """How many panels softmax layers need beside activations and signals."""
    layers = enumerate(panels.network.layers, start=1)
    return max((panels.count(number) for number, layer in layers if isinstance(layer.rule, Softmax)), default=0)


def training_panels(panels: Panels) -> int:
    """The panels of activations, signals and what stands aside, in training."""
    starts = panels.activation_starts()
    return starts[-1] + (starts[-1] - starts[1]) + aside(panels)
