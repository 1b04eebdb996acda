"""Forward propagation: from the inputs to the error.

    sum_u    = Σ_i weight_ui · output_i + bias_u
    output_u = activation(sum_u)
    E_k      = loss(output_k, target_k)          (times the example's weight, if it has one)

Batches go through together: every array has one row per example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop.expressions import evaluate
from clearprop.network.description import Network
from clearprop.network.parameters import Parameters
from clearprop.rules.losses import share
from clearprop.rules.penalties import Penalty
from clearprop.rules.roles import Role
from clearprop.types import Array


@dataclass(frozen=True)
class Trace:
    """Everything a forward pass computed, for each example of the batch.

    ``sums[l]`` and ``outputs[l]`` have shape (examples, units of layer l); ``masks[l]`` is
    what dropout multiplied the outputs with, or None. ``weights``, shape (examples,), says how
    much each example counts; None is once each.
    """

    network: Network
    parameters: Parameters
    inputs: Array
    sums: tuple[Array, ...]
    outputs: tuple[Array, ...]
    masks: tuple[Array | None, ...]
    weights: Array | None = None

    @property
    def count(self) -> float:
        """The number of its examples, as a mean over them counts them."""
        return counted(self.network, len(self.inputs), self.weights)

    def before(self, layer: int) -> Array:
        """Return the inputs of a layer: the outputs of the layer before, or the inputs."""
        return self.outputs[layer - 1] if layer else self.inputs


def forward(
    network: Network,
    parameters: Parameters,
    inputs: Array,
    masks: Sequence[Array | None] | None = None,
    weights: Array | None = None,
) -> Trace:
    """Compute the weighted sums and outputs, layer by layer."""
    masks = tuple(masks) if masks is not None else (None,) * network.depth
    return forward_from(0, Trace(network, parameters, inputs, (), (), masks, weights), parameters)


def forward_from(start: int, trace: Trace, parameters: Parameters) -> Trace:
    """Compute the layers from ``start`` on with other parameters; those before are the earlier pass's."""
    sums, outputs = list(trace.sums[:start]), list(trace.outputs[:start])
    for index, layer in enumerate(trace.network.layers[start:], start):
        sums.append(weighted_sums(parameters, index, outputs[-1] if outputs else trace.inputs))
        mask, seen = trace.masks[index], layer.rule.outputs(sums[-1])
        outputs.append(seen if mask is None else seen * mask)
    return replace(trace, parameters=parameters, sums=tuple(sums), outputs=tuple(outputs))


def weighted_sums(parameters: Parameters, layer: int, seen: Array) -> Array:
    """Σ_i weight_ui · output_i + bias_u, for every unit u of the layer."""
    sums = seen @ parameters.weights(layer).T
    biases = parameters.biases(layer)
    return sums + biases if biases.size else sums


def output_errors(trace: Trace, targets: Array) -> Array:
    """Return E_k of every example, shape (examples, outputs), times its ``error_share``; not yet
    summed or averaged over the examples."""
    loss, fused = trace.network.loss, trace.network.fused
    if fused is not None and trace.masks[-1] is None:
        errors = fused.errors(trace.sums[-1], targets)
    else:
        errors = evaluate(loss.rule.formula, {Role.OUTPUT: trace.outputs[-1], Role.TARGET: targets})
    return np.broadcast_to(errors, targets.shape) * error_share(trace)


def error_share(trace: Trace) -> Array | float:
    """Return the factor of each output's error: its share under ``over_outputs``, times how much
    the example counts. One number, or with weights one per example, shape (examples, 1), in the
    precision of the sums."""
    of_outputs = share(trace.network.loss.over_outputs, trace.network.sizes[-1])
    if trace.weights is None:
        return of_outputs
    return of_outputs * trace.weights.astype(trace.sums[-1].dtype, copy=False)[:, None]


def counted(network: Network, examples: int, weights: Array | None) -> float:
    """Return the number of examples that a mean over them divides by: the sum of their weights under
    ``weighted_mean``, else their number, however much each counts."""
    if weights is None or network.loss.over_examples != "weighted_mean":
        return examples
    return float(weights.sum(dtype=float))


def example_share(network: Network, count: float) -> float:
    """Return the factor of each example's error under ``over_examples``, of as many as ``counted`` says."""
    return share(network.loss.over_examples, count)


def penalty_error(penalty: Penalty, parameters: Parameters) -> Any:
    """Return the penalty on all weights together."""
    if not penalty:
        return 0.0
    weights = parameters.vector[parameters.layout.is_weight]
    return evaluate(penalty.formula, {Role.WEIGHT: weights}).sum()


def batch_errors(trace: Trace, targets: Array) -> Array:
    """Return E_k of the batch, shape (outputs,): the sum or mean over its examples."""
    errors = output_errors(trace, targets)
    return np.asarray(errors.sum(axis=0) * example_share(trace.network, trace.count))


def total_error(trace: Trace, targets: Array, penalty: Penalty) -> Any:
    """E_total: the sum of all E_k, and the penalty once."""
    return batch_errors(trace, targets).sum() + penalty_error(penalty.over(trace.count), trace.parameters)
