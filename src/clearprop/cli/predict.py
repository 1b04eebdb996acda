"""``clearprop predict``"""

from __future__ import annotations

import csv
import io

from clearprop.cli.notices import notices
from clearprop.cli.output import deliver_text
from clearprop.cli.progress import display
from clearprop.loading import read_problem
from clearprop.prediction.classes import labelled
from clearprop.prediction.predict import predict


def run_predict(model: str, *, data: str, output: str | None, quiet: bool = False) -> int:
    """Write the outputs for the rows of a table as CSV, with classes and probabilities for a classifier."""
    problem = read_problem(model)
    with notices(quiet), display(quiet) as shown:
        found = predict(problem, data, progress=shown.reading if shown else None)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(labelled(problem, found))
    deliver_text(text.getvalue(), output)
    return 0
