"""Outputs of a network for many rows, by the compiled engine where it can be used."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable

import numpy as np

from clearprop.engine.availability import unusable
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.blocks import blocks
from clearprop.propagation.forward import forward
from clearprop.types import Array

Predict = Callable[[Array], tuple[Array, bool]]
"""What gives outputs for inputs, and says whether all of both are finite."""


def outputs(problem: Problem, parameters: Parameters, inputs: Array) -> tuple[Array, bool]:
    """The outputs for rows of inputs, shape (rows, outputs), in their precision: float32 or float64; and whether
    all of both are finite."""
    return predictor(problem, parameters, "float32" if inputs.dtype == np.float32 else "float64")(inputs)


def predictor(problem: Problem, parameters: Parameters, dtype: str) -> Predict:
    """What gives outputs for inputs; one that was made for these parameters lately is used again."""
    key = id(parameters), dtype
    with _LOCK:
        known = _LATELY.get(key)
        if known is not None and known[0]() is parameters:
            return known[1]
    made = _made(problem, parameters, dtype)
    with _LOCK:
        _LATELY[key] = weakref.ref(parameters), made
        while len(_LATELY) > KEPT:
            del _LATELY[next(iter(_LATELY))]
    return made


KEPT = 8
"""Networks whose weights stand ready for the next rows."""

_LATELY: dict[tuple[int, str], tuple[weakref.ref[Parameters], Predict]] = {}
_LOCK = threading.Lock()


def _made(problem: Problem, parameters: Parameters, dtype: str) -> Predict:
    if unusable() is None:
        from clearprop.engine.predictor import Predictor

        return Predictor(problem, parameters, dtype)

    network, parameters = problem.network, parameters.with_vector(parameters.vector.astype(dtype))

    def reference(inputs: Array) -> tuple[Array, bool]:
        with np.errstate(all="ignore"):
            parts = blocks(np.arange(len(inputs)))
            found = [forward(network, parameters, inputs[part]).outputs[-1] for part in parts]
        whole = np.concatenate(found) if found else np.empty((0, network.sizes[-1]), dtype)
        return whole, bool(np.isfinite(inputs).all() and np.isfinite(whole).all())

    return reference
