"""The calling convention of native code: its arguments, and the arrays behind them.

Every function is given the address of a context, one word of eight bytes for each of ``FIELDS``: an address or a
number. One of them is the table of layers, a row of ``WORDS`` for each layer; row 0 describes the inputs. Places
among weights are in bytes, those among activations in panels.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np

from clearprop.engine.kernels.update import SQUARE
from clearprop.engine.panels import Panels
from clearprop.propagation.dropout import kept_scale, mixed
from clearprop.rules.activations import AnyActivation, Softmax
from clearprop.types import Array

# --- the context ------------------------------------------------------------------------------------------

FIELDS = (
    "layers",  # the table of layers
    "depth",
    "bounds",  # where the examples of each step begin in the order, and where the last ends
    "keys",  # per step a hash for each layer with dropout
    "key_bytes",  # from step to step
    "hashes",  # of the units of layers with dropout
    "parts",  # per step the parts of the optimizer's rule
    "part_bytes",  # from step to step; none where they stay the same
    "penalty",  # its l2 and l1
    "steps",
    "order",  # positions of examples, from 0
    "examples",  # the number to predict
    "share",  # the factor of the error of an output, as the bits of a float64
    "counts",  # of each step, what the sum of its errors is divided by, and what its penalty is
    "inputs",
    "targets",
    "weights",  # how much each example counts
    "parameters",
    "remembered",  # the bytes from the weights to the first of what the optimizer remembers
    "transposed",
    "gradient",  # the whole gradient, where it is needed
    "squares",  # sums of the gradient's squares
    "penalties",  # sums of the weights' penalties
    "sums",  # the number of either
    "chunk",  # panels of inputs that meet all panels of units before the next
    "activations",
    "aside",  # the panel where what softmax layers need beside begins
    "panels",  # the number of panels of activations of each worker, in inference
    "block",  # examples that go through a panel of weights together, in whole tiles
    "rows",  # the number of examples in a panel of activations
    "scratch",  # of each worker
    "outputs",  # or the errors
    "errors",  # of the examples of a step
    "losses",  # of each step
    "unfit",  # whether an input or an output is not finite
    "arrivals",  # the number of arrivals at barriers so far, and the turns until a worker that waits gives way
    "stop",  # whether to leave the rest of the work undone
)
"""The words of a context, in this order."""

LOSSES = 2
"""Numbers for each step: the sum of its examples' errors, and the penalty."""

COUNTS = 2
"""Numbers for each step: what the sum of its errors is divided by, and what its penalty is."""

PLACES = {name: place for place, name in enumerate(FIELDS)}


class Context:
    """The words for a native function: addresses and numbers; and the arrays behind the addresses."""

    def __init__(self, **fields: Array | int) -> None:
        self.words = zeros(len(FIELDS), np.int64)
        self.address = address(self.words)
        self.arrays: dict[str, Array] = {}
        self.set(**fields)

    def set(self, **fields: Array | int) -> None:
        """Change some of the words."""
        for name, value in fields.items():
            if not isinstance(value, np.ndarray):
                self.words[PLACES[name]] = value
            elif self.arrays.get(name) is not value:
                assert value.flags.c_contiguous, name
                self.arrays[name] = value
                self.words[PLACES[name]] = address(value)


def words(names: tuple[str, ...], **values: Array | int) -> Array:
    """Return words for a kernel: numbers, and the addresses of arrays, which have to outlive the call."""
    found = zeros(len(names), np.int64)
    found[:] = [address(value) if isinstance(value := values[name], np.ndarray) else value for name in names]
    return found


def moves(**by: int) -> Array:
    """Return what to add to the words of a context so that some addresses stand further by that many bytes."""
    found = zeros(len(FIELDS), np.int64)
    for name, stride in by.items():
        found[PLACES[name]] = stride
    return found


# --- arrays -------------------------------------------------------------------------------------------------

ALIGNMENT = 64
"""The bytes of a cache line."""


def zeros(count: int, dtype: Any) -> Array:
    """Return an array of zeros that begins at a cache line."""
    dtype = np.dtype(dtype)
    raw = np.zeros(count * dtype.itemsize + ALIGNMENT, np.uint8)
    start = -address(raw) % ALIGNMENT
    return raw[start : start + count * dtype.itemsize].view(dtype)


def filled(values: Array, dtype: Any) -> Array:
    """Return a copy of an array that native code may read."""
    values = np.asarray(values)
    array = zeros(values.size, dtype)
    array[:] = values.ravel()
    return array


def address(array: Array) -> int:
    """Return the address of an array's first number."""
    begin: int = array.__array_interface__["data"][0]
    return begin


# --- the table of layers --------------------------------------------------------------------------------------

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
    "dropped",  # the number of layers with dropout before this one; NONE if this one has none
    "least",  # of a unit's 53 random bits, to be kept
    "kept",  # the factor of units that are kept, as the bits of a float64
    "hashes",  # where those of the units begin
    "sums",  # where the sums over its weights begin
)

NONE = -1
UNTRAINED, EACH, SHARED = range(3)
"""Kinds of biases."""


def layer_table(panels: Panels, rules: tuple[AnyActivation, ...]) -> Array:
    """Return the table of a network's layers, whose activations are among these rules."""
    network, starts = panels.network, panels.activation_starts()
    rows, dropped, hashes, before = [], 0, 0, 0
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
            row["sums"] = before
            before += sums(panels, number)
            if layer.dropout:
                row["dropped"], row["hashes"] = dropped, hashes
                dropped, hashes = dropped + 1, hashes + 8 * panels.padded(number)
                # A unit is kept if its 53 bits, as a number in [0, 1), reach the share; compared as integers.
                row["least"] = ceil(Fraction(layer.dropout) * 2**53)
                row["kept"] = int(np.float64(kept_scale(layer.dropout)).view(np.int64))
        rows.append([row[word] for word in WORDS])
    return np.array(rows, np.int64)


def squares(panels: Panels, layer: int) -> int:
    """Return the number of squares of weights that a unit of a layer has: inputs, some at a time."""
    return panels.count(layer - 1) * -(-panels.row // SQUARE)


def sums(panels: Panels, layer: int) -> int:
    """Return the number of sums over a layer's weights: one for each of the units of all panels and each square that
    they have; a row for the units' biases, and the beginning of one for a bias that all share."""
    return (squares(panels, layer) + 1) * panels.count(layer) * panels.width + ALIGNMENT // 8


def hashes(panels: Panels) -> Array:
    """Return the hash of each unit of the layers with dropout."""
    found = [np.empty(0, np.uint64)]
    for number, layer in enumerate(panels.network.layers, start=1):
        if layer.dropout:
            units = mixed(np.arange(layer.size, dtype=np.uint64))
            found.append(np.pad(units, (0, panels.padded(number) - layer.size)))
    return np.concatenate(found)


def aside(panels: Panels) -> int:
    """Return the number of panels that softmax layers need beside activations and signals."""
    layers = enumerate(panels.network.layers, start=1)
    return max((panels.count(number) for number, layer in layers if isinstance(layer.rule, Softmax)), default=0)
