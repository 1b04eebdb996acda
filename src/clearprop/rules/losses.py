"""Losses: the error of one output y against its target t.

Each is stated once, for one output; ``over_outputs`` and ``over_examples`` of a network say
whether errors are summed or averaged. A cross-entropy is computed together with its usual output
activation, which keeps all digits: ``fused.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np

from clearprop.cached import cached_property
from clearprop.expressions import Expression, Number, Slope, Symbol, bind, differentiate, evaluate, parse
from clearprop.expressions.tree import absolute, greater, log, where
from clearprop.fields import accepted, string
from clearprop.messages import brief
from clearprop.rules.activations import ACTIVATIONS, Activation, AnyActivation, Softmax
from clearprop.rules.other_names import own_name, unknown_rule
from clearprop.rules.roles import Role, t, y
from clearprop.rules.rule import Rule


@dataclass(frozen=True, repr=False)
class Loss(Rule):
    """The error of one output, an expression in the output y and the target t.

    ``outputs`` and ``targets`` are the closed intervals in which the formula makes sense;
    ``sums_to_one`` says that outputs and targets are shares of a whole; ``task`` whether outputs
    are numbers of any kind or probabilities of classes.
    """

    name: str
    error: Expression
    source: str
    constants: Mapping[str, float] = field(default_factory=dict)
    outputs: tuple[float, float] = (-math.inf, math.inf)
    targets: tuple[float, float] = (-math.inf, math.inf)
    sums_to_one: bool = False
    task: Literal["numbers", "classes"] = "numbers"

    @cached_property
    def formula(self) -> Expression:
        """The error with the numbers of its constants."""
        return bind(self.error, self.constants)

    @cached_property
    def slope(self) -> Slope:
        """∂error/∂output, the rule's local derivative."""
        return differentiate(self.formula, Role.OUTPUT)

    @cached_property
    def of_difference(self) -> bool:
        """Whether the error depends on t - y alone, so that it means the same where both are moved.

        >>> loss("huber").of_difference, loss("(log(t) - log(y))**2").of_difference
        (True, False)
        """
        y, t = (grid.ravel() for grid in np.meshgrid([-2.3, -0.4, 0.7, 1.9], [-1.7, 0.2, 3.1]))
        with np.errstate(all="ignore"):
            here, moved = (evaluate(self.formula, {Role.OUTPUT: y + by, Role.TARGET: t + by}) for by in (0.0, 1.37))
        return bool(np.allclose(here, moved, rtol=1e-9, atol=1e-12))

    def suits(self, activation: AnyActivation) -> bool:
        """Whether the formula makes sense for all outputs of an activation; True where they are not known.

        >>> loss("binary_cross_entropy").suits(ACTIVATIONS["tanh"])
        False
        """
        if activation.bounds is None:
            return True
        if self.sums_to_one and not isinstance(activation, Softmax):
            return False
        (low, high), (least, most) = activation.bounds, self.outputs
        return least <= low and high <= most

    def misfit(self, activation: AnyActivation) -> str | None:
        """Return why this loss does not suit an output activation and what to use, or None if it does."""
        if self.suits(activation):
            return None
        kind = Softmax if self.sums_to_one else Activation
        fitting = [rule for rule in ACTIVATIONS.values() if isinstance(rule, kind) and self.suits(rule)]
        other_losses = [rule for rule in LOSSES.values() if rule.suits(activation)]
        use = min(fitting, key=lambda rule: rule.bounds != self.outputs).name
        other = min(other_losses, key=lambda rule: rule.task != self.task).name
        return (
            f"{self.name} needs outputs {self._needed()}, so activation {use} in the last layer; "
            f"found {activation.name}; use {use}, or the loss {other}"
        )

    def _needed(self) -> str:
        low, high = self.outputs
        if self.sums_to_one:
            return "that sum to 1"
        if math.isfinite(low) and math.isfinite(high):
            return f"between {brief(low)} and {brief(high)}"
        return f"of at least {brief(low)}" if math.isfinite(low) else f"of at most {brief(high)}"


_difference = absolute(t - y)
_delta = Symbol("delta")
_half = Number(1.0) / Number(2.0)

LOSSES: Mapping[str, Loss] = {
    rule.name: rule
    for rule in (
        Loss("half_squared_error", _half * (t - y) ** 2, "lecture: E_total"),
        Loss("squared_error", (t - y) ** 2, "least squares"),
        Loss("absolute_error", _difference, "least absolute deviations"),
        Loss(
            "huber",
            where(greater(_difference, _delta), _delta * (_difference - _delta / 2), _half * (t - y) ** 2),
            "Huber 1964",
            constants={"delta": 1.0},
        ),
        Loss(
            "half_poisson_deviance",
            where(greater(t, 0), t * log(t / y), 0) - t + y,
            "half the deviance of a Poisson variable",
            outputs=(0.0, math.inf),
            targets=(0.0, math.inf),
        ),
        Loss(
            "binary_cross_entropy",
            -(t * log(y) + (1 - t) * log(1 - y)),
            "negative log-likelihood of a Bernoulli variable",
            outputs=(0.0, 1.0),
            targets=(0.0, 1.0),
            task="classes",
        ),
        Loss(
            "categorical_cross_entropy",
            -(t * log(y)),
            "negative log-likelihood of a categorical variable",
            outputs=(0.0, 1.0),
            targets=(0.0, 1.0),
            sums_to_one=True,
            task="classes",
        ),
    )
}


_mean = Symbol("total") / Symbol("count")
REDUCTIONS: Mapping[str, Expression] = {"sum": Symbol("total"), "mean": _mean, "weighted_mean": _mean}
"""The value of errors with this total, under ``over_outputs`` and ``over_examples``: ``count`` is their number, or the
sum of their weights."""


@lru_cache
def share(reduction: str, count: float) -> float:
    """Return what each of ``count`` errors is multiplied by: 1, or 1/count for a mean. Of none it is 0."""
    return float(evaluate(REDUCTIONS[reduction], {"total": 1.0, "count": float(count)})) if count else 0.0


def loss(name: str, /, **constants: float) -> Loss:
    """Return the loss of that name, or the one that an expression in y and t describes.

    Raises:
        UnknownName: no such loss or constant.
        InvalidExpression: the text is neither a name nor an expression.

    >>> from clearprop.expressions import text
    >>> text(loss("(t - y)**4").slope.simplified)
    '-4 * (t - y)**3'
    """
    name = accepted(string, name, "loss")
    rule = LOSSES.get(own_name(name, LOSSES))
    if rule is None:
        if name.isidentifier() and name not in ("y", "t"):
            raise unknown_rule("loss", name, LOSSES)
        rule = Loss(name, parse(name, {"y": Role.OUTPUT, "t": Role.TARGET}), "given as an expression")
    return rule.with_constants(constants)
