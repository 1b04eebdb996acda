"""The steps of training in NumPy: the reference that any faster engine must agree with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from clearprop.engine.processors import processors
from clearprop.models.snapshot import Snapshot
from clearprop.network.blocks import blocks
from clearprop.network.problem import Problem
from clearprop.propagation.backward import Gradients, add_penalty, backward
from clearprop.propagation.dropout import masks
from clearprop.propagation.forward import Trace, counted, example_share, forward, output_errors, penalty_error
from clearprop.propagation.update import Update, initial_state, update
from clearprop.training.batching import batch_size
from clearprop.training.planned_steps import Epochs, PlannedSteps
from clearprop.types import Array


@dataclass(frozen=True)
class Step:
    """A step worked out, not yet taken."""

    trace: Trace
    targets: Array
    gradients: Gradients
    update: Update


class Reference:
    """An ``Engine`` in NumPy: forward, backward and update as ``propagation`` computes them, in the given precision."""

    def __init__(self, problem: Problem, dtype: str, start: Snapshot | None = None) -> None:
        assert problem.examples is not None
        self.problem, self.examples = problem, problem.examples
        self.learnt = self.examples.learnt
        self.inputs = self.examples.inputs.astype(dtype, copy=False)
        self.targets = self.examples.targets.astype(dtype, copy=False)
        self.all = np.array_equal(self.learnt, np.arange(len(self.examples)))
        if start is None:
            parameters = problem.parameters.with_vector(problem.parameters.vector.astype(dtype))
            start = Snapshot.of(parameters, initial_state(problem.optimizer, parameters))
        self.present = start
        weights = None if self.examples.weights is None else self.examples.weights[self.learnt]
        self.count = counted(problem.network, len(self.learnt), weights)
        self.penalty = problem.penalty.over(self.count)
        self.dropout = any(layer.dropout for layer in problem.network.layers)
        self.one_batch = batch_size(problem) == len(self.learnt)
        # The forward pass over all examples that `loss` made: a step on all of them continues from it.
        self.known: Trace | None = None

    seconds, permutations = 1.0, None

    def run(self, steps: PlannedSteps) -> Array:
        found = np.full((len(steps), 2), np.nan)
        for k, step in enumerate(steps):
            found[k] = self.step(step.rows, step.number, step.rate)
            if not np.isfinite(found[k]).all():
                break
        return found

    def epochs(self, steps: PlannedSteps, count: int) -> Epochs:
        found, validation, snapshots, each = [], [], [], len(steps) // count
        for epoch in range(count):
            found.append(self.run(steps[epoch * each : (epoch + 1) * each]))
            validation.append(self.validation_loss())
            snapshots.append(self.present)
        return Epochs(np.concatenate(found), validation, snapshots.__getitem__)

    def step(self, rows: Array, step: int, rate: float) -> tuple[float, float]:
        """Make one step; return the sum of its examples' errors and the penalty, both before it."""
        worked = self.work_out(rows, step, rate)
        self.take(worked.update)
        trace = worked.trace
        errors = float(output_errors(trace, worked.targets).sum(dtype=float))
        if self.problem.network.loss.over_examples == "weighted_mean":
            errors *= len(rows) / (trace.count or np.inf)
        return errors, float(penalty_error(self.problem.penalty.over(trace.count), trace.parameters))

    @property
    def threads(self) -> int:
        return processors()  # NumPy's products use them all

    @property
    def finite(self) -> bool:
        return self.present.finite

    def restore(self, snapshot: Snapshot) -> None:
        self.known, self.present = None, snapshot

    def gradient(self, rows: Array, step: int = 1) -> Array:
        _, _, gradients = self._gradients(rows, step)
        return np.where(self.present.parameters.layout.trainable, gradients.of.vector, 0)

    def apply(self, gradient: Array, step: int, rate: float) -> bool:
        present = self.present
        if gradient.shape != present.parameters.vector.shape:
            expected = present.parameters.vector.shape
            raise ValueError(f"expected a gradient of shape {expected}, found {gradient.shape}")
        given = present.parameters.with_vector(gradient.astype(present.parameters.vector.dtype, copy=False))
        changed = update(self.problem.optimizer, present.parameters, given, present.state, step, rate)
        self.take(changed)
        return bool(np.isfinite(changed.parameters.vector).all())

    def put(self, vector: Array) -> None:
        present, self.known = self.present.parameters, None
        if vector.shape != present.vector.shape:
            raise ValueError(f"expected parameters of shape {present.vector.shape}, found {vector.shape}")
        self.present = Snapshot.of(present.with_vector(vector.astype(present.vector.dtype)), self.present.state)

    def work_out(self, rows: Array, step: int, rate: float) -> Step:
        """Compute forward, backward and update on these examples; change nothing."""
        present = self.present
        trace, targets, gradients = self._gradients(rows, step)
        changed = update(self.problem.optimizer, present.parameters, gradients.of, present.state, step, rate)
        return Step(trace, targets, gradients, changed)

    def _gradients(self, rows: Array, step: int) -> tuple[Trace, Array, Gradients]:
        problem, targets = self.problem, self._part(self.targets, rows)
        if self.known is not None and len(rows) == len(self.learnt) and not self.dropout:
            trace = self.known
        else:
            dtype = self.inputs.dtype
            dropped = masks(problem.network, problem.settings.seed, step, rows, dtype) if self.dropout else None
            trace = self.trace(rows, dropped)
        return trace, targets, backward(trace, targets, problem.penalty)

    def take(self, changed: Update) -> None:
        """Make a step's new parameters the present ones."""
        self.known = None
        self.present = Snapshot.of(changed.parameters, changed.state)

    def trace(self, rows: Array, dropped: tuple[Array | None, ...] | None = None) -> Trace:
        """Return the forward pass over these examples at the present parameters."""
        weights = None if self.examples.weights is None else self.examples.weights[rows]
        return forward(self.problem.network, self.present.parameters, self._part(self.inputs, rows), dropped, weights)

    def loss(self) -> float:
        penalty = penalty_error(self.penalty, self.present.parameters)
        return self._error(self._seen(self.learnt)) + float(penalty)

    def validation_loss(self) -> float:
        assert self.examples.validation is not None
        return self._error(self._seen(self.examples.validation))

    def gradient_norm(self) -> float:
        present, network = self.present.parameters, self.problem.network
        total = np.zeros(present.vector.shape)
        for trace, targets in self._seen(self.learnt):
            # Each block's share of the batch: a mean over the block is not yet one over all.
            part = trace.count / self.count if network.loss.over_examples != "sum" else 1.0
            total += part * backward(trace, targets).of.vector
        gradient = present.with_vector(total)
        if self.problem.penalty:
            add_penalty(gradient, present, self.penalty)
        return float(np.linalg.norm(total[present.layout.trainable]))

    def snapshot(self) -> Snapshot:
        """Return the present parameters and state; every step makes new arrays, so nothing is copied."""
        return self.present

    def traces(self, rows: Array) -> Iterator[tuple[Array, Trace]]:
        """Yield forward passes that together cover these examples: a single one, where one batch has all examples."""
        if rows is self.learnt and self.one_batch:
            if self.known is None:
                self.known = self.trace(rows)
            yield rows, self.known
            return
        for part in blocks(rows):
            yield part, self.trace(part)

    def _seen(self, rows: Array) -> Iterator[tuple[Trace, Array]]:
        """Yield the same passes with their targets."""
        for part, trace in self.traces(rows):
            yield trace, self._part(self.targets, part)

    def _part(self, array: Array, rows: Array) -> Array:
        return array if self.all and len(rows) == len(array) else array[rows]

    def _error(self, seen: Iterable[tuple[Trace, Array]]) -> float:
        # Summed in float64: in float32 a sum over many examples loses the change from epoch to epoch.
        summed, count = 0.0, 0.0
        for trace, targets in seen:
            summed += float(output_errors(trace, targets).sum(dtype=float))
            count += trace.count
        return float(summed * example_share(self.problem.network, count))
