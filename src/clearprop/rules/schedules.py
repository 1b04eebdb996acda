"""Schedules: the learning rate as training goes on.

Each is the rate as an expression in the base rate, the epoch (counted from 0) and its constants,
as PyTorch's schedulers of the same kind have it; ``cosine`` stays at its minimum once it is there,
where PyTorch's rises again. ``invscaling`` and ``adaptive`` are scikit-learn's. ``plateau`` and ``adaptive`` follow the
loss after each epoch: ``scale``, the factor that they have reached, is kept by whoever trains. With ``warmup`` the rate
also depends on the step. ``by = "step"`` counts steps in place of epochs, as Keras does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

from clearprop.cached import cached_property
from clearprop.errors import InvalidArgument
from clearprop.expressions import Expression, Symbol, evaluate, substitute
from clearprop.expressions.tree import cos, floor, greater, less, maximum, minimum, symbols, where
from clearprop.fields import (
    Check,
    Unexpected,
    accepted,
    at_least_zero,
    check_fields,
    either,
    integer,
    one_of,
    share,
    string,
)
from clearprop.rules.other_names import SCHEDULES as OTHERS
from clearprop.rules.other_names import UnknownSetting, own_name
from clearprop.rules.roles import Role, step
from clearprop.types import Array

_base, _epoch, _scale, _gamma, _minimum = (Symbol(name) for name in ("base", "epoch", "scale", "gamma", "minimum"))
_loss, _best, _bad, _factor, _patience = (Symbol(name) for name in ("loss", "best", "bad", "factor", "patience"))

Watch = tuple[tuple[Symbol, Expression], ...]
"""Assignments made after each epoch, in order, as those of an optimizer."""


class Kind(NamedTuple):
    """A kind of schedule: its constants with their usual values, the rate, and what it notes of an epoch's loss."""

    constants: Mapping[str, float]
    rate: Expression
    watch: Watch = ()


# --- schedules that watch the loss -----------------------------------------------------------------

UNWATCHED: Mapping[str, float] = {"scale": 1.0, "best": math.inf, "bad": 0.0, "done": 0.0}
"""Before the first epoch: the factor on the base rate, the best loss, the number of epochs without a better one, and
whether to end."""


def _lowered(scale: Expression) -> Expression:
    return maximum(_base * scale, minimum(_base, _minimum))


_lower = _scale * _factor
_is_better = less(_loss, _best * (1 - Symbol("threshold")))
_is_over = greater(_bad, _patience)

PLATEAU: Watch = (
    (_bad, where(_is_better, 0.0, _bad + 1)),
    (_best, where(_is_better, _loss, _best)),
    # A rate that would change by 1e-8 or less is left alone.
    (_scale, where(_is_over, where(greater(_lowered(_scale) - _lowered(_lower), 1e-8), _lower, _scale), _scale)),
    (_bad, where(_is_over, 0.0, _bad)),
)
"""Source: PyTorch's ReduceLROnPlateau."""

IMPROVEMENT: Watch = (
    (_bad, where(greater(_loss, _best - Symbol("tolerance")), _bad + 1, 0.0)),
    (_best, minimum(_best, _loss)),
)
"""The number of epochs in a row that were not better than the best before by ``tolerance``. Source: scikit-learn's
MLPClassifier."""

_may_fall = greater(_base * _scale, _minimum)

ADAPTIVE: Watch = (
    *IMPROVEMENT,
    (Symbol("done"), where(_is_over, where(_may_fall, 0.0, 1.0), 0.0)),
    (_scale, where(_is_over, where(_may_fall, _lower, _scale), _scale)),
    (_bad, where(_is_over, 0.0, _bad)),
)
"""Source: scikit-learn's SGDOptimizer."""


# --- the table -------------------------------------------------------------------------------------

SCHEDULES: Mapping[str, Kind] = {
    "constant": Kind({}, _base),
    "step": Kind({"size": 30, "gamma": 0.1}, _base * _gamma ** floor(_epoch / Symbol("size"))),
    "exponential": Kind({"gamma": 0.99}, _base * _gamma**_epoch),
    "cosine": Kind(
        {"epochs": 100, "minimum": 0.0},
        _minimum + (_base - _minimum) * ((1 + cos(math.pi * minimum(_epoch, Symbol("epochs")) / Symbol("epochs"))) / 2),
    ),
    "polynomial": Kind(
        {"epochs": 100, "minimum": 0.0, "power": 1.0},
        _minimum + (_base - _minimum) * (1 - minimum(_epoch, Symbol("epochs")) / Symbol("epochs")) ** Symbol("power"),
    ),
    "inverse": Kind({"gamma": 0.01}, _base / (1 + _gamma * _epoch)),
    "plateau": Kind({"factor": 0.1, "patience": 10, "threshold": 1e-4, "minimum": 0.0}, _lowered(_scale), PLATEAU),
    # ``examples`` is the number of examples that an epoch learns from.
    "invscaling": Kind({"power": 0.5}, _base / (_epoch * Symbol("examples") + 1) ** Symbol("power")),
    "adaptive": Kind({"factor": 0.2, "patience": 10, "tolerance": 1e-4, "minimum": 1e-6}, _base * _scale, ADAPTIVE),
}
WARMING = minimum(1.0, step / (Symbol("warmup") + 1))
"""The share of the rate that a step has during warmup."""


CHECKS: Mapping[str, Check] = {"size": integer(1), "epochs": integer(1), "factor": share}
"""The checks of constants; all others are numbers of at least 0."""


@dataclass(frozen=True)
class Schedule:
    """A named schedule with its constants, and ``warmup`` steps in which the rate rises from 0.

    ``minimum`` is a rate, not a factor. Constants that are left out have their usual values. ``by`` says what it
    counts from 0, and so what ``size`` and ``epochs`` are numbers of: epochs or steps.

    Raises:
        UnknownName: no schedule of that name, or no such constant.
        InvalidArgument: an impossible value of a constant, or one by steps that looks at each epoch.

    >>> Schedule("cosine", {"epochs": 20}).constants
    {'epochs': 20, 'minimum': 0.0}
    >>> from clearprop.expressions import text
    >>> text(schedule("exponential", warmup=4).rate)
    'base * gamma**epoch * min(1, step / (warmup + 1))'
    """

    name: str = "constant"
    constants: Mapping[str, float] = field(default_factory=dict)
    warmup: Annotated[int, integer(0)] = 0
    by: Annotated[str, either("epoch", "step")] = "epoch"

    def __post_init__(self) -> None:
        accepted(one_of("schedule", SCHEDULES), self.name)
        usual = SCHEDULES[self.name].constants
        for key, value in self.constants.items():
            if key not in usual:
                raise UnknownSetting(f"the schedule {self.name}", key, [*usual, "warmup", "by"])
            accepted(CHECKS.get(key, at_least_zero), value, key)
        object.__setattr__(self, "constants", {**usual, **self.constants})
        check_fields(self)
        if self.by == "step" and (self.watches or self.name == "invscaling"):
            raise InvalidArgument(f'the schedule {self.name} looks at each epoch; leave out by = "step"')

    @cached_property
    def rate(self) -> Expression:
        """The learning rate, an expression in ``base``, ``epoch``, the step and the constants."""
        rate = SCHEDULES[self.name].rate
        if self.by == "step":
            rate = substitute(rate, lambda key: step - 1 if key == _epoch.key else None)
        return rate * WARMING if self.warmup else rate

    @property
    def watches(self) -> bool:
        """Whether it follows the loss."""
        return bool(SCHEDULES[self.name].watch)

    @cached_property
    def numbers(self) -> Mapping[str, float]:
        """The numbers of the constants in the rate."""
        return {**self.constants, "warmup": self.warmup}


def schedule(name: str, /, **constants: Any) -> Schedule:
    """Return the schedule of that name, as a network file writes it.

    >>> schedule("step", size=3, warmup=10)
    Schedule(name='step', constants={'size': 3, 'gamma': 0.1}, warmup=10, by='epoch')
    """
    warmup, by = constants.pop("warmup", 0), constants.pop("by", "epoch")
    return Schedule(own_name(name, SCHEDULES, OTHERS), constants, warmup, by)


def schedule_rule(value: Any) -> Schedule:
    """Accept a schedule, its name, or its name with constants, as a network file writes it."""
    if isinstance(value, Schedule):
        return value
    if isinstance(value, str):
        return schedule(value)
    if not isinstance(value, Mapping) or "name" not in value:
        raise Unexpected('a name or {name = "…", …}')
    return schedule(string(value["name"]), **{key: item for key, item in value.items() if key != "name"})


def watched(chosen: Schedule, base: float, before: Mapping[str, float], loss: float) -> Mapping[str, float]:
    """Return what a schedule remembers after it has seen the loss of an epoch."""
    return noted(SCHEDULES[chosen.name].watch, {**chosen.constants, "base": base, "loss": loss}, before)


def noted(watch: Watch, values: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """Return what is remembered after these assignments."""
    known = {**values, **before}
    for symbol, expression in watch:
        known[str(symbol.key)] = float(evaluate(expression, known))
    return {name: known[name] for name in before}


# --- the rate -------------------------------------------------------------------------------------


def rate_at(
    chosen: Schedule, base: float, epoch: float | Array, step: int | Array, examples: int = 1, scale: float = 1.0
) -> Array:
    """Return the learning rate of a step (counted from 1) in an epoch (counted from 0), or of each of many steps.

    ``examples`` is the number of examples that an epoch learns from, ``scale`` the factor that the losses led to.
    """
    values: dict[Any, Any] = {"base": base, "epoch": epoch, Role.STEP: step, "examples": float(examples)}
    values |= {"scale": scale, **chosen.numbers}
    return evaluate(chosen.rate, {key: values[key] for key in symbols(chosen.rate)})
