"""Mistakes with the slope of the activation: ∂output/∂sum, and where it is multiplied in."""

from __future__ import annotations

from typing import Any

from clearprop.checking.here import Here
from clearprop.checking.mistake import mistake
from clearprop.derivation.lines import Line, Stage
from clearprop.expressions import Expression, Number, renamed, symbols
from clearprop.expressions.tree import greater, maximum, multiply, where
from clearprop.network import names as q
from clearprop.rules.roles import Role, y, z

SLOPE = Stage.OUTPUT_SIGNAL


def _slope_line(here: Here, line: Line, *activations: str) -> tuple[int, int] | None:
    """Return the unit whose slope a line is, if its layer has one of these activations."""
    match line.quantity:
        case q.Derivative(q.Output(layer, unit), q.Sum(at, by)) if (layer, unit) == (at, by) and here.scalar(layer):
            if not activations or here.activation(layer) in activations:
                return layer, unit
    return None


def _signal_line(here: Here, line: Line) -> tuple[int, int] | None:
    """Return the unit whose ∂E/∂sum is ∂E/∂output times a slope in this line."""
    match line.quantity:
        case q.Derivative(q.TotalError(), q.Sum(layer, unit)) if here.scalar(layer) and not here.fused(layer):
            if here.activation(layer) != "identity":
                return layer, unit
    return None


@mistake(
    "slope_left_out",
    SLOPE,
    "∂E/∂sum = ∂E/∂output",
    "The slope of the activation was left out: ∂E/∂sum was taken to be ∂E/∂output. Multiply by ∂output/∂sum.",
)
def slope_left_out(here: Here, line: Line, _: Any) -> Expression | None:
    at = _signal_line(here, line)
    return None if at is None else here.by_output(*at)


@mistake(
    "slope_added",
    SLOPE,
    "∂E/∂sum = ∂E/∂output + ∂output/∂sum",
    "The slope was added. The chain rule multiplies: ∂E/∂sum = ∂E/∂output · ∂output/∂sum.",
)
def slope_added(here: Here, line: Line, _: Any) -> Expression | None:
    at = _signal_line(here, line)
    return None if at is None else here.by_output(*at) + here.slope(*at)


@mistake(
    "slope_twice",
    SLOPE,
    "∂E/∂sum = ∂E/∂output · (∂output/∂sum)²",
    "The slope of the activation was multiplied in twice. It belongs there once.",
)
def slope_twice(here: Here, line: Line, _: Any) -> Expression | None:
    at = _signal_line(here, line)
    return None if at is None else multiply(here.by_output(*at), here.slope(*at) ** 2)


@mistake(
    "slope_of_output",
    SLOPE,
    "∂output/∂sum = activation′(output)",
    "The derivative of the activation was taken at the output. It belongs at the weighted sum: output · (1 - output) "
    "already has the logistic function in it.",
    "programs whose derivative function expects the sum but is handed the output",
)
def slope_of_output(here: Here, line: Line, _: Any) -> Expression | None:
    if (at := _slope_line(here, line)) is None:
        return None
    slope = here.rule(at[0]).slope.simplified
    if Role.SUM not in symbols(slope):
        return None
    return here.example.masked(*at, renamed(slope, {Role.SUM: q.Output(*at)}))


@mistake(
    "slope_of_sum",
    SLOPE,
    "∂output/∂sum = sum · (1 - sum)",
    "The weighted sum was put where the output belongs: the slope is output · (1 - output).",
    "programs whose derivative function expects the output but is handed the sum",
)
def slope_of_sum(here: Here, line: Line, _: Any) -> Expression | None:
    if (at := _slope_line(here, line)) is None:
        return None
    slope = here.rule(at[0]).printed_slope
    if Role.OUTPUT not in symbols(slope):
        return None
    return here.example.masked(*at, renamed(slope, {Role.OUTPUT: q.Sum(*at), Role.SUM: q.Sum(*at)}))


def _other_slope(name: str, activation: str, tree: Expression, instead: str, says: str) -> None:
    """Enter a mistake that puts another formula in place of an activation's slope."""

    @mistake(name, SLOPE, f"∂output/∂sum = {instead}", says)
    def other(here: Here, line: Line, _: Any) -> Expression | None:
        at = _slope_line(here, line, activation)
        return None if at is None else here.sloped(*at, tree)


_RIGHT_LOGISTIC = "The slope of the logistic function is output · (1 - output)."
_RIGHT_TANH = "The slope of tanh is 1 - output²."
_RIGHT_RELU = "The slope of relu is 1 for a positive sum and 0 for any other."

_other_slope(
    "slope_one_minus_output", "logistic", 1 - y, "1 - output", f"The factor output was left out. {_RIGHT_LOGISTIC}"
)
_other_slope("slope_is_output", "logistic", y, "output", f"The output was taken as its slope. {_RIGHT_LOGISTIC}")
_other_slope("slope_plus", "logistic", y * (1 + y), "output · (1 + output)", f"A sign was reversed. {_RIGHT_LOGISTIC}")
_other_slope(
    "tanh_slope_for_logistic", "logistic", 1 - y**2, "1 - output²", f"That is the slope of tanh. {_RIGHT_LOGISTIC}"
)
_other_slope(
    "logistic_slope_for_tanh",
    "tanh",
    y * (1 - y),
    "output · (1 - output)",
    f"That is the slope of the logistic function. {_RIGHT_TANH}",
)
_other_slope("tanh_slope_plus", "tanh", 1 + y**2, "1 + output²", f"A sign was reversed. {_RIGHT_TANH}")
_other_slope("tanh_slope_without_one", "tanh", -(y**2), "-output²", f"The 1 was left out. {_RIGHT_TANH}")
_other_slope("tanh_slope_not_squared", "tanh", 1 - y, "1 - output", f"The output was not squared. {_RIGHT_TANH}")
_other_slope(
    "tanh_slope_of_arctangent",
    "tanh",
    1 / (1 + z**2),
    "1 / (1 + sum²)",
    f"That is the slope of the arctangent. {_RIGHT_TANH}",
)
_other_slope(
    "relu_slope_keeps_sum",
    "relu",
    where(greater(z, 0), 1, z),
    "sum where the sum is not positive",
    f"The sum itself was taken for a sum that is not positive. {_RIGHT_RELU}",
)
_other_slope("relu_slope_is_output", "relu", y, "output", f"The output was taken as its slope. {_RIGHT_RELU}")
_other_slope(
    "relu_slope_for_leaky",
    "leaky_relu",
    where(greater(z, 0), 1, 0),
    "0 for a negative sum",
    "That is the slope of relu. A leaky relu keeps a small slope for negative sums.",
)


@mistake(
    "relu_upstream_dropped",
    SLOPE,
    "∂E/∂sum = ∂output/∂sum",
    "∂E/∂output was dropped: the slope alone was given. Multiply the two.",
)
def upstream_dropped(here: Here, line: Line, _: Any) -> Expression | None:
    at = _signal_line(here, line)
    return None if at is None else here.slope(*at)


@mistake(
    "relu_on_gradient",
    SLOPE,
    "∂E/∂sum = relu(∂E/∂output)",
    "relu was applied to the gradient: it was set to 0 where it is negative. What counts is the sign of the sum.",
)
def relu_on_gradient(here: Here, line: Line, _: Any) -> Expression | None:
    at = _signal_line(here, line)
    if at is None or here.activation(at[0]) != "relu":
        return None
    return maximum(here.by_output(*at), Number(0.0))
