"""Classes: which a problem tells apart, the one each row of outputs stands for, and their probabilities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from clearprop.network.data import Label, shown_label
from clearprop.network.problem import Problem
from clearprop.types import Array


def class_labels(problem: Problem) -> tuple[Label, ...] | None:
    """Return the classes that a problem tells apart, or None if its targets are numbers.

    A cross-entropy whose targets are all 0 or 1 means classes too, without a table or with a column for each;
    they are named like their outputs or columns.
    """
    if problem.fitted is not None and problem.fitted.classes is not None:
        return problem.fitted.classes
    loss, outputs = problem.network.loss.rule, problem.network.sizes[-1]
    if problem.examples is None or loss.task != "classes":
        return None
    targets = problem.examples.targets[problem.examples.used]
    if not len(targets) or not np.isin(targets, (0.0, 1.0)).all():
        return None
    if outputs == 1:
        return 0.0, 1.0
    names = problem.network.unit_names[-1] if problem.fitted is None else problem.fitted.targets
    return names if (targets.sum(axis=1) == 1).all() else None


def most_likely(outputs: Array) -> Array:
    """Return the position of each row's class: the largest output, or where one output is shared by
    two classes, the second if it is at least a half."""
    if outputs.shape[1] == 1:
        return np.asarray(outputs[:, 0] >= 0.5, dtype=int)
    return np.asarray(outputs.argmax(axis=1))


def class_shares(outputs: Array) -> Array:
    """Return one column per class; a single output is the share of the second of two."""
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


def gives_probabilities(problem: Problem) -> bool:
    """Return whether outputs are probabilities: those of softmax, or of one unit with outputs from 0 to 1."""
    last = problem.network.layers[-1]
    return last.rule.name == "softmax" or (last.size == 1 and last.rule.bounds == (0.0, 1.0))


def labelled(problem: Problem, outputs: Array) -> Iterator[list[object]]:
    """Yield outputs as the rows of a table, after their header; for classes, each row's class comes first."""
    targets, labels = problem.fitted.targets if problem.fitted else (), class_labels(problem)
    if labels is None:
        yield list(targets or problem.network.unit_names[-1])
        yield from outputs.tolist()
        return
    kind = "probability" if gives_probabilities(problem) else "output"
    classes = [shown_label(label) for label in labels]
    yield [targets[0] if len(targets) == 1 else "class", *(f"{kind}_{name}" for name in classes)]
    for position, row in zip(most_likely(outputs).tolist(), class_shares(outputs).tolist(), strict=True):
        yield [classes[position], *row]
