"""Apply what was fitted: turn the rows of a table into inputs, targets and weights."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np

from clearprop.errors import Fault, UnfitTable
from clearprop.expressions import Expression, evaluate
from clearprop.messages import abridged, brief, meant
from clearprop.network.blocks import slices
from clearprop.network.data import Column, Data, Fitted, Label, shown_label
from clearprop.rules.standardize import ORIGINAL, STANDARDIZED
from clearprop.tables.classes import class_codes, listed, positions
from clearprop.tables.table import Kind, Numbers, Table, Text, Wanted, chosen, column, first, label, not_finite
from clearprop.types import Array


def wanted_to_apply(fitted: Fitted, data: Data | None, optional: Collection[str] = ()) -> Wanted:
    """Return the columns to read of a table to apply what was fitted, and the ``optional`` ones that it has; others
    are ignored. ``data`` describes the table of the training, as which this one is read."""
    kinds: dict[str, Kind] = {each.name: "text" if each.categories else "numbers" for each in fitted.columns}
    text = fitted.classes is not None and isinstance(fitted.classes[0], str)
    kinds |= dict.fromkeys(fitted.targets, "text" if text else "numbers")

    def choose(header: Sequence[str], source: str) -> Sequence[str]:
        there = [name for name in optional if name in header]
        return chosen(header, source, needed=[*(each.name for each in fitted.columns), *there], others=False)

    if data is None:
        return Wanted(choose, kinds)
    return Wanted(choose, kinds, na=data.na, decimal=data.decimal, names=data.names)


def inputs(table: Table, fitted: Fitted, rows: Array | None = None, dtype: str = "float64") -> Array:
    """Return the inputs of the network, shape (rows of the table, inputs); those of other than ``rows`` may be NaN."""
    matrix = np.empty((len(table), fitted.width), dtype)
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
        raise UnfitTable(faults, table.source)
    return matrix


def _numbers(part: Array, given: Numbers, fitted: Column, rows: Array | None) -> Iterator[Fault]:
    values = given.values
    yield from _other_unit(fitted.name, given, fitted.unit)
    if fitted.fill is not None and (missing := np.isnan(values)).any():
        values = np.where(missing, fitted.fill, values)
    # A number far from all of training overflows here; that is said below.
    with np.errstate(over="ignore"):
        for block in slices(len(values)):
            numbers = {"value": values[block], "mean": fitted.mean, "scale": fitted.scale}
            part[block, 0] = evaluate(STANDARDIZED, numbers)
    if faults := list(not_finite(fitted.name, values, rows)):
        yield from faults
    elif (row := first(~np.isfinite(part[:, 0]), rows)) is not None:
        usual = f"{brief(fitted.mean)} give or take {brief(fitted.scale)}"
        yield Fault(column(fitted.name, row + 1), f"expected a number like those of training, {usual}, "
                    f"found {brief(values[row])}")  # fmt: skip


OTHER_UNIT = "found numbers {found}, but those of training were {learnt}"


def _other_unit(name: str, given: Numbers | Text, learnt: str) -> Iterator[Fault]:
    """Yield a fault for numbers with another sign of a currency or ``%`` than those of training had."""
    if isinstance(given, Numbers) and given.unit not in ("", learnt):
        were = f"in {learnt}" if learnt else "without a sign"
        yield Fault(column(name), OTHER_UNIT.format(found=f"in {given.unit}", learnt=were))


def _indicators(part: Array, given: Text, fitted: Column, rows: Array | None) -> Iterator[Fault]:
    assert fitted.categories is not None
    fill = -1 if fitted.fill is None else fitted.categories.index(str(fitted.fill))
    codes = np.array([*positions(given.labels, fitted.categories), fill], np.int32)[given.codes]
    if (row := first(codes < 0, rows)) is not None:
        yield _unseen(fitted.name, row, given, fitted.categories)
    _one_hot(codes, part)


def _one_hot(codes: Array, part: Array) -> None:
    """Write 1 where the number of a column is the code of the row, else 0."""
    for block in slices(len(codes)):
        part[block] = codes[block, None] == np.arange(part.shape[1])


def targets(table: Table, fitted: Fitted, outputs: int, rows: Array | None = None, dtype: str = "float64") -> Array:
    """Return the targets, shape (rows of the table, outputs): one-hot, or 0 and 1 where two classes share an output.

    Numbers are of float64, whatever the ``dtype``.
    """
    units = dict(fitted.target_units)
    faults = [fault for each in fitted.targets for fault in _other_unit(each, table.columns[each], units.get(each, ""))]
    if faults:
        raise UnfitTable(faults, table.source)
    if fitted.classes is None:
        return _scaled(STANDARDIZED, fitted, _plain(table, fitted.targets, rows))
    name = fitted.targets[0]
    codes = class_codes(table, name, fitted.classes)
    if (row := first(codes < 0, rows)) is not None:
        raise UnfitTable([_unseen(name, row, table.columns[name], fitted.classes)], table.source)
    if outputs == 1:
        return codes[:, None].astype(dtype)
    found = np.empty((len(codes), outputs), dtype)
    _one_hot(codes, found)
    return found


def in_own_unit(fitted: Fitted | None, outputs: Array) -> Array:
    """Return outputs, or targets, in the unit of the table's target columns."""
    return outputs if fitted is None else _scaled(ORIGINAL, fitted, outputs)


def _scaled(rule: Expression, fitted: Fitted, values: Array) -> Array:
    """Standardize a column for each target, or undo it."""
    if not fitted.standardized:
        return values
    numbers = {key: np.array([getattr(each, key) for each in fitted.standardized]) for key in ("mean", "scale")}
    return np.asarray(evaluate(rule, {"value": values, **numbers}))


def _plain(table: Table, names: Iterable[str], rows: Array | None) -> Array:
    """Columns of finite numbers, as they are."""
    faults: list[Fault] = []
    columns = []
    for name in names:
        given = table.columns[name]
        if isinstance(given, Numbers):
            faults += not_finite(name, given.values, rows)
            columns.append(given.values)
        else:
            faults.append(Fault(column(name), "expected numbers, found text"))
    if faults:
        raise UnfitTable(faults, table.source)
    return np.stack(columns, axis=1)


def weights(table: Table, fitted: Fitted, name: str | None, used: Array) -> Array | None:
    """Return how much each row counts: its class's weight times its number in the column of that name; None if all
    count the same."""
    if name is None and not fitted.class_weights:
        return None
    counts = np.ones(len(table))
    if name is not None:
        counts = _plain(table, [name], used)[:, 0]
        if (row := first(counts < 0, used)) is not None:
            fault = Fault(column(name, row + 1), f"expected at least 0, found {brief(counts[row])}")
            raise UnfitTable([fault], table.source)
    if fitted.class_weights and fitted.classes is not None:
        codes = class_codes(table, fitted.targets[0], fitted.classes)
        counts = counts * np.array(fitted.class_weights)[codes]
    found = np.zeros(len(table))
    found[used] = counts[used]
    return found


def class_weights(table: Table, fitted: Fitted, data: Data, training: Array | None) -> tuple[float, ...]:
    """Return how much a row of each class counts; nothing if all count the same, or if balanced ones cannot be known.

    Balanced weights are n / (classes · n_class), counted over the ``training`` rows.
    """
    if data.class_weights is None:
        return ()
    if fitted.classes is None:
        fault = Fault("class_weights", "there are no classes: the target holds numbers; leave class_weights out")
        raise UnfitTable([fault], table.source)
    if not isinstance(data.class_weights, Mapping):
        if training is None:
            return ()
        codes, count = class_codes(table, fitted.targets[0], fitted.classes)[training], len(fitted.classes)
        return tuple((len(codes) / (count * np.bincount(codes, minlength=count))).tolist())
    names = [shown_label(each) for each in fitted.classes]
    given = {label(name): weight for name, weight in data.class_weights.items()}
    for name in given:
        if name not in names:
            hint = meant(name, names) or f"found {listed(fitted.classes, 20)}"
            fault = Fault("class_weights", f'there is no class "{abridged(name)}"; {hint}')
            raise UnfitTable([fault], table.source)
    return tuple(float(given.get(name, 1.0)) for name in names)


def _unseen(name: str, row: int, given: Numbers | Text, known: Sequence[Label]) -> Fault:
    found = "no value"
    if not given.missing[row]:
        value = given.labels[given.codes[row]] if isinstance(given, Text) else shown_label(float(given.values[row]))
        found = f'"{abridged(value, 40)}", which training never saw'
    return Fault(column(name, row + 1), f"expected one of {listed(known, 8)}; found {found}")
