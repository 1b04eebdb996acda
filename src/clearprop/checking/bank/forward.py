"""Mistakes of forward propagation: in weighted sums and outputs."""

from __future__ import annotations

from typing import Any

from clearprop.checking.here import Here
from clearprop.checking.mistake import mistake
from clearprop.derivation.lines import Line, Stage
from clearprop.expressions import Expression, Number, Symbol, renamed, substitute
from clearprop.expressions.tree import absolute, add, exp, floor, logistic, multiply, tanh
from clearprop.network import names as q
from clearprop.rules.activations import Softmax
from clearprop.rules.roles import Role, z

FORWARD = Stage.FORWARD


@mistake(
    "bias_left_out",
    FORWARD,
    "sum = Σ input · weight",
    "The bias was left out of the weighted sum. Add it to the products: sum = Σ input · weight + bias.",
)
def bias_left_out(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Sum(layer, unit) if here.bias(layer, unit) is not None:
            return here.weighted(layer, unit, bias=None)
    return None


@mistake(
    "bias_subtracted",
    FORWARD,
    "sum = Σ input · weight - bias",
    "The bias was subtracted, as a threshold would be. Here it is added: sum = Σ input · weight + bias.",
)
def bias_subtracted(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Sum(layer, unit) if (bias := here.bias(layer, unit)) is not None:
            return here.weighted(layer, unit, bias=-bias)
    return None


@mistake(
    "bias_after_activation",
    FORWARD,
    "output = activation(Σ input · weight) + bias",
    "The bias was added after the activation. It belongs to the weighted sum, before the activation is applied.",
)
def bias_after_activation(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Sum():
            return bias_left_out(here, line, None)
        case q.Output(layer, unit) if (bias := here.bias(layer, unit)) is not None:
            return line.expression + bias
    return None


@mistake(
    "bias_once_per_input",
    FORWARD,
    "sum = Σ (input · weight + bias)",
    "The bias was added once for each input. Add it once for each unit, after all products.",
)
def bias_once_per_input(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Sum(layer, unit) if (bias := here.bias(layer, unit)) is not None and here.sizes[layer] > 1:
            return here.weighted(layer, unit, bias=Number(float(here.sizes[layer])) * bias)
    return None


@mistake(
    "transposed",
    FORWARD,
    "sum_u = Σ_i input_i · w_iu",
    "The weights were taken from the transposed table: those that leave a unit instead of those that enter it. "
    "Follow the arrows that end at the unit.",
    "lectures that number their weights both ways",
)
def transposed(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Sum(layer, unit) if here.square(layer):
            return here.weighted(layer, unit, weight=lambda i: here.weight(layer, i, unit))
    return None


@mistake(
    "sum_passed_on",
    FORWARD,
    "sum_o = Σ sum_h · weight + bias",
    "The weighted sums of the layer before were passed on, not its outputs. Apply the activation first.",
)
def sum_passed_on(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Sum(layer, unit) if layer and here.activation(layer - 1) != "identity":
            return here.weighted(layer, unit, seen=lambda i: here.total(layer - 1, i))
    return None


@mistake(
    "inputs_of_another_layer",
    FORWARD,
    "sum_o = Σ (input of the layer before) · weight + bias",
    "The inputs of an earlier layer were used. A layer sees the outputs of the layer directly before it.",
)
def inputs_of_another_layer(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Sum(layer, unit) if layer and here.sizes[layer] == here.sizes[layer - 1]:
            return here.weighted(layer, unit, seen=lambda i: here.seen(layer - 1, i))
    return None


@mistake(
    "output_not_activated",
    FORWARD,
    "output = sum",
    "The weighted sum was given as the output. Apply the activation of the layer to it.",
)
def output_not_activated(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Output(layer, unit) if here.activation(layer) != "identity":
            return here.activated(layer, unit, z)
    return None


@mistake(
    "exponent_sign",
    FORWARD,
    "output = 1 / (1 + e^sum)",
    "The exponent lost its minus sign. The logistic function is 1 / (1 + e^-sum).",
)
def exponent_sign(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Output(layer, unit) if here.activation(layer) == "logistic":
            return here.activated(layer, unit, 1 / (1 + exp(z)))
    return None


@mistake(
    "reciprocal_left_out",
    FORWARD,
    "output = 1 + e^-sum",
    "The reciprocal was left out. The logistic function is 1 / (1 + e^-sum), which lies between 0 and 1.",
)
def reciprocal_left_out(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Output(layer, unit) if here.activation(layer) == "logistic":
            return here.activated(layer, unit, 1 + exp(-z))
    return None


@mistake(
    "tanh_for_logistic",
    FORWARD,
    "output = tanh(sum)",
    "tanh was applied where the layer has the logistic function, 1 / (1 + e^-sum).",
)
def tanh_for_logistic(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Output(layer, unit) if here.activation(layer) == "logistic":
            return here.activated(layer, unit, tanh(z))
    return None


@mistake(
    "logistic_for_tanh",
    FORWARD,
    "output = 1 / (1 + e^-sum)",
    "The logistic function was applied where the layer has tanh.",
)
def logistic_for_tanh(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Output(layer, unit) if here.activation(layer) == "tanh":
            return here.activated(layer, unit, logistic(z))
    return None


@mistake(
    "softmax_without_exponential",
    FORWARD,
    "output_k = sum_k / Σ_j sum_j",
    "The sums were divided by their total. Softmax divides their exponentials: e^sum_k / Σ_j e^sum_j.",
)
def softmax_without_exponential(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Output(layer, unit) if isinstance(rule := here.rule(layer), Softmax):
            sums = [here.total(layer, u) for u in range(here.sizes[layer + 1])]
            parts: dict[Any, Expression] = {"term": sums[unit], "total": add(*sums)}
            return here.example.masked(layer, unit, substitute(rule.output, parts.get))
    return None


@mistake(
    "logistic_for_softmax",
    FORWARD,
    "output_k = 1 / (1 + e^-sum_k)",
    "The logistic function was applied to each sum. Softmax divides e^sum_k by the total of all exponentials.",
)
def logistic_for_softmax(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Output(layer, unit) if isinstance(here.rule(layer), Softmax):
            return here.activated(layer, unit, logistic(z))
    return None


@mistake(
    "output_rounded",
    FORWARD,
    "output = 0 or 1",
    "The output was rounded to 0 or 1. Keep the number: a class is read from it only at the end.",
)
def output_rounded(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Output(layer) if layer == here.last and here.rule(layer).bounds == (0.0, 1.0):
            return floor(line.expression + Number(0.5))
    return None


@mistake(
    "size_for_relu",
    FORWARD,
    "output = |sum|",
    "The sign of a negative sum was dropped. relu gives 0 for every negative sum.",
)
def size_for_relu(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Output(layer, unit) if here.activation(layer) == "relu":
            return here.activated(layer, unit, absolute(z))
    return None


@mistake(
    "weights_of_another_unit",
    FORWARD,
    "sum_u = Σ_i input_i · w_vi",
    "The weights of a neighbouring unit were used. Follow the arrows that end at this unit.",
    forms=(1, -1),
)
def weights_of_another_unit(here: Here, line: Line, step: Any) -> Expression | None:
    match line.quantity:
        case q.Sum(layer, unit) if (size := here.sizes[layer + 1]) > 1 and (step > 0 or size > 2):
            other = (unit + step) % size
            return here.weighted(layer, unit, weight=lambda i: here.weight(layer, other, i))
    return None


@mistake(
    "product_left_out",
    FORWARD,
    "sum = Σ weight + bias",
    "The weights were added up without the inputs. Multiply each weight by its input first.",
)
def product_left_out(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Sum(layer, unit):
            bias = here.bias(layer, unit)
            weights = [here.weight(layer, unit, i) for i in range(here.sizes[layer])]
            return add(*weights, *([] if bias is None else [bias]))
    return None


@mistake(
    "last_input_left_out",
    FORWARD,
    "sum = Σ of all products but the last + bias",
    "The product of the last input was left out of the sum. Every arrow into the unit counts.",
)
def last_input_left_out(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Sum(layer, unit) if here.sizes[layer] > 1:
            bias = here.bias(layer, unit)
            terms = [multiply(here.seen(layer, i), here.weight(layer, unit, i)) for i in range(here.sizes[layer] - 1)]
            return add(*terms, *([] if bias is None else [bias]))
    return None


@mistake(
    "activation_applied_twice",
    FORWARD,
    "output = activation(activation(sum))",
    "The activation was applied a second time. Apply it once, to the weighted sum.",
)
def activation_applied_twice(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Output(layer, unit) if here.scalar(layer) and here.activation(layer) in ("logistic", "tanh"):
            formula = here.rule(layer).formula
            twice = substitute(formula, lambda key: formula if key is Role.SUM else None)
            return here.example.masked(layer, unit, renamed(twice, {Role.SUM: Symbol(q.Sum(layer, unit)).key}))
    return None
