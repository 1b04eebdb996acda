"""Rows of a table for a network of another framework, whose file rarely says how the columns are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clearprop.errors import Fault, InvalidArgument, UnfitTable, UnknownName
from clearprop.messages import abridged, counted
from clearprop.network.data import Column, Fitted, Label, shown_label
from clearprop.network.problem import Problem
from clearprop.tables.prepare import Reader, with_rows
from clearprop.tables.table import Kind, Numbers, Table, Wanted, chosen, few, notice


def with_table(problem: Problem, read: Reader, targets: tuple[str, ...] | None) -> Problem:
    """Return the problem with the rows of a table as examples: its columns by their names, or where the file names
    none and the table has others, all but the targets in their order, which is said.

    Raises:
        UnfitTable: a table with another number of columns or classes.
        InvalidArgument: another number of targets than outputs.
    """
    network = problem.network
    names = network.unit_names[-1]
    named = problem.fitted is not None and problem.fitted.features != network.input_names
    fitted = problem.fitted or Fitted(tuple(map(Column, network.input_names)), names)
    if targets is not None:
        if fitted.classes is not None and len(targets) != 1:
            raise InvalidArgument(f"--target: expected the one column of the classes, found {len(targets)}")
        if fitted.classes is None and len(targets) != len(names):
            raise InvalidArgument(f"--target: expected {counted(len(names), 'column')}, one per output, "
                                  f"found {len(targets)}")  # fmt: skip
        fitted = replace(fitted, targets=targets)
    found: list[str] = []

    def choose(header: Sequence[str], source: str) -> Sequence[str]:
        if targets is not None and (missing := [name for name in targets if name not in header]):
            raise UnknownName("column", missing[0], header, source)
        own = [name for name in header if name]
        found[:] = [each.name for each in fitted.columns] if named else _columns(fitted, own, source)
        if named:
            return chosen(header, source, needed=[*found, *filter(own.__contains__, fitted.targets)], others=False)
        return [*found, *(name for name in fitted.targets if name in header)]

    text = fitted.classes is not None and isinstance(fitted.classes[0], str)
    kinds: dict[str, Kind] = dict.fromkeys(fitted.targets, "text") if text else {}
    kinds |= {each.name: "text" for each in fitted.columns if each.categories is not None}
    table = read(Wanted(choose, kinds))
    columns = fitted.columns if named else tuple(map(Column, found))
    fitted = replace(fitted, columns=columns, classes=_classes(fitted, table))
    return with_rows(replace(problem, fitted=fitted), read)


def _columns(fitted: Fitted, header: Sequence[str], source: str) -> list[str]:
    wanted = [each.name for each in fitted.columns]
    if set(wanted) <= {*header}:
        return wanted
    others = [name for name in header if name not in fitted.targets]
    if len(others) != len(wanted):
        count = counted(len(others), "column")
        raise UnfitTable(
            [Fault("", f"expected {counted(len(wanted), 'input')} ({few(wanted)}), found {count} ({few(others)})")],
            source,
        )
    notice(f"{source}: its columns are taken as {few(wanted)} in their order ({few(others)})")
    return others


def _classes(fitted: Fitted, table: Table) -> tuple[Label, ...] | None:
    """Return the classes: those of the file, or in place of their numbers the table's own, sorted; that is said."""
    known = fitted.classes
    column = table.columns.get(fitted.targets[0])
    if known is None or column is None or known != tuple(map(float, range(len(known)))):
        return known
    if isinstance(column, Numbers):
        values = sorted({float(each) for each in column.values[~column.missing]})
        labels: list[Label] = [*values]
    else:
        labels = sorted(column.labels)
    if set(labels) <= {*known}:
        return known
    if len(labels) != len(known):
        raise UnfitTable(
            [Fault(f'column "{abridged(fitted.targets[0])}"', f"expected {len(known)} classes, found {len(labels)}")],
            table.source,
        )
    listed = ", ".join(f"{k} is {abridged(shown_label(each), 20)}" for k, each in enumerate(labels[:6]))
    notice(f"{table.source}: the file numbers its classes; taken in sorted order: {listed}")
    return tuple(labels)
