"""The form of an optimizer: assignments that give new weights, and the numbers in them.

The optimizers themselves stand in ``optimizers.py``; each enters itself in the table ``OPTIMIZERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from inspect import unwrap
from typing import Annotated, Any, Literal, NamedTuple, ParamSpec, TypedDict, get_args

from clearprop.cached import cached_property
from clearprop.errors import InvalidArgument
from clearprop.expressions import Expression, Number, Symbol
from clearprop.expressions.tree import maximum, minimum, symbols
from clearprop.fields import (
    BOOLEANS,
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
from clearprop.rules.roles import g
from clearprop.rules.schedules import Schedule, schedule_rule

Given = ParamSpec("Given")
Per = Literal["all", "variable"]
"""The norm that clipping bounds: of the whole gradient, or of each variable as Keras has them: the weights of a
layer, and its biases."""


class Assignment(NamedTuple):
    """``symbol`` becomes the value of ``expression``."""

    symbol: Symbol
    expression: Expression


@dataclass(frozen=True, repr=False)
class Optimizer:
    """A rule for new weights.

    ``hyperparameters`` are as given, for the network file; ``constants`` the numbers behind
    the symbols of the assignments; ``state`` the initial values of what is remembered.
    ``clip_norm`` bounds the norm of the whole gradient, or with ``clip_norm_per`` "variable" those of each layer's
    weights and of its biases, ``clip_value`` each entry, before the rule sees it.

    Raises:
        InvalidArgument: an impossible learning rate or limit, or ``clip_norm_per`` without a limit.

    >>> from clearprop.rules.optimizers import Adam, optimizer
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
    clip_norm_per: Annotated[Per, one_of("clip_norm_per", get_args(Per))] = "all"

    def __post_init__(self) -> None:
        check_fields(self)
        if self.clip_norm_per != "all" and self.clip_norm is None:
            raise InvalidArgument(f'clip_norm_per: "{self.clip_norm_per}" needs a limit; set clip_norm, too')

    @property
    def clips(self) -> dict[str, Any]:
        """The limits of the gradient that are set."""
        given = {"clip_norm": self.clip_norm, "clip_value": self.clip_value}
        per = {} if self.clip_norm_per == "all" else {"clip_norm_per": self.clip_norm_per}
        return {key: value for key, value in given.items() if value is not None} | per

    @property
    def changed(self) -> dict[str, Any]:
        """The hyperparameters that do not have their usual values."""
        usual = _usual(self.name)
        return {key: value for key, value in self.hyperparameters.items() if value != usual[key]}

    def __repr__(self) -> str:
        schedule = {} if self.schedule == Schedule() else {"schedule": self.schedule}
        given = {**self.changed, **schedule, **self.clips}
        arguments = [repr(self.learning_rate), *(f"{key}={value!r}" for key, value in given.items())]
        return f"{OPTIMIZERS[self.name].__name__}({', '.join(arguments)})"

    @cached_property
    def clip_factor(self) -> Expression:
        """The factor of the gradient that clipping takes from its ``norm``: as PyTorch's clip_grad_norm_, or of one
        variable as Keras's clipnorm; neither divides by zero. 1 without ``clip_norm``."""
        if self.clip_norm is None:
            return Number(1.0)
        norm = Symbol("norm")
        if self.clip_norm_per == "variable":
            return self.clip_norm / maximum(norm, self.clip_norm)
        return minimum(1.0, self.clip_norm / (norm + 1e-6))

    @cached_property
    def bounded(self) -> Expression:
        """The gradient within ± ``clip_value``, as an expression in g."""
        return g if self.clip_value is None else maximum(minimum(g, self.clip_value), -self.clip_value)


class Limits(TypedDict, total=False):
    """Options of every optimizer."""

    schedule: Schedule | str | Mapping[str, Any]
    clip_norm: float | None
    clip_value: float | None
    clip_norm_per: Per


class Made(NamedTuple):
    """The assignments of an optimizer, and where its state begins; elsewhere than at 0, ``start`` says."""

    source: str
    lines: Sequence[Assignment]
    start: Mapping[str, float] = {}


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {}
"""The optimizers by their names, in the order in which they stand in ``optimizers.py``."""


def entered(make: Callable[Given, Made]) -> Callable[Given, Optimizer]:
    """Enter an optimizer in the table: it is made of its hyperparameters, which are checked first.

    Its constants are the hyperparameters that are numbers, with one for each of several ``betas``.
    Its state are the symbols that a line reads before a line assigns them.
    """
    name = make.__name__.lower()

    @wraps(make)
    def call(*rate: Given.args, **options: Given.kwargs) -> Optimizer:
        known = optimizer_keys(name)
        for key, value in options.items():
            if key not in known:
                raise UnknownSetting(name, key, known)
            options[key] = accepted(hyperparameter_check(key), value, key)
        made = make(*rate, **options)
        given = {key: options.get(key, usual) for key, usual in _usual(name).items()}
        limits: dict[str, Any] = {key: options[key] for key in Limits.__annotations__ if key in options}
        chosen: Any = [*rate, options.get("learning_rate", *(make.__defaults__ or ()))][0]
        state = {**_state(made.lines), **made.start}
        return Optimizer(name, chosen, tuple(made.lines), made.source, given, _constants(given), state, **limits)

    OPTIMIZERS[name] = call
    return call


def _constants(given: Mapping[str, Any]) -> dict[str, float]:
    constants: dict[str, float] = {}
    for key, value in given.items():
        if isinstance(value, Sequence):
            constants |= {f"{key.removesuffix('s')}{number}": each for number, each in enumerate(value, 1)}
        elif not isinstance(value, BOOLEANS):
            constants[key] = value
    return constants


def _state(lines: Sequence[Assignment]) -> dict[str, float]:
    read: set[Any] = set()
    state: dict[str, float] = {}
    for symbol, expression in lines[:-1]:
        read |= symbols(expression)
        if symbol.key in read:
            state[str(symbol.key)] = 0.0
    return state


YES_OR_NO = (
    "nesterov", "centered", "rate_in_velocity", "eps_in_sqrt", "eps_in_max", "correction_in_rate",
    "decoupled_weight_decay",
)  # fmt: skip
CHECKS: Mapping[str, Check] = {
    "betas": pair(share), "alpha": share, "rho": share, **dict.fromkeys(YES_OR_NO, boolean)
}  # fmt: skip
"""The checks of hyperparameters; all others are numbers of at least 0."""


def hyperparameter_check(key: str) -> Check:
    """Return the check of a hyperparameter, of whichever optimizer."""
    return checks(Optimizer).get(key) or CHECKS.get(key, at_least_zero)


def optimizer_keys(name: str) -> list[str]:
    """Return all keys that can be set on the optimizer of that name."""
    return ["learning_rate", *_usual(name), *Limits.__annotations__]


def _usual(name: str) -> Mapping[str, Any]:
    """Return the hyperparameters of the optimizer of that name, with their usual values."""
    return unwrap(OPTIMIZERS[name]).__kwdefaults__ or {}


def optimizer(name: str, /, **options: Any) -> Optimizer:
    """Return the optimizer of that name, with hyperparameters as in PyTorch.

    >>> from clearprop.rules.optimizers import optimizer
    >>> optimizer("sgd", learning_rate=0.6, clip_norm=1.0).clip_norm
    1.0
    """
    return OPTIMIZERS[accepted(one_of("optimizer", OPTIMIZERS), own_name(name, OPTIMIZERS))](**options)
