"""What scales the columns and targets of a table, within the weights of a network and out of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.expressions import Expression, differentiate, evaluate
from clearprop.interop.table_names import unscaled
from clearprop.network.data import Column, Fitted
from clearprop.network.description import Network
from clearprop.network.examples import Examples
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.rules.standardize import ORIGINAL, STANDARDIZED
from clearprop.types import Array


class Affine(NamedTuple):
    """factor · value + shift, of each input or output."""

    factor: Array
    shift: Array

    @property
    def inverse(self) -> Affine:
        return Affine(1 / self.factor, -self.shift / self.factor)

    def __call__(self, values: Array) -> Array:
        return self.factor * values + self.shift


def of_columns(fitted: Fitted) -> Affine:
    """Return how each input is made of the table's own numbers."""
    widths = [each.width for each in fitted.columns]
    return Affine(*(np.repeat(each, widths) for each in _affine(STANDARDIZED, fitted.columns)))


def of_outputs(fitted: Fitted) -> Affine | None:
    """Return how the targets' own unit is made of outputs; None where they have it."""
    return _affine(ORIGINAL, fitted.standardized) if fitted.standardized else None


def _affine(rule: Expression, columns: Sequence[Column]) -> Affine:
    """Return a rule of standardizing as its slope, and its value at 0, for each column."""
    numbers = {key: np.array([getattr(each, key) for each in columns], dtype=float) for key in ("mean", "scale")}
    at_zero = {"value": np.zeros(len(columns)), **numbers}
    return Affine(*(evaluate(each, at_zero) for each in (differentiate(rule, "value").simplified, rule)))


def scales_columns(fitted: Fitted | None) -> bool:
    """Whether columns are scaled before a network."""
    if fitted is None:
        return False
    factor, shift = of_columns(fitted)
    return bool((factor != 1).any() or (shift != 0).any())


def scales(fitted: Fitted | None) -> bool:
    """Whether columns are scaled before a network, or its outputs after it."""
    return fitted is not None and (bool(fitted.standardized) or scales_columns(fitted))


def without_scaling(problem: Problem) -> Problem:
    """Return the network that takes, and gives, the table's own numbers: its first and last weights scale them.

    Raises:
        InvalidArgument: its outputs in their own unit are no layer's.
    """
    fitted = problem.fitted
    if fitted is None or not scales(fitted):
        return problem
    found = _moved(problem, of_columns(fitted) if scales_columns(fitted) else None, of_outputs(fitted))
    examples = problem.examples and in_own_unit(problem.examples, fitted)
    return replace(found, examples=examples, fitted=unscaled(fitted))


def with_scaling(problem: Problem, fitted: Fitted) -> Problem:
    """Return a network that takes and gives a table's own numbers as one whose rows are scaled before it.

    Raises:
        InvalidArgument: its outputs in that unit are no layer's.
    """
    columns, outputs = of_columns(fitted) if scales_columns(fitted) else None, of_outputs(fitted)
    found = _moved(problem, columns and columns.inverse, outputs and outputs.inverse)
    return replace(found, examples=problem.examples and scaled_rows(problem.examples, fitted))


def in_own_unit(examples: Examples, fitted: Fitted) -> Examples:
    """Return scaled rows as the table's own numbers."""
    columns, outputs = of_columns(fitted).inverse, of_outputs(fitted)
    return _rows(examples, columns, outputs)


def scaled_rows(examples: Examples, fitted: Fitted) -> Examples:
    """Return rows of a table's own numbers as the network takes them."""
    outputs = of_outputs(fitted)
    return _rows(examples, of_columns(fitted), outputs and outputs.inverse)


def _rows(examples: Examples, columns: Affine, outputs: Affine | None) -> Examples:
    targets = examples.targets if outputs is None else outputs(examples.targets)
    return replace(examples, inputs=columns(examples.inputs), targets=targets)


def _moved(problem: Problem, columns: Affine | None, outputs: Affine | None) -> Problem:
    """Return the network that makes of its inputs what the given one takes, and more of what that gives."""
    old, layers, last = problem.network, [*problem.network.layers], problem.network.depth - 1
    if outputs is not None and layers[last].rule.name != "identity":
        raise InvalidArgument(
            f"{problem.name}: its targets were standardized and its last activation is {layers[last].rule.name}, so no "
            "layer can give its outputs in the targets' own unit; train it with standardize_target = false"
        )
    own = [(problem.parameters.weights(k), problem.parameters.biases(k)) for k in range(old.depth)]
    if columns is not None:
        weights, bias = own[0]
        own[0] = weights * columns.factor, bias + weights @ columns.shift if bias.size else weights @ columns.shift
    if outputs is not None:
        weights, bias = own[last]
        own[last] = weights * outputs.factor[:, None], outputs(bias) if bias.size else outputs.shift
    for k in {0} if outputs is None else {last} if columns is None else {0, last}:
        one = layers[k]
        layers[k] = replace(one, bias="unit", bias_names=one.bias_names if one.bias == "unit" else None)
    network = Network(old.inputs, layers, old.loss)
    parameters = Parameters(network.layout, np.concatenate([each.ravel() for pair in own for each in pair]))
    return replace(problem, network=network, parameters=parameters, examples=None)
