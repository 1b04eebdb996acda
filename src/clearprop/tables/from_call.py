"""Examples from a call: arrays and data frames."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.fields import columns
from clearprop.network.arrays import numbers
from clearprop.network.data import Data
from clearprop.network.examples import Examples
from clearprop.network.problem import Problem
from clearprop.tables.by_name import of_outputs
from clearprop.tables.frames import as_column, columns_of, from_arrays, from_frame, is_frame, target_columns
from clearprop.tables.prepare import prepared
from clearprop.tables.rows import dimensions, of_float32, rows
from clearprop.tables.table import Column, Numbers

COLUMNS = {"columns": "inputs"} | {
    field.name: field.name
    for field in fields(Data)
    if field.name not in ("file", "target", "inputs", "decimal", "names")
}
"""The options of a call that describe its table, each with the field of ``Data`` that it sets."""


def with_examples(
    problem: Problem, inputs: Any, targets: Any, about: Mapping[str, Any], weights: Any = None
) -> Problem:
    """Return the problem with the examples of a call; ``about`` sets fields of ``Data``.

    ``inputs`` is an array or a data frame. ``targets`` are the names of columns, an array with one
    row of outputs per example, or a class or number per example.
    """
    framed = columns_of(targets) if is_frame(targets) else {}
    if is_frame(inputs):
        return _from_frame(problem, inputs, targets, framed, about, weights)
    if inputs is None or targets is None:
        raise InvalidArgument("inputs and targets belong together: give both or neither")
    if dimensions(inputs) == 1 and problem.network.sizes[0] == 1:
        inputs = np.reshape(inputs, (-1, 1))  # a plain list of numbers: a row each
    if about or not _are_outputs(framed or targets, problem.network.sizes[-1], dimensions(inputs)):
        own, named = framed or target_columns(targets), bool(framed)
        # Arrays are taken as they are, unless the call says otherwise.
        data = _data(problem, tuple(own), {"standardize_target": False} | dict(about))
        problem = prepared(problem, data, lambda wanted: from_arrays(inputs, own, wanted, named), _named(data, about))
    else:
        targets = _in_order(problem, framed) if framed else targets
        hint = "; for classes give one column per class, with 1 for the right one"
        sizes = problem.network.sizes
        ready = of_float32(inputs) and inputs.shape[1] == sizes[0]
        given = inputs if ready else rows(inputs, sizes[0], "inputs")
        found = Examples(given, rows(targets, sizes[-1], "targets", hint), own=False)
        if not len(found):
            raise InvalidArgument("inputs: expected at least 1 row, found none")
        problem = replace(problem, examples=found, data=None)
    return problem if weights is None else replace(problem, examples=weighted(problem.examples, weights))


def _in_order(problem: Problem, targets: Mapping[str, Column]) -> Any:
    """Return columns of targets as rows of numbers in the order of the outputs, as far as these are called so."""
    found = list(targets.values())
    if len(found) > 1 and len(found) == problem.network.sizes[-1]:
        found = [found[place] for place in of_outputs(problem.network, list(targets), "target", "targets")]
    return np.stack([each.values for each in found if isinstance(each, Numbers)], axis=1)


def _from_frame(
    problem: Problem, frame: Any, targets: Any, framed: Mapping[str, Column], about: Mapping[str, Any], weights: Any
) -> Problem:
    if weights is not None:
        raise InvalidArgument("weights: a data frame has them in a column; name it with weight_column")
    more = dict(framed)
    if framed:
        targets = tuple(framed)
    elif targets is not None and not _are_names(targets, frame):
        name = str(getattr(targets, "name", None) or "target")
        more, targets = {name: as_column(targets)}, name
    data = _data(problem, targets, about)
    named = _named(data, about) | (set() if targets is None else {*data.target})
    return prepared(problem, data, lambda wanted: from_frame(frame, wanted, more=more), named)


def _named(data: Data, about: Mapping[str, Any]) -> set[str]:
    """Return the columns that a call names in its options."""
    named = (getattr(data, field) for field in ("inputs", "categorical", "weight_column") if field in about)
    return {name for each in named for name in columns(each or ())}


def _are_names(targets: Any, frame: Any) -> bool:
    """Return whether targets are names of columns, rather than a class or number for each row."""
    if isinstance(targets, str):
        return True
    plain = isinstance(targets, (list, tuple)) and all(isinstance(name, str) for name in targets)
    return plain and (len(targets) != len(frame) or set(targets) <= set(map(str, frame.columns)))


def _data(problem: Problem, targets: Any, about: Mapping[str, Any]) -> Data:
    """Return the description of a call's table, based on the problem's own; no rows are set aside by default."""
    data = problem.data or Data("", (), split=0.0)
    names = data.target if targets is None else targets
    if not names:
        raise InvalidArgument('targets: a data frame takes the name of its target column, such as "species"')
    try:
        return replace(data, **about, target=names)
    except InvalidArgument as error:
        # A call names the columns to learn from ``columns``.
        raise InvalidArgument(re.sub("^inputs:", "columns:", str(error))) from None


def weighted(examples: Examples | None, weights: Any) -> Examples:
    """Return the examples with weights: how much each counts."""
    if examples is None:
        raise InvalidArgument("weights: the problem has no examples to weight")
    values = numbers(weights, "weights: expected one number per row")
    if values.shape != (len(examples),):
        raise InvalidArgument(f"weights: expected {len(examples)} numbers, one per row, found shape {values.shape}")
    if not (np.isfinite(values) & (values >= 0)).all() or not values[examples.learnt].any():
        raise InvalidArgument("weights: expected finite numbers of at least 0, not all of them 0")
    return replace(examples, weights=values if examples.weights is None else values * examples.weights)


def _are_outputs(targets: Any, width: int, rank: int) -> bool:
    """Return whether targets, or columns of them, are rows of numbers rather than a class per row of inputs."""
    if isinstance(targets, dict):
        return all(isinstance(each, Numbers) for each in targets.values()) and (width == 1 or len(targets) > 1)
    return dimensions(targets) > 1 or ((width == 1 or rank < 2) and np.asarray(targets).dtype.kind in "fiub")
