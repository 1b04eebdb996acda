"""The compiled engine as the training loop uses it."""

from __future__ import annotations

from collections.abc import Mapping

from clearprop.engine.native import Native
from clearprop.models.snapshot import Snapshot
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.forward import penalty_error
from clearprop.propagation.update import initial_state
from clearprop.training.batching import batch_size
from clearprop.training.orders import Permutations
from clearprop.training.planned_steps import Epochs, PlannedSteps
from clearprop.training.reference import Reference
from clearprop.types import Array


class Compiled:
    """An ``Engine`` in native code; it takes over the memory of one that is ``done``, if that serves."""

    def __init__(
        self,
        problem: Problem,
        start: Snapshot | None = None,
        threads: int | None = None,
        done: object = None,
    ) -> None:
        assert problem.examples is not None
        self.problem, self.dtype = problem, problem.settings.dtype
        self.learnt, self.validation = problem.examples.learnt, problem.examples.validation
        if start is None:
            parameters = problem.parameters.with_vector(problem.parameters.vector.astype(self.dtype))
            start = Snapshot.of(parameters, initial_state(problem.optimizer, parameters))
        size, present = batch_size(problem), (start.parameters.vector, start.state)
        native: Native | None = done.native if isinstance(done, Compiled) else None
        if native is not None and native.serves(problem, self.dtype, size, threads):
            native.begin(problem, *present)
        else:
            native = Native(problem, self.dtype, size, *present, threads)
        self.native: Native = native

    def run(self, steps: PlannedSteps) -> Array:
        found = self.native.run(*steps.arrays)
        self._finite = self.native.finite
        return found

    def epochs(self, steps: PlannedSteps, count: int) -> Epochs:
        found, errors, kept = self.native.epochs(*steps.arrays, self._set_aside, count)
        self._finite = self.native.finite
        return Epochs(found, errors, lambda epoch: self._snapshot(kept[epoch].copy()))

    @property
    def seconds(self) -> float:
        return self.native.ready.seconds

    @property
    def permutations(self) -> Permutations:
        return self.native.permutations

    @property
    def _set_aside(self) -> Array:
        assert self.validation is not None
        return self.validation

    @property
    def threads(self) -> int:
        return self.native.threads

    _finite: bool | None = None
    """Whether every weight is a finite number; None where nobody has looked."""

    @property
    def finite(self) -> bool:
        if self._finite is None:
            self._finite = self.native.finite
        return self._finite

    def restore(self, snapshot: Snapshot) -> None:
        self.native.restore(snapshot.parameters.vector, snapshot.state)
        self._finite = None

    def gradient(self, rows: Array, step: int = 1) -> Array:
        return self.native.gradient(rows, step)

    def apply(self, gradient: Array, step: int, rate: float) -> bool:
        self.native.apply(gradient, step, rate)
        self._finite = self.native.finite
        return self._finite

    def put(self, vector: Array) -> None:
        self.native.put(vector)
        self._finite = None

    def loss(self) -> float:
        error = self.native.error(self.learnt)
        penalty = self.problem.penalty.over(self.native.counted(self.learnt))
        return error + float(penalty_error(penalty, self.snapshot().parameters)) if penalty else error

    def validation_loss(self) -> float:
        return self.native.error(self._set_aside)

    def gradient_norm(self) -> float:
        return Reference(self.problem, self.dtype, self.snapshot()).gradient_norm()

    def snapshot(self) -> Snapshot:
        """Return the present numbers, copied as they stand in memory and put in order when they are first read."""
        return self._snapshot(self.native.parameters.copy(), self.finite)

    def _snapshot(self, present: Array, finite: bool | None = None) -> Snapshot:
        native, problem = self.native, self.problem

        def take() -> tuple[Parameters, Mapping[str, Array]]:
            vector, state = native.unpacked(present)
            return problem.parameters.with_vector(vector), state

        return Snapshot(take, finite)
