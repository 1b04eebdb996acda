"""The step of training, in NumPy: the reference that any faster engine must agree with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from clearprop.arrays import Array
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.backward import backward
from clearprop.propagation.dropout import masks
from clearprop.propagation.forward import batch_errors, forward, penalty_error
from clearprop.propagation.update import initial_state, update


class Engine(Protocol):
    """What the loop needs: steps, the loss, and where the numbers stand."""

    def step(self, rows: Array, step: int, rate: float) -> float:
        """One update on the examples with these numbers; the batch's loss before it."""

    def loss(self) -> float:
        """E_total over all examples, without dropout, at the present parameters."""

    def parameters(self) -> Parameters:
        """The present parameters, in float64."""


class Reference:
    """Forward, backward, update, as the propagation room does them."""

    def __init__(self, problem: Problem, dtype: str, state: Mapping[str, Array] | None = None) -> None:
        assert problem.examples is not None
        self.problem = problem
        self.inputs = problem.examples.inputs.astype(dtype)
        self.targets = problem.examples.targets.astype(dtype)
        self.current = problem.parameters.with_vector(problem.parameters.vector.astype(dtype))
        self.state = dict(initial_state(problem.optimizer, self.current) if state is None else state)
        self.dropout = any(layer.dropout for layer in problem.network.layers)

    def step(self, rows: Array, step: int, rate: float) -> float:
        """One update; returns the loss of the batch before it."""
        problem = self.problem
        whole = len(rows) == len(self.inputs)
        inputs, targets = (self.inputs, self.targets) if whole else (self.inputs[rows], self.targets[rows])
        chosen = None
        if self.dropout:
            chosen = masks(problem.network, problem.settings.seed, step, rows, self.current.vector.dtype)
        trace = forward(problem.network, self.current, inputs, chosen)
        loss = self._total(trace, targets)
        gradients = backward(trace, targets, problem.penalty)
        changed = update(problem.optimizer, self.current, gradients.of, self.state, step, rate)
        self.current, self.state = changed.parameters, dict(changed.state)
        return loss

    def loss(self) -> float:
        """E_total over all examples."""
        return self._total(forward(self.problem.network, self.current, self.inputs), self.targets)

    def _total(self, trace: object, targets: Array) -> float:
        errors = batch_errors(trace, targets).astype(float)  # type: ignore[arg-type]
        return float(errors.sum()) + float(penalty_error(self.problem.penalty, self.current))

    def parameters(self) -> Parameters:
        """The present parameters, in float64."""
        return self.current.with_vector(self.current.vector.astype(float))

    def finite(self) -> bool:
        """Whether every parameter is a number still."""
        return bool(np.all(np.isfinite(self.current.vector)))
