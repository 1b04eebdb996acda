"""Optimizers: how a weight w follows from its gradient g.

Each is an ordered list of assignments; later lines see the values that earlier ones gave.
The last one assigns the weight. State (moments, velocities) is what must be remembered from
step to step; a line whose target is not state is only a name for an intermediate value.
Hyperparameters, their names and their defaults are those of PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from inspect import unwrap
from typing import Annotated, Any, NamedTuple, ParamSpec, TypedDict, Unpack

import numpy as np

from clearprop.cached import cached_property
from clearprop.errors import InvalidArgument
from clearprop.expressions import Expression, Number, Symbol
from clearprop.expressions.tree import greater, maximum, minimum, sqrt, symbols, where
from clearprop.fields import (
    Check,
    above_zero,
    accepted,
    at_least_zero,
    boolean,
    check_fields,
    checks,
    one_of,
    optional,
    pair,
    share,
)
from clearprop.rules.other_names import UnknownSetting, own_name
from clearprop.rules.roles import g, rate, step, w
from clearprop.rules.schedules import Schedule, schedule_rule

Given = ParamSpec("Given")


class Assignment(NamedTuple):
    """``symbol`` becomes the value of ``expression``."""

    symbol: Symbol
    expression: Expression


@dataclass(frozen=True, repr=False)
class Optimizer:
    """A rule for new weights.

    ``hyperparameters`` are as given, for the network file; ``constants`` the numbers behind
    the symbols of the assignments; ``state`` the initial values of what is remembered.
    ``clip_norm`` bounds the norm of the whole gradient, ``clip_value`` each of its entries,
    before the rule sees it.

    Raises:
        InvalidArgument: an impossible learning rate or limit.

    >>> Adam(0.01), optimizer("sgd", momentum=0.9, clip_norm=1.0)
    (Adam(0.01), SGD(0.1, momentum=0.9, clip_norm=1.0))
    """

    name: str
    learning_rate: Annotated[float, at_least_zero]
    assignments: tuple[Assignment, ...]
    source: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    state: Mapping[str, float] = field(default_factory=dict)
    schedule: Annotated[Schedule, schedule_rule] = field(default_factory=Schedule)
    clip_norm: Annotated[float | None, optional(above_zero)] = None
    clip_value: Annotated[float | None, optional(above_zero)] = None

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def changed(self) -> dict[str, Any]:
        """The hyperparameters that do not have their usual values."""
        usual = OPTIMIZERS[self.name]().hyperparameters
        return {key: value for key, value in self.hyperparameters.items() if value != usual[key]}

    def __repr__(self) -> str:
        limits = {"schedule": self.schedule, "clip_norm": self.clip_norm, "clip_value": self.clip_value}
        given = {**self.changed, **{key: value for key, value in limits.items() if value not in (None, Schedule())}}
        arguments = [repr(self.learning_rate), *(f"{key}={value!r}" for key, value in given.items())]
        return f"{OPTIMIZERS[self.name].__name__}({', '.join(arguments)})"

    @cached_property
    def clip_factor(self) -> Expression:
        """The factor of the gradient that clipping takes from its ``norm``: as PyTorch's clip_grad_norm_,
        which never divides by zero. 1 without ``clip_norm``."""
        return Number(1.0) if self.clip_norm is None else minimum(1.0, self.clip_norm / (Symbol("norm") + 1e-6))

    @cached_property
    def bounded(self) -> Expression:
        """The gradient within ± ``clip_value``, as an expression in g."""
        return g if self.clip_value is None else maximum(minimum(g, self.clip_value), -self.clip_value)


class Limits(TypedDict, total=False):
    """Options of every optimizer."""

    schedule: Schedule | str | Mapping[str, Any]
    clip_norm: float | None
    clip_value: float | None


def _checked(make: Callable[Given, Optimizer]) -> Callable[Given, Optimizer]:
    """Check the options of an optimizer before it is made of them."""
    name = make.__name__.lower()

    @wraps(make)
    def call(*rate: Given.args, **options: Given.kwargs) -> Optimizer:
        known = optimizer_keys(name)
        for key, value in options.items():
            if key not in known:
                raise UnknownSetting(name, key, known)
            options[key] = accepted(hyperparameter_check(key), value, key)
        return make(*rate, **options)

    return call


def _made(
    name: str,
    learning_rate: float,
    source: str,
    assignments: list[Assignment],
    limits: Limits,
    start: float = 0.0,
    **given: Any,
) -> Optimizer:
    """Return the optimizer with these assignments and hyperparameters.

    Its constants are the hyperparameters that are numbers, with one for each of several ``betas``.
    Its state are the symbols that a line reads before a line assigns them; it begins at ``start``.
    """
    constants: dict[str, float] = {}
    for key, value in given.items():
        if isinstance(value, Sequence):
            constants |= {f"{key.removesuffix('s')}{number}": each for number, each in enumerate(value, 1)}
        elif not isinstance(value, (bool, np.bool_)):
            constants[key] = value
    state: dict[str, float] = {}
    for position, (symbol, _) in enumerate(assignments[:-1]):
        if any(symbol.key in symbols(expression) for _, expression in assignments[: position + 1]):
            state[str(symbol.key)] = start
    return Optimizer(name, learning_rate, tuple(assignments), source, given, constants, state, **limits)  # type: ignore[arg-type]


def _coupled(weight_decay: float) -> Expression:
    """Return the gradient with an L2 term of the weight itself, as PyTorch couples it."""
    return g + Symbol("weight_decay") * w if weight_decay else g


def _mean(of: Symbol, old_share: Expression, value: Expression) -> Assignment:
    """Return the assignment of a running mean: the old one, and this value for the rest."""
    return Assignment(of, old_share * of + (1 - old_share) * value)


@_checked
def SGD(
    learning_rate: float = 0.1,
    *,
    momentum: float = 0.0,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    **limits: Unpack[Limits],
) -> Optimizer:
    """Return w - rate * g; with momentum the velocity b takes the gradient's place.

    Source: the lecture (new_w5); momentum: Polyak 1964, Nesterov 1983 in PyTorch's form.

    >>> from clearprop.expressions import text
    >>> text(SGD(0.6).assignments[-1].expression)
    'w - rate * g'
    """
    gradient = _coupled(weight_decay)
    lines: list[Assignment] = []
    if momentum:
        b, m = Symbol("b"), Symbol("momentum")
        fresh = (1 - Symbol("dampening")) * gradient if dampening else gradient
        velocity = m * b + fresh
        lines.append(Assignment(b, where(greater(step, 1), velocity, gradient) if dampening else velocity))
        gradient = gradient + m * b if nesterov else b
    source = "Polyak 1964; Sutskever et al. 2013" if momentum else "lecture: new_w5"
    lines.append(Assignment(w, w - rate * gradient))
    given = {"momentum": momentum, "dampening": dampening, "nesterov": nesterov, "weight_decay": weight_decay}
    made = _made("sgd", learning_rate, source, lines, limits, **given)
    if nesterov and (momentum <= 0 or dampening != 0):
        raise InvalidArgument("sgd: nesterov needs a momentum above 0 and a dampening of 0")
    return made


@_checked
def RMSprop(
    learning_rate: float = 0.01,
    *,
    alpha: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    centered: bool = False,
    weight_decay: float = 0.0,
    **limits: Unpack[Limits],
) -> Optimizer:
    """Return an optimizer that divides the gradient by the root of its running mean square v.

    Source: Hinton, lecture 6e (2012).
    """
    a, v, mean, b = Symbol("alpha"), Symbol("v"), Symbol("m"), Symbol("b")
    gradient = _coupled(weight_decay)
    lines = [_mean(v, a, gradient**2)]
    if centered:
        lines.append(_mean(mean, a, gradient))
    scaled = gradient / (sqrt(v - mean**2 if centered else v) + Symbol("eps"))
    if momentum:
        lines.append(Assignment(b, Symbol("momentum") * b + scaled))
    lines.append(Assignment(w, w - rate * (b if momentum else scaled)))
    given = {"alpha": alpha, "eps": eps, "momentum": momentum, "centered": centered, "weight_decay": weight_decay}
    return _made("rmsprop", learning_rate, "Hinton 2012", lines, limits, **given)


@_checked
def Adagrad(
    learning_rate: float = 0.01,
    *,
    lr_decay: float = 0.0,
    eps: float = 1e-10,
    initial_accumulator_value: float = 0.0,
    weight_decay: float = 0.0,
    **limits: Unpack[Limits],
) -> Optimizer:
    """Return an optimizer that divides the gradient by the root of the sum s of its squares.

    Source: Duchi, Hazan and Singer 2011.
    """
    s = Symbol("s")
    decayed = rate / (1 + (step - 1) * Symbol("lr_decay")) if lr_decay else rate
    gradient = _coupled(weight_decay)
    lines = [Assignment(s, s + gradient**2), Assignment(w, w - decayed * (gradient / (sqrt(s) + Symbol("eps"))))]
    start = initial_accumulator_value
    given = {"lr_decay": lr_decay, "eps": eps, "initial_accumulator_value": start, "weight_decay": weight_decay}
    return _made("adagrad", learning_rate, "Duchi, Hazan and Singer 2011", lines, limits, start, **given)


@_checked
def Adam(
    learning_rate: float = 0.001,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    **limits: Unpack[Limits],
) -> Optimizer:
    """Return an optimizer with running means m of the gradient and v of its square, both corrected
    for their start at zero.

    Source: Kingma and Ba 2014.
    """
    lines = _adam(_coupled(weight_decay), w)
    return _made(
        "adam", learning_rate, "Kingma and Ba 2014", lines, limits, betas=betas, eps=eps, weight_decay=weight_decay
    )


@_checked
def AdamW(
    learning_rate: float = 0.001,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    **limits: Unpack[Limits],
) -> Optimizer:
    """Return Adam with the decay taken from the weight itself.

    Source: Loshchilov and Hutter 2017.
    """
    lines = _adam(g, w - rate * Symbol("weight_decay") * w if weight_decay else w)
    source = "Loshchilov and Hutter 2017"
    return _made("adamw", learning_rate, source, lines, limits, betas=betas, eps=eps, weight_decay=weight_decay)


def _adam(gradient: Expression, old: Expression) -> list[Assignment]:
    """Return the assignments of Adam: means of this gradient, and the step from the old weight."""
    beta1, beta2 = Symbol("beta1"), Symbol("beta2")
    m, v, m_hat, v_hat = Symbol("m"), Symbol("v"), Symbol("m_hat"), Symbol("v_hat")
    return [
        _mean(m, beta1, gradient),
        _mean(v, beta2, gradient**2),
        Assignment(m_hat, m / (1 - beta1**step)),
        Assignment(v_hat, v / (1 - beta2**step)),
        Assignment(w, old - rate * (m_hat / (sqrt(v_hat) + Symbol("eps")))),
    ]


CHECKS: Mapping[str, Check] = {"betas": pair(share), "alpha": share, "nesterov": boolean, "centered": boolean}
"""The checks of hyperparameters; all others are numbers of at least 0."""


def hyperparameter_check(key: str) -> Check:
    """Return the check of a hyperparameter, of whichever optimizer."""
    return checks(Optimizer).get(key) or CHECKS.get(key, at_least_zero)


OPTIMIZERS: Mapping[str, Callable[..., Optimizer]] = {
    make.__name__.lower(): make for make in (SGD, RMSprop, Adagrad, Adam, AdamW)
}


def optimizer_keys(name: str) -> list[str]:
    """Return all keys that can be set on the optimizer of that name."""
    usual = unwrap(OPTIMIZERS[name]).__kwdefaults__ or {}
    return ["learning_rate", *usual, *Limits.__annotations__]


def optimizer(name: str, /, **options: Any) -> Optimizer:
    """Return the optimizer of that name, with hyperparameters as in PyTorch.

    >>> optimizer("sgd", learning_rate=0.6, clip_norm=1.0).clip_norm
    1.0
    """
    return OPTIMIZERS[accepted(one_of("optimizer", OPTIMIZERS), own_name(name, OPTIMIZERS))](**options)
