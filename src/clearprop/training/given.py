"""Examples that a call gives: arrays, data frames, and what it says of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.network.data import Data
from clearprop.network.description import Network
from clearprop.network.examples import Examples
from clearprop.network.problem import Problem
from clearprop.tables.csv_file import Progress
from clearprop.tables.frames import as_column, from_arrays, from_frame, is_frame, target_columns
from clearprop.tables.prepare import prepared
from clearprop.tables.read import read_table
from clearprop.tables.rows import dimensions, rows

COLUMNS = {"columns": "inputs"} | {
    field.name: field.name for field in fields(Data) if field.name not in ("file", "target", "inputs")
}
"""What a call may say of a table, and what ``Data`` calls it."""


def given(problem: Problem, inputs: Any, targets: Any, about: Mapping[str, Any], weights: Any = None) -> Problem:
    """The problem with examples from a call.

    Data frames come with the names of their targets or with the targets themselves, arrays with rows
    of outputs or with a class or number per row.
    """
    if inputs is None:
        raise InvalidArgument("inputs and targets belong together: give both or neither")
    if is_frame(inputs):
        return _from_frame(problem, inputs, targets, about, weights)
    if targets is None:
        raise InvalidArgument("inputs and targets belong together: give both or neither")
    if dimensions(inputs) == 1 and problem.network.sizes[0] == 1:
        inputs = np.reshape(inputs, (-1, 1))  # a plain list of numbers: a row each
    if about or not _are_outputs(targets, problem.network.sizes[-1], dimensions(inputs)):
        columns = target_columns(targets)
        data = described(problem, tuple(columns), about)
        found = prepared(problem, data, lambda wanted: from_arrays(inputs, columns, wanted))
    else:
        found = replace(problem, examples=examples(problem.network, inputs, targets), data=None)
    return found if weights is None else replace(found, examples=weighted(found.examples, weights))


def _from_frame(problem: Problem, frame: Any, targets: Any, about: Mapping[str, Any], weights: Any) -> Problem:
    if weights is not None:
        raise InvalidArgument("weights: a data frame has them in a column; name it with weight_column")
    more = {}
    if targets is not None and not _are_names(targets, frame):
        name = str(getattr(targets, "name", None) or "target")
        more, targets = {name: as_column(targets)}, name
    data = described(problem, targets, about)
    return prepared(problem, data, lambda wanted: from_frame(frame, wanted, more=more))


def _are_names(targets: Any, frame: Any) -> bool:
    """Whether targets are names of columns, rather than a class or number for each row."""
    if isinstance(targets, str):
        return True
    plain = isinstance(targets, (list, tuple)) and all(isinstance(name, str) for name in targets)
    return plain and (len(targets) != len(frame) or set(targets) <= set(map(str, frame.columns)))


def described(problem: Problem, targets: Any, about: Mapping[str, Any]) -> Data:
    """What a call, and the ``[data]`` table before it, say of a table. A call sets no rows aside by itself.

    Raises:
        InvalidArgument: naming what makes no sense.
    """
    names = targets
    if names is None and problem.data is not None:
        names = problem.data.target
    if not names:
        raise InvalidArgument('targets: a data frame takes the name of its target column, such as "species"')
    data = Data("", (), split=0.0) if problem.data is None else problem.data
    try:
        return replace(data, **about, target=names)
    except InvalidArgument as error:
        # A call names the columns to learn from ``columns``.
        raise InvalidArgument(re.sub("^inputs:", "columns:", str(error))) from None


def from_file(problem: Problem, data: Data, path: Path, progress: Progress | None = None) -> Problem:
    """The problem with the rows of a table in a file as its examples.

    Raises:
        UnreadableFile: no such table, or not one.
        UnfitTable: it does not fit the network.
    """
    return prepared(problem, data, lambda wanted: read_table(path, wanted, progress))


def weighted(examples: Examples | None, weights: Any) -> Examples:
    """The examples, each counting as much as its weight."""
    if examples is None:
        raise InvalidArgument("weights: there are no examples for them to be of")
    try:
        values = np.asarray(weights, dtype=float)
    except (TypeError, ValueError):
        raise InvalidArgument("weights: expected one number per row, found something else") from None
    if values.shape != (len(examples),):
        raise InvalidArgument(f"weights: expected {len(examples)} numbers, one per row, found shape {values.shape}")
    if not (np.isfinite(values) & (values >= 0)).all() or not values[examples.learnt].any():
        raise InvalidArgument("weights: expected finite numbers of at least 0, not all of them 0")
    return replace(examples, weights=values if examples.weights is None else values * examples.weights)


def _are_outputs(targets: Any, width: int, rank: int) -> bool:
    """Whether targets are rows of numbers, one for each output, rather than a class for each row of inputs."""
    if dimensions(targets) < 2:
        return (width == 1 or rank < 2) and np.asarray(targets).dtype.kind in "fiub"
    return True


def examples(network: Network, inputs: Any, targets: Any) -> Examples:
    """Rows of inputs and targets that fit the network."""
    found = Examples.of(
        rows(inputs, network.sizes[0], "inputs"),
        rows(targets, network.sizes[-1], "targets", "; a class takes one column per class, 1 where it is the one"),
        own=False,
    )
    if not len(found):
        raise InvalidArgument("inputs: expected at least 1 row, found none")
    return found
