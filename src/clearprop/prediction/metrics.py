"""Metrics that fit the task: accuracy and the confusion matrix for classes, R² and RMSE for numbers.

accuracy = rows whose most likely class is their own / rows
R²       = 1 - Σ (t - y)² / Σ (t - mean t)²     per output, then the mean over the outputs
RMSE     = √(mean (t - y)²)                      per output, then the mean over the outputs
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.network.data import Label
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.prediction.outputs import outputs
from clearprop.types import Array


@dataclass(frozen=True)
class Metrics:
    """What outputs are worth on some rows. ``confusion[i, j]`` counts rows of class i taken for class j;
    ``r2`` is None where the targets are all alike."""

    rows: int
    accuracy: float | None = None
    confusion: Array | None = None
    rmse: float | None = None
    r2: float | None = None

    def numbers(self) -> dict[str, float | None]:
        """Those that fit the task and are one number, by name."""
        if self.accuracy is not None:
            return {"accuracy": self.accuracy}
        return {"r2": self.r2, "rmse": self.rmse}


def class_labels(problem: Problem) -> tuple[Label, ...] | None:
    """The classes that a problem tells apart, or None if its targets are numbers.

    Without a table, a cross-entropy whose targets are all 0 or 1 says that there are classes; they
    are called by their outputs.
    """
    if problem.fitted is not None and problem.fitted.classes is not None:
        return problem.fitted.classes
    loss, outputs = problem.network.loss.rule, problem.network.sizes[-1]
    if problem.examples is None or loss.task != "classes":
        return None
    targets = problem.examples.targets[problem.examples.used]
    if not np.isin(targets, (0.0, 1.0)).all():
        return None
    if outputs == 1:
        return 0.0, 1.0
    return problem.network.unit_names[-1] if (targets.sum(axis=1) == 1).all() else None


def most_likely(outputs: Array) -> Array:
    """The position of each row's class: the largest output, or the second of two if the one output
    is at least a half."""
    if outputs.shape[1] == 1:
        return np.asarray(outputs[:, 0] >= 0.5, dtype=int)
    return np.asarray(outputs.argmax(axis=1))


def measured(problem: Problem, parameters: Parameters, rows: Array) -> Metrics:
    """The metrics on the examples at these positions."""
    assert problem.examples is not None
    targets = problem.examples.targets[rows]
    found, _ = outputs(problem, parameters, problem.examples.inputs[rows])
    classes = class_labels(problem)
    if classes is not None:
        return _of_classes(most_likely(found), most_likely(targets), len(classes))
    # Outputs that are far off may overflow here; infinite is what they are worth.
    with np.errstate(all="ignore"):
        squared = (targets - found) ** 2
        spread = ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)
        r2 = float(np.mean(1 - squared.sum(axis=0) / spread)) if (spread > 0).all() else None
        return Metrics(len(rows), rmse=float(np.sqrt(squared.mean(axis=0)).mean()), r2=r2)


def _of_classes(found: Array, true: Array, classes: int) -> Metrics:
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (true, found), 1)
    return Metrics(len(true), float((found == true).mean()), confusion)
