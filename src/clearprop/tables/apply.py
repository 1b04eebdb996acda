"""Applying what was fitted: rows of a table to inputs, targets and weights, outputs to classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import Problem as Fault
from clearprop.errors import UnfitTable, abridged
from clearprop.expressions import evaluate
from clearprop.network.data import Column, Data, Fitted, Label, shown_label
from clearprop.rules.standardize import STANDARDIZED
from clearprop.tables.classes import class_codes
from clearprop.tables.table import MAX_FAULTS, Kind, Numbers, Table, Text, Wanted, chosen, column


def wanted(fitted: Fitted, *, targets: bool) -> Wanted:
    """What to read of a table that something was fitted for: its columns, others are not looked at."""
    needed = [each.name for each in fitted.columns] + (list(fitted.targets) if targets else [])
    kinds: dict[str, Kind] = {each.name: "text" if each.categories else "numbers" for each in fitted.columns}
    if targets:
        text = fitted.classes is not None and isinstance(fitted.classes[0], str)
        kinds |= dict.fromkeys(fitted.targets, "text" if text else "numbers")

    def choose(header: Sequence[str], source: str) -> Sequence[str]:
        return chosen(header, source, needed=needed, others=False)

    return Wanted(choose, kinds)


def inputs(table: Table, fitted: Fitted, rows: Array | None = None) -> Array:
    """The inputs of the network, shape (rows of the table, inputs); NaN in rows that are not asked for.

    Raises:
        UnfitTable: a value that is missing, infinite, or a category that training never saw.
    """
    matrix = np.empty((len(table), fitted.width))
    faults: list[Fault] = []
    start = 0
    for each in fitted.columns:
        part = matrix[:, start : start + each.width]
        given = table.columns[each.name]
        if isinstance(given, Numbers):
            faults += _numbers(part, given, each, rows)
        else:
            faults += _indicators(part, given, each, rows)
        start += each.width
    if faults:
        raise UnfitTable(_some(faults), table.source)
    return matrix


def _numbers(part: Array, given: Numbers, fitted: Column, rows: Array | None) -> Iterable[Fault]:
    values = given.values
    if fitted.fill is not None:
        values = np.where(np.isnan(values), fitted.fill, values)
    wrong = _first(~np.isfinite(values), rows)
    if wrong is not None:
        found = "no value" if np.isnan(values[wrong]) else "infinity"
        return [Fault(column(fitted.name, wrong + 1), f"expected a finite number, found {found}")]
    part[:, 0] = evaluate(STANDARDIZED, {"value": values, "mean": fitted.mean, "scale": fitted.scale})
    return []


def _indicators(part: Array, given: Text, fitted: Column, rows: Array | None) -> Iterable[Fault]:
    assert fitted.categories is not None
    place = {category: position for position, category in enumerate(fitted.categories)}
    fill = -1 if fitted.fill is None else place[str(fitted.fill)]
    codes = np.array([*(place.get(label, -1) for label in given.labels), fill])[given.codes]
    wrong = _first(codes < 0, rows)
    if wrong is not None:
        return [_unseen(fitted.name, wrong, given, fitted.categories)]
    part[:] = codes[:, None] == np.arange(len(fitted.categories))
    return []


def targets(table: Table, fitted: Fitted, outputs: int, rows: Array | None = None) -> Array:
    """The targets, shape (rows of the table, outputs): one-hot for classes, 0 or 1 where two share an output.

    Raises:
        UnfitTable: a value that is missing, infinite, or a class that training never saw.
    """
    if fitted.classes is None:
        matrix = np.stack([_plain(table, name, rows) for name in fitted.targets], axis=1)
        return matrix
    name = fitted.targets[0]
    codes = class_codes(table, name, fitted.classes)
    wrong = _first(codes < 0, rows)
    if wrong is not None:
        raise UnfitTable([_unseen(name, wrong, table.columns[name], fitted.classes)], table.source)
    if outputs == 1:
        return np.asarray(codes[:, None], dtype=float)
    return np.asarray(codes[:, None] == np.arange(outputs), dtype=float)


def _plain(table: Table, name: str, rows: Array | None) -> Array:
    given = table.columns[name]
    if not isinstance(given, Numbers):
        raise UnfitTable([Fault(column(name), "expected numbers, found text")], table.source)
    wrong = _first(~np.isfinite(given.values), rows)
    if wrong is not None:
        found = "no value" if np.isnan(given.values[wrong]) else "infinity"
        raise UnfitTable([Fault(column(name, wrong + 1), f"expected a finite number, found {found}")], table.source)
    return given.values


def weights(table: Table, fitted: Fitted, data: Data, training: Array, used: Array) -> Array | None:
    """How much each row counts: its class's weight times its own; None if all count alike.

    Balanced class weights are n / (classes · n_class), counted over the training rows.

    Raises:
        UnfitTable: a weight below zero, of an unknown class, or nothing but zeros.
    """
    chosen = np.ones(len(table))
    if data.weight_column is not None:
        chosen = chosen * _plain(table, data.weight_column, used)
        wrong = _first(chosen < 0, used)
        if wrong is not None:
            fault = Fault(column(data.weight_column, wrong + 1), f"expected at least 0, found {chosen[wrong]:g}")
            raise UnfitTable([fault], table.source)
    if data.class_weights is not None:
        if fitted.classes is None:
            fault = Fault("class_weights", "there are no classes: the target holds numbers; leave class_weights out")
            raise UnfitTable([fault], table.source)
        codes = class_codes(table, fitted.targets[0], fitted.classes)
        chosen = chosen * _class_weights(fitted.classes, data, codes[training], table.source)[codes]
    if not chosen[training].any():
        raise UnfitTable([Fault("weights", "every training row has weight 0")], table.source)
    chosen[~np.isin(np.arange(len(table)), used)] = 0
    return None if data.weight_column is None and data.class_weights is None else chosen


def _class_weights(classes: Sequence[Label], data: Data, codes: Array, source: str) -> Array:
    if data.class_weights == "balanced":
        return np.asarray(len(codes) / (len(classes) * np.bincount(codes, minlength=len(classes))))
    assert isinstance(data.class_weights, Mapping)
    names = [shown_label(label) for label in classes]
    strange = [name for name in data.class_weights if name not in names]
    if strange:
        known = ", ".join(names[:20])
        fault = Fault("class_weights", f'there is no class "{abridged(strange[0])}"; found {known}')
        raise UnfitTable([fault], source)
    return np.array([data.class_weights.get(name, 1.0) for name in names])


# --- messages ----------------------------------------------------------------------------------------------


def _first(wrong: Array, rows: Array | None) -> int | None:
    """The first row that is wrong, of those asked for."""
    if not wrong.any():
        return None
    if rows is not None:
        wrong = wrong[rows]
        return int(rows[int(wrong.argmax())]) if wrong.any() else None
    return int(wrong.argmax())


def _unseen(name: str, row: int, given: Numbers | Text, known: Sequence[Label]) -> Fault:
    missing = bool(given.missing[row])
    value = given.labels[given.codes[row]] if isinstance(given, Text) else shown_label(float(given.values[row]))
    found = "no value" if missing else f'"{abridged(value, 40)}", which training never saw'
    few = ", ".join(abridged(shown_label(label), 20) for label in known[:8]) + (", …" if len(known) > 8 else "")
    return Fault(column(name, row + 1), f"expected one of {few}; found {found}")


def _some(faults: list[Fault]) -> list[Fault]:
    if len(faults) <= MAX_FAULTS:
        return faults
    return [*faults[:MAX_FAULTS], Fault("", f"and {len(faults) - MAX_FAULTS} more problems")]
