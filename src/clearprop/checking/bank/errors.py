"""Mistakes of the error: E_k, E_total and the penalty."""

from __future__ import annotations

import math
from typing import Any

from clearprop.checking.here import DIFFERENCE, Here, function_replaced, mean, scaled, swapped
from clearprop.checking.mistake import mistake
from clearprop.derivation.lines import Line, Stage
from clearprop.expressions import Apply, Expression, Number, Operator, Symbol
from clearprop.expressions.tree import absolute, add, log, multiply, nodes
from clearprop.network import names as q
from clearprop.rules.roles import t, y

ERROR = Stage.ERROR


@mistake(
    "half_left_out",
    ERROR,
    "E_k = (target - output)²",
    "The ½ was left out of the error. Here E_k = ½ (target - output)².",
    "courses that define the error without ½",
)
def half_left_out(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Error(k) if here.half_square():
            return here.error(k, DIFFERENCE**2)
    return None


@mistake(
    "half_put_in",
    ERROR,
    "E_k = ½ (target - output)²",
    "The error was halved. Here E_k = (target - output)², without ½.",
    "courses that define the error with ½",
)
def half_put_in(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Error(k) if here.loss.name == "squared_error":
            return here.error(k, Number(1.0) / Number(2.0) * DIFFERENCE**2)
    return None


@mistake(
    "error_divided_by_outputs",
    ERROR,
    "E_k / (number of outputs)",
    "The error was divided by the number of outputs. Here errors are added up, not averaged.",
)
def error_divided_by_outputs(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Error() if here.network.loss.over_outputs == "sum" and here.outputs > 1:
            return line.expression / Number(float(here.outputs))
    return None


@mistake(
    "outputs_not_averaged",
    ERROR,
    "E_k without the division by the number of outputs",
    "The error was not divided by the number of outputs. Here E_total is their mean.",
)
def outputs_not_averaged(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Error() if here.network.loss.over_outputs == "mean" and here.outputs > 1:
            return Number(float(here.outputs)) * line.expression
    return None


@mistake(
    "not_squared",
    ERROR,
    "E_k = ½ (target - output)",
    "The difference was not squared. Square target - output before the ½ is applied.",
    forms=(True, False),
)
def not_squared(here: Here, line: Line, halved: Any) -> Expression | None:
    match line.quantity:
        case q.Error(k) if here.squared() and (halved or here.half_square()):
            return here.error(k, scaled(here.factor if halved else None, DIFFERENCE))
    return None


@mistake(
    "absolute_difference",
    ERROR,
    "E_k = |target - output|",
    "The absolute difference was taken as the error. Here the difference is squared.",
)
def absolute_difference(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Error(k) if here.squared():
            return here.error(k, absolute(DIFFERENCE))
    return None


@mistake(
    "difference_of_squares",
    ERROR,
    "E_k = ½ (target² - output²)",
    "Target and output were squared before they were subtracted. Subtract first, then square.",
)
def difference_of_squares(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Error(k) if here.squared():
            return here.error(k, scaled(here.factor, t**2 - y**2))
    return None


@mistake(
    "differences_added_first",
    ERROR,
    "E_total = ½ (Σ (target - output))²",
    "The differences were added up and then squared. Square each difference, then add up.",
)
def differences_added_first(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.TotalError() if here.squared() and here.outputs > 1 and not here.example.sharing[2]:
            differences = (Symbol(q.Target(k)) - Symbol(q.Output(here.last, k)) for k in range(here.outputs))
            whole = scaled(here.factor, add(*differences) ** 2)
            if here.network.loss.over_outputs == "mean":
                whole = whole / Number(float(here.outputs))
            return add(whole, *here.penalty)
    return None


@mistake(
    "targets_swapped",
    ERROR,
    "target_2 in place of target_1",
    "The target of another output was used. Each output has a target of the same number.",
    forms=(1, -1),
)
def targets_swapped(here: Here, line: Line, step: Any) -> Expression | None:
    if here.outputs < 2 or (step < 0 and here.outputs < 3):
        return None
    match line.quantity:
        case q.Error() | q.Derivative(q.TotalError(), q.Output() | q.Sum()):
            pairs = {q.Target(k): q.Target((k + step) % here.outputs) for k in range(here.outputs)}
            return swapped(line.expression, pairs)
    return None


def _has_log(here: Here) -> bool:
    return any(isinstance(each, Apply) and each.operator is Operator.LOG for each in nodes(here.loss.formula))


@mistake(
    "logarithm_to_base_ten",
    ERROR,
    "log₁₀ in place of the natural logarithm",
    "The logarithm to base 10 was taken. The cross-entropy uses the natural logarithm (ln on a calculator).",
    forms=(10.0, 2.0),
)
def logarithm_to_base_ten(here: Here, line: Line, base: Any) -> Expression | None:
    match line.quantity:
        case q.Error() if _has_log(here):
            factor = Number(math.log(base))
            return function_replaced(line.expression, Operator.LOG, lambda inner: log(*inner) / factor)
    return None


@mistake(
    "one_class_only",
    ERROR,
    "E = -t · log(y)",
    "Half of the cross-entropy was left out. Both classes count: -(t · log(y) + (1 - t) · log(1 - y)).",
    forms=(True, False),
)
def one_class_only(here: Here, line: Line, first: Any) -> Expression | None:
    match line.quantity:
        case q.Error(k) if here.loss.name == "binary_cross_entropy":
            return here.error(k, -(t * log(y)) if first else -((1 - t) * log(1 - y)))
    return None


@mistake(
    "logarithm_sign",
    ERROR,
    "E = t · log(y)",
    "The minus sign of the cross-entropy was left out. The logarithm of a share is negative: the error is -t · log(y).",
)
def logarithm_sign(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Error() if _has_log(here):
            return -line.expression
    return None


@mistake(
    "errors_averaged",
    ERROR,
    "E_total = mean of all E_k",
    "The errors of the outputs were averaged. Here E_total is their sum.",
)
def errors_averaged(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.TotalError() if here.outputs > 1:
            return add(mean(Symbol(q.Error(k)) for k in range(here.outputs)), *here.penalty)
    return None


@mistake(
    "one_error_only",
    ERROR,
    "E_total = E_1",
    "Only one output's error was counted. E_total adds up the errors of all outputs.",
    forms=(0, -1),
)
def one_error_only(here: Here, line: Line, which: Any) -> Expression | None:
    match line.quantity:
        case q.TotalError() if here.outputs > 1:
            return add(Symbol(q.Error(which % here.outputs)), *here.penalty)
    return None


@mistake(
    "penalty_left_out",
    ERROR,
    "E_total = Σ E_k",
    "The penalty was left out. Here it is added to the error once, and its derivative to the gradient of each weight.",
    whole=True,
)
def penalty_left_out(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.TotalError() if here.lines.penalty:
            return add(*(Symbol(q.Error(k)) for k in range(here.outputs)))
        case q.Derivative(q.TotalError(), q.Parameter(index)) if here.lines.penalized(index):
            assert isinstance(line.expression, Apply)
            return line.expression.arguments[0]
    return None


@mistake(
    "penalty_on_biases",
    Stage.WEIGHT_GRADIENT,
    "∂E/∂bias + l2 · bias",
    "The penalty was applied to a bias. Here it is on weights only.",
    whole=True,
)
def penalty_on_biases(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Derivative(q.TotalError(), q.Parameter(index)) if here.lines.penalty.l2:
            if here.place(index).source is None:
                return line.expression + multiply(Symbol(q.Named("l2")), Symbol(q.Parameter(index)))
    return None
