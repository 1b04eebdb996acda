"""A network made for a table: what its target column holds decides outputs and loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.errors import Fault, InvalidArgument, UnfitTable
from clearprop.messages import abridged
from clearprop.network.data import Data, Task
from clearprop.network.description import AUTO, Network
from clearprop.network.layer import Dense
from clearprop.network.problem import Problem, Settings
from clearprop.rules.optimizers import Adam
from clearprop.tables.classes import no_classes
from clearprop.tables.fit import wanted_to_fit
from clearprop.tables.prepare import Reader, prepared
from clearprop.tables.table import Column, Table, Text, Wanted, column, few, notice

HIDDEN = (64,)
"""The hidden layers, unless others are asked for."""
SETTINGS = Settings(epochs=1000, batch_size=32, tolerance=1e-5, patience=30)
MOST_CLASSES, FEWEST_ROWS = 20, 5
"""Whole numbers are classes if they have at most this many values, each in at least this many rows."""


class NoTarget(InvalidArgument):
    """A table without a target: ``columns`` are those to choose from."""

    def __init__(self, source: str, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        super().__init__(f"{source}: which column is the target? Name it with --target; found {few(columns)}")


def without_target(read: Reader, names: tuple[str, ...] | None = None) -> NoTarget:
    """Return the refusal of a table without a target; ``names`` are its columns where its first line has none."""

    def choose(header: Sequence[str], source: str) -> Sequence[str]:
        raise NoTarget(source, header)

    try:
        read(Wanted(choose, {}, names=names))
    except NoTarget as error:
        return error
    raise AssertionError("a table is read by choosing its columns")


def made_for(
    file: str,
    target: tuple[str, ...],
    read: Reader,
    *,
    name: str,
    task: Task | None = None,
    hidden: Sequence[int] = HIDDEN,
    about: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> tuple[Problem, Problem]:
    """Return the problem of a network made for a table, first as a network file states it, then with its rows.

    ``file`` is how the network file is to call the table. ``task`` says whether the target holds classes or
    numbers, if that is not to follow from it; ``hidden`` are the sizes of the hidden layers; ``about`` sets fields of
    ``Data``.

    Raises:
        UnknownName: a target that is no column of the table.
        InvalidArgument: a target that does not fit the task.
        UnfitTable: a table that cannot be learnt from.
    """
    if twice := [each for each in target if target.count(each) > 1]:
        raise InvalidArgument(f'target: "{abridged(twice[0])}" is named {len(twice)} times; name each column once')
    data = Data(file, target, standardize=True, missing="mean", **(about or {}))
    settings = SETTINGS if seed is None else replace(SETTINGS, seed=seed)

    def problem(*layers: Dense, loss: str) -> Problem:
        network = Network(AUTO, layers, loss)
        return Problem(network, optimizer=Adam(), settings=settings, data=data, name=name)

    # Which columns are read does not depend on the network, as long as it gives its inputs no names.
    named = (*target, *data.exclude, *data.categorical)
    table = read(wanted_to_fit(problem(Dense(1), loss="half_squared_error"), data, named))
    last, loss = _outputs(table, target, task)
    stated = problem(*(Dense(size, "relu") for size in hidden), last, loss=loss)
    return stated, prepared(stated, data, lambda _: table, target)


def _outputs(table: Table, target: tuple[str, ...], task: Task | None) -> tuple[Dense, str]:
    """Return the last layer and the loss that fit what the target columns hold."""
    if len(target) > 1:
        if task == "classes":
            raise InvalidArgument(f"task: classes take one target column, found {len(target)}")
        return Dense(len(target)), "half_squared_error"
    name, given = target[0], table.columns[target[0]]
    if isinstance(given, Text) and task == "numbers":
        raise InvalidArgument(f"task: {column(name)} holds text, so it is classes; leave the task out")
    if isinstance(given, Text) and task is None and (fault := no_classes(name, given)):
        raise UnfitTable([Fault(fault.where, f"{fault.message}, or use --task classes")], table.source)
    if task == "numbers" or (task is None and not _holds_classes(table.source, name, given)):
        return Dense(1), "half_squared_error"
    if isinstance(given, Text):
        count = len(np.unique(given.codes[~given.missing]))
        shared = count <= 2
    else:
        found = np.unique(given.values[~given.missing])
        count = len(found)
        # One output learns the share of the second of two classes, unless they could be shares themselves.
        shared = count <= 2 and (set(found.tolist()) <= {0.0, 1.0} or not ((found >= 0) & (found <= 1)).all())
    return (
        (Dense(1, "logistic"), "binary_cross_entropy")
        if shared
        else (Dense(count, "softmax"), "categorical_cross_entropy")
    )


def _holds_classes(source: str, name: str, given: Column) -> bool:
    """Return whether a target column holds classes: text, or few whole numbers again and again, which is said."""
    if isinstance(given, Text):
        return True
    found, rows = np.unique(given.values[~given.missing], return_counts=True)
    whole = bool(np.isfinite(found).all()) and bool((found == np.round(found)).all())
    if not whole or not 2 <= len(found) <= MOST_CLASSES or rows.min() < FEWEST_ROWS:
        return False
    notice(
        f"{source}: {column(name)} has {len(found)} whole numbers, each several times, so they are taken as classes; "
        "use --task numbers to learn them as numbers"
    )
    return True
