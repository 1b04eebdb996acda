"""The error signals of one example, split by output error: E_total = E_1 + E_2 + …, so derivatives split likewise.

Backward carries one output error at a time through the layers, as it carries their sum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clearprop.derivation.local_derivatives import Links
from clearprop.errors import Disagreement
from clearprop.network import names as q
from clearprop.propagation.backward import carried_back, through_activation
from clearprop.propagation.forward import Trace, error_share
from clearprop.rules.activations import Activation
from clearprop.types import Array

AGREEMENT = 1e-9
"""The largest difference between a derivation and backward, relative to the sizes of all paths added up: where
they cancel, what is left is rounding."""


@dataclass(frozen=True)
class Split:
    """Per layer ∂E_k/∂sum_u and ∂E_k/∂output_u, shape (errors, units), and of each sum the ``sizes`` of all its
    contributions to the errors, added up."""

    trace: Trace
    by_sum: tuple[Array, ...]
    by_output: tuple[Array, ...]
    sizes: tuple[Array, ...]

    def output(self, k: int, layer: int, unit: int) -> float:
        """Return ∂E_k/∂output_unit; the outputs of layer -1 are the inputs."""
        if layer < 0:
            return float(self.by_sum[0][k] @ self.trace.parameters.weights(0)[:, unit])
        return float(self.by_output[layer][k, unit])


def split(link: Links) -> Split:
    """Split the error signals of one example.

    Raises:
        Disagreement: the parts do not add up to what backward found.
    """
    cycle, row, last = link.cycle, link.row, link.last
    trace = of_row(cycle.trace, row)
    with np.errstate(all="ignore"):
        slopes = [link(q.Error(k), q.Output(last, k)).value for k in range(link.network.sizes[-1])]
        by_last = np.diag(slopes)
        if link.fused is None:
            signals = through_activation(trace, last, by_last)
        else:
            signals = link.fused.entries(trace.sums[-1][0], cycle.examples.targets[row]) * error_share(trace)
        by_sum = carried_back(trace, signals)
        later = range(1, link.network.depth)
        by_output = (*(by_sum[layer] @ cycle.parameters.weights(layer) for layer in later), by_last)
        sizes = _sizes(trace, np.abs(signals).sum(axis=0))
    for layer, signal in enumerate(cycle.gradients.signals):
        if not np.all(np.abs(signal[row] - by_sum[layer].sum(axis=0)) <= AGREEMENT * sizes[layer] + 1e-300):
            raise Disagreement(
                f"the error signals of layer {layer + 1} do not add up to what backward found; "
                "this is a bug in clearprop, please report it with the network file"
            )
    return Split(trace, by_sum, by_output, sizes)


def of_row(trace: Trace, row: int) -> Trace:
    """Return the forward pass of one example alone."""
    only = slice(row, row + 1)
    return replace(
        trace,
        inputs=trace.inputs[only],
        sums=tuple(sums[only] for sums in trace.sums),
        outputs=tuple(outputs[only] for outputs in trace.outputs),
        masks=tuple(None if mask is None else mask[only] for mask in trace.masks),
        weights=None if trace.weights is None else trace.weights[only],
    )


def slopes(trace: Trace, layer: int) -> Array:
    """Return ∂output_v/∂sum_u of one example and layer, shape (v, u): diagonal unless it is softmax."""
    return through_activation(trace, layer, np.eye(trace.network.sizes[layer + 1]))


def _sizes(trace: Trace, last: Array) -> tuple[Array, ...]:
    """Carry sizes back as signals are, with the size of every factor."""
    sizes = [last]
    for layer in reversed(range(trace.network.depth - 1)):
        upstream = sizes[0] @ np.abs(trace.parameters.weights(layer + 1))
        scalar = isinstance(trace.network.layers[layer].rule, Activation)
        through = (
            through_activation(trace, layer, upstream[None])[0] if scalar else upstream @ np.abs(slopes(trace, layer))
        )
        sizes.insert(0, np.abs(through))
    return tuple(sizes)
