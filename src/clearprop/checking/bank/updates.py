"""Mistakes of the update, and of the sums and means over a batch that go before it."""

from __future__ import annotations

from typing import Any

from clearprop.checking.here import Here, function_replaced, swapped, with_numbers
from clearprop.checking.mistake import mistake
from clearprop.derivation.lines import Line, Stage
from clearprop.derivation.shares import reduced
from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, substitute, symbols
from clearprop.expressions.tree import add, multiply
from clearprop.network import names as q

UPDATE = Stage.UPDATE
RATE = q.LearningRate()


def _step(here: Here, line: Line) -> tuple[Expression, Expression] | None:
    """Return an old weight and what is subtracted from it, in the line of a trained parameter's new value."""
    match line.quantity, line.expression:
        case q.Updated(q.Parameter(index)), Apply(Operator.SUBTRACT, (old, step)) if here.layout.trainable[index]:
            return old, step
    return None


@mistake(
    "added",
    UPDATE,
    "new_w = w + rate · ∂E/∂w",
    "The step was added. Descent goes against the gradient: new_w = w - rate · ∂E/∂w.",
    whole=True,
)
def added(here: Here, line: Line, _: Any) -> Expression | None:
    found = _step(here, line)
    return None if found is None else found[0] + found[1]


@mistake(
    "no_rate",
    UPDATE,
    "new_w = w - ∂E/∂w",
    "The learning rate was left out. Multiply the gradient by it before it is subtracted.",
    whole=True,
)
def no_rate(here: Here, line: Line, _: Any) -> Expression | None:
    return None if _step(here, line) is None else with_numbers(line.expression, {RATE: 1.0})


@mistake(
    "change_for_weight",
    UPDATE,
    "new_w = -rate · ∂E/∂w",
    "The change in the weight was given as the new weight. Subtract it from the old weight.",
    whole=True,
    forms=(True, False),
)
def change_for_weight(here: Here, line: Line, negative: Any) -> Expression | None:
    found = _step(here, line)
    return None if found is None else -found[1] if negative else found[1]


@mistake(
    "rate_squared",
    UPDATE,
    "new_w = w - rate² · ∂E/∂w",
    "The learning rate was multiplied in twice. It belongs there once.",
    whole=True,
)
def rate_squared(here: Here, line: Line, _: Any) -> Expression | None:
    if _step(here, line) is None:
        return None
    return substitute(line.expression, lambda key: Symbol(RATE) ** 2 if key == RATE else None)


@mistake(
    "rate_divides",
    UPDATE,
    "new_w = w - ∂E/∂w / rate",
    "The gradient was divided by the learning rate. Multiply by it.",
    whole=True,
)
def rate_divides(here: Here, line: Line, _: Any) -> Expression | None:
    if _step(here, line) is None:
        return None
    return substitute(line.expression, lambda key: 1 / Symbol(RATE) if key == RATE else None)


@mistake(
    "weight_in_change",
    UPDATE,
    "new_w = w · (1 - rate · ∂E/∂w)",
    "The change was multiplied by the weight. new_w = w - rate · ∂E/∂w; the weight itself does not scale the step.",
    whole=True,
)
def weight_in_change(here: Here, line: Line, _: Any) -> Expression | None:
    found = _step(here, line)
    return None if found is None else multiply(found[0], 1 - found[1])


@mistake(
    "gradient_for_change",
    UPDATE,
    "new_w = rate · w - ∂E/∂w",
    "The learning rate was multiplied with the weight. It belongs to the gradient: new_w = w - rate · ∂E/∂w.",
    whole=True,
)
def gradient_for_change(here: Here, line: Line, _: Any) -> Expression | None:
    found = _step(here, line)
    return None if found is None else multiply(Symbol(RATE), found[0]) - with_numbers(found[1], {RATE: 1.0})


@mistake(
    "momentum_rate_swapped",
    UPDATE,
    "momentum and learning rate change places",
    "Momentum and learning rate were swapped. The momentum scales the old velocity, the rate the step.",
    whole=True,
)
def momentum_rate_swapped(here: Here, line: Line, _: Any) -> Expression | None:
    momentum = q.Named("momentum")
    match line.quantity:
        case q.Updated() | q.State() if here.lines.optimizer.constants.get("momentum"):
            return swapped(line.expression, {momentum: RATE, RATE: momentum})
    return None


@mistake(
    "velocity_forgotten",
    UPDATE,
    "new_w = w - rate · ∂E/∂w",
    "The velocity was left out of the update. With momentum the weight moves by the velocity, not by the gradient.",
    whole=True,
)
def velocity_forgotten(here: Here, line: Line, _: Any) -> Expression | None:
    found = _step(here, line)
    if found is None or not here.lines.optimizer.constants.get("momentum") or not isinstance(line.quantity, q.Updated):
        return None
    return found[0] - multiply(Symbol(RATE), Symbol(q.Derivative(q.TotalError(), line.quantity.of)))


@mistake(
    "frozen_bias_moved",
    UPDATE,
    "new_b = b - rate · ∂E/∂b",
    "A bias was updated that is not trained here. It keeps its value.",
    whole=True,
)
def frozen_bias_moved(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Updated(q.Parameter(index) as bias) if not here.layout.trainable[index]:
            return Symbol(bias) - multiply(Symbol(RATE), Symbol(q.Derivative(q.TotalError(), bias)))
    return None


@mistake(
    "trained_bias_kept",
    UPDATE,
    "new_b = b",
    "A bias was kept as it was. It is trained here: update it as a weight.",
    whole=True,
)
def trained_bias_kept(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Updated(q.Parameter(index) as bias) if here.layout.trainable[index] and not here.layout.is_weight[index]:
            return Symbol(bias)
    return None


@mistake(
    "weights_kept",
    UPDATE,
    "new_w = w",
    "The old weight was copied. Subtract the rate times the gradient from it.",
    whole=True,
)
def weights_kept(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Updated(q.Parameter(index) as weight) if here.layout.is_weight[index]:
            return Symbol(weight)
    return None


def _over_examples(here: Here, line: Line) -> Expression | None:
    """Return the sum over the examples in the line of an error or gradient of a batch."""
    match line.quantity:
        case q.Error() | q.Derivative(q.TotalError(), q.Parameter()) if here.batch and here.count > 1:
            numbers = here.lines.cycle.numbers
            return add(*(Symbol(q.OfExample(line.quantity, int(number))) for number in numbers))
    return None


def _of_batch(here: Here, line: Line, reduction: Any) -> Expression | None:
    """Return the line of a batch with another reduction over the examples, if it has this one."""
    total = _over_examples(here, line)
    if total is None or here.network.loss.over_examples == reduction:
        return None
    own = reduced(total, reduction, here.count)
    match line.quantity:
        case q.Derivative(q.TotalError(), q.Parameter(index)) if here.lines.penalized(index):
            return own + Symbol(q.Derivative(q.PenaltyError(), q.Parameter(index)))
    return own


@mistake(
    "batch_sum_for_mean",
    UPDATE,
    "Σ over the examples",
    "The examples were added up without dividing by their number. Here a batch is the mean over its examples.",
    whole=True,
)
def batch_sum_for_mean(here: Here, line: Line, _: Any) -> Expression | None:
    return _of_batch(here, line, "sum")


@mistake(
    "batch_mean_for_sum",
    UPDATE,
    "mean over the examples",
    "The sum over the examples was divided by their number. Here a batch is the sum over its examples.",
    whole=True,
)
def batch_mean_for_sum(here: Here, line: Line, _: Any) -> Expression | None:
    return _of_batch(here, line, "mean")


@mistake(
    "last_example_only",
    UPDATE,
    "the gradient of the last example",
    "Only one example was counted. The gradient of a batch needs all of its examples.",
    whole=True,
    forms=(-1, 0),
)
def last_example_only(here: Here, line: Line, which: Any) -> Expression | None:
    if _over_examples(here, line) is None:
        return None
    return Symbol(q.OfExample(line.quantity, int(here.lines.cycle.numbers[which])))


@mistake(
    "betas_swapped",
    UPDATE,
    "beta1 and beta2 change places",
    "The two betas were swapped: beta1 belongs to the mean of the gradient, beta2 to that of its square.",
    whole=True,
)
def betas_swapped(here: Here, line: Line, _: Any) -> Expression | None:
    first, second = q.Named("beta1"), q.Named("beta2")
    match line.quantity:
        case q.Updated() | q.State():
            return swapped(line.expression, {first: second, second: first})
    return None


@mistake(
    "no_bias_correction",
    UPDATE,
    "m̂ = m, v̂ = v",
    "The correction for the start at zero was left out: divide m by 1 - beta1^step and v by 1 - beta2^step.",
    whole=True,
)
def no_bias_correction(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.State("m_hat" | "v_hat" as symbol, index):
            return Symbol(q.Updated(q.State(symbol[0], index)))
    return None


@mistake(
    "step_off_by_one",
    UPDATE,
    "beta^(step + 1)",
    "The number of the step is off by one. It counts from 1: the first update has step 1.",
    whole=True,
    forms=(1.0, -1.0),
)
def step_off_by_one(here: Here, line: Line, by: Any) -> Expression | None:
    step = q.Named("step")
    if here.lines.cycle.step + by < 1 or step not in symbols(line.expression):
        return None
    return substitute(line.expression, lambda key: Symbol(step) + Number(by) if key == step else None)


@mistake(
    "square_not_averaged",
    UPDATE,
    "v = beta2 · v + (1 - beta2) · ∂E/∂w",
    "The gradient was not squared in the second mean. v is the running mean of the squared gradient.",
    whole=True,
)
def square_not_averaged(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Updated(q.State("v")):
            return function_replaced(line.expression, Operator.POWER, lambda pair: pair[0])
    return None


@mistake(
    "root_left_out",
    UPDATE,
    "new_w = w - rate · m̂ / (v̂ + eps)",
    "The root was left out. Divide by the root of the mean square.",
    whole=True,
)
def root_left_out(here: Here, line: Line, _: Any) -> Expression | None:
    if _step(here, line) is None:
        return None
    return function_replaced(line.expression, Operator.SQRT, lambda inner: inner[0])


@mistake(
    "coupled_decay",
    UPDATE,
    "∂E/∂w + decay · w inside the means",
    "The decay was added to the gradient. adamw takes it from the weight itself, beside the step.",
    whole=True,
)
def coupled_decay(here: Here, line: Line, _: Any) -> Expression | None:
    if here.lines.optimizer.name != "adamw" or not here.lines.optimizer.constants.get("weight_decay"):
        return None
    decay = q.Named("weight_decay")
    match line.quantity:
        case q.Updated(q.State("m" | "v", index)):
            gradient, weight = q.Derivative(q.TotalError(), q.Parameter(index)), q.Parameter(index)
            coupled = Symbol(gradient) + multiply(Symbol(decay), Symbol(weight))
            return substitute(line.expression, lambda key: coupled if key == gradient else None)
        case q.Updated(q.Parameter()):
            return with_numbers(line.expression, {decay: 0.0})
    return None
