"""Backward propagation: how much each weight contributes to the error.

    ∂E/∂sum_u    = ∂E/∂output_u · ∂output_u/∂sum_u          (the error signal δ of a unit)
    ∂E/∂weight_ui = ∂E/∂sum_u · output_i
    ∂E/∂output_i = Σ_u ∂E/∂sum_u · weight_ui                (handed to the layer before)

Every derivative is taken at the old weights; nothing is updated here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.expressions import evaluate
from clearprop.network.parameters import Parameters
from clearprop.propagation.forward import Trace, error_share, example_share
from clearprop.rules.penalties import Penalty
from clearprop.rules.roles import Role
from clearprop.types import Array


@dataclass(frozen=True)
class Gradients:
    """``of``: ∂E_total/∂(every parameter), with the penalty's share. ``signals[l]``: ∂E/∂sum of
    each unit for each example alone, shape (examples, units)."""

    of: Parameters
    signals: tuple[Array, ...]

    def __getitem__(self, name: str) -> float:
        return self.of[name]


def backward(trace: Trace, targets: Array, penalty: Penalty | None = None) -> Gradients:
    """Compute the gradient of the batch's total error by every parameter."""
    network, parameters = trace.network, trace.parameters
    signals = carried_back(trace, output_signals(trace, targets))

    gradient = parameters.with_vector(np.empty_like(parameters.vector))
    share = example_share(network, trace.count)
    for layer, signal in enumerate(signals):
        gradient.weights(layer)[:] = share * (signal.T @ trace.before(layer))
        per_unit = share * signal.sum(axis=0)
        shared = network.layers[layer].bias == "shared"
        gradient.biases(layer)[:] = per_unit.sum() if shared else per_unit[: gradient.biases(layer).size]
    if penalty:
        add_penalty(gradient, parameters, penalty.over(trace.count))
    return Gradients(gradient, signals)


def carried_back(trace: Trace, last: Array) -> tuple[Array, ...]:
    """Return the error signals of every layer from those of the output layer."""
    signals = [last]
    for layer in reversed(range(trace.network.depth - 1)):
        upstream = signals[0] @ trace.parameters.weights(layer + 1)
        signals.insert(0, through_activation(trace, layer, upstream))
    return tuple(signals)


def output_signals(trace: Trace, targets: Array) -> Array:
    """Return ∂E/∂sum of the output units: of the loss and the activation fused, where they are a known pair."""
    network = trace.network
    fused = network.fused
    if fused is not None and trace.masks[-1] is None:
        return fused.signals(trace.sums[-1], targets) * error_share(trace)
    slope = network.loss.rule.slope.simplified
    upstream = evaluate(slope, {Role.OUTPUT: trace.outputs[-1], Role.TARGET: targets})
    return through_activation(trace, network.depth - 1, upstream * error_share(trace))


def through_activation(trace: Trace, layer: int, upstream: Array) -> Array:
    """Return ∂E/∂sum from ∂E/∂output: the local derivative of the activation, and of dropout's mask."""
    mask = trace.masks[layer]
    if mask is not None:
        upstream = upstream * mask
    return trace.network.layers[layer].rule.pull_back(trace.sums[layer], upstream)


def add_penalty(gradient: Parameters, parameters: Parameters, penalty: Penalty) -> None:
    """Add the derivative of the penalty, to weights only, once per batch."""
    weights = parameters.layout.is_weight
    slope = evaluate(penalty.slope.simplified, {Role.WEIGHT: parameters.vector[weights]})
    gradient.vector[weights] += slope
