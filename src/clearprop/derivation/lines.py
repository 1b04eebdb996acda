"""A cycle as lines: each quantity with its expression over quantities that stand above it.

    sum_h1 = i1 · w1 + i2 · w3 + b1            output_h1 = logistic(sum_h1)
    E_1 = ½ (target_1 - output_o1)²            E_total = E_1 + E_2
    ∂E_total/∂output_o1 = output_o1 - target_1
    ∂E_total/∂sum_o1 = ∂E_total/∂output_o1 · ∂output_o1/∂sum_o1
    ∂E_total/∂w5 = ∂E_total/∂sum_o1 · output_h1
    new_w5 = w5 - n · ∂E_total/∂w5

The lines stand in the order in which an explanation first prints them. Every expression is read from a rule;
a line is built when it is looked up, so that one line of a large network costs no more than that line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from clearprop.cached import cached_property
from clearprop.derivation.example_lines import ExampleLines, Formula
from clearprop.derivation.shares import WEIGHT, reduced
from clearprop.errors import InvalidArgument
from clearprop.expressions import Expression, Symbol, renamed, substitute, symbols
from clearprop.expressions import evaluate as evaluated
from clearprop.expressions.tree import add, multiply, sqrt
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle
from clearprop.propagation.update import Together, clipped_together
from clearprop.rules.activations import Activation
from clearprop.rules.roles import Role


class Stage(Enum):
    """The part of a cycle that a line belongs to."""

    FORWARD = "forward"
    ERROR = "error"
    OUTPUT_SIGNAL = "output signal"
    WEIGHT_GRADIENT = "weight gradient"
    HIDDEN_SIGNAL = "hidden signal"
    UPDATE = "update"


@dataclass(frozen=True)
class Line:
    """A quantity and its expression; its symbols are quantities above it, or given.

    ``exact`` is the same number from the weighted sums, where the expression loses digits near saturation;
    ``rewritten`` says that the expression is not the rules' own.
    """

    quantity: Quantity
    expression: Expression
    stage: Stage
    exact: Expression | None = None
    rewritten: bool = False

    @property
    def uses(self) -> frozenset[Any]:
        """The quantities in the expression."""
        return symbols(self.expression)


Rewrite = Callable[[Line], Expression | None]
"""A rule that gives another expression for a line, or None to leave the line as it is."""


def evaluate(line: Line, numbers: Mapping[Any, float]) -> float:
    """Return the value of a line for any numbers of the quantities in its expression."""
    return float(evaluated(line.expression, {key: numbers[key] for key in line.uses}))


class Lines:
    """The lines of a cycle, in computing order.

    In a batch, sums, outputs and error signals belong to an example (``OfExample``); errors and gradients have
    a line for each example and one for their sum or mean.

    >>> import clearprop as cp
    >>> from clearprop.propagation.cycle import cycle
    >>> lines = Lines(cycle(cp.load("lecture")))
    >>> line = lines[lines.cycle.names.find("new_w5")]
    >>> evaluate(line, {key: lines.cycle.value(key) for key in line.uses})
    0.451878...
    """

    def __init__(self, cycle: Cycle, rewrites: tuple[Rewrite, ...] = ()) -> None:
        self.cycle, self.rewrites = cycle, rewrites
        self.batch = cycle.example == "all"
        self.network, self.layout = cycle.problem.network, cycle.parameters.layout
        self.penalty, self.optimizer = cycle.penalty_rule, cycle.problem.optimizer
        self._examples: dict[int, ExampleLines] = {}
        self._of_example: dict[tuple[Quantity, int], Line] = {}

    def rewritten(self, rule: Rewrite) -> Lines:
        """Return these lines with those that the rule rewrites, each seen as it is here."""
        return Lines(self.cycle, (*self.rewrites, rule))

    # --- one line ----------------------------------------------------------------------------------

    def __getitem__(self, quantity: Any) -> Line:
        """Return the line of a quantity.

        Raises:
            InvalidArgument: the quantity is given, or is not part of this cycle.
        """
        found = self._formula(quantity)
        if found is None:
            raise InvalidArgument(f"{self.cycle.names.text(quantity)} is given, or no line of this cycle computes it")
        line = Line(quantity, found.expression, self.stage(quantity), found.exact)
        for rule in self.rewrites:
            expression = rule(line)
            if expression is not None:
                line = replace(line, expression=expression, exact=None, rewritten=True)
        return line

    def of_example(self, quantity: Quantity, row: int) -> Line:
        """Return the line of a quantity of the example in a row of the batch, without the example's number."""
        if not self.batch:
            return self[quantity]
        if (quantity, row) not in self._of_example:  # each mistake asks for it
            line = self[q.OfExample(quantity, int(self.cycle.numbers[row]))]
            exact = None if line.exact is None else without_example(line.exact)
            plain = replace(line, quantity=quantity, expression=without_example(line.expression), exact=exact)
            self._of_example[quantity, row] = plain
        return self._of_example[quantity, row]

    def __contains__(self, quantity: Any) -> bool:
        return self._formula(quantity) is not None

    def _formula(self, quantity: Quantity) -> Formula | None:
        """Return the formula as the rules give it, or None if none does."""
        match quantity:
            case q.OfExample(of, number) if self.batch:
                own = self.example(self.cycle.row(number))[of]
                return own and own.each(lambda tree: of_example(tree, number))
            case q.PenaltyError() if self.penalty:
                return Formula(add(*self.penalty_terms()))
            case q.TotalError():
                errors: list[Quantity] = [q.Error(k) for k in range(self.network.sizes[-1])]
                return Formula(add(*map(Symbol, [*errors, q.PenaltyError()] if self.penalty else errors)))
            case q.Derivative(q.TotalError(), q.Parameter(index)) if self.penalized(index):
                own_part = self._of_errors(quantity).expression
                return Formula(own_part + Symbol(q.Derivative(q.PenaltyError(), q.Parameter(index))))
            case q.Derivative(q.WithoutPenalty(), q.Parameter() as by):
                return self._of_errors(q.Derivative(q.TotalError(), by))
            case q.Error() | q.Derivative(q.TotalError() | q.Error(), q.Parameter()):
                return self._of_errors(quantity)
            case q.Derivative(q.PenaltyError(), q.Parameter(index)) if self.penalized(index):
                return Formula(renamed(self.penalty.symbolic_slope.simplified, penalty_places(index)))
            case q.Named(name) if (formula := self._clipping(name)) is not None:
                return formula
            case q.Updated(q.Sum() | q.Output() | q.Error() | q.TotalError() | q.PenaltyError() as of):
                own = self._formula(of)
                return own and Formula(with_new_weights(own.expression))
            case q.Updated(q.Parameter(index)) | q.Updated(q.State(_, index)) | q.State(_, index):
                assigned = self.update(index).get(quantity)
                return None if assigned is None else Formula(assigned)
        return None if self.batch else self.example(0)[quantity]

    def example(self, row: int) -> ExampleLines:
        """Return the formulas of the example in a row of the batch."""
        if row not in self._examples:
            self._examples[row] = ExampleLines(self.cycle, row)
        return self._examples[row]

    def stage(self, quantity: Quantity) -> Stage:
        """Return the part of the cycle that computes a quantity."""
        match quantity:
            case q.OfExample(of, _):
                return self.stage(of)
            case q.Sum() | q.Output():
                return Stage.FORWARD
            case q.Error() | q.TotalError() | q.PenaltyError():
                return Stage.ERROR
            case q.Derivative(_, q.Parameter()):
                return Stage.WEIGHT_GRADIENT
            case q.Derivative(_, q.Sum(layer, _) | q.Output(layer, _)):
                return Stage.OUTPUT_SIGNAL if layer == self.network.depth - 1 else Stage.HIDDEN_SIGNAL
        return Stage.UPDATE

    # --- sums over examples, outputs and weights ---------------------------------------------------------

    def _of_errors(self, quantity: Quantity) -> Formula:
        """Return the formula of an error or gradient without the penalty: in a batch, the sum or mean over examples."""
        if not self.batch:
            found = self.example(0)[quantity]
            assert found is not None
            return found
        numbers = self.cycle.numbers
        total = add(*(Symbol(q.OfExample(quantity, int(number))) for number in numbers))
        return Formula(reduced(total, self.network.loss.over_examples, self.cycle.trace.count))

    def penalized(self, index: int) -> bool:
        """Return whether the penalty is on a parameter: on weights, not on biases."""
        return bool(self.penalty) and bool(self.layout.is_weight[index])

    def penalty_terms(self) -> Iterator[Expression]:
        """Yield the penalty's term for each weight."""
        for index in np.flatnonzero(self.layout.is_weight):
            yield renamed(self.penalty.formula, {Role.WEIGHT: q.Parameter(int(index))})

    # --- the update ----------------------------------------------------------------------------------

    def update(self, index: int) -> dict[Quantity, Expression]:
        """Return the optimizer's assignments for one parameter, in order; a frozen bias keeps its value."""
        parameter, optimizer = q.Parameter(index), self.optimizer
        new = q.Updated(parameter)
        if not self.layout.trainable[index]:
            return {new: Symbol(parameter)}
        places: dict[Any, Quantity] = {
            Role.WEIGHT: parameter,
            Role.GRADIENT: q.Derivative(q.TotalError(), parameter),
            Role.RATE: q.LearningRate(),
            Role.STEP: q.Named("step"),
            **{name: q.Named(name) for name in optimizer.constants},
            **{name: q.State(name, index) for name in optimizer.state},
        }
        assigned: dict[Quantity, Expression] = {}
        if optimizer.clip_norm is not None or optimizer.clip_value is not None:
            clipped = renamed(optimizer.bounded, places)
            places[Role.GRADIENT] = q.State("clipped", index)
            factors = (q.Named(each.factor) for each in self.together if each.span.start <= index < each.span.stop)
            assigned[places[Role.GRADIENT]] = multiply(*map(Symbol, factors), clipped)
        for symbol, expression in optimizer.assignments:
            state = q.State(str(symbol.key), index)
            target = (
                new if symbol.key is Role.WEIGHT else q.Updated(state) if state.symbol in optimizer.state else state
            )
            assigned[target] = renamed(expression, places)
            places[symbol.key] = target
        return assigned

    @cached_property
    def together(self) -> list[Together]:
        """The variables that are clipped by one norm, together."""
        return list(clipped_together(self.optimizer, self.layout))

    def _clipping(self, name: str) -> Formula | None:
        """Return the formula of a norm that is clipped, or of the factor that follows from it."""
        for each in self.together:
            if name == each.norm:
                return Formula(self._norm(each.span))
            if name == each.factor:
                return Formula(renamed(self.optimizer.clip_factor, {"norm": q.Named(each.norm)}))
        return None

    def _norm(self, span: slice) -> Expression:
        trained = np.flatnonzero(self.layout.trainable[span]) + span.start
        gradients = (q.Derivative(q.TotalError(), q.Parameter(int(index))) for index in trained)
        return sqrt(add(*(renamed(self.optimizer.bounded, {Role.GRADIENT: g}) ** 2 for g in gradients)))

    # --- all lines, in computing order -------------------------------------------------------------------

    def __iter__(self) -> Iterator[Line]:
        return (self[quantity] for quantity in self.quantities())

    def quantities(self) -> Iterator[Quantity]:
        """Yield the quantities of all lines, in computing order.

        Where the norm of the whole gradient is clipped, all updates follow the last gradient.
        """
        yield from self._forward()
        for layer in reversed(range(self.network.depth)):
            yield from self._backward(layer)
        if self.together:
            for each in self.together:
                yield q.Named(each.norm)
                yield q.Named(each.factor)
            for index in range(len(self.cycle.parameters)):
                yield from self.update(index)

    def _forward(self) -> Iterator[Quantity]:
        errors: list[Quantity] = [q.Error(k) for k in range(self.network.sizes[-1])]
        own = [quantity for layer in range(self.network.depth) for quantity in self._units(layer)]
        if self.batch:
            own += [*errors, q.TotalError()]
        yield from self._each(own)
        yield from errors
        if self.penalty:
            yield q.PenaltyError()
        yield q.TotalError()

    def _units(self, layer: int) -> list[Quantity]:
        """Return the sums and outputs of a layer, unit by unit; an output of softmax needs all sums first."""
        units = range(self.network.sizes[layer + 1])
        if isinstance(self.network.layers[layer].rule, Activation):
            return [kind(layer, unit) for unit in units for kind in (q.Sum, q.Output)]
        return [kind(layer, unit) for kind in (q.Sum, q.Output) for unit in units]

    def _backward(self, layer: int) -> Iterator[Quantity]:
        """Yield each error signal of a layer before the gradients of its unit's weights; then those of the biases."""
        total, size = q.TotalError(), self.network.sizes[layer + 1]
        scalar = isinstance(self.network.layers[layer].rule, Activation)
        by_output = [q.Derivative(total, q.Output(layer, v)) for v in range(size)]
        alone = self.example(0).fused_softmax(layer)
        if not scalar and not alone:
            yield from self._each(by_output)
        weights, biases = self.layout.weights[layer], self.layout.biases[layer]
        inputs = self.network.sizes[layer]
        for u in range(size):
            links = [q.Derivative(q.Output(layer, v), q.Sum(layer, u)) for v in ([u] if scalar else range(size))]
            before = [] if alone else [by_output[u], *links] if scalar else links
            yield from self._each([*before, q.Derivative(total, q.Sum(layer, u))])
            for index in range(weights.start + u * inputs, weights.start + (u + 1) * inputs):
                yield from self._gradient(index)
        for index in range(biases.start, biases.stop):
            yield from self._gradient(index)

    def _each(self, quantities: Sequence[Quantity]) -> Iterator[Quantity]:
        """Yield these quantities of one example after the other."""
        if not self.batch:
            yield from quantities
            return
        for number in self.cycle.numbers:
            yield from (q.OfExample(quantity, int(number)) for quantity in quantities)

    def _gradient(self, index: int) -> Iterator[Quantity]:
        """Yield the gradient of a parameter, and its update."""
        gradient = q.Derivative(q.TotalError(), q.Parameter(index))
        if self.batch:
            yield from self._each([gradient])
        if self.penalized(index):
            yield q.Derivative(q.PenaltyError(), q.Parameter(index))
        yield gradient
        if not self.together:
            yield from self.update(index)

    # --- numbers ---------------------------------------------------------------------------------------

    def values(self, given: Mapping[Quantity, float] | None = None) -> dict[Quantity, float]:
        """Return the value of every line, in order, each computed from those above it.

        ``given`` has numbers for given quantities (an input, a weight) or for lines, used in place of the cycle's.

        Raises:
            InvalidArgument: a rewritten line uses a quantity that stands below it.
        """
        given = {} if given is None else given
        known = dict(given)

        def number(key: Any) -> float:
            if key not in known and key in self:
                raise InvalidArgument(f"{self.cycle.names.text(key)} is used above the line that computes it")
            return known[key] if key in known else self.cycle.value(key)

        for line in self:
            if line.quantity not in given:
                tree = line.expression if line.exact is None or line.uses & given.keys() else line.exact
                known[line.quantity] = float(evaluated(tree, {key: number(key) for key in symbols(tree)}))
        return {quantity: known[quantity] for quantity in self.quantities()}


def penalty_places(index: int) -> dict[Any, Quantity]:
    """Return the quantities that play the roles of the penalty on a weight."""
    return {Role.WEIGHT: q.Parameter(index), **{name: q.Named(name) for name in ("l1", "l2", "examples")}}


def with_new_weights(tree: Expression) -> Expression:
    """Return an expression of the forward pass or the error as it is computed once more, after the update."""

    def replacement(key: Any) -> Expression | None:
        given = isinstance(key, q.Input | q.Target | q.Named) or (isinstance(key, q.Output) and key.layer < 0)
        return None if given else Symbol(q.Updated(key))

    return substitute(tree, replacement)


def of_example(tree: Expression, number: int) -> Expression:
    """Return the tree with every quantity that each example has as that of one example."""

    def replacement(key: Any) -> Expression | None:
        everyones = isinstance(key, q.Parameter) or (isinstance(key, q.Named) and key != WEIGHT)
        return None if everyones else Symbol(q.OfExample(key, number))

    return substitute(tree, replacement)


def without_example(tree: Expression) -> Expression:
    """Return the tree with every quantity of an example under its plain name."""
    return substitute(tree, lambda key: Symbol(key.of) if isinstance(key, q.OfExample) else None)
