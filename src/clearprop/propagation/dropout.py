"""Dropout: in training, each output of a layer is dropped at random, and the others scaled up.

Whether a unit is dropped is a function of (seed, step, layer, unit, example) and nothing
else, so that any step of a training can be computed again, in any order, by any engine.
Source: Srivastava et al. 2014, in the inverted form.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.expressions import Symbol, evaluate
from clearprop.network.description import Network
from clearprop.types import Array


def masks(
    network: Network, seed: int, step: int, examples: Array, dtype: Any = float
) -> tuple[Array | None, ...] | None:
    """Return per layer 0 for a dropped output and 1 / (1 - dropout) for a kept one; None without dropout.

    ``examples`` holds the numbers of the batch's examples, ``step`` counts from 1.
    """
    if not any(layer.dropout for layer in network.layers):
        return None
    return tuple(
        mask(layer.dropout, seed, step, index, layer.size, examples).astype(dtype) if layer.dropout else None
        for index, layer in enumerate(network.layers)
    )


def mask(dropout: float, seed: int, step: int, layer: int, units: int, examples: Array) -> Array:
    """Return what the outputs of one layer are multiplied by, shape (examples, units)."""
    kept = uniform(seed, step, layer, units, examples) >= dropout
    return np.where(kept, kept_scale(dropout), 0.0)


KEPT = 1 / (1 - Symbol("dropout"))
"""The factor of a kept output, so that the expected output stays the same."""


def kept_scale(dropout: float) -> float:
    """Return the number that a kept output is multiplied by."""
    return float(evaluate(KEPT, {"dropout": dropout}))


# splitmix64's finalizer: every bit of the result depends on every bit given.
# Source: Steele, Lea and Flood 2014.
FIRST = 0x9E3779B97F4A7C15
MULTIPLIERS = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
SHIFTS = 30, 27, 31


def uniform(seed: int, step: int, layer: int, units: int, examples: Array) -> Array:
    """Return numbers in [0, 1), one for each example and unit: a hash of all that they depend on."""
    rows = mixed(key(seed, step, layer) ^ np.asarray(examples, dtype=np.uint64))
    cells = mixed(rows[:, None] ^ mixed(np.arange(units, dtype=np.uint64))[None, :])
    return np.asarray((cells >> np.uint64(11)).astype(float) * 2.0**-53)


def key(seed: int, step: int | Array, layer: int) -> Any:
    """Return the hash of what all units and examples of a layer's step have in common; of each of many steps."""
    bits = mixed(np.uint64(seed % 2**64))
    bits = mixed(bits ^ np.asarray(step).astype(np.uint64))
    return mixed(bits ^ np.uint64(layer))


def mixed(bits: Any) -> Any:
    """Return the hash of 64 bits."""
    with np.errstate(over="ignore"):
        bits = np.asarray(bits + np.uint64(FIRST))
        for shift, factor in zip(SHIFTS, MULTIPLIERS, strict=False):
            bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
        return bits ^ (bits >> np.uint64(SHIFTS[-1]))
