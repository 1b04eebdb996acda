"""``clearprop predict``"""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterable
from itertools import chain

from clearprop.cli.notices import notices
from clearprop.cli.output import deliver_text, refuse_document
from clearprop.cli.progress import display
from clearprop.errors import Notice
from clearprop.loading import read_problem
from clearprop.messages import abridged
from clearprop.prediction.classes import class_labels, labelled
from clearprop.prediction.predict import predict
from clearprop.tables.cells import number


def run_predict(model: str, *, data: str, output: str | None, quiet: bool = False) -> int:
    """Write the outputs for the rows of a table as CSV, with classes and probabilities for a classifier."""
    refuse_document(output, "predict writes CSV", "name it .csv")
    problem = read_problem(model)
    with notices(quiet), display(quiet) as shown:
        found = predict(problem, data, progress=shown.reading if shown else None)
        rows = labelled(problem, found)
        header = next(rows)
        _warn_of_formulas([*header, *(class_labels(problem) or ())])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(chain([header], rows))
    deliver_text(text.getvalue(), output)
    return 0


def _warn_of_formulas(cells: Iterable[object]) -> None:
    """Give notice of a name that a spreadsheet takes for a formula; it is written as it is, since others read it."""
    for cell in cells:
        if isinstance(cell, str) and cell.lstrip().startswith(("=", "+", "-", "@")) and number(cell) is None:
            shown = abridged(cell, 40)
            message = (
                f'"{shown}" is written as it is called, and would be a formula in a spreadsheet: import it as text'
            )
            warnings.warn(message, Notice, stacklevel=2)
            return
