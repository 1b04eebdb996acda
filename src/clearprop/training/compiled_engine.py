"""The compiled engine, as the loop sees it."""

from __future__ import annotations

from collections.abc import Mapping

from clearprop.engine.native import Native
from clearprop.models.snapshot import Snapshot
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.forward import penalty_error
from clearprop.propagation.turns import Turns
from clearprop.propagation.update import initial_state
from clearprop.training.order import batch_size
from clearprop.training.reference import Reference
from clearprop.types import Array


class Compiled:
    """Steps, losses and snapshots by native code."""

    def __init__(self, problem: Problem, start: Snapshot | None = None, threads: int | None = None) -> None:
        assert problem.examples is not None
        self.problem, self.dtype = problem, problem.settings.dtype
        self.learnt, self.validation = problem.examples.learnt, problem.examples.validation
        if start is None:
            parameters = problem.parameters.with_vector(problem.parameters.vector.astype(self.dtype))
            start = Snapshot.of(parameters, initial_state(problem.optimizer, parameters))
        self.native = Native(problem, self.dtype, batch_size(problem), start.parameters.vector, start.state, threads)

    finite: bool | None = None
    """Whether every weight is a number still; not looked at before the first step."""

    def run(self, turns: Turns) -> bool:
        """Make these steps in one native call; False if a weight is no longer a finite number."""
        self.native.run(turns)
        self.finite = self.native.finite
        return self.finite

    def loss(self) -> float:
        """E_total over all examples that are learnt from."""
        error = self.native.error(self.learnt)
        penalty = self.problem.penalty
        return error + float(penalty_error(penalty, self.snapshot().parameters)) if penalty else error

    def validation_loss(self) -> float:
        """The error over the examples that are set aside."""
        assert self.validation is not None
        return self.native.error(self.validation)

    def gradient_norm(self) -> float:
        """The norm of the gradient over all examples that are learnt from, as the reference finds it."""
        return Reference(self.problem, self.dtype, self.snapshot()).gradient_norm()

    def snapshot(self) -> Snapshot:
        """The present numbers, copied as they stand in memory; put in order when they are asked for."""
        present, native, problem = self.native.copy(), self.native, self.problem

        def take() -> tuple[Parameters, Mapping[str, Array]]:
            vector, state = native.unpacked(present)
            return problem.parameters.with_vector(vector), state

        return Snapshot(take, self.finite)
