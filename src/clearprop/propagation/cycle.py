"""One whole cycle: forward, error, backward, update, and the error with the new weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from clearprop.display import Shown
from clearprop.errors import InvalidArgument, NotFinite
from clearprop.expressions import Expression, Symbol, not_finite_part, substitute, text
from clearprop.network import names as q
from clearprop.network.examples import Examples
from clearprop.network.names import Names, Quantity
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.backward import Gradients, backward
from clearprop.propagation.dropout import masks
from clearprop.propagation.forward import Trace, batch_errors, forward, output_errors, penalty_error
from clearprop.propagation.update import Update, initial_state, update
from clearprop.rules.activations import Activation
from clearprop.rules.roles import Role
from clearprop.rules.schedules import rate_at
from clearprop.types import Array


class Rounding(NamedTuple):
    """How far the engine that trained, in its own precision, is from what a cycle derives in float64:
    the largest difference between their new parameters, and at which."""

    dtype: str
    difference: float
    parameter: int


@dataclass(frozen=True)
class Cycle(Shown):
    """Everything that one cycle computed, and what it started from.

    ``example`` is the number of the one example it ran on, or "all"; ``numbers`` has the number of
    each example of its batch. Both count from 1 in the order of the file, as ``step`` counts from 1;
    ``state`` is what the optimizer remembered before.

    >>> from clearprop.network.read import read_file
    >>> done = cycle(read_file("lecture"))
    >>> round(done["output_o1"], 5), round(done.gradients["w5"], 5), round(done.updated["w5"], 5)
    (0.73493, 0.0802, 0.45188)
    """

    problem: Problem
    examples: Examples
    example: int | Literal["all"]
    numbers: Array
    step: int
    rate: float
    state: Mapping[str, Array]
    trace: Trace
    errors: Array
    gradients: Gradients
    update: Update
    after: Trace
    engine: Rounding | None = None
    """Where its parameters are those of the compiled engine."""

    @property
    def parameters(self) -> Parameters:
        """The old weights and biases."""
        return self.trace.parameters

    @property
    def updated(self) -> Parameters:
        """The new weights and biases."""
        return self.update.parameters

    @cached_property
    def penalty(self) -> float:
        """The penalty on the old weights."""
        return float(penalty_error(self.problem.penalty, self.parameters))

    @cached_property
    def batch(self) -> Array:
        """E_k of the batch."""
        return batch_errors(self.trace, self.examples.targets)

    @cached_property
    def error(self) -> float:
        """E_total."""
        return float(self.batch.sum()) + self.penalty

    @cached_property
    def error_after(self) -> float:
        """E_total with the new weights, as the lecture ends."""
        errors = batch_errors(self.after, self.examples.targets)
        return float(errors.sum()) + float(penalty_error(self.problem.penalty, self.updated))

    @cached_property
    def names(self) -> Names:
        """What the quantities are called, in the problem's notation."""
        return self.problem.names

    def __getitem__(self, name: str) -> float:
        """The value of a sum, output, error, parameter or updated parameter, by its name."""
        return self.value(self.names.find(name))

    def value(self, quantity: Quantity, row: int = 0) -> float:
        """The value of a quantity; ``row`` is the example's position in the batch."""
        match quantity:
            case q.Input(index) | q.Output(-1, index):
                return float(self.examples.inputs[row, index])
            case q.Target(index):
                return float(self.examples.targets[row, index])
            case q.Named("weight") if self.examples.weights is not None:
                return float(self.examples.weights[row])
            case q.Sum(layer, unit):
                return float(self.trace.sums[layer][row, unit])
            case q.Output(layer, unit):
                return float(self.trace.outputs[layer][row, unit])
            case q.Error(index):
                return float(self.batch[index])
            case q.TotalError():
                return self.error
            case q.PenaltyError():
                return self.penalty
            case q.Parameter(index):
                return float(self.parameters.vector[index])
            case q.Updated(q.Parameter(index)):
                return float(self.updated.vector[index])
            case q.Updated(q.State(symbol, index)) | q.State(symbol, index) if symbol in self.update.assigned:
                if isinstance(quantity, q.State) and symbol in self.state:
                    return float(self.state[symbol][index])
                return float(self.update.assigned[symbol][index])
            case q.LearningRate():
                return self.rate
            case q.Derivative(q.TotalError(), q.Parameter(index)):
                return float(self.gradients.of.vector[index])
            case q.Derivative(q.TotalError(), q.Sum(layer, unit)) if len(self.examples) == 1:
                return float(self.gradients.signals[layer][row, unit])
        raise InvalidArgument(f"{self.names.text(quantity)} has no single value in this cycle")


def cycle(
    problem: Problem,
    example: int | Literal["all"] = 1,
    *,
    step: int = 1,
    rate: float | None = None,
    state: Mapping[str, Array] | None = None,
) -> Cycle:
    """One cycle in float64 on one example (counted from 1) or on all of them as one batch.

    All are those that are learnt from, where some are set aside. Unless a ``rate`` is given it is what
    the schedule says if each step is an epoch, as it is where all examples are one batch; the loss
    that a plateau waits for is not watched here.

    Raises:
        InvalidArgument: no such example, or none at all.
        NotFinite: a number became infinite or undefined; names the part.
    """
    examples, positions = chosen_examples(problem, example)
    parameters, weights = problem.parameters, examples.weights
    dropped = masks(problem.network, problem.settings.seed, step, positions)
    with np.errstate(all="ignore"):
        trace = forward(problem.network, parameters, examples.inputs, dropped, weights=weights)
        errors = output_errors(trace, examples.targets)
        numbers = positions + 1
        require_finite(problem, trace, examples.targets, errors, numbers)
        gradients = backward(trace, examples.targets, problem.penalty)
        state = initial_state(problem.optimizer, parameters) if state is None else state
        rate = scheduled(problem, step) if rate is None else rate
        changed = update(problem.optimizer, parameters, gradients.of, state, step, rate)
        require_finite_update(problem, gradients.of, changed)
        after = forward(problem.network, changed.parameters, examples.inputs, dropped, weights=weights)
    return Cycle(problem, examples, example, numbers, step, rate, state, trace, errors, gradients, changed, after)


def chosen_examples(problem: Problem, example: int | Literal["all"]) -> tuple[Examples, Array]:
    """The one example, or all that are learnt from, and their positions in the file.

    Raises:
        InvalidArgument: no such example, or none at all.
    """
    examples = problem.examples
    if examples is None or not len(examples.learnt):
        raise InvalidArgument(
            f"{problem.name}: there is no example to run it on; add one under [[examples]], or name a table with --data"
        )
    if example != "all":
        return examples.only(example), np.array([example - 1])
    return examples if examples.training is None else examples.take(examples.learnt), examples.learnt


def scheduled(problem: Problem, step: int) -> float:
    """The learning rate of a step (counted from 1) that is an epoch of its own."""
    optimizer = problem.optimizer
    return float(rate_at(optimizer.schedule, optimizer.learning_rate, step - 1, step))


def following(done: Cycle) -> Cycle:
    """The next cycle on the same example: from the new weights, with what the optimizer remembers."""
    problem = replace(done.problem, parameters=done.updated)
    return cycle(problem, done.example, step=done.step + 1, state=done.update.state)


def moments(cycles: Sequence[Cycle]) -> list[tuple[float, Parameters]]:
    """E_total and the parameters at the start of successive cycles, and after each of them."""
    first = cycles[0]
    return [(first.error, first.parameters), *((done.error_after, done.updated) for done in cycles)]


def placed(tree: Expression, names: Mapping[Any, str]) -> Expression:
    """The tree with its roles called by name."""
    return substitute(tree, lambda key: Symbol(names[key]) if key in names else None)


def require_finite(problem: Problem, trace: Trace, targets: Array, errors: Array, numbers: Array) -> None:
    """Refuse a forward pass with a number that is not finite, naming the first and its part.

    ``numbers`` says which examples these are, counted from 1.

    Raises:
        NotFinite: where, and which part of which expression.
    """
    names = problem.names
    for layer, (sums, outputs) in enumerate(zip(trace.sums, trace.outputs, strict=True)):
        rule = trace.network.layers[layer].rule
        for values, kind in ((sums, q.Sum), (outputs, q.Output)):
            if np.all(np.isfinite(values)):
                continue
            row, unit = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
            what = names.text(kind(layer, unit))
            why = f"; layer {layer + 1}, example {numbers[row]}"
            if kind is q.Output and isinstance(rule, Activation):
                given = {Role.SUM: sums[row, unit]}
                part = not_finite_part(rule.formula, given)
                name = names.text(q.Sum(layer, unit))
                shown = text(placed(part, {Role.SUM: name})) if part else rule.name
                why += f"; {shown} is not finite at {name} = {float(sums[row, unit]):.6g}"
            elif kind is q.Sum:
                why += "; weights or inputs are too large"
            raise NotFinite(f"{what} is {values[row, unit]}{why}")
    if not np.all(np.isfinite(errors)):
        row, k = (int(i) for i in np.argwhere(~np.isfinite(errors))[0])
        loss = trace.network.loss.rule
        given = {Role.OUTPUT: trace.outputs[-1][row, k], Role.TARGET: targets[row, k]}
        part = not_finite_part(loss.formula, given)
        values_of: dict[Any, str] = {
            Role.OUTPUT: names.text(q.Output(trace.network.depth - 1, k)),
            Role.TARGET: names.text(q.Target(k)),
        }
        shown = text(placed(part, values_of)) if part else loss.name
        at = f"{values_of[Role.OUTPUT]} = {float(given[Role.OUTPUT]):.6g}, "
        at += f"{values_of[Role.TARGET]} = {float(given[Role.TARGET]):.6g}"
        if trace.weights is not None:
            at += f", weight = {float(trace.weights[row]):.6g}"
        raise NotFinite(
            f"{names.text(q.Error(k))} is {errors[row, k]}; example {numbers[row]}; {shown} is not finite at {at}"
        )


def require_finite_update(problem: Problem, gradients: Parameters, changed: Update) -> None:
    """Refuse gradients or new parameters that are not finite.

    Raises:
        NotFinite: naming the first parameter, where it is and what to try.
    """
    layout, network = gradients.layout, problem.network
    for vector, what in (
        (gradients.vector, "the gradient of"),
        (changed.parameters.vector, "the new value of"),
    ):
        if not np.all(np.isfinite(vector)):
            index = int(np.argmax(~np.isfinite(vector)))
            layer, unit, source = layout.place(index)
            shared = source is None and network.layers[layer].bias == "shared"
            where = f"layer {layer + 1}" + ("" if shared else f", unit {network.unit_names[layer][unit]}")
            raise NotFinite(
                f"{what} {layout.name(index)} is {vector[index]}, in {where}; "
                "try a smaller learning rate, smaller weights, or clip_norm under [optimizer]"
            )
