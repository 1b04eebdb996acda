"""A loss and the output activation it is joined with, as one function of the sums.

log(logistic(z)) is -inf at z = -1000, and the slope (y - t) / (y (1 - y)) is 0/0 there,
although together they are harmless. The table states the joined error for each such pair;
its slope is derived like any other, and tests prove error and slope equal to the unjoined
ones. A user's own expression is never joined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clearprop.expressions import Expression, Slope, differentiate, evaluate
from clearprop.expressions.tree import softplus
from clearprop.rules.roles import Role, t, y, z
from clearprop.types import Array


@dataclass(frozen=True)
class Joined:
    """A scalar pair: the error of one output directly from its sum z and target t."""

    error: Expression
    shown_slope: Expression
    source: str

    @cached_property
    def slope(self) -> Slope:
        """∂error/∂z."""
        return differentiate(self.error, Role.SUM)

    def errors(self, sums: Array, targets: Array) -> Array:
        """The error of each output, shape (examples, outputs)."""
        return evaluate(self.error, {Role.SUM: sums, Role.TARGET: targets})

    def signals(self, sums: Array, targets: Array) -> Array:
        """Σ_k ∂E_k/∂z_j: the error signal of each output unit, shape (examples, outputs)."""
        return evaluate(self.slope.simplified, {Role.SUM: sums, Role.TARGET: targets})

    def entries(self, sums: Array, targets: Array) -> Array:
        """∂E_k/∂z_j for one example, shape (k, j)."""
        return np.diag(self.signals(sums, targets))


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """E_k = -t_k (z_k - log Σ_j e^z_j), with ∂E_k/∂z_j = t_k (y_j - [j = k]).

    Summed over k, with targets that sum to 1, that collapses to y_j - t_j.
    """

    shown_slope: Expression = y - t
    source: str = "Bridle 1990"

    def _logarithms(self, sums: Array) -> Array:
        shifted = sums - sums.max(axis=-1, keepdims=True)
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))

    def errors(self, sums: Array, targets: Array) -> Array:
        """The error of each output, shape (examples, outputs)."""
        return np.asarray(np.where(targets == 0, 0, targets * np.negative(self._logarithms(sums))))

    def signals(self, sums: Array, targets: Array) -> Array:
        """Σ_k ∂E_k/∂z_j, shape (examples, outputs)."""
        whole = targets.sum(axis=-1, keepdims=True)
        return np.asarray(np.exp(self._logarithms(sums)) * whole - targets)

    def entries(self, sums: Array, targets: Array) -> Array:
        """∂E_k/∂z_j for one example, shape (k, j)."""
        outputs = np.exp(self._logarithms(sums))
        return np.asarray(targets[:, None] * (outputs[None, :] - np.eye(len(outputs), dtype=outputs.dtype)))


AnyJoined = Joined | SoftmaxCrossEntropy

JOINED: Mapping[tuple[str, str], AnyJoined] = {
    ("binary_cross_entropy", "logistic"): Joined(
        # -t log(logistic(z)) - (1 - t) log(1 - logistic(z)), and log(logistic(z)) = -softplus(-z).
        t * softplus(-z) + (1 - t) * softplus(z),
        shown_slope=y - t,
        source="log-odds form of the Bernoulli likelihood",
    ),
    ("categorical_cross_entropy", "softmax"): SoftmaxCrossEntropy(),
}
