"""clearprop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from benchmarks.contenders.rows import Prediction, Training
from benchmarks.contenders.work import Layers, Work, layers_of, network, parameters

import clearprop as cp
from clearprop.training.engines import Engine, engine_for
from clearprop.training.planned_steps import PlannedSteps
from clearprop.types import Array


class Clearprop:
    """The compiled engine: one native call per epoch."""

    def __init__(self, threads: int | None) -> None:
        self.threads = threads

    def begin(self, work: Work) -> None:
        """Nothing is compiled here: the first step's time is to hold that."""
        self.work, self.epoch = work, 0
        self.problem = work.problem
        self.engine: Engine | None = None

    def train(self, epochs: int) -> None:
        """Epoch after epoch, each in its order."""
        if self.engine is None:
            self.engine = engine_for(self.problem, threads=self.threads)
        for _ in range(epochs):
            self.engine.run(self._steps())
            self.epoch += 1

    def _steps(self) -> PlannedSteps:
        """The steps of the next epoch."""
        task = self.work.task
        steps = self.epoch * task.units + np.arange(1, task.units + 1)
        bounds = np.arange(task.units + 1) * task.batch
        return PlannedSteps(self.work.batches(self.epoch).ravel(), bounds, steps, np.full(task.units, task.rate))

    def layers(self) -> Layers:
        """The engine's parameters."""
        assert self.engine is not None
        return layers_of(self.engine.snapshot().parameters)

    def predictor(self, task: Prediction, layers: Layers) -> Callable[[Array], Array]:
        """``clearprop.predict``, as anyone would call it."""
        net = network(task.sizes, "relu")
        problem = cp.Problem(net, parameters=parameters(net, layers))
        return lambda rows: cp.predict(problem, rows)

    def otherwise(self, task: Training) -> str | None:
        """The same."""
        return None
