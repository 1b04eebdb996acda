"""All that is prepared for trainings of the same network and optimizer, or for its predictions: the program and its
code, and where numbers stand. Small ones are kept, for folds, seeds and whatever else is trained next."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from clearprop.engine import calling, machine, plan
from clearprop.engine.build import Built
from clearprop.engine.machine import Target
from clearprop.engine.panels import Panels
from clearprop.network.problem import Problem
from clearprop.types import Array

SMALL = 100_000
"""The most parameters of a network for which it is kept: the places of its parameters are kept too."""
MOST_KEPT = 64
TOGETHER = 512
"""Steps whose parts of an optimizer's rule are computed together: a few take as long."""
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
        self._known: tuple[float, int, Array] | None = None

    def learn(self, steps: float, seconds: float) -> None:
        """Take note of how long as many steps of whole batches took. The least time of one counts: then nothing else
        was in the way."""
        self.seconds = min(self.seconds, max(seconds, CLOCK) / steps)

    def parts(self, steps: Array, rates: Array) -> Array:
        """Return the parts of the optimizer's rule that depend on the step alone, at each of these steps."""
        rule, first, count = self.program.rule, int(steps[0]), len(steps)
        if count > TOGETHER or not ((rates == rates[0]).all() and (steps == np.arange(first, first + count)).all()):
            return rule.at(steps, rates)
        known, rate = self._known, float(rates[0])
        if known is None or known[0] != rate or not 0 <= first - known[1] <= TOGETHER - count:
            ahead = np.arange(first, first + TOGETHER)
            known = self._known = rate, first, rule.at(ahead, np.full(TOGETHER, rate))
        return known[2][first - known[1] :][:count]


class Inference:
    """The program that predicts with a network, and what follows from it."""

    def __init__(self, problem: Problem, dtype: str, target: Target) -> None:
        network = problem.network
        self.program = program = plan.program(problem, dtype, target, plan.EXAMPLES)
        self.built = Built(program, target)
        self.panels = panels = Panels(program.numbers, program.tile.vectors, network)
        self.table = calling.layer_table(panels, program.activations)
        self.count, self.rows = panels.activation_starts()[-1], plan.block(program, network)
        self.operations = plan.operations(network, 1)


def prepared(problem: Problem, dtype: str, batch: int) -> Prepared:
    """Return what is prepared for a problem, from memory if it was prepared for the same rules."""
    assert problem.examples is not None
    given = dtype, batch, machine.host()
    rest = problem.penalty, problem.examples.weights is None, given
    rules = _Rules((problem.network, problem.optimizer), rest, lambda: Prepared(problem, *given))
    found: Prepared = _kept(rules) if problem.network.parameter_count <= SMALL else rules.prepare()
    return found


def inference(problem: Problem, dtype: str) -> Inference:
    """Return what is prepared for predictions with a network, from memory if it was prepared for the same one."""
    given = dtype, machine.host()
    rules = _Rules((problem.network,), given, lambda: Inference(problem, *given))
    found: Inference = _kept(rules) if problem.network.parameter_count <= SMALL else rules.prepare()
    return found


class _Rules:
    """What something is prepared for: the same objects, for to compare what is in them takes as long as to prepare
    them, and an equal rest."""

    def __init__(self, objects: tuple[Any, ...], rest: tuple[Any, ...], make: Callable[[], Any]) -> None:
        self.objects, self.rest = objects, rest
        self.make: Callable[[], Any] | None = make
        self.hash = hash((*map(id, objects), rest))

    def prepare(self) -> Any:
        assert self.make is not None
        # What is kept does not keep the examples.
        make, self.make = self.make, None
        return make()

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Rules):
            return NotImplemented
        same = self.rest == other.rest and len(self.objects) == len(other.objects)
        return same and all(one is two for one, two in zip(self.objects, other.objects, strict=True))


@lru_cache(maxsize=MOST_KEPT)
def _kept(rules: _Rules) -> Any:
    return rules.prepare()
