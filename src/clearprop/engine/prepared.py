"""All that is prepared for trainings of the same network and optimizer: the program and its code, and where numbers
stand. Small ones are kept, for folds, seeds and whatever else is trained next."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from clearprop.engine import calling, machine, plan
from clearprop.engine.build import Built
from clearprop.engine.machine import Target
from clearprop.engine.panels import Panels
from clearprop.network.problem import Problem

SMALL = 100_000
"""The most parameters of a network for which it is kept: the places of its parameters are kept too."""
MOST_KEPT = 64
CLOCK = 1e-6
"""Seconds below which a clock may tell nothing."""


class Prepared:
    """The program of a problem, with batches of that many examples, and what follows from it.

    ``seconds`` are those of a step: as planned, or less where steps took less.
    """

    def __init__(self, problem: Problem, dtype: str, batch: int, target: Target) -> None:
        network = problem.network
        self.program = program = plan.program(problem, dtype, target, batch)
        self.built = Built(program, target)
        self.panels = panels = Panels(program.numbers, program.tile.vectors, network)
        self.table = calling.layer_table(panels, program.activations)
        self.hashes, self.aside = calling.hashes(panels), calling.aside(panels)
        self.sums = sum(calling.sums(panels, layer) for layer in range(1, network.depth + 1))
        self.rows, self.block = plan.rows(program, batch), plan.block(program, network)
        self.chunk = plan.chunk(program, batch)
        self.most = plan.most(program, network)
        self.planned = self.seconds = plan.seconds(program, network, batch)

    def learn(self, steps: int, seconds: float) -> None:
        """Take note of how long steps took. The least time of one counts: then nothing else was in the way."""
        self.seconds = min(self.seconds, max(seconds, CLOCK) / steps)


def prepared(problem: Problem, dtype: str, batch: int) -> Prepared:
    """Return what is prepared for a problem, from memory if it was prepared for the same rules."""
    key = _Rules(problem, (dtype, batch, machine.host()))
    return _kept(key) if problem.network.parameter_count <= SMALL else key.prepare()


class _Rules:
    """A problem of which only the rules count: the same objects, for to compare what is in them takes as long as to
    prepare them."""

    def __init__(self, problem: Problem, given: tuple[str, int, Target]) -> None:
        self.problem: Problem | None = problem
        self.given = given
        assert problem.examples is not None
        self.objects: tuple[Any, ...] = problem.network, problem.optimizer
        self.rest = problem.penalty, problem.examples.weights is None, given
        self.hash = hash((*map(id, self.objects), self.rest))

    def prepare(self) -> Prepared:
        assert self.problem is not None
        # What is kept does not keep the examples.
        problem, self.problem = self.problem, None
        return Prepared(problem, *self.given)

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Rules):
            return NotImplemented
        return self.rest == other.rest and all(one is two for one, two in zip(self.objects, other.objects, strict=True))


@lru_cache(maxsize=MOST_KEPT)
def _kept(rules: _Rules) -> Prepared:
    return rules.prepare()
