"""Prediction: outputs for new rows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument, NotFinite
from clearprop.fields import accepted, boolean, function, optional, suggests_options
from clearprop.network.data import Column, Fitted
from clearprop.network.problem import Problem, a_problem
from clearprop.prediction.classes import class_labels, most_likely
from clearprop.prediction.outputs import outputs
from clearprop.tables.apply import in_own_unit
from clearprop.tables.csv_file import ReadingProgress
from clearprop.tables.frames import as_row, from_frame, from_row, is_frame
from clearprop.tables.prepare import Reader, inputs_of
from clearprop.tables.read import read_table
from clearprop.tables.rows import of_float32, rows
from clearprop.tables.table import Numbers, Table
from clearprop.types import Array


@suggests_options()
def predict(problem: Problem, data: Any, progress: ReadingProgress | None = None, *, classes: bool = False) -> Array:
    """Return the outputs for rows of data, shape (rows, outputs); data is an array, a data frame, a row by the
    names of its columns, or a table's path.

    With ``classes``, return the class of each row, as its table calls it (text or a number), shape (rows,).

    They are computed in float64; in float32 for an array of float32, if nothing was fitted to a table.

    What was fitted on the training rows is applied to the data. The columns of a data frame or a file
    are found by name, and others ignored; those of an array are in the order of the network's inputs.

    Raises:
        InvalidArgument: rows of the wrong length, or not finite; or ``classes`` for a network that has none.
        UnfitTable: missing columns, missing values, or values that training never saw.
        NotFinite: an output is not a finite number.

    >>> import clearprop as cp
    >>> predict(cp.load("lecture"), [[0.1, 0.5]]).round(5).tolist()
    [[0.73493, 0.77955]]
    """
    labels = class_labels(problem) if accepted(boolean, classes, "classes") else None
    if classes and labels is None:
        raise InvalidArgument(f"classes: {problem.name} has no classes; its targets are numbers")
    given = network_inputs(problem, data, progress)
    found, finite = outputs(problem, problem.parameters, given)
    if not finite:
        if problem.fitted is None and not np.isfinite(given).all():
            raise InvalidArgument("inputs: expected finite numbers, found NaN or infinity")
        row = int(np.argmin(np.isfinite(found).all(axis=1))) + 1
        why = "its inputs are too large for this network, or a formula has no value there"
        raise NotFinite(f"row {row:,}: an output is not a finite number; {why}")
    return in_own_unit(problem.fitted, found) if labels is None else np.array(labels)[most_likely(found)]


def network_inputs(problem: Problem, data: Any, progress: ReadingProgress | None = None) -> Array:
    """Return the inputs of the network for rows of data."""
    accepted(a_problem, problem, "problem")
    accepted(optional(function), progress, "progress")
    if problem.data is not None and problem.fitted is None:
        raise InvalidArgument(
            f"{problem.name}: a network file does not say what was fitted on its table; save a model with "
            "train … --output MODEL, and predict with that"
        )
    read = _reader(data, progress)
    if problem.fitted is None and read is None:
        width = problem.network.sizes[0]
        ready = of_float32(data) and data.shape[1] == width
        return data if ready else rows(data, width, "inputs")
    # A network that was fitted to no table finds its inputs by their names.
    fitted = problem.fitted or Fitted(tuple(Column(name) for name in problem.network.input_names), ())
    if read is not None:
        return inputs_of(fitted, read, problem.data)
    if problem.of_others and np.shape(data)[-1:] == (fitted.width,):  # what its file's model takes
        fitted = fitted.as_inputs
    matrix = rows(data, len(fitted.columns), "inputs")
    if any(column.categories is not None for column in fitted.columns):
        raise InvalidArgument("inputs: some columns hold text; give a data frame with the columns' names")
    columns = {column.name: Numbers(values) for column, values in zip(fitted.columns, matrix.T, strict=True)}
    return inputs_of(fitted, lambda wanted: Table(columns, "the array"))


def _reader(data: Any, progress: ReadingProgress | None) -> Reader | None:
    """Return a reader of named columns, if the data has names."""
    if isinstance(data, (str, os.PathLike)):
        return lambda wanted: read_table(Path(data), wanted, progress)
    if (row := as_row(data)) is not None:
        return lambda wanted: from_row(row, wanted)
    if is_frame(data):
        return lambda wanted: from_frame(data, wanted)
    return None
