"""Any moment of a training, made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import NotFinite
from clearprop.network.problem import Problem
from clearprop.training.order import Plateau, turns
from clearprop.training.reference import Reference
from clearprop.training.request import requested


@dataclass(frozen=True)
class Moment:
    """Where a training stands before step ``step`` (counted from 1)."""

    problem: Problem
    state: Mapping[str, Array]
    step: int
    rate: float


def replay(problem: Problem, steps: int) -> Moment:
    """The moment after so many updates, those that ``train`` makes, computed in float64.

    It stops for nothing: neither convergence nor a limit.

    Raises:
        InvalidArgument: the problem has no examples.
        NotFinite: a number stopped being finite on the way.
    """
    problem = requested(problem)
    assert problem.examples is not None
    engine, plateau = Reference(problem, "float64"), Plateau(problem)
    epoch = 0
    with np.errstate(all="ignore"):
        while True:
            for turn in turns(problem, epoch, plateau):
                present = engine.snapshot()
                if turn.step > steps:
                    return Moment(replace(problem, parameters=present.parameters), present.state, turn.step, turn.rate)
                engine.step(turn.rows, turn.step, turn.rate)
                if not engine.snapshot().finite:
                    raise NotFinite(
                        f"after step {turn.step} a weight is no longer a finite number; ask for an earlier step, "
                        "or try a smaller learning rate"
                    )
            epoch += 1
            if plateau.active:
                validates = problem.examples.validation is not None
                plateau.watch(engine.validation_loss() if validates else engine.loss())
