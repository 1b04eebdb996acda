"""The lines of a sheet in computing order: those of the cycle, and what else a sheet asks for.

A sheet may ask for anything that an explanation shows: the shares of one error (∂E_1/∂w1), local derivatives
(∂sum_o1/∂w5), or a given number. Each of these stands before the line that it leads to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clearprop.cached import cached_property
from clearprop.checking.compiled import Formula, compiled
from clearprop.derivation.lines import Line, Lines, of_example
from clearprop.errors import InvalidArgument
from clearprop.expressions import Apply, Expression, Number, Symbol, evaluate, symbols
from clearprop.expressions.tree import add, multiply
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.rules.activations import Activation

MOST_LINES = 100_000
"""The most lines of a cycle that is checked."""


@dataclass
class Order:
    """The lines of a cycle, counted from 0 in computing order, each with its right expression.

    - ``lines``: the cycle.
    - ``asked``: the quantities of the sheet.
    """

    lines: Lines
    asked: tuple[Quantity, ...]
    quantities: list[Quantity] = field(init=False)
    position: dict[Any, int] = field(init=False)
    _right: dict[int, Formula] = field(init=False, default_factory=dict)
    _formulas: dict[Expression, Formula] = field(init=False, default_factory=dict)
    _own: dict[int, Line | None] = field(init=False, default_factory=dict)
    _ancestors: dict[int, frozenset[int]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        usual = list(self._usual())
        own = set(usual)
        extra = self._extra(own)
        place = {quantity: float(at) for at, quantity in enumerate(usual)}
        for quantity in extra:
            place[quantity] = place.get(self._leads_to(quantity), len(usual)) - 0.5
        # An extra line stands after all that it is computed from.
        for quantity in extra:
            used = [place[key] for key in symbols(self._expression(quantity)) if key in place]
            place[quantity] = max([place[quantity], *used])
        ranked = {quantity: rank for rank, quantity in enumerate([*extra, *usual])}
        self.quantities = sorted(place, key=lambda quantity: (place[quantity], quantity in own, ranked[quantity]))
        self.position = {quantity: at for at, quantity in enumerate(self.quantities)}

    def _usual(self) -> Iterable[Quantity]:
        layout = self.lines.layout
        if layout.size * len(self.lines.cycle.numbers) > MOST_LINES // 2:
            raise InvalidArgument(
                f"check works line by line: at most {MOST_LINES // 2:,} parameters times examples, found "
                f"{layout.size * len(self.lines.cycle.numbers):,}; choose one example, or a smaller network"
            )
        if self.lines.cycle.learning is not None:
            return self.lines.quantities()
        return (quantity for quantity in self.lines.quantities() if _is_forward(quantity))

    # --- what else is asked -------------------------------------------------------------------------------

    def _extra(self, usual: set[Quantity]) -> list[Quantity]:
        """Return the quantities that are asked, or lead to what is asked, and are no lines of the cycle; those that
        others are computed from first."""
        found: dict[Quantity, None] = {}

        def visit(quantity: Any, asked: bool) -> None:
            if quantity in usual or quantity in found:
                return
            if quantity in self.lines:
                for key in sorted(symbols(self._expression(quantity)), key=repr):
                    visit(key, asked=False)
                found[quantity] = None
            elif asked:  # a given number, copied to the sheet
                self.lines.cycle.value(quantity)
                found[quantity] = None

        for quantity in self.asked:
            visit(quantity, asked=True)
        return list(found)

    def _leads_to(self, quantity: Quantity) -> Quantity:
        """Return the line that a further quantity stands before."""
        match quantity:
            case q.OfExample(of, number):
                return q.OfExample(self._leads_to(of), number)
            case q.Derivative(_, by):
                return q.Derivative(q.TotalError(), by)
            case q.Updated():
                return quantity  # after all others
        return next(iter(self.lines.quantities()))

    # --- expressions --------------------------------------------------------------------------------------

    def _expression(self, quantity: Quantity) -> Expression:
        if quantity in self.lines:
            return self.lines[quantity].expression
        return Number(self.lines.cycle.value(quantity))

    def own(self, at: int) -> Line | None:
        """Return a line with its right expression; None for a given number."""
        if at not in self._own:
            known = self.quantities[at] in self.lines
            self._own[at] = self.lines[self.quantities[at]] if known else None
        return self._own[at]

    @cached_property
    def leading(self) -> list[int]:
        """The lines that lead to those that are asked, and these."""
        return self.needed(self.position[quantity] for quantity in self.asked)

    @property
    def joined(self) -> bool:
        """Whether the error signals of the outputs come from one formula, and may be worked out in two factors."""
        example, last = self.lines.example(0), self.lines.network.depth - 1
        return not self.lines.batch and example.fused is not None and not example.fused_softmax(last)

    @cached_property
    def rewritable(self) -> list[int]:
        """The lines in which a mistake may change what is asked: those that lead to it, and the factors of error
        signals that have one formula here."""
        found = set(self.leading)
        if self.joined:
            last = self.lines.network.depth - 1
            for unit in range(self.lines.network.sizes[-1]):
                output, total = q.Output(last, unit), q.Sum(last, unit)
                if self.position[q.Derivative(q.TotalError(), total)] in found:
                    factors = q.Derivative(q.TotalError(), output), q.Derivative(output, total)
                    found |= {self.position[each] for each in factors}
        return sorted(found)

    @cached_property
    def alternatives(self) -> dict[int, list[Formula]]:
        """Other right expressions of lines: a product of factors that stand on the sheet, which for the joined error
        signal of an output a student may also have left out, or the sum of the shares of all errors."""
        found: dict[int, list[Formula]] = {}
        for quantity in self.asked:
            at = self.position[quantity]
            formulas = [self.formula(tree) for tree in self._ways(quantity) if self._is_above(tree, at)]
            if formulas:
                found[at] = formulas
        return found

    @cached_property
    def _asked_of(self) -> dict[int | None, dict[Quantity, None]]:
        """The quantities that are asked, by the example of a batch that they belong to."""
        found: dict[int | None, dict[Quantity, None]] = {}
        for each in self.asked:
            of, number = (each.of, each.example) if isinstance(each, q.OfExample) else (each, None)
            found.setdefault(number, {})[of] = None
        return found

    @cached_property
    def _sums_by(self) -> dict[tuple[int | None, Any], list[q.Sum]]:
        """The sums whose derivatives by a quantity are asked, by example and quantity."""
        found: dict[tuple[int | None, Any], list[q.Sum]] = {}
        for number, asked in self._asked_of.items():
            for each in asked:
                if isinstance(each, q.Derivative) and isinstance(each.of, q.Sum):
                    found.setdefault((number, each.by), []).append(each.of)
        return found

    def _ways(self, quantity: Quantity) -> Iterable[Expression]:
        match quantity:
            case q.OfExample(of, number):
                for tree in self._ways_of_example(of, number):
                    yield of_example(tree, number)
            case _ if not self.lines.batch:
                yield from self._ways_of_example(quantity, None)

    def _ways_of_example(self, quantity: Quantity, number: int | None) -> Iterable[Expression]:
        asked = self._asked_of[number].keys()
        match quantity:
            case q.Derivative(q.TotalError() | q.Error() as of, by):
                shares = [q.Derivative(q.Error(k), by) for k in range(self.lines.network.sizes[-1])]
                if of == q.TotalError() and asked >= set(shares):
                    yield add(*map(Symbol, shares))
                if isinstance(by, q.Sum) and isinstance(self.lines.network.layers[by.layer].rule, Activation):
                    output = q.Output(by.layer, by.unit)
                    chain = [q.Derivative(of, output), q.Derivative(output, by)]
                    of_outputs = self.joined and of == q.TotalError() and by.layer == self.lines.network.depth - 1
                    if of_outputs or asked >= set(chain):
                        yield multiply(*map(Symbol, chain))
                sums = self._sums_by.get((number, by), [])
                if sums and not isinstance(by, q.Sum):
                    terms = [(q.Derivative(of, total), q.Derivative(total, by)) for total in sums]
                    units = self.lines.network.sizes[sums[0].layer + 1] if isinstance(by, q.Output | q.Input) else 1
                    if len(sums) == units:
                        yield add(*(multiply(Symbol(signal), Symbol(link)) for signal, link in terms))

    def _is_above(self, tree: Expression, at: int) -> bool:
        """Return whether an expression uses given numbers and lines above a position only."""
        return all(self.position.get(key, -1) < at and self.is_known(key) for key in symbols(tree))

    def is_known(self, key: Any) -> bool:
        """Return whether a symbol is a line, or has a number in this cycle."""
        return key in self.position or self.lines.cycle.known(key, 0) is not None

    def is_usable(self, tree: Expression, at: int) -> bool:
        """Return whether a rewritten line can be computed: from given numbers, and from lines that do not need it."""
        if not all(map(self.is_known, symbols(tree))):
            return False
        below = [self.position[key] for key in symbols(tree) if self.position.get(key, -1) >= at]
        return not any(at in self._leading_to(use) for use in below)

    def _leading_to(self, at: int) -> frozenset[int]:
        if at not in self._ancestors:
            self._ancestors[at] = frozenset(self.needed([at]))
        return self._ancestors[at]

    # --- formulas -----------------------------------------------------------------------------------------

    def formula(self, tree: Expression) -> Formula:
        """Return an expression as a function of lines; the same object for the same expression."""
        if tree not in self._formulas:
            value, size = compiled(renumbered(tree, self.position), self._constant)
            uses = sorted({self.position[key] for key in symbols(tree) if key in self.position})
            self._formulas[tree] = Formula(tree, value, size, tuple(uses))
        return self._formulas[tree]

    def _constant(self, key: Any) -> float | None:
        return None if isinstance(key, int) else self.lines.cycle.value(key, 0)

    def right(self, at: int) -> Formula:
        """Return the right formula of a line."""
        if at not in self._right:
            self._right[at] = self.formula(self._expression(self.quantities[at]))
        return self._right[at]

    def constants(self, at: int) -> list[float]:
        """Return the given numbers in the right expression of a line."""
        keys = (key for key in symbols(self.right(at).tree) if key not in self.position)
        return [self.lines.cycle.value(key, 0) for key in keys]

    def needed(self, asked: Iterable[int]) -> list[int]:
        """Return the lines that lead to those asked, and themselves, in order."""
        found: set[int] = set()
        stack = list(asked)
        while stack:
            at = stack.pop()
            if at not in found:
                found.add(at)
                stack.extend(self.right(at).uses)
                for other in self.alternatives.get(at, ()):
                    stack.extend(other.uses)
        return sorted(found)

    @cached_property
    def dependents(self) -> dict[int, list[int]]:
        """The lines that are computed directly from each line."""
        found: dict[int, list[int]] = {}
        for at in self.leading:
            for use in self.right(at).uses:
                found.setdefault(use, []).append(at)
        return found

    @cached_property
    def truth(self) -> dict[int, float]:
        """The true number of every line that leads to one that is asked, from the network alone."""
        cycle = self.lines.cycle
        found: dict[int, float] = {}
        for at in self.leading:
            found[at] = self._true(at, found, cycle)
        return found

    def true(self, at: int) -> float:
        """Return the true number of a line."""
        if at not in self.truth:
            for each in self.needed([at]):
                if each not in self.truth:
                    self.truth[each] = self._true(each, self.truth, self.lines.cycle)
        return self.truth[at]

    def _true(self, at: int, above: Mapping[int, float], cycle: Any) -> float:
        quantity = self.quantities[at]
        known = cycle.known(quantity, 0)
        if known is not None:
            return float(known)
        line = self.lines[quantity]
        tree = line.expression if line.exact is None else line.exact
        numbers = {
            key: above[self.position[key]] if self.position.get(key) in above else cycle.value(key, 0)
            for key in symbols(tree)
        }
        return float(evaluate(tree, numbers))


def renumbered(tree: Expression, position: Mapping[Any, int]) -> Expression:
    """Return the tree with the number of each line in place of its quantity."""
    match tree:
        case Symbol(key) if key in position:
            return Symbol(position[key])
        case Apply(operator, arguments):
            return Apply(operator, tuple(renumbered(each, position) for each in arguments))
    return tree


def _is_forward(quantity: Quantity) -> bool:
    of = quantity.of if isinstance(quantity, q.OfExample) else quantity
    return isinstance(of, q.Sum | q.Output)
