"""The loss of an epoch of mini-batches: that of its batches as they were met, each with the weights of its moment.

Steps find the errors of their examples on the way, so this loss costs nothing. All sums are made in the order of the
steps: their bits do not depend on how many are made in a call.
"""

from __future__ import annotations

import numpy as np

from clearprop.models.snapshot import Met
from clearprop.network.problem import Problem
from clearprop.propagation.forward import example_share
from clearprop.training.batching import batch_size
from clearprop.training.planned_steps import PlannedSteps
from clearprop.types import Array


def shows_batches(problem: Problem) -> bool:
    """Return whether the loss of an epoch is that of its batches; one batch of all examples gives the exact one."""
    assert problem.examples is not None
    return problem.settings.loss == "batches" and batch_size(problem) < len(problem.examples.learnt)


def plus(met: Met, found: Array, steps: PlannedSteps) -> Met:
    """Return what the batches came to, those of these steps included; ``found`` is what the engine returned for them.

    >>> steps = PlannedSteps(np.arange(3), np.array([0, 2, 3]), np.array([1, 2]), np.array([0.1, 0.1]))
    >>> plus(Met(1.0, 0.0, 2), np.array([[0.5, 0.25], [2.0, 0.125]]), steps)
    Met(errors=3.5, penalties=0.625, examples=5)
    """
    counts = np.diff(steps.bounds)
    errors = np.add.accumulate(np.append(met.errors, found[:, 0]))
    penalties = np.add.accumulate(np.append(met.penalties, found[:, 1] * counts))
    return Met(float(errors[-1]), float(penalties[-1]), met.examples + int(counts.sum()))


def total(met: Met, problem: Problem) -> float:
    """Return the loss of an epoch whose batches came to this; of some only, as if all were like these."""
    assert problem.examples is not None
    count = len(problem.examples.learnt)
    return met.errors * (example_share(problem.network, count) * (count / met.examples)) + met.penalties / met.examples


def losses(found: Array, steps: PlannedSteps, problem: Problem, epochs: int) -> Array:
    """Return the losses of whole epochs."""
    assert problem.examples is not None
    count = len(problem.examples.learnt)

    def added_up(each: Array) -> Array:
        return np.add.accumulate(each.reshape(epochs, -1), axis=1)[:, -1]

    shown = added_up(found[:, 0]) * example_share(problem.network, count)
    return shown + added_up(found[:, 1] * np.diff(steps.bounds)) / count if problem.penalty else shown
