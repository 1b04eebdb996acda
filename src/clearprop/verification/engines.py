"""Compare the gradients of the compiled engine with those of the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from clearprop.engine.availability import unusable
from clearprop.propagation.backward import backward
from clearprop.propagation.cycle import Cycle
from clearprop.propagation.forward import Trace, forward
from clearprop.propagation.update import initial_state
from clearprop.types import Array

TOLERANCES = {"float64": 1e-12, "float32": 1e-4}
"""The largest difference allowed, relative to the largest gradient of a layer. In float32 sums of
large terms that nearly cancel lose digits in any order of addition."""
DRAWS, ROOM = 3, 32
"""Rounding is measured by so many changes of the last digit; a difference of so many times it is allowed."""


class EngineCheck(NamedTuple):
    """The largest difference from the reference in each layer, relative to the layer's largest gradient; where all of
    them are sums that cancel, to what rounding leaves of such sums."""

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
    rounding = _rounding(done, dtype)
    for weights, biases in zip(layout.weights, layout.biases, strict=True):
        span = slice(weights.start, biases.stop)
        trained = layout.trainable[span]
        left = ROOM * float(rounding[span][trained].max()) / TOLERANCES[dtype]
        largest = max(float(np.abs(expected[span][trained]).max()), left)
        difference = float(np.abs(found[span][trained] - expected[span][trained]).max())
        yield difference / largest if largest > 0 else difference


def _rounding(done: Cycle, dtype: str) -> Array:
    """Return about how far rounding alone moves each gradient: parameters, inputs and the shares of the examples are
    changed in their last digit. Near a minimum, and where examples cancel, that may be more than the gradient."""
    generator, trace, step = np.random.default_rng(0), done.trace, np.finfo(dtype).eps
    weights = np.ones(len(trace.inputs)) if trace.weights is None else trace.weights

    def moved(values: Array) -> Array:
        changed: Array = values * (1 + step * generator.choice((-1.0, 1.0), values.shape))
        return changed

    def gradients(of: Trace) -> Array:
        return backward(of, done.examples.targets, done.problem.penalty).of.vector

    here, found = gradients(trace), np.zeros_like(done.parameters.vector)
    for _ in range(DRAWS):
        parameters = done.parameters.with_vector(moved(done.parameters.vector))
        beside = forward(trace.network, parameters, moved(trace.inputs), trace.masks, moved(weights))
        found = np.maximum(found, np.abs(gradients(beside) - here))
    return found
