"""Schedules: the learning rate as training goes on.

Each gives the factor on the base rate at an epoch (counted from 0), as PyTorch's schedulers
of the same kind do; ``cosine`` stays at its minimum once it is there, where PyTorch's rises again. ``plateau`` looks
at the loss after each epoch; what it remembers of it is kept by whoever trains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from clearprop.errors import UnknownName
from clearprop.expressions import Expression, Symbol, evaluate
from clearprop.expressions.tree import greater, less, maximum, minimum, where
from clearprop.fields import Check, accepted, at_least_zero, check_fields, integer, share
from clearprop.rules.roles import Role, step
from clearprop.types import Array

DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "constant": {},
    "step": {"size": 30, "gamma": 0.1},
    "exponential": {"gamma": 0.99},
    "cosine": {"epochs": 100, "minimum": 0.0},
    "plateau": {"factor": 0.1, "patience": 10, "threshold": 1e-4, "minimum": 0.0},
}


CHECKS: Mapping[str, Check] = {"size": integer(1), "epochs": integer(1), "factor": share}
"""The checks of constants; all others are numbers of at least 0."""


@dataclass(frozen=True)
class Schedule:
    """A named schedule with its constants, and ``warmup`` steps in which the rate rises from 0.

    ``minimum`` is a rate, not a factor. Constants that are left out have their usual values.

    Raises:
        UnknownName: no schedule of that name, or no such constant.
        InvalidArgument: an impossible value of a constant.

    >>> Schedule("cosine", {"epochs": 20}).constants
    {'epochs': 20, 'minimum': 0.0}
    """

    name: str = "constant"
    constants: Mapping[str, float] = field(default_factory=dict)
    warmup: Annotated[int, integer(0)] = 0

    def __post_init__(self) -> None:
        if self.name not in DEFAULTS:
            raise UnknownName("schedule", self.name, DEFAULTS)
        usual = DEFAULTS[self.name]
        for key, value in self.constants.items():
            if key not in usual:
                raise UnknownName(f"constant of the schedule {self.name}", key, [*usual, "warmup"])
            accepted(CHECKS.get(key, at_least_zero), value, key)
        object.__setattr__(self, "constants", {**usual, **self.constants})
        check_fields(self)


def schedule(name: str, /, **constants: Any) -> Schedule:
    """Return the schedule of that name, as a network file writes it.

    >>> schedule("step", size=3, warmup=10)
    Schedule(name='step', constants={'size': 3, 'gamma': 0.1}, warmup=10)
    """
    warmup = constants.pop("warmup", 0)
    return Schedule(name, constants, warmup)


def _step(base: float, epoch: int, c: Mapping[str, float]) -> float:
    return float(base * c["gamma"] ** (epoch // int(c["size"])))


def _exponential(base: float, epoch: int, c: Mapping[str, float]) -> float:
    return float(base * c["gamma"] ** epoch)


def _cosine(base: float, epoch: int, c: Mapping[str, float]) -> float:
    turn = (1 + math.cos(math.pi * min(epoch, c["epochs"]) / c["epochs"])) / 2
    return c["minimum"] + (base - c["minimum"]) * turn


CURVES: Mapping[str, Callable[[float, int, Mapping[str, float]], float]] = {
    "constant": lambda base, epoch, c: base,
    "step": _step,
    "exponential": _exponential,
    "cosine": _cosine,
}


WARMING = minimum(1.0, step / (Symbol("warmup") + 1))
"""The share of the rate that a step has while it is warmed up."""


# --- plateau --------------------------------------------------------------------------------------


def _lowered(scale: Expression) -> Expression:
    base = Symbol("base")
    return maximum(base * scale, minimum(base, Symbol("minimum")))


_loss, _best, _bad, _scale = (Symbol(name) for name in ("loss", "best", "bad", "scale"))
_lower = _scale * Symbol("factor")
_is_better = less(_loss, _best * (1 - Symbol("threshold")))
_is_over = greater(_bad, Symbol("patience"))

LOWERED = _lowered(_scale)
"""The rate of a plateau, before it is warmed up."""
WATCH: tuple[tuple[Symbol, Expression], ...] = (
    (_bad, where(_is_better, 0.0, _bad + 1)),
    (_best, where(_is_better, _loss, _best)),
    # A rate that would change by 1e-8 or less is left alone.
    (_scale, where(_is_over, where(greater(_lowered(_scale) - _lowered(_lower), 1e-8), _lower, _scale), _scale)),
    (_bad, where(_is_over, 0.0, _bad)),
)
"""What a plateau makes of the loss after an epoch, in order, as an optimizer's assignments are made: the epochs
without a better loss, the best, and the factor on the base rate. Source: PyTorch's ReduceLROnPlateau."""
UNWATCHED: Mapping[str, float] = {"scale": 1.0, "best": math.inf, "bad": 0.0}
"""Before the first epoch."""


def watched(chosen: Schedule, base: float, before: Mapping[str, float], loss: float) -> Mapping[str, float]:
    """What a plateau remembers once it has seen the loss after an epoch."""
    values = {**chosen.constants, **before, "base": base, "loss": loss}
    for symbol, expression in WATCH:
        values[str(symbol.key)] = float(evaluate(expression, values))
    return {name: values[name] for name in before}


# --- the rate -------------------------------------------------------------------------------------


def rate_at(chosen: Schedule, base: float, epoch: int, step: int | Array, plateau_factor: float = 1.0) -> Any:
    """The learning rate of a step (counted from 1) in an epoch (counted from 0); of each of many steps."""
    if chosen.name == "plateau":
        rate = float(evaluate(LOWERED, {**chosen.constants, "base": base, "scale": plateau_factor}))
    else:
        rate = CURVES[chosen.name](base, epoch, chosen.constants)
    return rate * evaluate(WARMING, {Role.STEP: step, "warmup": chosen.warmup}) if chosen.warmup else rate
