"""The formulas of one example: each of its quantities as an expression over quantities computed before it.

    sum_u       = Σ_i output_i · weight_ui + bias_u
    output_u    = activation(sum_u)
    E_k         = loss(output_k, target_k)
    ∂E/∂sum_u   = ∂E/∂output_u · ∂output_u/∂sum_u
    ∂E/∂w_ui    = ∂E/∂sum_u · output_i
    ∂E/∂output_i = Σ_u ∂E/∂sum_u · weight_ui

E is E_total or, since derivatives of a sum are sums of derivatives, any E_k: then ∂E_k/∂output_m is 0 for
every other output m, and the rest is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from clearprop.derivation.shares import shared, shared_fused, shared_slope
from clearprop.expressions import Expression, Number, Symbol, renamed, simplify, substitute
from clearprop.expressions.tree import add, multiply
from clearprop.network import names as q
from clearprop.network.layout import Place
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle
from clearprop.rules.activations import Activation, Softmax
from clearprop.rules.fused import Fused, SoftmaxCrossEntropy
from clearprop.rules.roles import Role

ZERO, ONE = Number(0.0), Number(1.0)
Total = Callable[[list[Expression]], Expression]


class Formula(NamedTuple):
    """The expression of a quantity as a person computes it; ``exact`` is the same number from the weighted
    sum, where the expression loses digits near saturation."""

    expression: Expression
    exact: Expression | None = None

    def each(self, change: Callable[[Expression], Expression]) -> Formula:
        """Return the formula with both trees changed."""
        return Formula(change(self.expression), None if self.exact is None else change(self.exact))


class ExampleLines:
    """The formulas of one example of a cycle, each built when it is looked up."""

    def __init__(self, cycle: Cycle, row: int = 0) -> None:
        self.network, self.layout = cycle.problem.network, cycle.parameters.layout
        self.masks = [None if mask is None else mask[row] for mask in cycle.trace.masks]
        self.last = self.network.depth - 1
        self.fused = self.network.fused if self.masks[self.last] is None else None
        whole = float(cycle.examples.targets[row].sum())
        self.targets_sum_to_one = abs(whole - 1.0) <= 1e-12
        self.sharing = self.network.loss, self.network.sizes[-1], cycle.trace.weights is not None

    def __getitem__(self, quantity: Quantity) -> Formula | None:
        """Return the formula of a quantity, or None if it is given or does not belong to one example."""
        match quantity:
            case q.Sum(layer, unit):
                return Formula(self.weighted_sum(layer, unit))
            case q.Output(layer, unit):
                return Formula(self.output(layer, unit))
            case q.Error(k):
                return self.error(k)
            case q.TotalError():
                return Formula(add(*(Symbol(q.Error(k)) for k in range(self.network.sizes[-1]))))
            case q.Derivative(q.Output(layer, unit), q.Sum(at, by)) if at == layer:
                return self.output_by_sum(layer, unit, by)
            case q.Derivative(q.Sum(layer, unit), q.Output(at, source)) if at == layer - 1:
                return Formula(self.weight(layer, unit, source))
            case q.Derivative(q.Sum(0, unit), q.Input(source)):
                return Formula(self.weight(0, unit, source))
            case q.Derivative(q.Sum(layer, unit), q.Parameter(index)) if unit in self.units(index, layer):
                return Formula(self.sum_by_parameter(layer, index))
            case q.Derivative(q.TotalError() | q.Error() as of, q.Output(layer, unit)):
                return self.error_by_output(of, layer, unit)
            case q.Derivative(q.TotalError() | q.Error() as of, q.Input(source)):
                return self.error_by_output(of, -1, source)
            case q.Derivative(q.TotalError() | q.Error() as of, q.Sum(layer, unit)):
                return self.error_by_sum(of, layer, unit)
            case q.Derivative(q.TotalError() | q.Error() as of, q.Parameter(index)):
                return Formula(self.error_by_parameter(of, index))
        return None

    def __contains__(self, quantity: Quantity) -> bool:
        return self[quantity] is not None

    # --- forward ----------------------------------------------------------------------------------------

    def weighted_sum(self, layer: int, unit: int) -> Expression:
        """Σ_i output_i · weight_ui + bias_u, as the lecture orders it."""
        terms = [
            multiply(Symbol(self.seen(layer, source)), self.weight(layer, unit, source))
            for source in range(self.network.sizes[layer])
        ]
        policy = self.network.layers[layer].bias
        if policy != "none":
            terms.append(Symbol(q.Parameter(self.layout.index(Place(layer, 0 if policy == "shared" else unit, None)))))
        return add(*terms)

    @staticmethod
    def seen(layer: int, source: int) -> Quantity:
        """Return what a layer sees: an output of the layer before, or an input."""
        return q.Output(layer - 1, source) if layer else q.Input(source)

    def weight(self, layer: int, unit: int, source: int) -> Expression:
        """Return the weight between a unit and one that it sees."""
        return Symbol(q.Parameter(self.layout.index(Place(layer, unit, source))))

    def output(self, layer: int, unit: int) -> Expression:
        """activation(sum_u), times dropout's mask."""
        return self.masked(layer, unit, self.activated(layer, unit))

    def activated(self, layer: int, unit: int, total: Total = lambda terms: add(*terms)) -> Expression:
        """Return the activation of a unit's sum; under softmax of all sums of its layer, added up by ``total``."""
        rule = self.network.layers[layer].rule
        if isinstance(rule, Activation):
            return renamed(rule.formula, {Role.SUM: q.Sum(layer, unit)})
        terms = [renamed(rule.term, {Role.SUM: q.Sum(layer, u)}) for u in range(self.network.sizes[layer + 1])]
        parts: dict[Any, Expression] = {"term": terms[unit], "total": total(terms)}
        return substitute(rule.output, parts.get)

    def masked(self, layer: int, unit: int, tree: Expression) -> Expression:
        """Return the tree times dropout's mask, where the layer has one."""
        mask = self.masks[layer]
        return tree if mask is None else multiply(Number(float(mask[unit])), tree)

    def error(self, k: int) -> Formula:
        """loss(output_k, target_k), with its share and the example's weight."""
        places = self.places(k)
        exact = shared(self.fused.error, *self.sharing) if isinstance(self.fused, Fused) else None
        expression = renamed(shared(self.network.loss.rule.formula, *self.sharing), places)
        return Formula(expression, exact and renamed(exact, places))

    def places(self, k: int) -> dict[Any, Quantity]:
        """Return the quantities that play the roles of output k."""
        return {Role.OUTPUT: q.Output(self.last, k), Role.SUM: q.Sum(self.last, k), Role.TARGET: q.Target(k)}

    # --- local derivatives --------------------------------------------------------------------------------

    def output_by_sum(self, layer: int, unit: int, by: int) -> Formula:
        """∂output_unit/∂sum_by: the slope of the activation; it is 0 for another unit except under softmax."""
        rule = self.network.layers[layer].rule
        if isinstance(rule, Softmax):
            return Formula(self.masked(layer, unit, self._jacobian_entry(rule, layer, unit, by)))
        if unit != by:
            return Formula(ZERO)
        places: dict[Any, Quantity] = {Role.OUTPUT: q.Output(layer, unit), Role.SUM: q.Sum(layer, unit)}
        exact = renamed(rule.slope.simplified, places)
        if self.masks[layer] is not None:  # A dropped or scaled output is no longer the activation's own value.
            written = renamed(rule.slope.written, places)
            return Formula(self.masked(layer, unit, written), self.masked(layer, unit, exact))
        return Formula(renamed(rule.printed_slope, places), exact)

    def _jacobian_entry(self, rule: Softmax, layer: int, unit: int, by: int) -> Expression:
        entry = rule.diagonal if unit == by else rule.off_diagonal
        if self.masks[layer] is None:
            return renamed(entry, {Role.OUTPUT: q.Output(layer, unit), "other": q.Output(layer, by)})
        parts: dict[Any, Expression] = {Role.OUTPUT: self.activated(layer, unit), "other": self.activated(layer, by)}
        return substitute(entry, parts.get)

    def sum_by_parameter(self, layer: int, index: int) -> Expression:
        """∂sum_u/∂parameter: what the weight is multiplied with; 1 for a bias."""
        source = self.layout.place(index).source
        return ONE if source is None else Symbol(self.seen(layer, source))

    def units(self, index: int, layer: int | None = None) -> Sequence[int]:
        """Return the units that a parameter belongs to: all of a layer for its shared bias."""
        at, unit, source = self.layout.place(index)
        if layer is not None and at != layer:
            return ()
        shared_bias = source is None and self.network.layers[at].bias == "shared"
        return range(self.network.sizes[at + 1]) if shared_bias else (unit,)

    # --- derivatives of an error ----------------------------------------------------------------------------

    def error_by_output(self, of: Quantity, layer: int, unit: int) -> Formula:
        """∂E/∂output_unit: the slope of the loss, or Σ_v ∂E/∂sum_v · weight over the units v of the next layer."""
        if layer == self.last:
            if of not in (q.TotalError(), q.Error(unit)):
                return Formula(ZERO)
            slope, places = shared_slope(*self.sharing), self.places(unit)
            return Formula(renamed(slope.written, places), renamed(slope.simplified, places))
        return Formula(
            add(
                *(
                    multiply(Symbol(q.Derivative(of, q.Sum(layer + 1, v))), self.weight(layer + 1, v, unit))
                    for v in range(self.network.sizes[layer + 2])
                )
            )
        )

    def error_by_sum(self, of: Quantity, layer: int, unit: int) -> Formula:
        """∂E/∂sum_unit = Σ_v ∂E/∂output_v · ∂output_v/∂sum_unit, where v is the unit alone except under softmax;
        of a loss and an activation with one formula together, that formula."""
        softmax = isinstance(self.network.layers[layer].rule, Softmax)
        if isinstance(self.fused, SoftmaxCrossEntropy) and layer == self.last:
            return Formula(self.entry(of.index, unit) if isinstance(of, q.Error) else self.signal(unit))
        if layer == self.last and self.fused is not None:
            if of not in (q.TotalError(), q.Error(unit)):
                return Formula(ZERO)
            places = self.places(unit)
            exact = shared(self.fused.slope.simplified, *self.sharing) if isinstance(self.fused, Fused) else None
            return Formula(renamed(shared_fused(self.fused, *self.sharing), places), exact and renamed(exact, places))
        outputs = range(self.network.sizes[layer + 1]) if softmax else (unit,)
        by_output = [q.Output(layer, v) for v in outputs]
        total = q.Sum(layer, unit)
        return Formula(add(*(multiply(Symbol(q.Derivative(of, v)), Symbol(q.Derivative(v, total))) for v in by_output)))

    # --- softmax and its loss in one formula: a sum over the errors that collapses --------------------------------

    def entry(self, k: int, unit: int) -> Expression:
        """∂E_k/∂sum_unit: the product of ∂E_k/∂output_k and ∂output_k/∂sum_unit, simplified."""
        assert isinstance(self.fused, SoftmaxCrossEntropy)
        tree = shared(self.fused.diagonal if k == unit else self.fused.off_diagonal, *self.sharing)
        return renamed(simplify(tree), {**self.places(k), "other": q.Output(self.last, unit)})

    def collected(self, unit: int, total: Total = lambda terms: add(*terms)) -> Expression:
        """Σ_k of all entries, with the sum of the targets, as ``total`` writes it."""
        assert isinstance(self.fused, SoftmaxCrossEntropy)
        parts: dict[Any, Expression] = {key: Symbol(quantity) for key, quantity in self.places(unit).items()}
        parts["whole"] = total([Symbol(q.Target(k)) for k in range(self.network.sizes[-1])])
        return substitute(shared(self.fused.signal, *self.sharing), parts.get)

    def signal(self, unit: int) -> Expression:
        """The same, as far as it collapses: the sum of the targets stays where it is not 1."""
        assert self.fused is not None
        if not self.targets_sum_to_one:
            return self.collected(unit)
        return renamed(shared_fused(self.fused, *self.sharing), self.places(unit))

    def error_by_parameter(self, of: Quantity, index: int) -> Expression:
        """∂E/∂parameter = Σ_u ∂E/∂sum_u · ∂sum_u/∂parameter over the units u that it belongs to."""
        layer, _, source = self.layout.place(index)
        signals = [Symbol(q.Derivative(of, q.Sum(layer, u))) for u in self.units(index)]
        return add(*signals) if source is None else multiply(signals[0], Symbol(self.seen(layer, source)))

    def fused_softmax(self, layer: int) -> bool:
        """Return whether a layer's error signals come from softmax and its loss in one formula."""
        return layer == self.last and self.fused is not None and isinstance(self.network.layers[layer].rule, Softmax)
