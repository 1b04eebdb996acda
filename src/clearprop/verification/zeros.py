"""Gradients that are exactly 0, and why: a comparison of 0 with 0 proves little.

∂E/∂weight_ui = Σ δ_u · output_i   is 0 where, for every example, δ_u or output_i is
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from clearprop.derivation.symptoms import THRESHOLDS
from clearprop.messages import every, listing
from clearprop.propagation.cycle import Cycle
from clearprop.rules.activations import Activation
from clearprop.types import Array

SHOWN = int(THRESHOLDS["shown"])


def zero_gradients(done: Cycle, layer: int) -> list[int]:
    """Return the parameters of a layer whose gradient is exactly 0."""
    layout = done.parameters.layout
    span = range(layout.weights[layer].start, layout.biases[layer].stop)
    return [index for index in span if done.gradients.of.vector[index] == 0]


def why_zero(done: Cycle, layer: int) -> str:
    """Return the sentence about the gradients of a layer that are exactly 0; empty where none is."""
    zeros = zero_gradients(done, layer)
    if not zeros:
        return ""
    layout = done.parameters.layout
    total = layout.biases[layer].stop - layout.weights[layer].start
    names = listing([layout.name(index) for index in zeros], SHOWN)
    are = "is" if len(zeros) == 1 else "are"
    count = f"{every(total, 'gradient')} are" if len(zeros) == total else f"{len(zeros):,} of {total:,} gradients {are}"
    if total == 1:
        count = "the one gradient is"
    reasons = list(_reasons(done, layer)) or [_in_each_example(done, layer, zeros)]
    return f"{count} exactly 0 ({names}): {'; '.join(reasons)}"


def _in_each_example(done: Cycle, layer: int, zeros: list[int]) -> str:
    """Return why gradients are 0 of units whose error signal is not 0 everywhere, by inputs that are not either."""
    signals, before = done.gradients.signals[layer], done.trace.before(layer)
    places = (done.parameters.layout.place(index) for index in zeros)
    if all(source is not None and not (signals[:, unit] * before[:, source]).any() for _, unit, source in places):
        return "in each example the error signal or the input is 0"
    return "what the examples contribute cancels out"


def _reasons(done: Cycle, layer: int) -> Iterator[str]:
    """Yield why error signals of the layer are 0, and which of its inputs are."""
    trace, network = done.trace, done.problem.network
    rows = "" if len(done.numbers) == 1 else f" for {every(len(done.numbers), 'example')}"
    units, rule = network.unit_names[layer], network.layers[layer].rule
    silent = _all_zero(done.gradients.signals[layer])
    flat: set[int] = set()
    last = layer == network.depth - 1
    if isinstance(rule, Activation) and not (last and network.fused is not None):
        flat = {*_all_zero(rule.slopes(trace.sums[layer]))} & {*silent}
        if flat:
            yield f"the slope of {rule.name} is 0{rows} in {listing([units[unit] for unit in sorted(flat)], SHOWN)}"
    if others := [units[unit] for unit in silent if unit not in flat]:
        source = "the slope of the error is 0 at" if last else "no error comes back to"
        yield f"{source} {listing(others, SHOWN)}"
    sources = network.unit_names[layer - 1] if layer else network.input_names
    if nothing := [sources[unit] for unit in _all_zero(trace.before(layer))]:
        yield f"{listing(nothing, SHOWN)} {'is' if len(nothing) == 1 else 'are'} 0{rows}"


def _all_zero(values: Array) -> list[int]:
    """Return the columns that are 0 in every row."""
    return np.flatnonzero(~values.any(axis=0)).tolist()
