"""Arrays, data frames and Parquet files as tables.

Data frames of any common library are read through narwhals; Parquet files through polars, which
is an extra.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import InvalidArgument, MissingExtra, Problem, UnfitTable, UnreadableFile, abridged
from clearprop.tables.table import Column, Kind, Numbers, Table, Text, Wanted, column

MAGIC = b"PAR1"


def is_frame(data: Any) -> bool:
    """Whether it is a data frame: something with named columns that narwhals knows."""
    if isinstance(data, (np.ndarray, list, tuple)) or data is None:
        return False
    from narwhals.stable.v2 import from_native

    return from_native(data, pass_through=True) is not data


def from_frame(data: Any, wanted: Wanted, source: str = "the data frame") -> Table:
    """The wanted columns of a data frame.

    Raises:
        UnfitTable: columns that are not there, or hold neither numbers nor text.
    """
    from narwhals.stable.v2 import from_native

    frame = from_native(data)
    if hasattr(frame, "collect"):
        frame = frame.collect()
    columns, faults = {}, []
    for name in wanted.choose([str(name) for name in frame.columns], source):
        try:
            columns[name] = _series(frame.get_column(name), wanted.kinds.get(name))
        except InvalidArgument as error:
            faults.append(Problem(column(name), str(error)))
    if not faults and not len(frame):
        faults.append(Problem("", "there are no rows"))
    if faults:
        raise UnfitTable(faults, source)
    return Table(columns, source)


def _series(series: Any, kind: Kind | None) -> Column:
    dtype = series.dtype
    if dtype.is_numeric() and kind != "text":
        from narwhals.stable.v2 import Float64

        values = series.cast(Float64)
        return Numbers(np.array(values.to_numpy(), dtype=float))
    absent = series.is_null().to_list()
    values = [None if empty or _is_nan(value) else value for value, empty in zip(series.to_list(), absent, strict=True)]
    present = {value for value in values if value is not None}
    if not all(isinstance(value, (str, bool, int, float)) for value in present):
        raise InvalidArgument(f"holds values of type {dtype}; expected numbers, text or truth values")
    if kind == "numbers" and present:
        found = abridged(repr(next(value for value in values if value is not None)), 40)
        raise InvalidArgument(f"expected numbers, found {found} and the like")
    return texts([None if value is None else _label(value) for value in values])


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _label(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def texts(cells: Sequence[str | None]) -> Text:
    """A column of text; None and empty text are missing."""
    labels: dict[str, int] = {}
    codes = [labels.setdefault(cell, len(labels)) if cell else -1 for cell in cells]
    return Text(np.array(codes, dtype=np.int32), tuple(labels))


def from_arrays(inputs: Any, targets: Any, wanted: Wanted, source: str = "the arrays") -> Table:
    """A matrix of numbers as columns x1, x2, …, and a vector of classes or numbers as column y; a matrix
    of targets as y1, y2, ….

    Raises:
        InvalidArgument: inputs that are no matrix of numbers, or targets of another length.
    """
    columns: dict[str, Column] = dict(numbered("x", as_matrix(inputs)))
    if targets is not None:
        columns |= target_columns(targets)
    lengths = {len(each) for each in columns.values()}
    if len(lengths) > 1:
        raise InvalidArgument(f"found {len(columns['x1'])} rows of inputs and {max(lengths)} rows of targets")
    return Table({name: columns[name] for name in wanted.choose(list(columns), source)}, source)


def numbered(letter: str, matrix: Array) -> Iterator[tuple[str, Column]]:
    """The columns of a matrix, named by a letter and their number."""
    for index, values in enumerate(matrix.T, start=1):
        yield f"{letter}{index}", Numbers(values)


def target_columns(targets: Any) -> dict[str, Column]:
    """A vector as the column y, a matrix as the columns y1, y2, …."""
    if np.ndim(targets) == 2:
        return dict(numbered("y", as_matrix(targets)))
    return {"y": as_column(targets)}


def as_matrix(inputs: Any) -> Array:
    """Rows of numbers as a matrix, of one row if they are a vector.

    Raises:
        InvalidArgument: something else.
    """
    try:
        matrix = np.asarray(inputs, dtype=float)
    except (TypeError, ValueError):
        raise InvalidArgument("inputs: expected rows of numbers, all of one length, found something else") from None
    if matrix.ndim == 1:
        matrix = matrix[None, :]
    if matrix.ndim != 2:
        raise InvalidArgument(f"inputs: expected rows of numbers, found shape {matrix.shape}")
    return matrix


def as_column(values: Any) -> Column:
    """A vector of numbers, text or truth values as a column; anything with ``to_list`` will do.

    Raises:
        InvalidArgument: something else.
    """
    items = values.to_list() if hasattr(values, "to_list") else np.asarray(values).tolist()
    if not isinstance(items, list) or any(isinstance(item, (list, dict)) for item in items[:1]):
        raise InvalidArgument("targets: expected one class or number per row, found something else")
    if all((isinstance(item, (int, float)) and not isinstance(item, bool)) or item is None for item in items):
        return Numbers(np.array(items, dtype=float))
    return texts([None if item is None or _is_nan(item) else _label(item) for item in items])


def read_parquet(path: Path, wanted: Wanted) -> Table:
    """The wanted columns of a Parquet file.

    Raises:
        UnreadableFile: it is not one, or damaged.
        MissingExtra: polars is not installed.
        UnfitTable: columns that are not there, or hold neither numbers nor text.
    """
    source = abridged(str(path), 200)
    if not is_parquet(path):
        raise UnreadableFile(f"{source}: not a Parquet file, or not a whole one; a CSV file's name ends in .csv")
    if find_spec("polars") is None:
        raise MissingExtra("reading Parquet files", "data")
    import polars

    try:
        frame = polars.scan_parquet(path)
        header = frame.collect_schema().names()
        names = list(wanted.choose(header, source))
        whole = frame.select(names).collect()
    except polars.exceptions.PolarsError as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise UnreadableFile(f"{source}: not a whole Parquet file: {abridged(reason, 200)}") from None
    return from_frame(whole, wanted, source)


def is_parquet(path: Path) -> bool:
    """Whether the file begins and ends as a Parquet file does."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0, 2)
        if file.tell() < 12:
            return False
        file.seek(-4, 2)
        return head == MAGIC and file.read(4) == MAGIC
