"""The layers of a problem as another framework has them: with what was fitted on a table folded into the weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.interop.scaling import scales_columns, without_scaling
from clearprop.messages import abridged
from clearprop.network.data import Fitted
from clearprop.network.problem import Problem
from clearprop.rules.activations import AnyActivation
from clearprop.types import Array

MOST = 12
"""The number of inputs or outputs that a note names."""


class Given(NamedTuple):
    """A layer to be written: weights one row per unit, biases or None, and the activation."""

    weights: Array
    bias: Array | None
    rule: AnyActivation


class Written(NamedTuple):
    """The layers to be written, the type of their numbers, and what the target cannot hold."""

    layers: list[Given]
    dtype: str
    notes: list[str]


def layers_of(problem: Problem, target: str) -> Written:
    """Return the layers of a problem for ``target``, which names the kind of file or framework.

    Raises:
        InvalidArgument: outputs that a chain of layers cannot give.
    """
    problem.parameters.require_finite(f"; {target} holds finite ones only")
    notes = [f"{target} holds the network alone: loss, optimizer and examples are left out"]
    fitted = problem.fitted
    if fitted is not None:
        notes += _notes(fitted)
        problem = _folded(problem, target)
    network, parameters = problem.network, problem.parameters
    layers = []
    for index, dense in enumerate(network.layers):
        bias = None if dense.bias == "none" else np.broadcast_to(parameters.biases(index), (dense.size,))
        layers.append(Given(parameters.weights(index), bias, dense.rule))
    if any(dense.dropout for dense in network.layers):
        notes.append("dropout is left out, which acts in training only")
    if any(dense.bias == "shared" for dense in network.layers):
        notes.append("a bias that a layer shares is written once per unit")
    return Written(layers, problem.settings.dtype, notes)


def _folded(problem: Problem, target: str) -> Problem:
    """Return the network whose weights scale the table's columns and targets themselves."""
    dtype = problem.settings.dtype
    with np.errstate(all="ignore"):
        found = without_scaling(problem)
        if not np.isfinite(found.parameters.vector.astype(dtype)).all():
            raise InvalidArgument(
                f"{problem.name}: with the scaling of its columns and targets folded in, its weights are too large for "
                f"{dtype} numbers in {target}; give the table in other units and train again"
            )
    return found


def _notes(fitted: Fitted) -> list[str]:
    notes = []
    if any(each.categories is not None for each in fitted.columns):
        few = ", ".join(abridged(each, 30) for each in fitted.features[:MOST]) + (", …" if fitted.width > MOST else "")
        notes.append(f"each category is an input of 1 or 0; the inputs are, in order: {few}")
    if scales_columns(fitted):
        notes.append("the scaling of the table's columns is folded into the first layer")
    if fitted.standardized:
        notes.append("the scaling of the targets is folded into the last layer")
    return notes
