"""Compare the gradients of the compiled engine with those of the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from clearprop.engine.availability import unusable
from clearprop.propagation.cycle import Cycle
from clearprop.propagation.update import initial_state

TOLERANCES = {"float64": 1e-12, "float32": 1e-4}
"""The largest difference allowed, relative to the largest gradient of a layer. In float32 sums of
large terms that nearly cancel lose digits in any order of addition."""


class EngineCheck(NamedTuple):
    """The largest difference from the reference in each layer, relative to the layer's largest gradient."""

    dtype: str
    layers: tuple[float, ...]

    @property
    def worst(self) -> float:
        """The largest of all."""
        return max(self.layers)

    @property
    def agrees(self) -> bool:
        """True if no difference is above the tolerance of the precision. NaN is."""
        return self.worst <= TOLERANCES[self.dtype]


def check_engine(done: Cycle) -> list[EngineCheck]:
    """Check the engine's gradients of a cycle, in both precisions; return an empty list where it cannot be used."""
    if unusable() is not None:
        return []
    return [EngineCheck(dtype, tuple(_differences(done, dtype))) for dtype in TOLERANCES]


def _differences(done: Cycle, dtype: str) -> Iterator[float]:
    from clearprop.engine.native import Native

    start = done.parameters.with_vector(done.parameters.vector.astype(dtype))
    state = initial_state(done.problem.optimizer, start)
    native = Native(done.problem, dtype, len(done.numbers), start.vector, state, threads=1)
    found = native.gradient(done.numbers - 1, done.step)
    expected, layout = done.gradients.of.vector, done.parameters.layout
    for weights, biases in zip(layout.weights, layout.biases, strict=True):
        span = slice(weights.start, biases.stop)
        trained = layout.trainable[span]
        largest = float(np.abs(expected[span][trained]).max())
        difference = float(np.abs(found[span][trained] - expected[span][trained]).max())
        yield difference / largest if largest > 0 else difference
