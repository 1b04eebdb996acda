"""clearprop: ``cp.train`` and ``cp.predict`` as anyone would call them; and the engine's steps alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from benchmarks.reference import layers_of, network, parameters, problem
from benchmarks.rows import Prediction
from benchmarks.work import Array, Layers, Work

import clearprop as cp
from clearprop.training.engines import Engine, engine_for
from clearprop.training.planned_steps import PlannedSteps


class Clearprop:
    """Whole trainings, each from the initial weights; it draws the order of the rows itself."""

    def __init__(self, threads: int | None) -> None:
        self.threads = threads

    def begin(self, work: Work) -> None:
        self.problem = problem(work)

    def train(self, epochs: int) -> float | None:
        self.fit = cp.train(self.problem, epochs=epochs, threads=self.threads)
        return self.fit.history.loss[-1]

    def layers(self) -> Layers:
        return layers_of(self.fit.problem.parameters)

    def predictor(self, task: Prediction, layers: Layers) -> Callable[[Array], Array]:
        net = network(task.sizes, "relu")
        trained = cp.Problem(net, parameters=parameters(net, layers))
        return lambda rows: cp.predict(trained, rows)


class EngineAlone(Clearprop):
    """The compiled engine's steps, in one native call per epoch; no losses."""

    def begin(self, work: Work) -> None:
        """Compile nothing yet: the first epoch's time is to hold that."""
        super().begin(work)
        self.work, self.epoch = work, 0
        self.engine: Engine | None = None

    def train(self, epochs: int) -> float | None:
        self.engine = self.engine or engine_for(self.problem, threads=self.threads)
        for _ in range(epochs):
            self.engine.run(self._steps())
            self.epoch += 1
        return None

    def _steps(self) -> PlannedSteps:
        """The steps of the next epoch."""
        task = self.work.task
        steps = self.epoch * task.units + np.arange(1, task.units + 1)
        bounds = np.arange(task.units + 1) * task.batch
        return PlannedSteps(self.work.batches(self.epoch).ravel(), bounds, steps, np.full(task.units, task.rate))

    def layers(self) -> Layers:
        assert self.engine is not None
        return layers_of(self.engine.snapshot().parameters)
