"""One example as cells: a row as its table would have it, from the command line."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace

from clearprop.errors import InvalidArgument, UnfitTable, UnknownName
from clearprop.messages import abridged, counted
from clearprop.network.data import shown_label
from clearprop.network.problem import Problem
from clearprop.tables.cells import truth
from clearprop.tables.csv_file import read_text
from clearprop.tables.given_rows import applied, of_network
from clearprop.tables.table import Table, Wanted, few, label


def with_one_row(problem: Problem, inputs: str, targets: str | None) -> Problem:
    """Return the problem with one example, given as the cells of its inputs and targets; what was fitted is applied.

    Raises:
        InvalidArgument: a wrong number of cells, or a cell that cannot be read.
        UnknownName: a class that there is not.
    """
    several = len(problem.network.unit_names[-1]) > 1 and problem.network.loss.rule.task == "classes"
    classes = several and targets is not None and len(_split(targets, 1)) == 1
    fitted = problem.fitted or of_network(problem, classes=classes)
    units = problem.network.unit_names[-1]
    of_classes = problem.of_others and fitted.classes and len(units) > 1
    if of_classes and targets is not None and len(_split(targets, len(units))) == len(units):
        fitted = replace(fitted, targets=units, classes=None)  # a number per output, in place of a class
    if problem.of_others and len(_split(inputs, fitted.width)) == fitted.width:
        fitted = fitted.as_inputs
    names = list(fitted.in_table)
    cells = _cells("--inputs", inputs, names)
    if targets is not None:
        wanted = _cells("--targets", targets, fitted.targets)
        if fitted.classes is not None:
            known = [shown_label(each) for each in fitted.classes]
            _require_class(wanted[0], known)
        names, cells = [*names, *fitted.targets], [*cells, *wanted]

    def read(asked: Wanted) -> Table:
        text = io.StringIO("sep=;\n")
        text.seek(0, io.SEEK_END)
        csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL).writerow(cells)  # a comma may be a decimal one
        return read_text(text.getvalue(), replace(asked, names=tuple(names)), "--inputs")

    try:
        return applied(problem, fitted, read, own=problem.fitted is None)
    except UnfitTable as error:
        order = f"\n  the cells of a row, in order: {few(names)}" if len(names) > 1 else ""
        raise InvalidArgument(f"{error}{order}") from None


def _cells(option: str, text: str, names: Sequence[str]) -> list[str]:
    found = _split(text, len(names))
    if len(found) != len(names):
        raise InvalidArgument(f"{option}: expected {counted(len(names), 'cell')} ({few(names)}), found {len(found)}")
    return found


def _split(text: str, count: int) -> list[str]:
    """Return the cells of a row: commas separate them, or what else makes as many cells as there should be; where both
    do, what else, since a comma may be a decimal one."""
    rows: list[list[str]] = []
    fault = ""
    for separator in [",", *(each for each in ";\t" if each in text)]:
        try:
            rows += csv.reader([text], delimiter=separator, skipinitialspace=True, strict=True)
        except csv.Error as error:
            fault = str(error)
    if not rows:
        raise InvalidArgument(f"{abridged(text)}: {fault or 'expected cells, found nothing'}")
    return [cell.strip() for cell in next((row for row in reversed(rows) if len(row) == count), rows[0])]


def _require_class(cell: str, known: Sequence[str]) -> None:
    if truth(label(cell)) in known:
        return
    try:
        if shown_label(float(cell)) in known:
            return
    except ValueError:
        pass
    raise UnknownName("class", cell, known, "--targets")
