"""The step of training, in NumPy: the reference that any faster engine must agree with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from clearprop.arrays import Array
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.backward import Gradients, backward
from clearprop.propagation.dropout import masks
from clearprop.propagation.forward import Trace, example_share, forward, output_errors, penalty_error
from clearprop.propagation.update import Update, initial_state, update


@dataclass(frozen=True)
class Snapshot:
    """Where the numbers stand, in the precision of the training; later steps leave it alone."""

    parameters: Parameters
    state: Mapping[str, Array]

    @property
    def finite(self) -> bool:
        """Whether every parameter is a number still."""
        return bool(np.all(np.isfinite(self.parameters.vector)))


class Engine(Protocol):
    """All that the loop asks for: whatever computes steps can take the reference's place."""

    def step(self, rows: Array, step: int, rate: float) -> float:
        """One update on the examples with these numbers; the batch's loss before it."""

    def loss(self) -> float:
        """E_total over all examples, without dropout, at the present parameters."""

    def snapshot(self) -> Snapshot:
        """The present parameters, and what the optimizer remembers."""


@dataclass(frozen=True)
class Step:
    """One step worked out, not yet taken."""

    trace: Trace
    targets: Array
    gradients: Gradients
    update: Update


class Reference:
    """Forward, backward, update, as the propagation room does them, in the given precision."""

    def __init__(self, problem: Problem, dtype: str, start: Snapshot | None = None) -> None:
        assert problem.examples is not None
        self.problem = problem
        self.inputs = problem.examples.inputs.astype(dtype)
        self.targets = problem.examples.targets.astype(dtype)
        if start is None:
            parameters = problem.parameters.with_vector(problem.parameters.vector.astype(dtype))
            start = Snapshot(parameters, initial_state(problem.optimizer, parameters))
        self.present = start
        self.dropout = any(layer.dropout for layer in problem.network.layers)
        # The forward pass over all examples that `loss` made, for a step on all of them to go on from.
        self.known: Trace | None = None

    def step(self, rows: Array, step: int, rate: float) -> float:
        """One update; the loss of the batch before it."""
        worked = self.work_out(rows, step, rate)
        self.take(worked)
        return self._total(worked.trace, worked.targets)

    def work_out(self, rows: Array, step: int, rate: float) -> Step:
        """Forward, backward, update on these examples; nothing is changed."""
        problem, present = self.problem, self.present
        whole = len(rows) == len(self.inputs)
        targets = self.targets if whole else self.targets[rows]
        if whole and self.known is not None and not self.dropout:
            trace = self.known
        else:
            inputs, dtype = self.inputs if whole else self.inputs[rows], self.inputs.dtype
            dropped = masks(problem.network, problem.settings.seed, step, rows, dtype) if self.dropout else None
            trace = forward(problem.network, present.parameters, inputs, dropped)
        gradients = backward(trace, targets, problem.penalty)
        changed = update(problem.optimizer, present.parameters, gradients.of, present.state, step, rate)
        return Step(trace, targets, gradients, changed)

    def take(self, step: Step) -> None:
        """Make a step's new parameters the present ones."""
        self.known = None
        self.present = Snapshot(step.update.parameters, step.update.state)

    def trace(self) -> Trace:
        """The forward pass over all examples, without dropout, at the present parameters."""
        if self.known is None:
            self.known = forward(self.problem.network, self.present.parameters, self.inputs)
        return self.known

    def loss(self) -> float:
        """E_total over all examples."""
        return self._total(self.trace(), self.targets)

    def snapshot(self) -> Snapshot:
        """The present parameters and state; every step makes new arrays, so nothing is copied."""
        return self.present

    def _total(self, trace: Trace, targets: Array) -> float:
        # Summed in float64: in float32 a sum over many examples loses the change from epoch to epoch.
        errors = output_errors(trace, targets).sum(dtype=float) * example_share(trace.network, len(targets))
        return float(errors) + float(penalty_error(self.problem.penalty, trace.parameters))
