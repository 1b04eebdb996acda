"""Mistakes in the gradients of weights and biases."""

from __future__ import annotations

from typing import Any

from clearprop.checking.here import Here, mean
from clearprop.checking.mistake import mistake
from clearprop.derivation.lines import Line, Stage
from clearprop.expressions import Expression, Number, Symbol
from clearprop.expressions.tree import add, multiply
from clearprop.network import names as q
from clearprop.network.layout import Place

GRADIENT = Stage.WEIGHT_GRADIENT


def _of_weight(here: Here, line: Line) -> tuple[int, Place] | None:
    match line.quantity:
        case q.Derivative(q.TotalError(), q.Parameter(index)) if here.place(index).source is not None:
            return index, here.place(index)
    return None


def _of_bias(here: Here, line: Line) -> tuple[int, Place] | None:
    match line.quantity:
        case q.Derivative(q.TotalError(), q.Parameter(index)) if here.place(index).source is None:
            return index, here.place(index)
    return None


def _product(here: Here, index: int, place: Place, seen: Expression) -> Expression:
    """Return the gradient of a weight with something else in place of the unit's input."""
    return here.gradient(index, multiply(here.signal(place.layer, place.unit), seen))


@mistake(
    "input_for_output",
    GRADIENT,
    "∂E/∂w = ∂E/∂sum · (input of the network)",
    "An input of the network was used. The gradient needs what this weight is multiplied with: the output of the "
    "layer before.",
)
def input_for_output(here: Here, line: Line, _: Any) -> Expression | None:
    if (found := _of_weight(here, line)) is None:
        return None
    index, place = found
    if not place.layer or place.source is None or place.source >= here.sizes[0]:
        return None
    return _product(here, index, place, here.seen(0, place.source))


@mistake(
    "sum_for_output",
    GRADIENT,
    "∂E/∂w = ∂E/∂sum · (sum of the unit before)",
    "The weighted sum of the unit before was used. The gradient needs its output.",
)
def sum_for_output(here: Here, line: Line, _: Any) -> Expression | None:
    if (found := _of_weight(here, line)) is None:
        return None
    index, place = found
    if not place.layer or place.source is None:
        return None
    return _product(here, index, place, here.total(place.layer - 1, place.source))


@mistake(
    "weight_for_input",
    GRADIENT,
    "∂E/∂w = ∂E/∂sum · w",
    "The weight itself was multiplied in. ∂sum/∂w is what the weight is multiplied with: the unit's input.",
)
def weight_for_input(here: Here, line: Line, _: Any) -> Expression | None:
    if (found := _of_weight(here, line)) is None:
        return None
    return _product(here, *found, Symbol(q.Parameter(found[0])))


@mistake(
    "neighbours_input",
    GRADIENT,
    "∂E/∂w = ∂E/∂sum · (the neighbour's input)",
    "The input of a neighbouring weight was used. Take the output of the unit at which this weight's arrow begins.",
    forms=(1, -1),
)
def neighbours_input(here: Here, line: Line, step: Any) -> Expression | None:
    if (found := _of_weight(here, line)) is None:
        return None
    index, place = found
    size = here.sizes[place.layer]
    if size < 2 or (step < 0 and size < 3) or place.source is None:
        return None
    return _product(here, index, place, here.seen(place.layer, (place.source + step) % size))


@mistake(
    "neighbours_signal",
    GRADIENT,
    "∂E/∂w = (the neighbour's ∂E/∂sum) · input",
    "The error signal of a neighbouring unit was used. Take that of the unit at which this weight's arrow ends.",
    forms=(1, -1),
)
def neighbours_signal(here: Here, line: Line, step: Any) -> Expression | None:
    if (found := _of_weight(here, line)) is None:
        return None
    index, place = found
    size = here.sizes[place.layer + 1]
    if size < 2 or (step < 0 and size < 3) or place.source is None:
        return None
    signal = here.signal(place.layer, (place.unit + step) % size)
    return here.gradient(index, multiply(signal, here.seen(place.layer, place.source)))


@mistake(
    "gradient_transposed",
    GRADIENT,
    "∂E/∂w_ui = ∂E/∂sum_i · input_u",
    "The table of gradients is transposed: unit and input have changed places.",
    "programs that compute aᵀ δ for δ aᵀ",
)
def gradient_transposed(here: Here, line: Line, _: Any) -> Expression | None:
    if (found := _of_weight(here, line)) is None:
        return None
    index, place = found
    if place.source is None or not here.square(place.layer):
        return None
    signal = here.signal(place.layer, place.source)
    return here.gradient(index, multiply(signal, here.seen(place.layer, place.unit)))


@mistake(
    "own_output_for_input",
    GRADIENT,
    "∂E/∂w = ∂E/∂sum · (output of the same unit)",
    "The output of the unit itself was used. The gradient needs the unit's input, at the other end of the weight.",
)
def own_output_for_input(here: Here, line: Line, _: Any) -> Expression | None:
    if (found := _of_weight(here, line)) is None:
        return None
    return _product(here, *found, here.output(found[1].layer, found[1].unit))


@mistake(
    "input_left_out",
    GRADIENT,
    "∂E/∂w = ∂E/∂sum",
    "The unit's input was left out. The gradient of a weight is ∂E/∂sum times the weight's input.",
)
def input_left_out(here: Here, line: Line, _: Any) -> Expression | None:
    if (found := _of_weight(here, line)) is None:
        return None
    return here.gradient(found[0], here.signal(found[1].layer, found[1].unit))


@mistake(
    "slope_left_out_of_gradient",
    GRADIENT,
    "∂E/∂w = ∂E/∂output · input",
    "∂E/∂output was used in place of ∂E/∂sum: the slope of the activation is missing from the gradient.",
)
def slope_left_out_of_gradient(here: Here, line: Line, _: Any) -> Expression | None:
    if (found := _of_weight(here, line)) is None:
        return None
    index, place = found
    if place.source is None or not here.scalar(place.layer) or here.activation(place.layer) == "identity":
        return None
    return here.gradient(index, multiply(here.by_output(place.layer, place.unit), here.seen(place.layer, place.source)))


@mistake(
    "signal_left_out",
    GRADIENT,
    "∂E/∂w = ∂output/∂sum · input",
    "∂E/∂output was left out of the chain: only the slope and the input were multiplied.",
)
def signal_left_out(here: Here, line: Line, _: Any) -> Expression | None:
    if (found := _of_weight(here, line)) is None:
        return None
    index, place = found
    if place.source is None or not here.scalar(place.layer) or here.activation(place.layer) == "identity":
        return None
    return here.gradient(index, multiply(here.slope(place.layer, place.unit), here.seen(place.layer, place.source)))


@mistake(
    "bias_gradient_times_input",
    GRADIENT,
    "∂E/∂bias = ∂E/∂sum · input",
    "An input was multiplied in. A bias has no input: ∂sum/∂bias is 1, so ∂E/∂bias = ∂E/∂sum.",
    forms=(0, -1),
)
def bias_gradient_times_input(here: Here, line: Line, which: Any) -> Expression | None:
    if (found := _of_bias(here, line)) is None:
        return None
    place = found[1]
    size = here.sizes[place.layer]
    if which and size < 2:
        return None
    return multiply(line.expression, here.seen(place.layer, which % size))


@mistake(
    "bias_gradient_times_bias",
    GRADIENT,
    "∂E/∂bias = ∂E/∂sum · bias",
    "The bias itself was multiplied in. ∂sum/∂bias is 1, so ∂E/∂bias = ∂E/∂sum.",
)
def bias_gradient_times_bias(here: Here, line: Line, _: Any) -> Expression | None:
    if (found := _of_bias(here, line)) is None:
        return None
    return multiply(line.expression, Symbol(q.Parameter(found[0])))


@mistake(
    "bias_gradient_zero",
    GRADIENT,
    "∂E/∂bias = 0",
    "The gradient of a bias was taken to be 0. The bias is no constant here: ∂E/∂bias = ∂E/∂sum.",
)
def bias_gradient_zero(here: Here, line: Line, _: Any) -> Expression | None:
    return None if _of_bias(here, line) is None else Number(0.0)


def _shared(here: Here, line: Line) -> list[Expression] | None:
    """Return the error signals that the gradient of a shared bias adds up."""
    if (found := _of_bias(here, line)) is None:
        return None
    layer = found[1].layer
    if here.network.layers[layer].bias != "shared" or here.sizes[layer + 1] < 2:
        return None
    return [here.signal(layer, u) for u in range(here.sizes[layer + 1])]


@mistake(
    "shared_bias_one_unit",
    GRADIENT,
    "∂E/∂bias = ∂E/∂sum of one unit",
    "Only one unit was counted. The bias is shared by the layer: add up the error signals of all its units.",
    forms=(0, -1),
)
def shared_bias_one_unit(here: Here, line: Line, which: Any) -> Expression | None:
    signals = _shared(here, line)
    return None if signals is None else signals[which]


@mistake(
    "shared_bias_mean",
    GRADIENT,
    "∂E/∂bias = mean of ∂E/∂sum over the layer",
    "The error signals were averaged. The gradient of a shared bias is their sum.",
)
def shared_bias_mean(here: Here, line: Line, _: Any) -> Expression | None:
    signals = _shared(here, line)
    return None if signals is None else mean(signals)


@mistake(
    "bias_gradient_of_layer",
    GRADIENT,
    "∂E/∂bias = Σ ∂E/∂sum over the layer",
    "The error signals of the whole layer were added up. Each unit has a bias of its own: ∂E/∂bias = ∂E/∂sum.",
)
def bias_gradient_of_layer(here: Here, line: Line, _: Any) -> Expression | None:
    if (found := _of_bias(here, line)) is None:
        return None
    layer = found[1].layer
    if here.network.layers[layer].bias != "unit" or here.sizes[layer + 1] < 2:
        return None
    return add(*(here.signal(layer, u) for u in range(here.sizes[layer + 1])))
