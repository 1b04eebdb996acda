"""``clearprop predict``"""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from clearprop.cli.net import with_activations
from clearprop.cli.notices import notices
from clearprop.cli.output import deliver_text, refuse_document
from clearprop.cli.progress import display
from clearprop.errors import InvalidArgument, Notice
from clearprop.interop.problem import NoActivations
from clearprop.loading import about_table, is_table, load, read_problem, told
from clearprop.messages import abridged
from clearprop.network.data import Column, Data, Fitted
from clearprop.network.problem import Problem
from clearprop.prediction.classes import class_labels, labelled
from clearprop.prediction.predict import predict
from clearprop.tables.cells import number


def run_predict(
    model: str,
    *,
    data: str | None,
    output: str | None,
    quiet: bool = False,
    na: tuple[str, ...] | None = None,
    decimal: str | None = None,
    names: tuple[str, ...] | None = None,
    **more: Any,
) -> int:
    """Write the outputs for the rows of a table as CSV, with classes and probabilities for a classifier."""
    if is_table(model):
        raise InvalidArgument(_train_first(model, data))
    if data is None:
        raise InvalidArgument(f"predict needs the rows: clearprop predict {abridged(model, 200)} --data FILE")
    refuse_document(output, "predict writes CSV", "name it .csv")
    try:
        problem = read_problem(model, told(**more))
    except NoActivations as error:
        raise with_activations(error) from None
    written = about_table(na=na, decimal=decimal, names=names)
    with notices(quiet), display(quiet) as shown:
        if problem.of_others:  # the file of another framework, whose columns may be called otherwise
            problem = load(model, data=data, **more, **written)
        problem = _reading_as(problem, written)
        found = predict(problem, data, progress=shown.reading if shown else None)
        rows = labelled(problem, found)
        header = next(rows)
        _warn_of_formulas([*header, *(class_labels(problem) or ())])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(chain([header], rows))
    deliver_text(text.getvalue(), output)
    return 0


def _reading_as(problem: Problem, written: dict[str, Any]) -> Problem:
    """Return the problem that reads tables which are written otherwise than that of the training."""
    if not written or (problem.data is not None and problem.fitted is None):  # which ``predict`` refuses
        return problem
    fitted = problem.fitted or Fitted(tuple(map(Column, problem.network.input_names)), ())
    return replace(problem, fitted=fitted, data=replace(problem.data or Data("", ()), **written))


def _train_first(table: str, data: str | None) -> str:
    """Return what to do where a table was given for a model."""
    saved = f"{Path(table).stem}.safetensors"
    rows = "FILE" if data is None or data == table else data
    commands = (
        f"  clearprop train {abridged(table, 200)} --target COLUMN --output {abridged(saved)}",
        f"  clearprop predict {abridged(saved)} --data {abridged(rows, 200)}",
    )
    return "\n".join([f"{abridged(table, 200)}: expected a model, found a table; train one on it first:", *commands])


def _warn_of_formulas(cells: Iterable[object]) -> None:
    """Give notice of a name that a spreadsheet takes for a formula; it is written as it is, since others read it."""
    for cell in cells:
        if isinstance(cell, str) and cell.lstrip().startswith(("=", "+", "-", "@")) and number(cell) is None:
            shown = abridged(cell, 40)
            message = f'"{shown}" is written as it is; a spreadsheet would take it for a formula, so import it as text'
            warnings.warn(message, Notice, stacklevel=2)
            return
