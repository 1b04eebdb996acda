"""Any moment of a training, recomputed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from clearprop.engine.availability import unusable
from clearprop.errors import NotFinite
from clearprop.models.snapshot import Met, in_float64
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle, Rounding, cycle
from clearprop.training.arguments import requested
from clearprop.training.as_met import plus, shows_batches, total
from clearprop.training.batching import Memory, planned
from clearprop.training.engines import Engine, engine_for
from clearprop.training.intervals import Pace
from clearprop.training.planned_steps import PlannedStep, PlannedSteps
from clearprop.training.reference import Reference
from clearprop.types import Array


@dataclass(frozen=True)
class Moment:
    """A training before step ``step`` (from 1) of an epoch (from 0), and the engine that brought it there."""

    problem: Problem
    state: Mapping[str, Array]
    step: int
    rate: float
    epoch: int
    engine: Engine
    ended: int | None = None
    """The step from which on a training in the precision of the settings has numbers that are not finite, if before."""

    def cycle(self, example: int | Literal["all"], on: Problem | None = None) -> Cycle:
        """Return the next cycle in float64, and how far the engine's result is from it; on an example of another
        problem with the same network if one is given."""
        problem = self.problem if on is None else replace(on, parameters=self.problem.parameters)
        done = cycle(problem, example, step=self.step, rate=self.rate, state=self.state, epoch=self.epoch)
        done = replace(done, trained=self.problem)
        if isinstance(self.engine, Reference):
            return replace(done, ended=self.ended)
        return done if done.learning is None else replace(done, engine=self._rounding(done))

    def _rounding(self, done: Cycle) -> Rounding:
        settings = replace(done.problem.settings, batch_size=len(done.numbers))
        engine = engine_for(replace(done.problem, settings=settings), self.engine.snapshot())
        engine.run(PlannedSteps.of([PlannedStep(done.numbers - 1, self.step, self.rate)]))
        difference = np.abs(engine.snapshot().parameters.vector - done.updated.vector)
        # Frozen parameters keep digits that the engine has no room for, and never use them.
        difference[~done.parameters.layout.trainable] = 0.0
        worst = int(np.argmax(difference))
        return Rounding(self.problem.settings.dtype, float(difference[worst]), worst)


def replay(problem: Problem, steps: int) -> Moment:
    """Return the moment after ``steps`` updates, those that ``train`` makes.

    On a network file's own examples they are computed in float64, as one would by hand; on a table by the compiled
    engine, in the precision of the training. Neither convergence nor a limit ends them; a number that is
    not finite is an error.
    """
    problem = requested(problem)
    assert problem.examples is not None
    by_hand = problem.examples.own or unusable() is not None
    engine: Engine = Reference(problem, "float64") if by_hand else engine_for(problem)
    trained = Reference(problem, problem.settings.dtype) if by_hand and problem.settings.dtype != "float64" else None
    memory, pace = Memory(problem), Pace(steps=1 if by_hand else None)
    epoch, ended = 0, None
    with np.errstate(all="ignore"):
        while True:
            met, ahead = Met(), planned(problem, epoch, memory)
            first = int(ahead.numbers[0])
            for part in pace.parts(ahead[: max(0, steps + 1 - first)]):
                met = plus(met, engine.run(part), part)
                present = engine.snapshot()
                if trained is not None and ended is None and not np.isfinite(trained.run(part)).all():
                    ended = int(part.numbers[-1])
                if not present.finite:
                    raise NotFinite(
                        f"after step {int(part.numbers[-1])} a weight is no longer a finite number; ask for an earlier "
                        "step, or try a smaller learning rate"
                    )
            if steps + 1 - first < len(ahead):
                following, present = ahead[steps + 1 - first], engine.snapshot()
                state = {name: values.astype(float) for name, values in present.state.items()}
                moved = replace(problem, parameters=in_float64(problem.parameters, present.parameters.vector))
                return Moment(moved, state, following.number, following.rate, epoch, engine, ended)
            epoch += 1
            if memory.active:
                validates = problem.examples.validation is not None
                loss = total(met, problem) if shows_batches(problem) else engine.loss()
                memory.watch(engine.validation_loss() if validates else loss)
