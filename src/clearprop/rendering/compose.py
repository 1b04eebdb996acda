"""Derivations as blocks of a document, in the order in which a lecture tells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from math import isfinite
from typing import Any

from clearprop.derivation.derive import Derivation, GradientDerivation
from clearprop.derivation.local_derivatives import Factor, Term, plugged
from clearprop.derivation.shares import SHOWN_COLLAPSE, SHOWN_TERMS, elided_sum, reduced
from clearprop.derivation.values import ValueDerivation
from clearprop.derivation.words import words
from clearprop.expressions import Expression, Number, Symbol, bind, evaluate, renamed
from clearprop.expressions.tree import add, multiply
from clearprop.messages import abridged
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.rendering.document import Block, Equation, Grid, Heading, Line, Paragraph, Phrase, View, shown_number
from clearprop.rules.fused import SoftmaxCrossEntropy
from clearprop.rules.standardize import ORIGINAL
from clearprop.verification.finite_differences import Check, Differences

SHOWN_EXAMPLES = 16


def lines(*sides: Expression, remark: str = "") -> tuple[Line, ...]:
    """Return the lines of an equation without repeating one that looks the same; the remark goes last."""
    *kept, last = (side for side, _ in groupby(sides))
    return (*map(Line, kept), Line(last, remark))


def value_equation(derivation: ValueDerivation) -> Equation:
    """``sum_h1 = i1 * w1 + … = 0.1 * 0.1 + … = 0.41``"""
    sides = (*derivation.formulas, derivation.plugged, Number(derivation.value))
    return Equation(Symbol(derivation.quantity), lines(*sides, remark=derivation.remark))


def own_unit(derivation: ValueDerivation) -> Iterator[Equation]:
    """Yield an output in the unit of the table's column, where its target is standardized."""
    output, problem = derivation.quantity, derivation.cycle.problem
    if not isinstance(output, q.Output) or output.layer != problem.network.depth - 1 or problem.fitted is None:
        return
    for column in problem.fitted.standardized[output.unit : output.unit + 1]:
        formula = bind(renamed(ORIGINAL, {"value": output}), {"mean": column.mean, "scale": column.scale})
        with_number = plugged(formula, lambda _: derivation.value)
        sides = formula, with_number, Number(float(evaluate(with_number, {})))
        yield Equation(Symbol(abridged(column.name)), lines(*sides, remark=words("own_unit")))


Told = dict[Any, tuple[str, Quantity]]
"""The factors that have been computed already, where, and as what: "the previous computations are re-usable"."""


def _key(factor: Factor) -> Any:
    """Return the quantity under which a factor is told."""
    key = factor.quantity
    if isinstance(key, q.Derivative) and isinstance(key.of, q.Error) and factor.working is not None:
        # The slope of the loss: E_total depends on output_k through E_k alone.
        return q.Derivative(q.TotalError(), key.by)
    return key


def gradient_blocks(
    derivation: GradientDerivation,
    view: View,
    told: Told | None = None,
    differences: Differences | None = None,
    level: int = 3,
) -> Iterator[Block]:
    """Yield the derivation of one gradient: the chain, each component, the product, the update."""
    told = {} if told is None else told
    name = view.names.text(derivation.quantity)
    gradient = derivation.derivative
    whole = Symbol(gradient)
    yield Heading(level, view.names.text(gradient), gradient)
    if derivation.row is None and derivation.cycle.example == "all":
        yield from _batch(derivation, view, gradient)
    else:
        told = told if derivation.cycle.example != "all" else {}  # Told of another example.
        for term in derivation.terms:  # Who asks for a factor by its name wants it derived, told before or not.
            if len(term.factors) == 1:
                told.pop(_key(term.factors[0]), None)
        lefts = [_left(derivation, term) for term in derivation.terms]
        yield from _terms(derivation, lefts, told, name)
        if lefts != [whole]:
            products: list[Expression] = [Number(term.product) for term in derivation.terms]
            yield Equation(whole, lines(add(*lefts), add(*products), Number(derivation.gradient)))
    yield from _update(derivation)
    whole_gradient = derivation.of == q.TotalError() and derivation.row is None
    if differences is not None and isinstance(derivation.quantity, q.Parameter) and whole_gradient:
        yield _checked(differences.check(derivation.quantity.index, derivation.gradient), view)


def _terms(derivation: GradientDerivation, lefts: list[Expression], told: Told, place: str) -> Iterator[Block]:
    """Yield each term; those that are exactly zero, if there are several terms, together in one line."""
    terms = list(zip(lefts, derivation.terms, strict=True))
    zero = [(left, term) for left, term in terms if term.product == 0 and len(terms) > 1]
    for left, term in terms:
        if (left, term) not in zero:
            yield from _term(term, left, told, place)
    if not zero:
        return
    causes: dict[str, None] = {}
    for left, term in zero:
        factor = next(factor for factor in term.factors if factor.value == 0)
        target = _missing_target(derivation, term)
        if target is None and _key(factor) not in told:
            yield Equation(left, (Line(_symbols(term)),))
            yield from _untold(term.factors, told, place)
        causes[f"{derivation.cycle.names.text(target or factor.quantity)} = 0"] = None
    shown = elided_sum([left for left, _ in zero])
    yield Equation(shown, (Line(Number(0.0), words("zero", causes=", ".join(islice(causes, SHOWN_TERMS)))),))


def _missing_target(derivation: GradientDerivation, term: Term) -> Quantity | None:
    """Return the target of 0 for which a cross entropy has no error at all, however its output changes."""
    cycle, row = derivation.cycle, derivation.row or 0
    fused = cycle.problem.network.fused
    if not isinstance(term.of, q.Error) or not isinstance(fused, SoftmaxCrossEntropy):
        return None
    target = q.Target(term.of.index)
    return target if cycle.value(target, row) == 0 else None


def _left(derivation: GradientDerivation, term: Term) -> Expression:
    """∂E_1/∂w1; where several terms have the same error, with the unit that the term runs through."""
    if derivation.of not in (q.TotalError(), term.of):
        return Symbol(derivation.derivative)
    of, parameter = term.of, isinstance(derivation.quantity, q.Parameter)
    if of == q.TotalError() and any(isinstance(other.of, q.PenaltyError) for other in derivation.terms):
        of = q.WithoutPenalty()
    quantity: Quantity = q.Derivative(of, derivation.quantity)
    if derivation.cycle.example == "all" and derivation.row is not None and parameter:
        quantity = q.OfExample(quantity, int(derivation.cycle.numbers[derivation.row]))
    alike = [other for other in derivation.terms if other.of == term.of and other.example == term.example]
    last = term.factors[-1].quantity
    if len(alike) > 1 and isinstance(last, q.Derivative) and isinstance(last.of, q.Sum):
        return Symbol(Phrase((quantity, " through ", last.of)))
    return Symbol(quantity)


def _symbols(term: Term) -> Expression:
    """Return a product by the names of its factors."""
    return multiply(*(Symbol(factor.quantity) for factor in term.factors))


def _values(term: Term) -> Expression:
    """Return a product of numbers."""
    return multiply(*(Number(factor.value) for factor in term.factors))


def _term(term: Term, left: Expression, told: Told, place: str) -> Iterator[Block]:
    """Yield the product by names, each factor, the product again: its formulas, its numbers, its value."""
    several = len(term.factors) > 1
    if several:
        yield Equation(left, (Line(_symbols(term)),))
    for factor in term.factors:
        yield from _component(factor, told, place)
    if several:
        formulas = multiply(*(factor.expression for factor in term.factors))
        yield Equation(left, lines(formulas, _values(term), Number(term.product)))


def _component(factor: Factor, told: Told, place: str) -> Iterator[Block]:
    left, value = Symbol(factor.quantity), Number(factor.value)
    if _key(factor) in told:
        where, source = told[_key(factor)]
        remark = words("known_for", quantity=where) if where != place else words("known")
        yield Equation(left, (Line(value, remark, source),))
        return
    told[_key(factor)] = place, factor.quantity
    if factor.expansion:
        yield from _expanded(factor, told, place)
        return
    working = factor.working
    parts = factor.collapse if len(factor.collapse) <= SHOWN_COLLAPSE else ()
    yield from _untold((inner for inner in _factors(parts) if isfinite(inner.value)), told, place)
    collapse = tuple(_collapsing(parts))
    sides = [*(Line(*step) for step in factor.steps), Line(factor.expression, factor.remark)]
    if working is not None and working.raw != factor.expression:
        sides.insert(0, Line(working.raw, ", ".join(working.rules)))
    yield Equation(left, (*collapse, *sides, *lines(factor.plugged, value)))


def _factors(terms: tuple[Term, ...]) -> Iterator[Factor]:
    return (factor for term in terms for factor in term.factors)


def _untold(factors: Iterable[Factor], told: Told, place: str) -> Iterator[Block]:
    """Yield the factors that are not shown by name alone and have not been computed yet."""
    for factor in factors:
        if not _is_named(factor) and _key(factor) not in told:
            yield from _component(factor, told, place)


def _collapsing(parts: tuple[Term, ...]) -> Iterator[Line]:
    """Yield the products of a loss and its activation before they collapse: symbols, then expressions."""
    if parts:
        yield Line(add(*map(_symbols, parts)))
        yield Line(add(*(multiply(*(inner.expression for inner in term.factors)) for term in parts)))


def _expanded(factor: Factor, told: Told, place: str) -> Iterator[Block]:
    """Write out a collapsed factor: each path to the error that it stands for, and their sum."""
    left, terms = Symbol(factor.quantity), factor.expansion
    yield from _untold(_factors(terms), told, place)
    many = len(terms) > 1
    ways: list[Expression] = []
    for number, term in enumerate(terms, start=1):
        ways.append(Symbol(words("path", number=number)) if many else left)
        remark = words("on_request") if number == 1 and any(map(_is_named, term.factors)) else ""
        yield Equation(ways[-1], lines(_symbols(term), _values(term), Number(term.product), remark=remark))
    if many:
        products: list[Expression] = [Number(term.product) for term in terms]
        if factor.elided:
            more: Expression = Symbol(words("smaller", count=factor.elided))
            ways, products = [*ways, more], [*products, more]
        yield Equation(left, lines(add(*ways), add(*products), Number(factor.value)))


def _is_named(factor: Factor) -> bool:
    """Return whether a factor is shown by its name alone: an error signal that is derived on request."""
    return not factor.expansion and factor.expression == Symbol(factor.quantity)


def _batch(derivation: GradientDerivation, view: View, gradient: Quantity) -> Iterator[Block]:
    """Yield the gradient of each example, then the reduction."""
    own = [term for term in derivation.terms if term.example is not None]
    contributions = [term.factors[-1] for term in own]
    weights = derivation.cycle.trace.weights
    for row, (term, factor) in enumerate(list(zip(own, contributions, strict=True))[:SHOWN_EXAMPLES]):
        place = example = words("of_example", number=term.example)
        if weights is not None:
            place = words("of_weighted_example", number=term.example, weight=view.number(float(weights[row])))
        first = [Line(add(*map(_symbols, factor.expansion)))] if row == 0 else []
        products: list[Expression] = [Number(inner.product) for inner in factor.expansion]
        remark = words("each_on_request", place=example) if row == 0 else ""
        sides = lines(add(*map(_values, factor.expansion)), add(*products), Number(factor.value), remark=remark)
        yield Equation(Symbol(Phrase((gradient, place))), (*first, *sides))
    shown: list[Expression] = [Number(factor.value) for factor in contributions[:SHOWN_EXAMPLES]]
    if (more := len(own) - SHOWN_EXAMPLES) > 0:
        yield Paragraph(words("more_examples", count=more))
        shown.append(Symbol(words("more", count=more)))
    total = add(*shown)
    cycle = derivation.cycle
    whole = with_numbers = reduced(total, cycle.problem.network.loss.over_examples, cycle.trace.count)
    for term in derivation.terms:
        if term.example is None:
            yield from _component(term.factors[0], {}, "")
            whole = add(whole, Symbol(term.factors[0].quantity))
            with_numbers = add(with_numbers, Number(term.product))
    yield Equation(Symbol(gradient), lines(whole, with_numbers, Number(derivation.gradient)))


def _update(derivation: GradientDerivation) -> Iterator[Block]:
    """``new_w5 = w5 - n * ∂E_total/∂w5 = 0.5 - 0.6 * 0.08020 = 0.45187``"""
    if derivation.updated is not None and not derivation.update:
        sides = lines(Symbol(derivation.quantity), Number(derivation.updated), remark=words("frozen"))
        yield Equation(Symbol(q.Updated(derivation.quantity)), sides)
    for assigned in derivation.update:
        sides = lines(assigned.expression, assigned.plugged, Number(assigned.value))
        yield Equation(Symbol(assigned.quantity), sides)


def _checked(check: Check, view: View) -> Block:
    if check.kink:
        return Paragraph("Check: a kink lies within the step of the central difference; not compared.")
    return Paragraph(
        f"Check: the central difference of {view.names.text(q.TotalError())} gives "
        f"{view.number(check.difference)}, relative error {shown_number(check.relative_error, 0)}."
    )


def derivation_blocks(
    derivations: Sequence[Derivation], view: View, differences: Differences | None = None
) -> tuple[Block, ...]:
    """Return the blocks of derivations, in the given order."""
    told: Told = {}
    blocks: list[Block] = []
    for derivation in derivations:
        if isinstance(derivation, ValueDerivation):
            name = view.names.text(derivation.quantity)
            blocks += [Heading(3, name, derivation.quantity), value_equation(derivation)]
            blocks += own_unit(derivation)
        else:
            blocks += gradient_blocks(derivation, view, told, differences)
    return tuple(blocks)


def column_groups(header: tuple[Any, ...], body: tuple[tuple[Any, ...], ...], *, fixed: int) -> Iterator[Block]:
    """Yield tables of a few columns each, so that they fit a page; the first ``fixed`` columns stand in all."""
    per_table = 6
    for start in range(fixed, max(len(header), fixed + 1), per_table):
        chosen = (*range(fixed), *range(start, min(start + per_table, len(header))))
        yield Grid(tuple(header[c] for c in chosen), tuple(tuple(row[c] for c in chosen) for row in body))
