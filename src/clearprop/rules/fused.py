"""A loss and the output activation it is fused with, as one function of the sums.

log(logistic(z)) is -inf at z = -1000, and the slope (y - t) / (y (1 - y)) is 0/0 there,
although together they are harmless. The table states the fused error for each such pair;
its slope is derived like any other, and tests prove error and slope equal to the separate
ones. A user's own expression is never fused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from clearprop.cached import cached_property
from clearprop.expressions import Expression, Slope, Symbol, bind, differentiate, evaluate, simplify
from clearprop.expressions.tree import absolute, exp, greater, log, softplus, where
from clearprop.rules.activations import Softmax, over_layer, shifted
from clearprop.rules.losses import LOSSES
from clearprop.rules.roles import Role, t, y, z
from clearprop.types import Array

_cross_entropy = LOSSES["categorical_cross_entropy"]
_log_total = Symbol("log_total")


@dataclass(frozen=True)
class Fused:
    """A scalar pair: the error of one output directly from its sum z and target t."""

    error: Expression
    shown_slope: Expression
    source: str

    @cached_property
    def slope(self) -> Slope:
        """∂error/∂z."""
        return differentiate(self.error, Role.SUM)

    def errors(self, sums: Array, targets: Array) -> Array:
        """Return the error of each output, shape (examples, outputs)."""
        return evaluate(self.error, {Role.SUM: sums, Role.TARGET: targets})

    def signals(self, sums: Array, targets: Array) -> Array:
        """Return Σ_k ∂E_k/∂z_j: the error signal of each output unit, shape (examples, outputs)."""
        return evaluate(self.slope.simplified, {Role.SUM: sums, Role.TARGET: targets})

    def entries(self, sums: Array, targets: Array) -> Array:
        """Return ∂E_k/∂z_j for one example, shape (k, j)."""
        return np.diag(self.signals(sums, targets))


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """The categorical cross-entropy of a softmax layer, from its sums: E_k = -t_k log y_k.

    ``log_total`` is log Σ_j e^z_j, so log y_k = z_k - log_total; every reading takes max z from
    both, which changes neither. ``whole`` is Σ_k t_k: with targets that sum to 1, the error
    signal Σ_k ∂E_k/∂z_j collapses to y_j - t_j. Where t is 0 the error is 0, even of an infinite
    log y. The entries ∂E_k/∂z_j are the loss's slope times the Jacobian of softmax.
    """

    source: str = "Bridle 1990"
    output: ClassVar[Expression] = exp(z - _log_total)
    error: ClassVar[Expression] = where(greater(absolute(t), 0), t * (_log_total - z), 0)
    signal: ClassVar[Expression] = y * Symbol("whole") - t

    @cached_property
    def shown_slope(self) -> Expression:
        """The error signal where the targets sum to 1: y - t."""
        return simplify(bind(self.signal, {"whole": 1.0}))

    @cached_property
    def diagonal(self) -> Expression:
        """∂E_k/∂z_k."""
        return simplify(_cross_entropy.slope.simplified * Softmax().diagonal)

    @cached_property
    def off_diagonal(self) -> Expression:
        """∂E_k/∂z_j for j other than k, where ``other`` is y_j."""
        return simplify(_cross_entropy.slope.simplified * Softmax().off_diagonal)

    def _values(self, sums: Array, targets: Array) -> dict[Any, Array]:
        z = shifted(sums)
        log_total = np.log(over_layer(evaluate(Softmax().term, {Role.SUM: z})))
        return {Role.SUM: z, "log_total": log_total, Role.TARGET: targets, "whole": over_layer(targets)}

    def errors(self, sums: Array, targets: Array) -> Array:
        """Return the error of each output, shape (examples, outputs)."""
        return evaluate(self.error, self._values(sums, targets))

    def signals(self, sums: Array, targets: Array) -> Array:
        """Return Σ_k ∂E_k/∂z_j, shape (examples, outputs)."""
        values = self._values(sums, targets)
        return evaluate(self.signal, {**values, Role.OUTPUT: evaluate(self.output, values)})

    def entries(self, sums: Array, targets: Array) -> Array:
        """Return ∂E_k/∂z_j for one example, shape (k, j)."""
        outputs = evaluate(self.output, self._values(sums, targets))
        values = {Role.OUTPUT: outputs[:, None], "other": outputs[None, :], Role.TARGET: targets[:, None]}
        diagonal, off_diagonal = (evaluate(tree, values) for tree in (self.diagonal, self.off_diagonal))
        return np.where(np.eye(len(outputs), dtype=bool), diagonal, off_diagonal)


AnyFused = Fused | SoftmaxCrossEntropy

FUSED: Mapping[tuple[str, str], AnyFused] = {
    ("binary_cross_entropy", "logistic"): Fused(
        # -t log(logistic(z)) - (1 - t) log(1 - logistic(z)), and log(logistic(z)) = -softplus(-z).
        t * softplus(-z) + (1 - t) * softplus(z),
        shown_slope=y - t,
        source="log-odds form of the Bernoulli likelihood",
    ),
    ("half_poisson_deviance", "exp"): Fused(
        # t log(t / e^z) - t + e^z, and log(e^z) = z.
        where(greater(t, 0), t * (log(t) - z), 0) - t + exp(z),
        shown_slope=y - t,
        source="Poisson likelihood with a log link",
    ),
    ("categorical_cross_entropy", "softmax"): SoftmaxCrossEntropy(),
}
