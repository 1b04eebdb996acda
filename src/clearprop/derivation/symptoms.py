"""Signs that training goes wrong: from which numbers on they are reported, and in which words.

The explorer's page looks for them in every cycle that it shows, ``train`` where it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import numpy as np

from clearprop.messages import listing
from clearprop.propagation.forward import Trace
from clearprop.rules.activations import Activation

THRESHOLDS: Mapping[str, float] = {
    "saturated": 0.01,  # a slope below this share of the activation's steepest one
    "explodes": 10.0,  # a loss above this multiple of an earlier one
    "smallest": 1e-9,  # earlier losses below this count as this
    "shown": 4,  # units reported one by one; further ones are counted
    "same": 1e-3,  # outputs that differ by less than this share of their targets' deviation
    "constant": 0.999,  # an error above this share of the best constant's
    "narrow": 1e-3,  # inputs that differ by less are alike for weights that start at about 1
    "large": 10.0,  # targets beyond this are large for weights that start at about 1
}

SYMPTOMS: Mapping[str, str] = {
    # of a cycle
    "explodes": (
        "{error} explodes: it was {first} and is {last} after {cycles}. "
        "The learning rate of {rate} is too large; try a smaller one."
    ),
    "overshoots": (
        "The next update increases {error} from {before} to {after}: the learning rate of {rate} is too large here."
    ),
    "inactive": (
        "{unit} is inactive here: at {sum} = {value} the slope of {activation} is 0, "
        "so for this example no error flows back through it."
    ),
    "saturated_here": (
        "{unit} is saturated: at {sum} = {value} the slope of {activation} is {slope}, "
        "so hardly any error flows back through it."
    ),
    "more": "… and {count} more units like these.",
    # of all rows
    "dead": (
        "{units} {are} dead: the slope of {activation} is 0 for {rows}, "
        "so no error flows back through {them} and the weights into {them} do not change."
    ),
    "saturated": (
        "{units} {are} saturated: the slope of {activation} is practically 0 for {rows}, "
        "so hardly any error flows back through {them}."
    ),
    "cut_off": "No input reaches the output through this layer.",
    # of a training
    "same": "Nothing was learnt: {outputs} the same for {rows}{what}.",
    "constant": (
        "Nothing was learnt: {error} is {after}, no better than the same answer for every row "
        "(the {best} of the targets gives {constant})."
    ),
    "one_class": (
        'The predicted class is "{label}" for {rows}: the accuracy is that of this one answer. '
        'If rare classes matter, try class_weights = "balanced" under [data].'
    ),
    "constant_targets": "There is nothing to learn: the targets{of} are the same for {rows}.",
    "flat": "Every gradient is exactly 0 although {error} is {after}: no update changes a weight.",
    "alike": (
        "The units of layer {layer} are alike: their weights are the same, so they learn the same thing and act as "
        "one. Use random initial weights."
    ),
    "constant_inputs": "The inputs are the same for {rows}: nothing tells the rows apart.",
    "narrow_inputs": "The inputs differ by at most {spread} from row to row, too little for these weights. {remedy}.",
    "penalized": "The penalty ({penalty}) pulls all weights towards 0. Try a smaller one, or more epochs.",
    "out_of_reach": (
        "The outputs of {activation} lie {limits}, the targets between {least} and {most}: "
        "no weights reach them all. Use identity in the last layer, or scale the targets."
    ),
    "far": (
        "The targets are far from the outputs: their mean is {mean} and their deviation {deviation}, "
        "those of {output} {output_mean} and {output_deviation}. {remedy}."
    ),
}


class Blocked(NamedTuple):
    """The units of a layer through which no error flows back, or hardly any, for every row of a trace."""

    layer: int
    kind: Literal["dead", "saturated"]
    units: tuple[int, ...]


def steepest(rule: Activation) -> float:
    """Return the steepest slope of an activation where it is used, between -6 and 6, and where it has one."""
    with np.errstate(all="ignore"):
        slopes = np.abs(rule.slopes(np.linspace(-6, 6, 49)))
    return float(slopes[np.isfinite(slopes)].max(initial=0))


def is_bounded(rule: Activation) -> bool:
    """Return whether the outputs have limits at both ends, near which a unit is saturated."""
    return rule.bounds is not None and bool(np.isfinite(rule.bounds).all())


def blocked(trace: Trace) -> Iterator[Blocked]:
    """Yield the units that are dead or saturated for every row. Where the loss and the activation are computed as
    one function the slope of the last layer does not matter."""
    network = trace.network
    for layer, sums in enumerate(trace.sums):
        rule = network.layers[layer].rule
        if not isinstance(rule, Activation) or (layer == network.depth - 1 and network.fused is not None):
            continue
        slopes = np.abs(rule.slopes(sums)).max(axis=0)
        kind: Literal["dead", "saturated"] = "saturated" if is_bounded(rule) else "dead"
        least = THRESHOLDS["saturated"] * steepest(rule) if kind == "saturated" else np.nextafter(0, 1)
        if (units := np.flatnonzero(slopes < least)).size:
            yield Blocked(layer, kind, tuple(units.tolist()))


def symptom(key: str, **parts: object) -> str:
    """Return the sentence of that name with its parts filled in."""
    return SYMPTOMS[key].format(**parts)


def about_units(trace: Trace, found: Blocked, rows: str) -> str:
    """Return the sentence about the units of a layer that are dead or saturated for ``rows``."""
    names, few = trace.network.unit_names[found.layer], int(THRESHOLDS["shown"])
    every = len(found.units) == len(names) > few
    return symptom(
        found.kind,
        units=f"all {len(names):,} units" if every else listing([names[unit] for unit in found.units], few),
        are="is" if len(found.units) == 1 else "are",
        them="it" if len(found.units) == 1 else "them",
        activation=trace.network.layers[found.layer].rule.name,
        rows=rows,
    )
