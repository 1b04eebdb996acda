"""Fit to a table: find means, scales, categories and fillings of empty cells, from the training rows alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice

import numpy as np

from clearprop.errors import Fault, InvalidNetwork, UnfitTable
from clearprop.messages import abridged, brief
from clearprop.network.data import Column, Data, Fitted, Label
from clearprop.network.description import Network
from clearprop.network.problem import Problem
from clearprop.tables.classes import class_codes, classes_of, listed
from clearprop.tables.doubts import doubts
from clearprop.tables.split import split
from clearprop.tables.table import (
    MAX_FAULTS,
    UNNAMED,
    Numbers,
    Table,
    Text,
    Wanted,
    chosen,
    column,
    counts_rows,
    few,
    not_finite,
    notice,
    numbers_rows,
)
from clearprop.types import Array

ROUNDING = 4 * float(np.finfo(float).eps)
"""Numbers that differ by less, relative to the largest, are the same number."""

MANY, NEARLY = 10, 0.8
"""Of so many rows or more, classes that are more than this share of them are worth a word."""

ENOUGH = 5
"""Validation rows from which on each class is expected among them."""


def wanted_to_fit(problem: Problem, data: Data, named: Collection[str] = ()) -> Wanted:
    """Return the columns to read of a table to fit a problem to it; the request itself names those in ``named``."""
    special = _special(data)
    unnamed = data.inputs is None and "" not in data.exclude

    def choose(header: Sequence[str], source: str) -> Sequence[str]:
        needed = (*(data.inputs or ()), *data.categorical, *special, *filter(None, data.exclude))
        names = chosen(header, source, needed=needed, others=data.inputs is None, named=named)
        names = [name for name in names if name not in data.exclude or name in (data.inputs or special)]
        learnt = data.inputs or tuple(name for name in header if name in {*names} - {*special})
        return [*learnt, *special]

    return Wanted(choose, dict.fromkeys(data.categorical, "text"), unnamed, data.na, data.decimal, data.names)


def _special(data: Data) -> list[str]:
    """Return the columns that are no inputs."""
    return [*data.target, *([] if data.weight_column is None else [data.weight_column])]


def fit(table: Table, data: Data, problem: Problem) -> tuple[Fitted, Array, Array]:
    """Return what was fitted on the table's training rows, those rows, and the rows to validate on."""
    special = _special(data)
    table, empty = _without_empty(table, {*special, *(data.inputs or ()), *data.categorical})
    inputs = [name for name in table.columns if name not in special]
    faults = list(_role_faults(data, inputs, table))
    if faults:
        raise UnfitTable(faults, table.source)
    rows = usable(table, data, inputs)
    classes = classes_of(table, data, problem, rows)
    kinds = None if classes is None else class_codes(table, data.target[0], classes)[rows]
    training, validation = split(rows, data.split, problem.settings.seed, kinds)
    training, validation = _with_every_category(table, inputs, training, validation)
    if classes is not None and len(validation) >= max(len(classes), ENOUGH):
        _say_unvalidated(table, data.target[0], classes, validation)
    doubts(table, inputs, rows)
    if classes is not None and len(rows) >= MANY and len(classes) > NEARLY * len(rows):
        few = f"{len(classes):,} classes in {len(rows):,} rows, too few of each to learn from"
        notice(f"{table.source}: the target, {column(data.target[0])}, has {few}")
    found = [_column(name, table, data, training) for name in inputs]
    faults = [each for each in found if isinstance(each, Fault)]
    if faults:
        raise UnfitTable(faults, table.source)
    columns = tuple(each for each in found if isinstance(each, Column))
    _say_constants(table, columns, training, standardized=data.standardize)
    left_out = ((name, "excluded") for name in data.exclude), ((name, "no value in any row") for name in empty)
    standardized = () if classes is not None else _standardized(table, data, problem, training)
    given = [(name, table.columns[name]) for name in data.target]
    units = tuple((name, each.unit) for name, each in given if isinstance(each, Numbers) and each.unit)
    fitted = Fitted(columns, data.target, classes, standardized, target_units=units, left_out=tuple(chain(*left_out)))
    return fitted, training, validation


def _without_empty(table: Table, named: Collection[str]) -> tuple[Table, list[str]]:
    """Return the table without the columns that have no value in any row and that nobody named, and their names."""
    empty = [name for name, each in table.columns.items() if name not in named and each.missing.all()]
    if not empty:
        return table, []
    if named := [name for name in empty if not UNNAMED.match(name)]:
        notice(f"{table.source}: left out, because no row has a value: {few(named)}")
    return Table({name: each for name, each in table.columns.items() if name not in empty}, table.source), empty


def _say_unvalidated(table: Table, name: str, classes: Sequence[Label], validation: Array) -> None:
    """Say which classes no validation row has."""
    counts = np.bincount(class_codes(table, name, classes)[validation], minlength=len(classes))
    if absent := [label for label, count in zip(classes, counts, strict=True) if not count]:
        notice(f"{table.source}: no validation row has {column(name)} = {listed(absent, 6)}")


def _say_constants(table: Table, columns: Sequence[Column], training: Array, *, standardized: bool) -> None:
    """Say which columns are the same in all training rows."""
    numbers = ((each.name, table.columns[each.name]) for each in columns)
    constant = [name for name, each in numbers if isinstance(each, Numbers) and _is_constant(each.values[training])]
    others = [each.name for each in columns if each.categories is not None and each.width == 1]
    if constant and standardized:
        become = "it becomes 0" if len(constant) == 1 else "they become 0"
        notice(f"{table.source}: the same value in every training row, so {become}: {few(constant)}")
    if others and len(training) > 1:
        them = "it" if len(others) == 1 else "them"
        said = f"the same value in every training row: {few(others)}; leave {them} out with exclude"
        notice(f"{table.source}: {said}")


def _standardized(table: Table, data: Data, problem: Problem, training: Array) -> tuple[Column, ...]:
    """Return the mean and scale of each numeric target, if they are to be standardized."""
    network = problem.network
    if data.standardize_target is False:
        return ()
    if unfit := unreachable(network):
        if data.standardize_target:
            remedy = "leave standardize_target out, or change the last layer or the loss"
            raise InvalidNetwork([Fault("data.standardize_target", f"{unfit}; {remedy}")], problem.name)
        return ()
    found: list[Column] = []
    for name in data.target:
        given = table.columns[name]
        if not isinstance(given, Numbers):
            return ()  # refused where targets are made
        values = given.values[training]
        if not np.isfinite(values).all():
            return ()
        moments = _moments(name, values)
        if isinstance(moments, Fault):
            raise UnfitTable([moments], table.source)
        mean, scale = moments
        found.append(Column(name, None, mean, scale or 1.0))
    return tuple(found)


def unreachable(network: Network) -> str | None:
    """Return why standardized targets make no sense for a network, or None if they do.

    They lie on both sides of 0, and a loss that looks at more than the difference of target and output
    would compute something else of them.
    """
    rule, loss = network.layers[-1].rule, network.loss.rule
    if not rule.reaches_all:
        return f"the outputs of {abridged(rule.name, 40)} cannot be any number, as standardized targets are"
    if not loss.of_difference:
        return f"the loss {abridged(loss.name, 40)} is not one of t - y alone, so standardized targets would change it"
    return None


def _role_faults(data: Data, inputs: Sequence[str], table: Table) -> Iterator[Fault]:
    listed = [*(data.inputs or ()), *_special(data), *data.exclude]
    for name in dict.fromkeys(listed):
        if listed.count(name) > 1:
            yield Fault(column(name), f"is named {listed.count(name)} times under [data]; name it once")
    for name in data.categorical:
        if name not in inputs and name not in data.target:
            yield Fault(column(name), "is listed under categorical but is neither an input nor the target")
    if not inputs:
        yield Fault("", "found no column besides the target; add columns, or list them under inputs")
    if data.weight_column is not None and not isinstance(table.columns[data.weight_column], Numbers):
        yield Fault(column(data.weight_column), "is the weight_column: expected numbers, found text")


def usable(table: Table, data: Data, inputs: Sequence[str]) -> Array:
    """Return the positions of the rows to use, as ``missing`` says."""
    optional = set(inputs) if data.missing == "mean" else set()
    refused: dict[str, str] = {}
    counts: dict[str, int] = {}
    left_out = np.zeros(len(table), dtype=bool)
    for name, given in table.columns.items():
        if name not in optional and (rows := given.missing).any():
            refused[name], counts[name] = _empty(rows), int(rows.sum())
            left_out |= rows
    if refused and data.missing == "refuse":
        remedy = 'fill them in, or set missing = "mean" or "drop" under [data]'
        faults = [Fault(column(name), found) for name, found in refused.items()]
        last = min(len(faults), UnfitTable.SHOWN) - 1
        faults[last] = Fault(faults[last].where, f"{faults[last].message}; {remedy}")
        raise UnfitTable(faults, table.source)
    if left_out.all():
        most = ", ".join(f"{abridged(name, 30)}: {count:,}" for name, count in islice(counts.items(), MAX_FAULTS))
        remedy = 'leave the columns without values out of inputs, or set missing = "mean"'
        if data.missing == "mean":  # only the target and weights are needed
            remedy = "fill them in"
        found = f"no row is left: every one of {len(table):,} has an empty cell ({most}); {remedy}"
        raise UnfitTable([Fault("", found)], table.source)
    if refused and data.missing == "mean":  # only inputs have one
        empty = " and ".join(f"{column(name)} ({found})" for name, found in refused.items())
        notice(f"{table.source}: rows without a value are left out: {empty}")
    return np.flatnonzero(~left_out)


def _empty(rows: Array) -> str:
    count = int(rows.sum())
    have = "has" if count == 1 else "have"
    return f"{count:,} of {len(rows):,} rows {have} no value, the first is row {int(rows.argmax()) + 1:,}"


def _column(name: str, table: Table, data: Data, training: Array) -> Column | Fault:
    """Return what was fitted on one input column, or what is wrong with it."""
    given = table.columns[name]
    if given.missing[training].all():
        return Fault(column(name), "has no value in any training row; leave it out of inputs, or name it under exclude")
    if isinstance(given, Text):
        return _categories(name, given, data, training)
    if UNNAMED.match(name) and numbers_rows(given.values):
        counts = "counts the rows" if counts_rows(given.values) else "has a different whole number in each row"
        return Fault(column(name), f"{counts}: probably the index of a data frame; leave it out with exclude")
    for fault in not_finite(name, given.values, training, missing=False):
        return fault
    if not data.standardize and data.missing != "mean":
        return Column(name, unit=given.unit)
    values = given.values[training]
    moments = _moments(name, values[~np.isnan(values)])
    if isinstance(moments, Fault):
        return moments
    mean, scale = moments
    fill = mean if data.missing == "mean" else None
    if not data.standardize:
        return Column(name, fill=fill, unit=given.unit)
    if not scale:
        return Column(name, None, float(values[~np.isnan(values)][0]), 1.0, fill, given.unit)
    return Column(name, None, mean, scale, fill, given.unit)


def _moments(name: str, values: Array) -> tuple[float, float] | Fault:
    """Return the mean and the standard deviation of values, 0 where all are the same."""
    largest = np.abs(values).max()
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = float(values.mean()), float(values.std())
    if not np.isfinite([mean, scale]).all():
        return Fault(
            column(name), f"numbers as large as {brief(largest)} are too large to standardize; divide them first"
        )
    if _is_constant(values):
        return mean, 0.0
    if not scale:  # its square is below the smallest number
        return Fault(
            column(name), f"numbers as small as {brief(largest)} are too small to standardize; multiply them first"
        )
    return mean, scale


def _is_constant(values: Array) -> bool:
    """Return whether all numbers that are there are the same; their deviation may come out as rounding, not as zero."""
    values = values[~np.isnan(values)]
    spread = float(np.ptp(values))
    return spread <= ROUNDING * float(np.abs(values).max())


def _categories(name: str, given: Text, data: Data, training: Array) -> Column:
    codes = given.codes[training]
    counts = np.bincount(codes[codes >= 0], minlength=len(given.labels))
    usual = given.labels[int(counts.argmax())] if data.missing == "mean" else None
    return Column(name, tuple(sorted(given.labels[code] for code in np.flatnonzero(counts))), fill=usual)


def _with_every_category(
    table: Table, inputs: Sequence[str], training: Array, validation: Array
) -> tuple[Array, Array]:
    """Return the split with validation rows moved to training whose category no training row has."""
    strange = np.zeros(len(validation), dtype=bool)
    for name in inputs:
        given = table.columns[name]
        if isinstance(given, Text):
            known = np.zeros(len(given.labels) + 1, dtype=bool)
            known[-1] = True  # a missing value, whose code is -1
            known[given.codes[training]] = True
            strange |= ~known[given.codes[validation]]
    return np.sort(np.concatenate([training, validation[strange]])), validation[~strange]
