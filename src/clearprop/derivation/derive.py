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
from clearprop.expressions import Number, evaluate, substitute
from clearprop.expressions.tree import nodes
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle
from clearprop.propagation.forward import example_share


@dataclass(frozen=True, repr=False)
class GradientDerivation(Displayable):
    """∂E/∂(a parameter, sum or output): the terms, their sum, and for a parameter the update."""

    cycle: Cycle
    quantity: Quantity
    terms: tuple[Term, ...]
    gradient: float
    update: tuple[Computed, ...] = ()
    updated: float | None = None

    def __repr__(self) -> str:
        return f"GradientDerivation({self.cycle.names.text(self.quantity)}: gradient {self.gradient:.6g})"


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
        name = self.cycle.names.text
        match quantity:
            case q.Parameter(index) | q.Updated(q.Parameter(index)) | q.Derivative(q.TotalError(), q.Parameter(index)):
                return self.gradient(index)
            case q.Derivative(q.Error() as error, q.Parameter(index)):
                whole = self.gradient(index)
                terms = tuple(term for term in whole.terms if term.of == error)
                if not terms:
                    other = name(q.Derivative(q.TotalError(), quantity.by))
                    raise InvalidArgument(f"{name(quantity)} is not split off here; ask for {other}")
                total = sum(term.product for term in terms)
                return replace(whole, terms=terms, gradient=total, update=(), updated=None)
            case q.Derivative(q.TotalError(), q.Sum() | q.Output() as by):
                if self.lines.batch:
                    raise InvalidArgument(f"{name(quantity)} belongs to one example; choose one with --example K")
                return self.signal(by)
            case q.Derivative():
                raise InvalidArgument(
                    f"{name(quantity)} has no derivation; ask for a derivative of "
                    f"{name(q.TotalError())} by a weight, a bias, a sum or an output"
                )
        return self.value(quantity)

    def value(self, quantity: Quantity) -> ValueDerivation:
        """Return the derivation of a value of the forward pass; in a batch, of its first example."""
        return derive_value(self.lines, quantity)

    @cached_property
    def chains(self) -> list[Chain]:
        """The chain rule of each example of the batch."""
        return [Chain(self.cycle, row, self.lines) for row in range(len(self.cycle.examples))]

    def signal(self, quantity: q.Sum | q.Output) -> GradientDerivation:
        """Return the derivation of ∂E_total by a weighted sum (its error signal) or an output."""
        chain, derivative = self.chains[0], q.Derivative(q.TotalError(), quantity)
        parts = chain.to_sum if isinstance(quantity, q.Sum) else chain.to_output
        terms = tuple(Term(of, factors) for of, factors in parts(quantity.layer, quantity.unit))
        gradient = chain.link.value(self.lines.of_example(derivative, 0))
        require_agreement(self.cycle.names.text(quantity), terms, gradient)
        return GradientDerivation(self.cycle, quantity, terms, gradient)

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
        size = example_share(cycle.problem.network, len(chains)) * sum(chain.parameter_size(index) for chain in chains)
        require_agreement(cycle.names.text(parameter), terms, gradient, size)
        trained = bool(cycle.parameters.layout.trainable[index])
        update = tuple(map(self._assigned, self.lines.update(index))) if trained else ()
        updated = float(cycle.updated.vector[index])
        if trained:
            self._require_new_weight(update[-1])
        return GradientDerivation(cycle, parameter, terms, gradient, update, updated)

    def _of_batch(self, index: int) -> tuple[Term, ...]:
        """Return the term of each example, with its share under the reduction over the examples."""
        count, quantity = len(self.chains), q.Derivative(q.TotalError(), q.Parameter(index))
        share = Number(1.0) / Number(float(count))
        mean = Factor(q.Named(f"1/{count}"), share, share, 1 / count, remark=words("mean"))
        reduction = (mean,) if self.cycle.problem.network.loss.over_examples == "mean" else ()
        terms = []
        for chain, number in zip(self.chains, self.cycle.numbers, strict=True):
            own = chain.parameter_terms(index)
            whole = collapsed(quantity, sum(term.product for term in own), own)
            terms.append(Term(q.TotalError(), (*reduction, whole), int(number)))
        return tuple(terms)

    def _penalty_term(self, index: int) -> Term:
        quantity = q.Derivative(q.PenaltyError(), q.Parameter(index))
        line, working = self.lines[quantity], worked(self.lines.penalty.symbolic_slope, penalty_places(index))
        numbers = plugged(line.expression, self.cycle.value), self.chains[0].link.value(line)
        return Term(q.PenaltyError(), (Factor(quantity, line.expression, *numbers, working),))

    def _assigned(self, quantity: Quantity) -> Computed:
        """One assignment of the optimizer, its clip factor put in."""
        factor = q.Named("clip_factor")
        tree = substitute(
            self.lines[quantity].expression, lambda key: Number(self.cycle.value(key)) if key == factor else None
        )
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
