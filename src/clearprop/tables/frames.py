"""Arrays and data frames (of any common library, by narwhals) as tables."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from clearprop.errors import Fault, InvalidArgument, UnfitTable, UnreadableFile
from clearprop.messages import abridged
from clearprop.network.arrays import numbers
from clearprop.tables.cells import LONG
from clearprop.tables.growing import Growing, as_text, say
from clearprop.tables.rows import of_float32
from clearprop.tables.storage import Storage
from clearprop.tables.table import TWICE, Column, Kind, Numbers, Table, Wanted, column, label, unnamed_fault
from clearprop.types import Array


def is_frame(data: Any) -> bool:
    """Return whether the data is a data frame that narwhals knows."""
    if isinstance(data, (np.ndarray, list, tuple)) or data is None:
        return False
    from narwhals.exceptions import DuplicateError
    from narwhals.stable.v2 import from_native

    try:
        return from_native(data, pass_through=True) is not data
    except DuplicateError:
        return True


def from_frame(
    data: Any,
    wanted: Wanted,
    source: str = "the data frame",
    more: Mapping[str, Column] | None = None,
    storage: Storage | None = None,
) -> Table:
    """Return the wanted columns of a data frame, and of ``more`` columns given with it.

    With ``storage`` those of a lazy one are computed one after the other, and kept there: a file's, not those of a
    query, which would run again for each.
    """
    from narwhals.exceptions import DuplicateError
    from narwhals.stable.v2 import LazyFrame, from_native

    try:
        frame = from_native(data)
    except DuplicateError:
        twice = [(name, count) for name, count in Counter(map(str, data.columns)).items() if count > 1]
        raise UnfitTable([Fault(column(name), TWICE.format(count)) for name, count in twice], source) from None
    try:
        header = list(map(str, frame.collect_schema().names()))
    except OSError as error:  # a lazy one, whose file is not there
        raise UnreadableFile(f"{source}: {abridged(str(error), 200)}") from None
    more = more or {}
    chosen = list(dict.fromkeys(wanted.choose([*filter(None, header), *more], source)))
    names = [name for name in chosen if name not in more]
    if wanted.others and "" in header:
        names.append("")
    if isinstance(frame, LazyFrame) and storage is None:
        header, frame = names, frame.select(names).collect()
    places = {name: place for place, name in enumerate(header)}
    columns, faults, rows = {}, [], 0 if isinstance(frame, LazyFrame) else len(frame)
    growing: list[Growing] = []
    for name in names:
        series = frame.select(name).collect()[name] if isinstance(frame, LazyFrame) else frame[:, places[name]]
        rows = len(series)
        try:
            if name == "":
                faults += [unnamed_fault(places[name], values)] if (values := series.drop_nulls().to_list()) else []
            else:
                columns[name] = _kept(_series(series, name, wanted, growing), storage)
        except InvalidArgument as error:
            faults.append(Fault(column(name), str(error)))
    faults += [fault for each in growing for fault in each.faults()]
    if not faults and not rows:
        faults.append(Fault("", "there are no rows"))
    for name, values in more.items():
        if not faults and len(values) != rows:
            faults.append(Fault(column(name), f"{rows:,} rows of inputs, but {len(values):,} of targets"))
    if faults:
        raise UnfitTable(faults, source)
    say(growing, source)
    columns |= more
    return Table({name: columns[name] for name in chosen}, source)


def _kept(column: Column, storage: Storage | None) -> Column:
    """Return a column whose numbers lie in a storage, if there is one."""
    if storage is None:
        return column
    held = np.asarray(column.held)
    stored = storage.column(held.dtype)
    stored.append(held)
    return replace(column, held=stored)


def as_row(inputs: Any) -> Mapping[str, Any] | None:
    """Return a row by the names of its columns: a dict, or a row of a pandas data frame."""
    if isinstance(inputs, Mapping):
        return {str(name): value for name, value in inputs.items()}
    if getattr(inputs, "ndim", 0) != 1 or not hasattr(inputs, "to_dict"):
        return None
    row = inputs.to_dict()
    return row if all(isinstance(name, str) for name in row) else None


def from_row(
    row: Mapping[str, Any], wanted: Wanted, source: str = "the row", more: Mapping[str, Column] | None = None
) -> Table:
    """Return the wanted columns of one row, given by their names, and of ``more`` columns given with it."""
    more = more or {}
    chosen = wanted.choose([*row, *more], source)
    columns, faults = dict(more), []
    growing: list[Growing] = []
    for name in chosen:
        if name in more:
            continue
        value, kind = row[name], wanted.kinds.get(name)
        try:
            if isinstance(value, str):
                columns[name] = _of_text([value], Growing(name, wanted, commas=True), growing)
            else:
                columns[name] = _of_values([value], kind)
        except InvalidArgument as error:
            faults.append(Fault(column(name), str(error)))
    faults += [fault for each in growing for fault in each.faults()]
    faults += [
        Fault(column(name), f"1 row of inputs, but {len(values):,} of targets")
        for name, values in more.items()
        if len(values) != 1
    ]
    if faults:
        raise UnfitTable(faults, source)
    say(growing, source)
    return Table({name: columns[name] for name in chosen}, source)


def _series(series: Any, name: str, wanted: Wanted, growing: list[Growing]) -> Column:
    """Return a column of a data frame; one of text, which is read as the cells of a file are, joins ``growing``."""
    kind = wanted.kinds.get(name)
    if series.dtype.is_numeric() and kind != "text":
        from narwhals.stable.v2 import Float64

        found = series.to_numpy()
        if found.dtype.kind not in "fiu" or found.dtype.itemsize > 8:
            found = np.array(series.cast(Float64).to_numpy(), dtype=float)
        if series.dtype.is_integer() and (np.abs(found.astype(float)) >= LONG).any():
            whole = Growing(name, wanted, commas=True)
            whole.look_for_codes(map(str, series.drop_nulls().to_list()))
            growing.append(whole)
        return Numbers(found)
    absent = series.is_null().to_list()
    values = [None if empty else value for value, empty in zip(series.to_list(), absent, strict=True)]
    if any(isinstance(value, str) for value in values) and all(isinstance(v, (str, type(None))) for v in values):
        return _of_text([value or "" for value in values], Growing(name, wanted, commas=True), growing)
    # Categories may be called by numbers; a pandas column of any Python object may be one of numbers.
    return _of_values(values, kind, numbers="Object" in str(series.dtype))


def _of_text(cells: list[str], column: Growing, growing: list[Growing]) -> Column:
    """Return text as a column: digits alone are text, which somebody made it; numbers with signs in them are none."""
    if column.kind is None and all(cell.strip().isdigit() or cell.strip() in column.na for cell in cells):
        column.kind = "text"
    column.take(cells)
    growing.append(column)
    return column.whole()


def _of_values(values: Sequence[Any], kind: Kind | None = None, *, numbers: bool = True) -> Column:
    """Return Python values as a column: of numbers if all are numbers and that is allowed; None and NaN are missing."""
    values = list(map(_plain, values))
    present = [value for value in values if value is not None]
    strange = [value for value in present if not isinstance(value, (str, Real, np.bool_))]
    if strange:
        raise InvalidArgument(
            f"expected numbers, text or truth values, found {type(strange[0]).__name__}; convert it, or leave it out"
        )
    if kind != "text" and (not present or (numbers and all(map(_is_number, present)))):
        try:
            return Numbers(np.array([np.nan if value is None else value for value in values], dtype=float))
        except OverflowError:
            raise InvalidArgument("expected finite numbers, found a whole number too large for one") from None
    if kind == "numbers":
        raise InvalidArgument(f'expected numbers, found "{abridged(label(present[0]), 40)}" and similar')
    labels: dict[str, int] = {}
    cells = (None if value is None else label(value) for value in values)
    codes = [labels.setdefault(cell, len(labels)) if cell else -1 for cell in cells]
    return as_text(np.array(codes, dtype=np.int32), labels)


def _plain(value: Any) -> Any:
    """Return a value as a table holds it: dates, times and intervals as text, decimals as floats, NaN as None."""
    if isinstance(value, (float, np.floating, Decimal)):
        return None if math.isnan(value) else float(value)
    if type(value).__name__ in ("NAType", "NaTType"):  # pandas' missing values
        return None
    if isinstance(value, (date, time)) or type(value).__name__ in ("Interval", "Period"):
        return str(value).removesuffix(" 00:00:00")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def from_arrays(inputs: Any, targets: Mapping[str, Column], wanted: Wanted, named: bool = False) -> Table:
    """Return a matrix of numbers as columns x1, x2, …, and the columns of its targets, which may be ``named``."""
    numbers = _numbered("x", as_matrix(inputs))
    columns = {**numbers, **targets}
    rows = [len(each) for each in columns.values()]
    if len({*rows}) > 1:
        raise InvalidArgument(f"found {rows[0]} rows of inputs and {rows[-1]} rows of targets")
    if 0 in rows:
        raise InvalidArgument("inputs: expected at least 1 row, found none")
    chosen = wanted.choose(list(columns), "the data")
    for name, given in columns.items():
        if wanted.kinds.get(name) == "text" and isinstance(given, Numbers):
            columns[name] = _of_values(given.values.tolist(), "text")
    return Table({name: columns[name] for name in chosen}, "the data", frozenset(numbers if named else columns))


def _numbered(letter: str, matrix: Array) -> dict[str, Column]:
    """Return the columns of a matrix, named by a letter and their number."""
    return {f"{letter}{index}": Numbers(values) for index, values in enumerate(matrix.T, start=1)}


def columns_of(frame: Any) -> dict[str, Column]:
    """Return all columns of a data frame of targets; among several, truth values are 0 and 1."""
    from narwhals.stable.v2 import Boolean, Float64, col, from_native

    known = from_native(frame)
    schema = known.collect_schema()
    truths = [name for name, kind in schema.items() if kind == Boolean] if len(schema) > 1 else []
    if truths:
        frame = known.with_columns(col(truths).cast(Float64)).to_native()
    return dict(from_frame(frame, Wanted(lambda header, source: header, {}), "the targets").columns)


def target_columns(targets: Any) -> dict[str, Column]:
    """Return a vector as the column y, a matrix as the columns y1, y2, …."""
    try:
        matrix = np.ndim(targets) == 2
    except ValueError:  # rows of different lengths
        matrix = True
    return _numbered("y", as_matrix(targets, "targets")) if matrix else {"y": as_column(targets)}


def as_matrix(rows: Any, what: str = "inputs") -> Array:
    """Return rows of numbers as a matrix; a vector becomes one row. An array of float32 stays one."""
    matrix = rows if of_float32(rows) else numbers(rows, f"{what}: expected rows of numbers, all of one length")
    if matrix.ndim == 1:
        matrix = matrix[None, :]
    if matrix.ndim != 2:
        raise InvalidArgument(f"{what}: expected rows of numbers, found shape {matrix.shape}")
    return matrix


def as_column(values: Any) -> Column:
    """Return a vector of numbers, text or truth values, or a series of a data frame, as a column."""
    from narwhals.stable.v2 import Series, from_native

    try:
        series = from_native(values, series_only=True, pass_through=True)
        if isinstance(series, Series):
            return _series(series, "y", Wanted(lambda header, source: header, {}), [])
        items = list(values) if isinstance(values, (list, tuple)) else np.asarray(values).tolist()
        if not isinstance(items, list):
            raise InvalidArgument(f"expected one class or number per row, found {type(values).__name__}")
        return _of_values(items)
    except InvalidArgument as error:
        raise InvalidArgument(f"targets: {error}") from None
