"""``clearprop predict``"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from clearprop.cli.output import deliver_text
from clearprop.cli.progress import display
from clearprop.loading import load_network
from clearprop.network.data import Label, shown_label
from clearprop.network.problem import Problem
from clearprop.prediction.metrics import class_labels
from clearprop.prediction.predict import predict, predicted_classes
from clearprop.types import Array


def run_predict(model: str, *, data: str, output: str | None, quiet: bool = False) -> int:
    """Write the outputs for the rows of a table as CSV, with classes and probabilities for a classifier."""
    problem = load_network(model)
    with display(quiet) as shown:
        found = predict(problem, data, progress=shown.reading if shown else None)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table(problem, found))
    deliver_text(text.getvalue(), output)
    return 0


def table(problem: Problem, found: Array) -> Iterator[list[object]]:
    """The lines: names, then one for each row."""
    fitted, labels = problem.fitted, class_labels(problem)
    units = problem.network.unit_names[-1]
    if labels is None:
        yield list(fitted.targets if fitted is not None and fitted.targets else units)
        yield from found.tolist()
        return
    target = fitted.targets[0] if fitted is not None and fitted.targets else "class"
    kind = "probability" if is_probability(problem) else "output"
    yield [target, *(f"{kind}_{shown_label(label)}" for label in labels)]
    classes = predicted_classes(problem, found) or []
    for label, row in zip(classes, shares(found, labels).tolist(), strict=True):
        yield [shown_label(label), *row]


def is_probability(problem: Problem) -> bool:
    """Whether outputs are shares of a whole: those of a softmax, or of one logistic unit."""
    last = problem.network.layers[-1]
    return last.rule.name == "softmax" or (last.size == 1 and last.rule.bounds == (0.0, 1.0))


def shares(found: Array, labels: tuple[Label, ...]) -> Array:
    """One column per class; one output is that of the second of two."""
    if found.shape[1] == len(labels):
        return found
    import numpy as np

    return np.hstack([1 - found, found])
