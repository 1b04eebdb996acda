"""One whole cycle: forward, error, backward, update, and the error with the new weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from clearprop.cached import cached_property
from clearprop.display import Displayable
from clearprop.errors import InvalidArgument, NotFinite, UnknownName
from clearprop.fields import MOST, Unexpected, accepted, integer, number, of_kind, optional, string, suggests_options
from clearprop.messages import abridged
from clearprop.network import names as q
from clearprop.network.examples import Examples
from clearprop.network.names import Names, Quantity
from clearprop.network.notation import NOTATIONS, STATE_WORDS, in_ascii
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem, a_problem
from clearprop.propagation.backward import Gradients, backward
from clearprop.propagation.dropout import masks
from clearprop.propagation.finite import require_finite, require_finite_total, require_finite_update
from clearprop.propagation.forward import Trace, batch_errors, forward, output_errors, penalty_error
from clearprop.propagation.update import Update, clipped_together, initial_state, update
from clearprop.rules.penalties import Penalty
from clearprop.rules.schedules import rate_at
from clearprop.types import Array


class Rounding(NamedTuple):
    """The largest difference between the new parameters of the engine that trained, in ``dtype``, and those that a
    cycle derives in float64; and at which parameter."""

    dtype: str
    difference: float
    parameter: int


class Learning(NamedTuple):
    """The part of a cycle that needs targets: the errors of examples, gradients, the update, and the pass after it."""

    errors: Array
    gradients: Gradients
    update: Update
    after: Trace


@dataclass(frozen=True, repr=False)
class Cycle(Displayable):
    """All numbers of one cycle, and what it started from; without targets, the forward pass alone.

    ``example`` is the number of the one example it ran on, or "all"; ``numbers`` has the number of
    each example of its batch. Both count from 1 in the order of the file, as ``step`` counts from 1, and
    ``epoch``, for which the schedule gave the rate, from 0;
    ``state`` is the optimizer's state before the cycle. ``learning`` is None without targets; then the error, the
    gradients and the update are an ``InvalidArgument`` that says which target is missing.

    >>> import clearprop as cp
    >>> done = cycle(cp.load("lecture"))
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
    learning: Learning | None
    epoch: int
    engine: Rounding | None = None
    """The rounding of the compiled engine, where its parameters are those of that engine."""
    ended: int | None = None
    """The step at which a training in the precision of the settings had no finite numbers any more, if before this
    one: it never had these parameters."""
    trained: Problem | None = None
    """The problem whose training had its parameters, unless they are those of earlier cycles on the same example."""

    @property
    def learnt(self) -> Learning:
        """The errors, gradients and update, which need its targets.

        Raises:
            InvalidArgument: it has none; says which.
        """
        if self.learning is None:
            raise InvalidArgument(
                f"{self.problem.name}: {without_target(self.problem)}; add it to the rows, or give it with --targets"
            )
        return self.learning

    @property
    def errors(self) -> Array:
        """E_k of each example alone, shape (examples, outputs)."""
        return self.learnt.errors

    @property
    def gradients(self) -> Gradients:
        """The gradients of E_total."""
        return self.learnt.gradients

    @property
    def update(self) -> Update:
        """The update by the optimizer."""
        return self.learnt.update

    @property
    def after(self) -> Trace:
        """The forward pass with the new weights."""
        return self.learnt.after

    @property
    def parameters(self) -> Parameters:
        """The old weights and biases."""
        return self.trace.parameters

    @property
    def updated(self) -> Parameters:
        """The new weights and biases."""
        return self.update.parameters

    @cached_property
    def penalty_rule(self) -> Penalty:
        """The penalty of one weight in this batch."""
        return self.problem.penalty.over(self.trace.count)

    @property
    def mean_share(self) -> str | None:
        """The name of an example's share in the batch's mean; None where errors are summed."""
        count = float(self.trace.count)
        share = f"1/{int(count) if count.is_integer() else count}"
        return None if self.problem.network.loss.over_examples == "sum" else share

    @cached_property
    def penalty(self) -> float:
        """The penalty on the old weights."""
        return float(penalty_error(self.penalty_rule, self.parameters))

    @cached_property
    def batch(self) -> Array:
        """E_k of the batch."""
        assert self.learnt
        return batch_errors(self.trace, self.examples.targets)

    @cached_property
    def error(self) -> float:
        """E_total."""
        return float(self.batch.sum()) + self.penalty

    @cached_property
    def error_after(self) -> float:
        """E_total with the new weights, as the lecture ends."""
        errors = batch_errors(self.after, self.examples.targets)
        return float(errors.sum()) + float(penalty_error(self.penalty_rule, self.updated))

    @cached_property
    def names(self) -> Names:
        """The names of the quantities, in the problem's notation."""
        return self.problem.names

    def __repr__(self) -> str:
        step = "" if self.step == 1 else f", step={self.step}"
        total = self.names.text(q.TotalError())
        error = "without targets" if self.learning is None else f"{total}={self.error:.6g}"
        return f"Cycle({self.problem.name!r}, example={self.example!r}{step}, {error})"

    def __getitem__(self, name: str) -> float:
        """Return the value of a quantity by its name: a sum, an output, an error, a parameter, a gradient."""
        return self.value(self.find(accepted(string, name, "name")))

    def find(self, name: str) -> Quantity:
        """Return the quantity of that name in any notation: of the network, or of the optimizer's update."""
        try:
            return self.names.find(name)
        except UnknownName:
            if (found := self._of_update(name)) is None:
                raise
            return found

    def _of_update(self, name: str) -> Quantity | None:
        """Return a constant of the rules, or a number that the optimizer keeps or makes for a parameter."""
        optimizer, penalty = self.problem.optimizer, self.problem.penalty
        named = {"step", self.mean_share, *optimizer.constants, *(key for key in ("l1", "l2") if getattr(penalty, key))}
        named |= {word for each in clipped_together(optimizer, self.parameters.layout) for word in each[:2]}
        named |= {"examples"} if self.penalty_rule.divisor != 1 else set()
        named |= {"weight"} if self.examples.weights is not None else set()
        if name in named:
            return q.Named(name)
        symbols = [*(optimizer.state if self.learning is None else self.update.assigned)]
        symbols += ["clipped"] if optimizer.clip_norm is not None or optimizer.clip_value is not None else []
        new = [(each.new_prefix, each.new_suffix) for each in NOTATIONS.values()]
        new += [(in_ascii(prefix), in_ascii(suffix)) for prefix, suffix in new]
        for prefix, suffix in (("", ""), *new):
            old = name.removeprefix(prefix).removesuffix(suffix)
            for symbol in symbols:
                word = f"{STATE_WORDS.get(symbol, symbol)}_"
                index = self.problem.network.layout.find(old.removeprefix(word)) if old.startswith(word) else None
                if index is not None:
                    return q.State(symbol, index) if old == name else q.Updated(q.State(symbol, index))
        return None

    def row(self, number: int) -> int:
        """Return the position in the batch of the example with that number."""
        if number not in self._rows:
            raise InvalidArgument(f"example {number} is not part of this cycle")
        return self._rows[number]

    @cached_property
    def _rows(self) -> dict[int, int]:
        return {int(number): row for row, number in enumerate(self.numbers)}

    def value(self, quantity: Any, row: int | None = None) -> float:
        """Return the value of a quantity; ``row`` is the example's position in the batch.

        Raises:
            InvalidArgument: the quantity has no value in this cycle, or in a batch more than one.
        """
        found = self.known(quantity, 0 if row is None else row)
        several = row is None and len(self.examples) > 1
        if found is None or (several and isinstance(quantity, q.Derivative) and not _of_parameter(quantity)):
            raise InvalidArgument(f"{self.names.text(quantity)} has no single value in this cycle")
        return float(found)

    def known(self, quantity: Any, row: int) -> Any:
        """Return the value of a quantity of the example in a row of the batch, or None if the cycle has none."""
        match quantity:
            case q.OfExample(q.Error(index), number):
                return self.errors[self.row(number), index]
            case q.OfExample(q.TotalError(), number):
                return self.errors[self.row(number)].sum()
            case q.OfExample(of, number) if not _of_parameter(of):
                return self.known(of, self.row(number))
            case q.Input(index) | q.Output(-1, index):
                return self.examples.inputs[row, index]
            case q.Target(index) if self.learnt:
                return self.examples.targets[row, index]
            case q.Sum(layer, unit):
                return self.trace.sums[layer][row, unit]
            case q.Output(layer, unit):
                return self.trace.outputs[layer][row, unit]
            case q.Error(index):
                return self.batch[index]
            case q.TotalError():
                return self.error
            case q.PenaltyError():
                return self.penalty
            case q.WithoutPenalty():
                return self.batch.sum()
            case q.Parameter(index):
                return self.parameters.vector[index]
            case q.Derivative(q.TotalError(), q.Parameter(index)):
                return self.gradients.of.vector[index]
            case q.Derivative(q.TotalError(), q.Sum(layer, unit)):
                return self.gradients.signals[layer][row, unit]
            case q.Derivative(q.TotalError(), q.Output(layer, unit)) if layer < self.problem.network.depth - 1:
                return self.gradients.signals[layer + 1][row] @ self.parameters.weights(layer + 1)[:, unit]
            case q.LearningRate():
                return self.rate
            case q.Named("weight") if self.examples.weights is not None:
                return self.examples.weights[row]
            case q.Named("step"):
                return self.step
            case q.Named("l1" | "l2" as name):
                return getattr(self.problem.penalty, name)
            case q.Named("examples"):
                return self.trace.count
            case q.Named(name) if name.startswith("clip_factor"):
                return self.update.clip_factors[name]
            case q.Named(name) if name == self.mean_share:
                return 1 / self.trace.count
            case q.Named(name):
                return self.problem.optimizer.constants.get(name)
            case q.State("clipped", index):
                return self.update.gradient[index]
            case q.State(symbol, index) if symbol in self.state:
                return self.state[symbol][index]
            case q.State(symbol, index) | q.Updated(q.State(symbol, index)) if symbol in self.update.assigned:
                return self.update.assigned[symbol][index]
            case q.Updated(q.Parameter(index)):
                return self.updated.vector[index]
        return None


def _of_parameter(quantity: Quantity) -> bool:
    return isinstance(quantity, q.Derivative) and isinstance(quantity.by, q.Parameter)


@suggests_options()
def cycle(
    problem: Problem,
    example: int | Literal["all"] = 1,
    *,
    step: int = 1,
    rate: float | None = None,
    state: Mapping[str, Array] | None = None,
    epoch: int | None = None,
) -> Cycle:
    """Run one cycle in float64 on one example (counted from 1) or on all of them as one batch.

    "All" leaves out the rows set aside for validation. For an example without targets it is the forward pass alone.
    Without a ``rate``, the schedule gives it with each step taken as an epoch, which is right where all examples are
    one batch; a plateau schedule keeps its first rate. ``step`` counts from 1, ``epoch`` from 0; ``state`` is the
    optimizer's state before it.

    Raises:
        InvalidArgument: no such example, or none at all.
        NotFinite: a number became infinite or undefined; names the part.
    """
    accepted(a_problem, problem, "problem")
    example = accepted(number_or_all, example, "example")
    step, epoch = accepted(integer(1), step, "step"), accepted(optional(integer(0)), epoch, "epoch")
    rate = accepted(optional(number), rate, "rate")
    accepted(optional(of_kind(Mapping, "the state of an optimizer")), state, "state")
    examples, positions = _chosen(problem, example)
    parameters, optimizer, told = problem.parameters, problem.optimizer, examples.without_target is None
    # A weighted mean of one example is the example's own error.
    alone = example != "all" and problem.network.loss.over_examples == "weighted_mean"
    weights = examples.weights if told and not alone else None
    epoch = step - 1 if epoch is None else epoch
    if rate is None:
        assert problem.examples is not None
        learnt = len(problem.examples.learnt)
        rate = float(rate_at(optimizer.schedule, optimizer.learning_rate, epoch, step, learnt))
    dropped = masks(problem.network, problem.settings.seed, step, positions)
    with np.errstate(all="ignore"):
        trace = forward(problem.network, parameters, examples.inputs, dropped, weights=weights)
        targets, numbers = examples.targets, positions + 1
        errors = output_errors(trace, targets) if told else np.zeros_like(targets)
        require_finite(problem, trace, targets, errors, numbers)
        usual = initial_state(optimizer, parameters)
        state = usual if state is None else state
        if state.keys() != usual.keys():
            raise InvalidArgument(f"state: expected {', '.join(usual) or 'none'} of the optimizer {optimizer.name}")
        if not told:
            return Cycle(problem, examples, example, numbers, step, rate, state, trace, None, epoch)
        gradients = backward(trace, targets, problem.penalty)
        changed = update(optimizer, parameters, gradients.of, state, step, rate)
        after = forward(problem.network, changed.parameters, examples.inputs, dropped, weights=weights)
        learning = Learning(errors, gradients, changed, after)
        done = Cycle(problem, examples, example, numbers, step, rate, state, trace, learning, epoch)
        require_finite_total(problem, done.error)
        try:
            require_finite_update(problem, trace, targets, numbers, gradients.of, changed)
        except NotFinite as error:
            error.reached = done
            raise
    return done


def without_target(problem: Problem) -> str:
    """Return the sentence that says which targets are missing."""
    if problem.fitted is None:
        return "error and gradients need the targets of this example"
    names = [f'"{abridged(name)}"' for name in problem.fitted.targets]
    columns = f"the column {names[0]}" if len(names) == 1 else f"the columns {', '.join(names)}"
    return f"error and gradients need the target, {columns}"


def _chosen(problem: Problem, example: int | Literal["all"]) -> tuple[Examples, Array]:
    """Return the one example, or all training examples, and their positions in the file."""
    examples = problem.examples
    if examples is None or not (len(examples.learnt) or examples.without_target is not None):
        # A model that learnt from a table, or came from another framework, has no place for examples.
        add = "" if problem.fitted is not None or problem.of_others else "add one under [[examples]], "
        ways = f"{add}name a table with --data, or give one with --inputs"
        raise InvalidArgument(f"{problem.name}: there is no example to run it on; {ways}")
    if example != "all":
        return examples.only(example), np.array([example - 1])
    if not len(examples.learnt) and examples.without_target is not None:
        return examples.take(examples.without_target), examples.without_target
    return examples if examples.training is None else examples.take(examples.learnt), examples.learnt


def number_or_all(value: Any) -> int | Literal["all"]:
    """Accept the number of an example, or "all"; whether there is one of that number is checked where it is taken."""
    if isinstance(value, str) and value == "all":
        return "all"
    try:
        return integer(-MOST)(value)
    except Unexpected:
        raise Unexpected('the number of an example, counted from 1, or "all"') from None


def following(done: Cycle) -> Cycle:
    """Run the next cycle on the same example, from the new weights and the optimizer's new state."""
    problem = replace(done.problem, parameters=done.updated)
    return cycle(problem, done.example, step=done.step + 1, state=done.update.state)


def moments(cycles: Sequence[Cycle]) -> list[tuple[float, Parameters]]:
    """Return E_total and the parameters at the start of successive cycles, and after each of them."""
    first = cycles[0]
    return [(first.error, first.parameters), *((done.error_after, done.updated) for done in cycles)]
