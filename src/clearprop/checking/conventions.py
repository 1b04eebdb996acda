"""Conventions: choices that others make differently, and whose results are as legitimate.

A convention changes what a network declares, by a key of its file where there is one; otherwise it rewrites lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from clearprop.checking.here import Here
from clearprop.checking.mistake import Mistake, Rule
from clearprop.derivation.lines import Line, Lines, Stage
from clearprop.expressions import Apply, Expression, Operator, Symbol, substitute
from clearprop.expressions.tree import add, multiply, sqrt
from clearprop.messages import brief
from clearprop.network import names as q
from clearprop.network.description import Network, Objective
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle, cycle
from clearprop.rules.losses import loss
from clearprop.rules.optimizers import optimizer
from clearprop.rules.penalties import Penalty

Alter = Callable[[Problem, bool], tuple[str, Problem] | None]
"""The declaration of another convention, as an assignment in the network file, and the problem with it; the second
argument says whether the cycle is one of a batch."""


@dataclass(frozen=True)
class Convention:
    """A convention: ``says`` is the choice in words; it has either another declaration or a rule for lines."""

    name: str
    says: str
    alter: Alter | None = None
    rule: Rule | None = None
    whole: bool = False

    def change(self, problem: Problem, batch: bool) -> str | None:
        """Return the assignment in the network file that declares it, or None where no key does."""
        altered = None if self.alter is None else self.alter(problem, batch)
        return None if altered is None else altered[0]

    def expressions(self, lines: Lines) -> Callable[[Line], Expression | None]:
        """Return the rewrite of the lines of one cycle."""
        if self.rule is not None:
            return Mistake(self.name, Stage.FORWARD, "", "", "", self.rule, whole=self.whole).rewrite(lines)
        assert self.alter is not None
        altered = self.alter(lines.cycle.problem, lines.batch)
        if altered is None:
            return lambda line: None
        others = Lines(again(lines.cycle, altered[1]))

        def rewritten(line: Line) -> Expression | None:
            if line.quantity not in others:
                return None
            other = others[line.quantity].expression
            return None if other == line.expression else other

        return rewritten


def again(done: Cycle, problem: Problem) -> Cycle:
    """Return the cycle of another problem on the same examples, at the same step."""
    return cycle(
        replace(problem, examples=done.problem.examples),
        done.example,
        step=done.step,
        rate=done.rate,
        state=done.state,
        epoch=done.epoch,
    )


def _with_objective(problem: Problem, **changes: Any) -> Problem:
    network = problem.network
    objective = Objective(**{
        "rule": network.loss.rule,
        "over_outputs": network.loss.over_outputs,
        "over_examples": network.loss.over_examples,
        **changes,
    })  # fmt: skip
    return replace(problem, network=Network(network.inputs, network.layers, objective))


def _other_loss(own: str, other: str) -> Alter:
    def alter(problem: Problem, _: bool) -> tuple[str, Problem] | None:
        if problem.network.loss.rule.name != own:
            return None
        return f'loss.name = "{other}"', _with_objective(problem, rule=loss(other))

    return alter


def _over_outputs(problem: Problem, _: bool) -> tuple[str, Problem] | None:
    if problem.network.sizes[-1] < 2:
        return None
    other = "mean" if problem.network.loss.over_outputs == "sum" else "sum"
    return f'loss.over_outputs = "{other}"', _with_objective(problem, over_outputs=other)


def _over_examples(problem: Problem, batch: bool) -> tuple[str, Problem] | None:
    if not batch or problem.examples is None or len(problem.examples.learnt) < 2:
        return None
    other = "mean" if problem.network.loss.over_examples == "sum" else "sum"
    return f'loss.over_examples = "{other}"', _with_objective(problem, over_examples=other)


def _penalty(factor: Callable[[Problem], float]) -> Alter:
    def alter(problem: Problem, _: bool) -> tuple[str, Problem] | None:
        if not problem.penalty.l2 or factor(problem) == 1:
            return None
        l2 = problem.penalty.l2 * factor(problem)
        return f"penalty.l2 = {brief(l2)}", replace(problem, penalty=Penalty(l2=l2, l1=problem.penalty.l1))

    return alter


def _rows(problem: Problem) -> float:
    return float(1 if problem.examples is None else len(problem.examples.learnt))


def _other_form(key: str, *, with_momentum: bool = False) -> Alter:
    """Return the change to the other of an optimizer's two forms, where it has both."""

    def alter(problem: Problem, _: bool) -> tuple[str, Problem] | None:
        own = problem.optimizer
        if key not in own.hyperparameters or (with_momentum and not own.constants.get("momentum")):
            return None
        other = not own.hyperparameters[key]
        options = {**own.hyperparameters, key: other, "learning_rate": own.learning_rate, "schedule": own.schedule}
        changed = optimizer(own.name, **options, **own.clips)
        return f"optimizer.{key} = {str(other).lower()}", replace(problem, optimizer=changed)

    return alter


def _target_minus_output(here: Here, line: Line, _: Any) -> Expression | None:
    if here.is_first_signal(line.quantity) is not None:
        return -line.expression
    match line.quantity:
        case q.Derivative(q.TotalError(), q.Parameter(index)) if not here.batch and here.lines.penalized(index):
            assert isinstance(line.expression, Apply)
            own, penalty = line.expression.arguments
            return own - penalty
        case q.Updated(q.Parameter(index)) if here.layout.trainable[index] and not here.batch:
            if isinstance(line.expression, Apply) and line.expression.operator is Operator.SUBTRACT:
                return add(*line.expression.arguments)
    return None


def _threshold(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Sum(layer, unit) if (bias := here.bias(layer, unit)) is not None:
            return here.weighted(layer, unit, bias=-bias)
        case q.Derivative(q.TotalError(), q.Parameter(index)) if here.place(index).source is None:
            return -line.expression
    return None


def _numbered_otherwise(here: Here, line: Line, _: Any) -> Expression | None:
    """Take weights that are listed unit by unit as listed input by input."""

    def other(layer: int, unit: int, source: int) -> Expression:
        inputs, units = here.sizes[layer], here.sizes[layer + 1]
        at = source * units + unit
        return here.weight(layer, at // inputs, at % inputs)

    match line.quantity:
        case q.Sum(layer, unit):
            return here.weighted(layer, unit, weight=lambda i: other(layer, unit, i))
        case q.Derivative(q.TotalError(), q.Parameter(index)) if here.place(index).source is not None:
            layer, unit, source = here.place(index)
            assert source is not None
            inputs, units = here.sizes[layer], here.sizes[layer + 1]
            at = unit * inputs + source
            return here.gradient(index, multiply(here.signal(layer, at % units), here.seen(layer, at // units)))
        case q.Derivative(q.TotalError(), q.Output(layer, unit)) if layer < here.last:
            after = range(here.sizes[layer + 2])
            return add(*(multiply(here.signal(layer + 1, v), other(layer + 1, v, unit)) for v in after))
    return None


def _velocity_as_mean(here: Here, line: Line, _: Any) -> Expression | None:
    """The velocity is a running mean: b = momentum · b + (1 - momentum) · gradient."""
    momentum = here.lines.optimizer.constants.get("momentum")
    match line.quantity:
        case q.Updated(q.State("b", index)) if momentum and here.lines.optimizer.name == "sgd":
            gradient = q.Derivative(q.TotalError(), q.Parameter(index))
            part = multiply(1 - Symbol(q.Named("momentum")), Symbol(gradient))
            return substitute(line.expression, lambda key: part if key == gradient else None)
    return None


def _epsilon_in_root(here: Here, line: Line, _: Any) -> Expression | None:
    if "eps_in_sqrt" in here.lines.optimizer.hyperparameters:
        return None
    eps = Symbol(q.Named("eps"))

    def moved(tree: Expression) -> Expression:
        match tree:
            case Apply(Operator.ADD, (Apply(Operator.SQRT, (inner,)), last)) if last == eps:
                return sqrt(inner + eps)
            case Apply(operator, arguments):
                return Apply(operator, tuple(map(moved, arguments)))
        return tree

    return moved(line.expression) if isinstance(line.quantity, q.Updated) else None


def _shared_biases(here: Here, line: Line, _: Any) -> Expression | None:
    match line.quantity:
        case q.Derivative(q.TotalError(), q.Parameter(index)) if here.place(index).source is None:
            layer = here.place(index).layer
            size = here.sizes[layer + 1]
            if (
                here.network.layers[layer].bias == "unit"
                and len(set(here.lines.cycle.parameters.biases(layer))) == 1 < size
            ):
                return add(*(here.signal(layer, u) for u in range(size)))
    return None


def _own_share(problem: Problem) -> float:
    return 1 / _rows(problem)


CONVENTIONS: dict[str, Convention] = {
    each.name: each
    for each in (
        Convention(
            "error_without_half",
            "the error is (target - output)², without ½",
            _other_loss("half_squared_error", "squared_error"),
        ),
        Convention(
            "error_with_half", "the error is ½ (target - output)²", _other_loss("squared_error", "half_squared_error")
        ),
        Convention(
            "other_reduction_over_outputs",
            "the errors of the outputs are averaged where they are added up here, or the other way round",
            _over_outputs,
        ),
        Convention(
            "other_reduction_over_examples",
            "the examples of a batch are averaged where they are added up here, or the other way round",
            _over_examples,

        ),
        Convention(
            "signal_of_target_minus_output",
            "the error signal has the sign of target - output, and the update is added",
            rule=_target_minus_output,
        ),
        Convention("thresholds_subtracted", "a bias is a threshold: it is subtracted from the sum", rule=_threshold),
        Convention(
            "weights_numbered_by_input",
            "the weights are numbered input by input, not unit by unit",
            rule=_numbered_otherwise,
        ),
        Convention("biases_shared", "the units of a layer share one bias", rule=_shared_biases),
        Convention("penalty_without_half", "the penalty is l2 · Σw², without ½", _penalty(lambda _: 2.0)),
        Convention("penalty_per_example", "the penalty is divided by the number of examples", _penalty(_own_share)),
        Convention(
            "velocity_of_change",
            "the velocity has the rate in it, and is the change itself (or the other way round)",
            _other_form("rate_in_velocity", with_momentum=True),
        ),
        Convention(
            "root_with_epsilon", "eps stands inside the root (or outside it)", _other_form("eps_in_sqrt")
        ),
        Convention(
            "correction_in_rate",
            "the correction for the start at zero is in the rate, so that eps is added to another root",
            _other_form("correction_in_rate"),
        ),
        Convention(
            "velocity_as_mean",
            "the velocity is a running mean: the gradient counts 1 - momentum",
            rule=_velocity_as_mean,
            whole=True,
        ),
        Convention("epsilon_in_root", "eps stands inside the root", rule=_epsilon_in_root, whole=True),
    )
}  # fmt: skip
"""All known conventions by name."""
