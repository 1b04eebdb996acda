"""Compare every gradient with central differences of the error, in extended precision.

    ∂E/∂w ≈ (8 (E(w + h) - E(w - h)) - (E(w + 2h) - E(w - 2h))) / 12h

The five-point rule, whose error is of order h⁴, with h = 1e-4 · max(1, |w|) where the machine
has an extended type (80-bit on x86), and 1e-3 where it has only float64. Source: Fornberg 1988. For the
weight of a large input, such as one that is not scaled, it is smaller by as much.

A parameter whose perturbation crosses a kink (a relu's zero, say) is set apart and counted:
there the difference quotient means nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from clearprop.display import Displayable
from clearprop.errors import InvalidArgument
from clearprop.expressions.kinks import sides
from clearprop.fields import accepted, integer, of_kind, optional, suggests_options
from clearprop.network.layout import Place
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle, cycle
from clearprop.propagation.forward import Trace, forward, forward_from, total_error
from clearprop.rules.activations import Activation
from clearprop.rules.roles import Role
from clearprop.types import Array

EXTENDED = np.finfo(np.longdouble).eps < np.finfo(float).eps
STEP = 1e-4 if EXTENDED else 1e-3
TOLERANCE = 1e-6
LARGE_INPUT = 10.0
"""An input, or an output of the layer before, from which on a step is smaller: it moves the weighted sum by as much."""
FLOOR = 1e-8
"""Gradients smaller than this times max(1, |E_total|) are compared absolutely, against it."""
SAMPLE, SAMPLE_LARGE, LARGE = 1_000, 200, 50_000
"""The largest number of parameters that are checked, smaller in networks with more than ``LARGE``: an even
sample of each layer."""


@dataclass(frozen=True)
class Check:
    """One gradient and its finite difference; ``kink`` says that a kink lies between the points."""

    index: int
    gradient: float
    difference: float
    relative_error: float
    kink: bool


@dataclass(frozen=True)
class LayerVerification:
    """The checks of one layer."""

    layer: int
    parameters: int
    checks: tuple[Check, ...]

    @property
    def smooth(self) -> tuple[Check, ...]:
        """The checks that are not on a kink."""
        return tuple(check for check in self.checks if not check.kink)

    @property
    def kinks(self) -> int:
        """The number of checks on a kink."""
        return len(self.checks) - len(self.smooth)

    @property
    def worst(self) -> Check | None:
        """The check with the largest relative error."""
        return max(
            self.smooth, key=lambda check: (math.isnan(check.relative_error), check.relative_error), default=None
        )


@dataclass(frozen=True, repr=False)
class Verification(Displayable):
    """The gradients of a cycle compared with finite differences, layer by layer."""

    cycle: Cycle
    layers: tuple[LayerVerification, ...]
    tolerance: float = TOLERANCE

    def __repr__(self) -> str:
        checked = sum(len(layer.smooth) for layer in self.layers)
        return f"Verification(agrees={self.agrees}, checked={checked}, worst={self.worst:.1e})"

    @property
    def worst(self) -> float:
        """The largest relative error of all."""
        found = [layer.worst.relative_error for layer in self.layers if layer.worst is not None]
        return max(found, key=lambda error: (math.isnan(error), error), default=0.0)

    @property
    def compared(self) -> bool:
        """Whether any gradient was compared at all."""
        return any(layer.smooth for layer in self.layers)

    @property
    def agrees(self) -> bool:
        """True if some gradient was compared and none is off by more than the tolerance. NaN is off."""
        return self.compared and self.worst <= self.tolerance


@suggests_options()
def verify(
    problem: Problem,
    example: int | Literal["all"] = "all",
    *,
    sample: int | None = None,
    gradients: Parameters | None = None,
) -> Verification:
    """Check the gradients of a problem (or ``gradients`` given in their place).

    ``example`` is the number of one example, counted from 1, or "all" for all as one batch; ``sample`` bounds
    the number of parameters that are checked.

    >>> import clearprop as cp
    >>> verify(cp.load("lecture")).agrees
    True

    Raises:
        InvalidArgument: the problem has no such example, or ``sample`` is below 1.
        NotFinite: a number of the cycle is not finite.
    """
    sample = accepted(optional(integer(1)), sample, "sample")
    accepted(optional(of_kind(Parameters, "Parameters, such as those of Cycle.gradients")), gradients, "gradients")
    done = cycle(problem, example)
    if gradients is not None and gradients.layout != done.parameters.layout:
        raise InvalidArgument("gradients: expected one number for each parameter of the problem, found another layout")
    if sample is None:
        sample = SAMPLE if done.parameters.layout.size <= LARGE else SAMPLE_LARGE
    claimed = done.gradients.of if gradients is None else gradients
    differences = Differences(done)
    layout = done.parameters.layout
    reports = []
    for layer in range(problem.network.depth):
        span = range(layout.weights[layer].start, layout.biases[layer].stop)
        share = max(1, round(sample * len(span) / layout.size))
        chosen = span if layout.size <= sample else sorted({span[i * len(span) // share] for i in range(share)})
        checks = tuple(differences.check(index, float(claimed.vector[index])) for index in chosen)
        reports.append(LayerVerification(layer, len(span), checks))
    return Verification(done, tuple(reports))


class Differences:
    """Central differences of one cycle's total error."""

    def __init__(self, done: Cycle) -> None:
        self.cycle = done
        self.targets = done.examples.targets.astype(np.longdouble)
        extended = done.parameters.with_vector(done.parameters.vector.astype(np.longdouble))
        inputs = done.examples.inputs.astype(np.longdouble)
        masks = [None if mask is None else mask.astype(np.longdouble) for mask in done.trace.masks]
        with np.errstate(all="ignore"):
            self.trace = forward(done.problem.network, extended, inputs, masks, weights=done.trace.weights)
        self.floor = FLOOR * max(1.0, abs(done.error))

    def check(self, index: int, gradient: float) -> Check:
        """Compare one gradient with its difference quotient."""
        difference, kink = self.quotient(index)
        size = max(abs(gradient), abs(difference), self.floor)
        return Check(index, gradient, difference, abs(gradient - difference) / size, kink)

    def quotient(self, index: int) -> tuple[float, bool]:
        """Return the difference quotient by one parameter, and whether it crosses a kink."""
        vector = self.trace.parameters.vector
        place = self.trace.parameters.layout.place(index)
        moves = (
            1.0 if place.source is None else np.abs(self.trace.before(place.layer)[:, place.source]).max(initial=0.0)
        )
        h = np.longdouble(STEP) * max(np.longdouble(1), abs(vector[index])) / max(1.0, moves / LARGE_INPUT)
        penalty = self.cycle.problem.penalty
        with np.errstate(all="ignore"):
            moved = {step: self._moved(place, index, step * h) for step in (-2, -1, 1, 2)}
            error = {step: total_error(trace, self.targets, penalty) for step, trace in moved.items()}
            quotient = (8 * (error[1] - error[-1]) - (error[2] - error[-2])) / (12 * h)
            crossed = not np.array_equal(self._sides(moved[-2]), self._sides(moved[2]))
        return float(quotient), crossed

    def _moved(self, place: Place, index: int, by: Any) -> Trace:
        """Repeat the forward pass with one parameter moved: only its layer and those after it change."""
        vector = self.trace.parameters.vector.copy()
        vector[index] += by
        return forward_from(place.layer, self.trace, self.trace.parameters.with_vector(vector))

    def _sides(self, trace: Trace) -> Array:
        """Return the side of every kink of every rule on which the pass ran."""
        network, weights = trace.network, trace.parameters.vector[trace.parameters.layout.is_weight]
        rules = zip((layer.rule for layer in network.layers), trace.sums, strict=True)
        return np.concatenate([
            *(sides(rule.formula, {Role.SUM: sums}) for rule, sums in rules if isinstance(rule, Activation)),
            sides(network.loss.rule.formula, {Role.OUTPUT: trace.outputs[-1], Role.TARGET: self.targets}),
            sides(self.cycle.penalty_rule.formula, {Role.WEIGHT: weights}),
        ])  # fmt: skip
