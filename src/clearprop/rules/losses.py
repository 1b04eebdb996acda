"""Losses: the error of one output y against its target t.

Each is stated once, for one output; ``over_outputs`` and ``over_examples`` say how they are
put together. A loss that goes with an output activation for numerical reasons (the
cross-entropies) has its fused form in ``fused``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from clearprop.errors import UnknownName
from clearprop.expressions import Expression, Number, Slope, Symbol, bind, differentiate, parse
from clearprop.expressions.tree import absolute, greater, log, where
from clearprop.rules.activations import AnyActivation, with_constants
from clearprop.rules.roles import Role, t, y


@dataclass(frozen=True)
class Loss:
    """The error of one output, an expression in the output y and the target t.

    ``outputs`` and ``targets`` are the closed intervals in which the formula makes sense;
    ``sums_to_one`` says that outputs and targets are shares of a whole.
    """

    name: str
    error: Expression
    source: str
    constants: Mapping[str, float] = field(default_factory=dict)
    outputs: tuple[float, float] = (-math.inf, math.inf)
    targets: tuple[float, float] = (-math.inf, math.inf)
    sums_to_one: bool = False

    @cached_property
    def formula(self) -> Expression:
        """The error with the constants put in."""
        return bind(self.error, self.constants)

    @cached_property
    def slope(self) -> Slope:
        """∂error/∂output, the rule's local derivative."""
        return differentiate(self.formula, Role.OUTPUT)

    def misfit(self, activation: AnyActivation) -> str | None:
        """Why this loss does not fit outputs of that activation, or None if it does."""
        if activation.bounds is None or activation.name == "softmax":
            return None
        if self.sums_to_one:
            other = "binary_cross_entropy" if activation.name == "logistic" else "half_squared_error"
            return (
                f"{self.name} needs outputs that sum to 1, so activation softmax in the last layer; "
                f"found {activation.name}; use softmax, or the loss {other}"
            )
        low, high = self.outputs
        if activation.bounds[0] < low or activation.bounds[1] > high:
            return (
                f"{self.name} needs outputs between {low:g} and {high:g}, so activation logistic in the "
                f"last layer; found {activation.name}; use logistic, or the loss half_squared_error"
            )
        return None


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
            where(
                greater(_difference, _delta),
                _delta * (_difference - _delta / 2),
                _half * (t - y) ** 2,
            ),
            "Huber 1964",
            constants={"delta": 1.0},
        ),
        Loss(
            "binary_cross_entropy",
            -(t * log(y) + (1 - t) * log(1 - y)),
            "negative log-likelihood of a Bernoulli variable",
            outputs=(0.0, 1.0),
            targets=(0.0, 1.0),
        ),
        Loss(
            "categorical_cross_entropy",
            -(t * log(y)),
            "negative log-likelihood of a categorical variable",
            outputs=(0.0, 1.0),
            targets=(0.0, 1.0),
            sums_to_one=True,
        ),
    )
}


def loss(name: str, /, **constants: float) -> Loss:
    """The loss of that name, or the one that the expression in y and t describes.

    >>> loss("(t - y)**4").slope.simplified
    -4 * (t - y)**3
    """
    rule = LOSSES.get(name)
    if rule is None:
        if name.isidentifier() and name not in ("y", "t"):
            raise UnknownName("loss", name, LOSSES)
        rule = Loss(name, parse(name, {"y": Role.OUTPUT, "t": Role.TARGET}), "given as an expression")
    chosen: Loss = with_constants(rule, constants)
    return chosen
