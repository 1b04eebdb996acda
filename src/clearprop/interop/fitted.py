"""Constants of a problem that another program's numbers show: a momentum, a rate, a limit that no list of known values
has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from clearprop.errors import ClearpropError
from clearprop.interop.changes import CLIPS, Change, rebuilt, toml
from clearprop.interop.cycle_numbers import Numbers
from clearprop.interop.ways import Stage, Ways
from clearprop.messages import brief
from clearprop.network.problem import Problem
from clearprop.rules.penalties import Penalty
from clearprop.types import Array

ROUNDS, DIGITS, SHRINKS = 8, 3, 0.25
"""How often a constant is bettered, the digits that somebody would have chosen, and the part of the squared differences
that each time leaves at most."""
Set = Callable[[Problem, float], Problem]


class Constant(NamedTuple):
    """A constant: the key of the network file, the part of a cycle that shows it, where to begin, and how it is set."""

    key: str
    stage: Stage
    start: float
    set: Set


def fitted(
    problem: Problem, ways: Ways, stage: Stage, theirs: Numbers, run: Callable[[Problem, Ways, int], Numbers]
) -> Iterator[Change]:
    """Yield the changes of one constant each that come nearest to another program's numbers in a part of a cycle."""
    kinds = {"errors": ("errors",), "gradients": ("gradients",), "updated": ("updated", "second")}.get(stage, ())
    told = [kind for kind in kinds if getattr(theirs, kind) is not None]
    if not told:
        return
    for constant in _constants(problem, stage):

        def short_of(value: float, constant: Constant = constant) -> Array:
            made = run(constant.set(problem, value), ways, 2 if "second" in told else 1)
            pairs = ((getattr(made, kind), getattr(theirs, kind)) for kind in told)
            return np.concatenate([own[-other.size :] - other for own, other in pairs])

        with suppress(ClearpropError):
            value = _nearest(short_of, constant.start)
            yield from (_change(constant, number) for number in _rounded(value))
    if stage == "updated" and theirs.updated is not None:
        yield from _limits(problem, theirs)


def _change(constant: Constant, number: float) -> Change:
    says = f"{constant.key.split('.', 1)[1]} is {brief(number)}"
    return Change(constant.key, toml(number), says, constant.stage, lambda given: constant.set(given, number))


def _rounded(value: float | None) -> Iterable[float]:
    """Return a number with one digit, and with as many more as somebody would have chosen."""
    return () if value is None else dict.fromkeys(float(f"{value:.{digits}e}") for digits in range(DIGITS))


def _nearest(short_of: Callable[[float], Array], start: float) -> float | None:
    """Return the number of at least 0 at which the differences are smallest, by Gauss and Newton with the slope of the
    last two; None once they hardly shrink: another constant it is."""
    value, here = start, short_of(start)
    moved = 1e-4 * max(abs(start), 0.1)
    slope = (short_of(start + moved) - here) / moved
    for _ in range(ROUNDS):
        size = float(slope @ slope)
        if not np.isfinite(size) or size < 1e-18:
            return None
        moved = max(0.0, value - float(slope @ here) / size) - value
        if abs(moved) < 1e-9 * max(abs(value), 1e-3):
            break
        there = short_of(value + moved)
        if float(there @ there) > SHRINKS * float(here @ here):
            return None
        value, slope, here = value + moved, (there - here) / moved, there
    return value if np.isfinite(value) else None


def _with(penalty: Penalty, **changed: Any) -> Penalty:
    return replace(penalty, **changed)


def _constants(problem: Problem, stage: Stage) -> Iterator[Constant]:
    own = problem.optimizer

    def of_penalty(key: str) -> Set:
        return lambda given, value: replace(given, penalty=_with(given.penalty, **{key: value}))

    def of_optimizer(key: str) -> Set:
        return lambda given, value: replace(given, optimizer=rebuilt(given.optimizer, **{key: value}))

    def of_schedule(key: str) -> Set:
        def changed(given: Problem, value: float) -> Problem:
            schedule = given.optimizer.schedule
            schedule = replace(schedule, constants={**schedule.constants, key: value})
            return replace(given, optimizer=rebuilt(given.optimizer, schedule=schedule))

        return changed

    if stage in ("errors", "gradients"):
        for key in ("l2", "l1"):
            yield Constant(f"penalty.{key}", "errors", getattr(problem.penalty, key) or 0.05, of_penalty(key))
    if stage != "updated":
        return
    yield Constant("optimizer.learning_rate", "updated", own.learning_rate, of_optimizer("learning_rate"))
    for key in ("momentum", "weight_decay", "dampening"):
        if key in own.hyperparameters:
            yield Constant(f"optimizer.{key}", "updated", float(own.hyperparameters[key]) or 0.1, of_optimizer(key))
    if "gamma" in own.schedule.constants:
        yield Constant("optimizer.schedule.gamma", "updated", own.schedule.constants["gamma"], of_schedule("gamma"))


def _limits(problem: Problem, theirs: Numbers) -> Iterator[Change]:
    """Yield the limits that clip the first step as the program's is: what is clipped is as large as they are."""
    own, layout, vector = problem.optimizer, problem.network.layout, problem.parameters.vector
    if own.name != "sgd" or not own.learning_rate or theirs.updated is None:
        return
    taken = (vector - theirs.updated) / own.learning_rate - own.hyperparameters.get("weight_decay", 0.0) * vector
    norms = [float(np.linalg.norm(taken[each])) for each in (*layout.weights, *layout.biases)]
    found: Sequence[tuple[str, float, dict[str, Any]]] = (
        ("clip_norm", float(np.linalg.norm(taken)), {}),
        ("clip_norm", max(norms, default=0.0), {"clip_norm_per": "variable"}),
        ("clip_value", float(np.abs(taken).max(initial=0.0)), {}),
    )
    for key, value, per in found:
        yield from (_limit(key, number, per) for number in _rounded(value) if number > 0)


def _limit(key: str, number: float, per: dict[str, Any]) -> Change:
    says = "gradients are clipped by the norm of each layer's weights, and of its biases" if per else (
        f"gradients are clipped {CLIPS[key]}")  # fmt: skip
    text = "".join(f"; optimizer.{other} = {toml(value)}" for other, value in per.items())
    given = {key: number, **per}
    return Change(f"optimizer.{key}", f"{toml(number)}{text}", f"{says}: at most {brief(number)}", "updated",
                  lambda problem: replace(problem, optimizer=rebuilt(problem.optimizer, **given)))  # fmt: skip
