"""Rows that a call gives to a network or a model: by the names of their columns, or as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument, UnfitTable
from clearprop.fields import accepted
from clearprop.messages import abridged
from clearprop.network.data import Column as FittedColumn
from clearprop.network.data import Fitted
from clearprop.network.problem import Problem, a_problem
from clearprop.tables.frames import as_column, as_row, columns_of, from_frame, from_row, is_frame, target_columns
from clearprop.tables.prepare import with_rows
from clearprop.tables.rows import dimensions, rows
from clearprop.tables.table import Column, Numbers, Table, Wanted

CLASS = "class"
"""The name of the column of classes where a network was fitted to no table."""


def with_given_rows(problem: Problem, inputs: Any, targets: Any = None) -> Problem:
    """Return the problem with these rows as its examples; see ``TakesExamples.with_examples``."""
    accepted(a_problem, problem, "problem")
    if problem.data is not None and problem.fitted is None:
        raise InvalidArgument(
            f"{problem.name}: a network file does not say what was fitted on its table; load it, or a model"
        )
    named = problem.fitted or of_network(problem, classes=_is_class(problem, targets))
    if problem.of_others:  # of another framework: inputs may have several axes, and a class be given by all outputs
        units, shape = problem.network.unit_names[-1], np.shape(targets)
        if named.classes is not None and len(shape) == 2 and shape[1] == len(units) > 1:
            named = replace(named, targets=units, classes=None)
        if dimensions(inputs) > 2:
            inputs = np.reshape(inputs, (len(inputs), -1))
        if not is_frame(inputs) and np.shape(inputs)[-1:] == (named.width,):
            named = named.as_inputs
    more = _targets(named, targets)
    try:
        return applied(problem, named, lambda wanted: _read(inputs, named, wanted, more), own=False)
    except UnfitTable as error:
        raise InvalidArgument(str(error)) from None


def applied(problem: Problem, named: Fitted, read: Callable[[Wanted], Table], *, own: bool) -> Problem:
    """Return the problem with rows that are read as ``named`` says; ``own`` ones are a network file's."""
    found = with_rows(replace(problem, fitted=named, examples=None), read)
    examples = found.examples and replace(found.examples, own=own)
    return replace(found, examples=examples, fitted=problem.fitted and found.fitted)


def of_network(problem: Problem, *, classes: bool) -> Fitted:
    """Return the names of a network's own inputs and outputs as columns, or its outputs as classes."""
    columns = tuple(FittedColumn(name) for name in problem.network.input_names)
    units = problem.network.unit_names[-1]
    return Fitted(columns, (CLASS,), units) if classes else Fitted(columns, units)


def _is_class(problem: Problem, targets: Any) -> bool:
    """Return whether targets are names of classes, for a network with an output for each."""
    several = problem.network.sizes[-1] > 1 and problem.network.loss.rule.task == "classes"
    return several and targets is not None and not is_frame(targets) and np.asarray(targets).dtype.kind in "UO"


def _read(inputs: Any, named: Fitted, wanted: Wanted, more: Mapping[str, Column]) -> Table:
    row = as_row(inputs)
    if row is not None or is_frame(inputs):
        for name in more:
            if name in (row if row is not None else map(str, inputs.columns)):
                raise InvalidArgument(f'targets: "{abridged(name)}" is a column of the rows already; leave targets out')
        return from_frame(inputs, wanted, more=more) if row is None else from_row(row, wanted, more=more)
    matrix = rows(inputs, len(named.columns), "inputs")
    if any(each.categories is not None for each in named.columns):
        raise InvalidArgument("inputs: some columns hold text; give a data frame, or a row as a dict of its columns")
    columns = {each.name: Numbers(values) for each, values in zip(named.columns, matrix.T, strict=True)}
    if any(len(each) != len(matrix) for each in more.values()):
        count = len(next(iter(more.values())))
        raise InvalidArgument(f"found {len(matrix)} rows of inputs and {count} rows of targets")
    return Table({**columns, **more}, "the array")


def _targets(named: Fitted, targets: Any) -> Mapping[str, Column]:
    """Return the columns of targets that were given apart from the inputs."""
    if targets is None or (isinstance(targets, str) and (targets,) == named.targets):
        return {}
    if is_frame(targets):
        return columns_of(targets)
    if isinstance(targets, Mapping):
        return {str(name): as_column([value]) for name, value in targets.items()}
    if dimensions(targets) == 0:
        targets = [targets]
    if len(named.targets) == 1:
        one = np.ndim(targets) == 2 and np.shape(targets)[1] == 1
        return {named.targets[0]: as_column(np.asarray(targets)[:, 0] if one else targets)}
    matrix = rows(targets, len(named.targets), "targets")
    return dict(zip(named.targets, target_columns(matrix).values(), strict=True))
