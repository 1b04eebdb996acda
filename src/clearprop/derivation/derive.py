"""Derivations of whole quantities: the terms of a gradient, their sum, and the update; or the formula of a value."""

from __future__ import annotations

from dataclasses import dataclass, replace

from clearprop.cached import cached_property
from clearprop.derivation.chain import Chain
from clearprop.derivation.lines import Lines, penalty_places
from clearprop.derivation.local_derivatives import Computed, Factor, Term, collapsed, plugged, worked
from clearprop.derivation.split import AGREEMENT
from clearprop.derivation.values import ValueDerivation, derive_value
from clearprop.derivation.words import words
from clearprop.display import Displayable
from clearprop.errors import Disagreement, InvalidArgument
from clearprop.expressions import Number, evaluate
from clearprop.expressions.tree import nodes
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle
from clearprop.propagation.forward import example_share

TOTAL = q.TotalError()


@dataclass(frozen=True, repr=False)
class GradientDerivation(Displayable):
    """∂of/∂quantity: the terms, their sum, and for the total error by a parameter the update.

    ``asked`` is the quantity under whose name it is listed, ``row`` the position of its example in the batch, None
    for the batch as a whole.
    """

    cycle: Cycle
    quantity: Quantity
    terms: tuple[Term, ...]
    gradient: float
    update: tuple[Computed, ...] = ()
    updated: float | None = None
    of: Quantity = TOTAL
    asked: Quantity | None = None
    row: int | None = None

    @property
    def listed(self) -> Quantity:
        """The quantity under whose name it is listed: ``asked``, or the parameter."""
        return self.asked or self.quantity

    @property
    def derivative(self) -> q.Derivative | q.OfExample:
        """The quantity that is derived, as the derivation writes it."""
        derivative = q.Derivative(self.of, self.quantity)
        single = self.row is None or self.cycle.example != "all"
        return derivative if single else q.OfExample(derivative, int(self.cycle.numbers[self.row]))

    def __repr__(self) -> str:
        return f"GradientDerivation({self.cycle.names.text(self.listed)}: gradient {self.gradient:.6g})"


Derivation = ValueDerivation | GradientDerivation


class Derivations:
    """The derivations of a cycle from its lines, each made once."""

    def __init__(self, cycle: Cycle, lines: Lines | None = None) -> None:
        self.cycle, self.lines = cycle, Lines(cycle) if lines is None else lines
        self._gradients: dict[int, GradientDerivation] = {}

    def __getitem__(self, quantity: Quantity) -> Derivation:
        """Return the derivation of any quantity that can be asked for by name.

        Raises:
            InvalidArgument: a derivative that has no derivation of its own, or one of a single example in a batch.
            Disagreement: the terms do not add up to what backward found.
        """
        match quantity:
            case q.Parameter(index) | q.Updated(q.Parameter(index)):
                return self.gradient(index)
            case q.OfExample(q.Derivative() as derivative, number):
                return self._of_example(derivative, self.cycle.row(number))
            case q.OfExample(of, number) if not self.lines.batch:
                self.cycle.row(number)
                return self[of]
            case q.Derivative(q.TotalError(), q.Parameter(index)):
                return replace(self.gradient(index), asked=quantity)
            case q.Derivative(q.WithoutPenalty() as of, q.Parameter(index)) if self.lines.penalized(index):
                *terms, penalty = (whole := self.gradient(index)).terms
                rest = whole.gradient - penalty.product
                return replace(whole, terms=tuple(terms), gradient=rest, update=(), updated=None, of=of, asked=quantity)
            case q.Derivative(q.PenaltyError() as of, q.Parameter(index)) if self.lines.penalized(index):
                term = self._penalty_term(index)
                return GradientDerivation(self.cycle, quantity.by, (term,), term.product, of=of, asked=quantity, row=0)
            case q.Derivative():
                return self._of_example(quantity, None if self.lines.batch else 0)
        return self.value(quantity)

    def _of_example(self, quantity: q.Derivative, row: int | None) -> GradientDerivation:
        """Return the derivation of a derivative of one example; without a ``row`` there is none."""
        name = self.cycle.names.text
        of, by = quantity.of, quantity.by
        by = q.Output(-1, by.index) if isinstance(by, q.Input) else by
        if row is None:
            one = name(q.OfExample(quantity, int(self.cycle.numbers[0])))
            raise InvalidArgument(
                f'{name(quantity)} belongs to one example; choose one with --example K, or ask for "{one}"'
            )
        chain = self.chains[row]
        terms: tuple[Term, ...]
        match of, by:
            case q.TotalError() | q.Error(), q.Parameter(index):
                terms = chain.parameter_terms(index, of if isinstance(of, q.Error) else None)
            case q.TotalError() | q.Error(), q.Sum(layer, unit) | q.Output(layer, unit):
                error = of if isinstance(of, q.Error) else None
                parts = chain.to_sum if isinstance(by, q.Sum) else chain.to_output
                terms = tuple(Term(reached, factors) for reached, factors in parts(layer, unit, error))
            case q.Output() | q.Sum(), _ if q.Derivative(of, by) in self.lines.example(row):
                terms = (Term(of, (chain.link(of, by),)),)
            case _:
                total, unit = self.cycle.problem.network.depth - 1, 0
                local = q.Derivative(q.Output(total, unit), q.Sum(total, unit))
                raise InvalidArgument(
                    f"{name(quantity)} has no derivation; ask for a derivative of {name(q.TotalError())} or of one "
                    f"error by a weight, a bias, a sum, an output or an input, or for a local one such as {name(local)}"
                )
        gradient = sum(term.product for term in terms)
        known = self.cycle.known(q.Derivative(of, by), row) if of == q.TotalError() else None
        if known is not None and isinstance(by, q.Sum | q.Output):
            gradient = float(known)
            require_agreement(name(quantity), terms, gradient, chain.size(by))
        asked: Quantity = quantity
        if self.lines.batch:
            asked = q.OfExample(quantity, int(self.cycle.numbers[row]))
        return GradientDerivation(self.cycle, by, terms, gradient, of=of, asked=asked, row=row)

    def value(self, quantity: Quantity) -> ValueDerivation:
        """Return the derivation of a value; in a batch, of its first example where it is not one of an example."""
        return derive_value(self.lines, quantity)

    @cached_property
    def chains(self) -> list[Chain]:
        """The chain rule of each example of the batch."""
        assert self.cycle.learnt
        return [Chain(self.cycle, row, self.lines) for row in range(len(self.cycle.examples))]

    def gradient(self, index: int) -> GradientDerivation:
        """Return the derivation of the gradient of a weight or bias, and of its new value.

        Raises:
            Disagreement: the terms do not add up to what backward found.
        """
        if index not in self._gradients:
            self._gradients[index] = self._gradient(index)
        return self._gradients[index]

    def _gradient(self, index: int) -> GradientDerivation:
        cycle, parameter = self.cycle, q.Parameter(index)
        chains = self.chains
        terms = self._of_batch(index) if self.lines.batch else chains[0].parameter_terms(index)
        if self.lines.penalized(index):
            terms += (self._penalty_term(index),)
        gradient = float(cycle.gradients.of.vector[index])
        size = example_share(cycle.problem.network, cycle.trace.count) * sum(
            chain.parameter_size(index) for chain in chains
        )
        require_agreement(cycle.names.text(parameter), terms, gradient, size)
        trained = bool(cycle.parameters.layout.trainable[index])
        update = tuple(map(self._assigned, self.lines.update(index))) if trained else ()
        updated = float(cycle.updated.vector[index])
        if trained:
            self._require_new_weight(update[-1])
        return GradientDerivation(cycle, parameter, terms, gradient, update, updated)

    def _of_batch(self, index: int) -> tuple[Term, ...]:
        """Return the term of each example, with its share under the reduction over the examples."""
        cycle, quantity = self.cycle, q.Derivative(q.TotalError(), q.Parameter(index))
        reduction: tuple[Factor, ...] = ()
        if cycle.mean_share is not None:
            share = Number(1.0) / Number(cycle.trace.count)
            reduction = (Factor(q.Named(cycle.mean_share), share, share, 1 / cycle.trace.count, remark=words("mean")),)
        terms = []
        for chain, number in zip(self.chains, self.cycle.numbers, strict=True):
            own = chain.parameter_terms(index)
            whole = collapsed(q.OfExample(quantity, int(number)), sum(term.product for term in own), own)
            terms.append(Term(q.TotalError(), (*reduction, whole), int(number)))
        return tuple(terms)

    def _penalty_term(self, index: int) -> Term:
        quantity = q.Derivative(q.PenaltyError(), q.Parameter(index))
        line, working = self.lines[quantity], worked(self.lines.penalty.symbolic_slope, penalty_places(index))
        numbers = plugged(line.expression, self.cycle.value), self.chains[0].link.value(line)
        return Term(q.PenaltyError(), (Factor(quantity, line.expression, *numbers, working),))

    def _assigned(self, quantity: Quantity) -> Computed:
        """One assignment of the optimizer."""
        tree = self.lines[quantity].expression
        return Computed(quantity, tree, plugged(tree, self.cycle.value), self.cycle.value(quantity))

    def _require_new_weight(self, new: Computed) -> None:
        found, size = float(evaluate(new.plugged, {})), abs(new.value) + self.cycle.rate
        size += max((abs(node.value) for node in nodes(new.plugged) if isinstance(node, Number)), default=0.0)
        if not abs(found - new.value) <= AGREEMENT * size:
            raise Disagreement(
                f"the line of {self.cycle.names.text(new.quantity)} gives {found!r}, update made {new.value!r}; "
                "this is a bug in clearprop, please report it with the network file"
            )


def require_agreement(name: str, terms: tuple[Term, ...], expected: float, size: float = 0.0) -> None:
    """Refuse terms that do not add up to what backward found, but for rounding of contributions of that size."""
    products = [term.product for term in terms]
    size = max(size, sum(map(abs, products)))
    if not abs(sum(products) - expected) <= AGREEMENT * size + 1e-300:
        raise Disagreement(
            f"the derivation of {name} gives {sum(products)!r}, backward found {expected!r}; "
            "this is a bug in clearprop, please report it with the network file"
        )
