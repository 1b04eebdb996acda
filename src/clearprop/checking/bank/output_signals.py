"""Mistakes where the error is differentiated: ∂E/∂output of an output unit, and its error signal."""

from __future__ import annotations

from typing import Any

from clearprop.checking.here import Here
from clearprop.checking.mistake import mistake
from clearprop.derivation.lines import Line, Stage
from clearprop.expressions import Expression, Number, Symbol
from clearprop.expressions.tree import add, multiply
from clearprop.network import names as q
from clearprop.rules.activations import Softmax
from clearprop.rules.roles import t, y

SIGNAL = Stage.OUTPUT_SIGNAL


@mistake(
    "sign_of_error",
    SIGNAL,
    "∂E/∂output = target - output",
    "The sign of the error is reversed: target - output was used. The derivative of ½ (target - output)² by the "
    "output is output - target.",
    "texts that define δ as target - output",
)
def sign_of_error(here: Here, line: Line, _: Any) -> Expression | None:
    return None if here.is_first_signal(line.quantity) is None else -line.expression


@mistake(
    "factor_two",
    SIGNAL,
    "∂E/∂output = 2 (output - target)",
    "A factor 2 was left over. It cancels with the ½ of the error: ∂E/∂output = output - target.",
)
def factor_two(here: Here, line: Line, _: Any) -> Expression | None:
    k = here.is_first_signal(line.quantity)
    return Number(2.0) * line.expression if k is not None and here.half_square() else None


@mistake(
    "factor_two_lost",
    SIGNAL,
    "∂E/∂output = output - target",
    "The factor 2 was lost. The error has no ½ here, so ∂E/∂output = 2 (output - target).",
)
def factor_two_lost(here: Here, line: Line, _: Any) -> Expression | None:
    k = here.is_first_signal(line.quantity)
    return here.error(k, y - t) if k is not None and here.loss.name == "squared_error" else None


@mistake(
    "half_kept",
    SIGNAL,
    "∂E/∂output = ½ (output - target)",
    "The ½ of the error was kept. It cancels with the 2 that comes down from the square.",
)
def half_kept(here: Here, line: Line, _: Any) -> Expression | None:
    k = here.is_first_signal(line.quantity)
    return Number(1.0) / Number(2.0) * line.expression if k is not None and here.half_square() else None


@mistake(
    "error_for_difference",
    SIGNAL,
    "∂E/∂output = E_k",
    "The error itself was put in place of its derivative. ∂E/∂output is the slope of the error, not the error.",
)
def error_for_difference(here: Here, line: Line, _: Any) -> Expression | None:
    k = here.is_first_signal(line.quantity)
    return None if k is None or here.batch else Symbol(q.Error(k))


@mistake(
    "total_error_for_difference",
    SIGNAL,
    "∂E/∂output = E_total",
    "The total error was put in place of ∂E/∂output. Each output has a derivative of its own: output - target.",
)
def total_error_for_difference(here: Here, line: Line, _: Any) -> Expression | None:
    k = here.is_first_signal(line.quantity)
    return None if k is None or here.outputs < 2 or here.batch else Symbol(q.TotalError())


@mistake(
    "signal_divided_by_outputs",
    SIGNAL,
    "∂E/∂output / (number of outputs)",
    "The derivative was divided by the number of outputs. Here errors are added up, not averaged.",
)
def signal_divided_by_outputs(here: Here, line: Line, _: Any) -> Expression | None:
    k = here.is_first_signal(line.quantity)
    if k is None or here.outputs < 2 or here.network.loss.over_outputs != "sum":
        return None
    return line.expression / Number(float(here.outputs))


@mistake(
    "signal_not_divided",
    SIGNAL,
    "∂E/∂output without the division by the number of outputs",
    "The derivative was not divided by the number of outputs. Here E_total is the mean of their errors.",
)
def signal_not_divided(here: Here, line: Line, _: Any) -> Expression | None:
    k = here.is_first_signal(line.quantity)
    if k is None or here.outputs < 2 or here.network.loss.over_outputs != "mean":
        return None
    return Number(float(here.outputs)) * line.expression


@mistake(
    "output_for_difference",
    SIGNAL,
    "∂E/∂output = output",
    "The target was left out of ∂E/∂output. It is output - target.",
)
def output_for_difference(here: Here, line: Line, _: Any) -> Expression | None:
    k = here.is_first_signal(line.quantity)
    return here.error(k, y) if k is not None and here.squared() else None


@mistake(
    "extra_slope",
    SIGNAL,
    "∂E/∂sum = (output - target) · output · (1 - output)",
    "The slope of the activation was multiplied in once more. Cross-entropy and this activation together give "
    "output - target: the slope has cancelled.",
)
def extra_slope(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Derivative(q.TotalError(), q.Sum(layer, unit)) if here.fused(layer):
            return multiply(line.expression, here.sloped(layer, unit, y * (1 - y)))
    return None


@mistake(
    "sign_of_inner_derivative",
    SIGNAL,
    "-t/y - (1 - t)/(1 - y)",
    "A sign was lost: the derivative of log(1 - y) is -1/(1 - y). So ∂E/∂output = -t/y + (1 - t)/(1 - y).",
)
def sign_of_inner_derivative(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Derivative(q.TotalError(), q.Output(layer, k)) if layer == here.last:
            if here.loss.name == "binary_cross_entropy":
                return here.error(k, -(t / y) - (1 - t) / (1 - y))
    return None


@mistake(
    "softmax_diagonal_only",
    SIGNAL,
    "∂E/∂sum_j = ∂E_j/∂output_j · ∂output_j/∂sum_j",
    "Only the output's own sum was considered. Under softmax every sum changes every output: add up over all outputs.",
)
def softmax_diagonal_only(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Derivative(q.TotalError(), q.Sum(layer, unit)) if isinstance(here.rule(layer), Softmax):
            if here.fused(layer):
                return here.example.entry(unit, unit)
            return multiply(here.by_output(layer, unit), here.slope(layer, unit))
    return None


@mistake(
    "softmax_sign",
    SIGNAL,
    "∂output_k/∂sum_j = +output_k · output_j",
    "The sign of the mixed derivative of softmax was lost: for another output it is -output_k · output_j.",
)
def softmax_sign(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Derivative(q.Output(layer, unit), q.Sum(_, by)) if unit != by and isinstance(here.rule(layer), Softmax):
            return -line.expression
        case q.Derivative(q.TotalError(), q.Sum(layer, unit)) if here.fused(layer) and not here.scalar(layer):
            entries = [
                here.example.entry(k, unit) if k == unit else -here.example.entry(k, unit) for k in range(here.outputs)
            ]
            return add(*entries)
    return None
