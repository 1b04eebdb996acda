"""Outputs of a network for many rows, by the compiled engine where it can be used."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from clearprop.engine.availability import unusable
from clearprop.network.blocks import blocks
from clearprop.network.description import Network
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.forward import forward
from clearprop.types import Array

KEPT = 8
"""The number of networks whose prepared weights are kept for the next rows."""

Prepared = Callable[[Array], tuple[Array, bool]]


class _Recent(NamedTuple):
    """A network and its weights, prepared for rows; weights can be changed in place, so their bytes are kept."""

    network: Network
    parameters: weakref.ref[Parameters]
    numbers: bytes
    prepared: Prepared

    def is_for(self, network: Network, parameters: Parameters) -> bool:
        """Return whether it was prepared for this network with the present numbers of these parameters."""
        same = self.network is network and self.parameters() is parameters
        return same and self.numbers == parameters.vector.tobytes()


_RECENT: dict[tuple[int, str], _Recent] = {}
_LOCK = threading.Lock()


def _forget() -> None:
    """Start afresh in the copy of a process: another thread may have been predicting when it was copied."""
    _RECENT.clear()
    _LOCK.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_forget)


def outputs(problem: Problem, parameters: Parameters, inputs: Array) -> tuple[Array, bool]:
    """Return the outputs for rows of inputs, and whether all of both are finite.

    The outputs have shape (rows, outputs) and the precision of the inputs, float32 or float64. What
    is prepared for them is kept, for the last few parameters.
    """
    dtype = "float32" if inputs.dtype == np.float32 else "float64"
    key = id(parameters), dtype
    with _LOCK:
        recent = _RECENT.get(key)
    if recent is None or not recent.is_for(problem.network, parameters):
        numbers = parameters.vector.tobytes()
        recent = _Recent(problem.network, weakref.ref(parameters), numbers, _prepared(problem, parameters, dtype))
        with _LOCK:
            _RECENT[key] = recent
            while len(_RECENT) > KEPT:
                del _RECENT[next(iter(_RECENT))]
    return recent.prepared(inputs)


def _prepared(problem: Problem, parameters: Parameters, dtype: str) -> Prepared:
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
