"""Metrics that fit the task: accuracy and the confusion matrix for classes, R² and RMSE for numbers.

accuracy = rows whose class is predicted / rows
R²       = 1 - Σ (t - y)² / Σ (t - mean t)²     per output, then the mean over the outputs
RMSE     = √(mean (t - y)²)                      per output, then the mean over the outputs
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.network.blocks import blocks
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.prediction.classes import class_labels, most_likely
from clearprop.prediction.outputs import outputs
from clearprop.tables.apply import in_own_unit
from clearprop.tables.fit import ROUNDING
from clearprop.types import Array


@dataclass(frozen=True)
class Metrics:
    """The quality of outputs on some rows. ``confusion[i, j]`` counts the rows of class i predicted as class j;
    ``r2`` is None where all targets are the same, but for rounding."""

    rows: int
    accuracy: float | None = None
    confusion: Array | None = None
    rmse: float | None = None
    r2: float | None = None

    def numbers(self) -> dict[str, float | None]:
        """Return the metrics that are one number, by name."""
        if self.accuracy is not None:
            return {"accuracy": self.accuracy}
        return {"r2": self.r2, "rmse": self.rmse}


def measured(problem: Problem, parameters: Parameters, rows: Array) -> Metrics:
    """Return the metrics on the examples at these positions."""
    assert problem.examples is not None
    examples, classes = problem.examples, class_labels(problem)

    def found_for(part: Array) -> Array:
        return outputs(problem, parameters, examples.inputs[part].astype(float, copy=False))[0]

    if classes is not None:
        pairs = [(most_likely(found_for(part)), most_likely(examples.targets[part])) for part in blocks(rows)]
        found, true = map(np.concatenate, zip(*pairs, strict=True))
        return _of_classes(found, true, len(classes))
    found = in_own_unit(problem.fitted, np.concatenate([found_for(part) for part in blocks(rows)]))
    targets = in_own_unit(problem.fitted, examples.targets[rows])
    # Outputs that are far off may overflow here: their error is infinite.
    with np.errstate(all="ignore"):
        squared = (targets - found) ** 2
        spread = ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)
        differ = (np.ptp(targets, axis=0) > ROUNDING * np.abs(targets).max(axis=0)) & (spread > 0)
        r2 = float(np.mean(1 - squared.sum(axis=0) / spread)) if differ.all() else None
        return Metrics(len(rows), rmse=float(np.sqrt(squared.mean(axis=0)).mean()), r2=r2)


def _of_classes(found: Array, true: Array, classes: int) -> Metrics:
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (true, found), 1)
    return Metrics(len(true), float((found == true).mean()), confusion)
