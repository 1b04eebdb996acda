"""The layers of a problem as another framework has them: with what was fitted on a table folded into the weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.network.problem import Problem
from clearprop.rules.activations import AnyActivation
from clearprop.types import Array


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
    network, parameters = problem.network, problem.parameters
    parameters.require_finite(f"; {target} holds finite ones only")
    layers = []
    for index, dense in enumerate(network.layers):
        bias = None if dense.bias == "none" else np.broadcast_to(parameters.biases(index), (dense.size,))
        layers.append(Given(parameters.weights(index), bias, dense.rule))
    notes = [f"{target} holds the network alone: loss, optimizer and examples are left out"]
    _fold_inputs(problem, layers, notes)
    _fold_outputs(problem, layers, notes)
    if any(dense.dropout for dense in network.layers):
        notes.append("dropout is left out, which acts in training only")
    if any(dense.bias == "shared" for dense in network.layers):
        notes.append("a bias that a layer shares is written once per unit")
    return Written(layers, problem.settings.dtype, notes)


def _fold_inputs(problem: Problem, layers: list[Given], notes: list[str]) -> None:
    """Fold the scaling of columns into the first weights, so that the model takes the table's own numbers."""
    fitted = problem.fitted
    if fitted is None:
        return
    scale, shift = (_per_input(each) for each in zip(*_scalings(problem), strict=True))
    if any(each.categories is not None for each in fitted.columns):
        notes.append("categories are inputs of 1 and 0, one for each")
    if (scale == 1).all() and (shift == 0).all():
        return
    weights, bias, rule = layers[0]
    moved = weights @ shift
    layers[0] = Given(weights * scale, moved if bias is None else bias + moved, rule)
    notes.append("the scaling of the table's columns is folded into the first layer")


def _per_input(values: Iterable[float]) -> Array:
    return np.array(tuple(values), dtype=float)


def _scalings(problem: Problem) -> list[tuple[float, float]]:
    fitted = problem.fitted
    assert fitted is not None
    found = []
    for column in fitted.columns:
        each = (1.0, 0.0) if column.categories is not None else (1 / column.scale, -column.mean / column.scale)
        found += [each] * column.width
    return found


def _fold_outputs(problem: Problem, layers: list[Given], notes: list[str]) -> None:
    """Fold the scaling of numeric targets into the last weights, so that the model gives their own unit."""
    standardized = problem.fitted.standardized if problem.fitted is not None else ()
    if not standardized:
        return
    weights, bias, rule = layers[-1]
    if rule.name != "identity":
        raise InvalidArgument(
            f"{problem.name}: its targets were standardized and its last activation is {rule.name}, so its outputs in "
            "their own unit are no layer's; train it with standardize_target = false"
        )
    scale, mean = (np.array([getattr(each, key) for each in standardized]) for key in ("scale", "mean"))
    layers[-1] = Given(weights * scale[:, None], mean if bias is None else bias * scale + mean, rule)
    notes.append("the scaling of the targets is folded into the last layer")
