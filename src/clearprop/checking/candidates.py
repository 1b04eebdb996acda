"""Candidates: each mistake and convention as it would be made in one cycle, everywhere or in one place only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clearprop.checking.bank import BANK
from clearprop.checking.compiled import Formula
from clearprop.checking.conventions import CONVENTIONS, Convention
from clearprop.checking.mistake import Mistake
from clearprop.checking.order import Order
from clearprop.expressions import Symbol
from clearprop.expressions.tree import multiply
from clearprop.network import names as q
from clearprop.network.names import Quantity

EVERYWHERE, PART, KIND_IN_LAYER, UNIT, KIND_OF_UNIT = range(5)
"""The scopes of a mistake: everywhere; in one kind of line or one layer; in one kind of line of a layer; for one
unit; in one kind of line of a unit."""


MOST_LINES = {KIND_OF_UNIT: 500, KIND_IN_LAYER: 1_000}
"""Up to how many lines a mistake is also tried for one unit, or in one layer; beyond, only everywhere."""


@dataclass(frozen=True)
class Candidate:
    """A mistake or convention in some of the lines of a cycle; ``formulas`` has what stands in them instead."""

    of: Mistake | Convention
    formulas: Mapping[int, Formula]
    width: int = EVERYWHERE

    @property
    def is_convention(self) -> bool:
        """Whether it is a convention."""
        return isinstance(self.of, Convention)


def candidates(order: Order, only: Iterable[Mistake] | None = None) -> list[Candidate]:
    """Return all candidates of a cycle: conventions first, then mistakes in the order of the bank, each as wide as
    possible before it is narrowed; or those of some mistakes ``only``."""
    narrow = narrowest(order)
    found = [
        Candidate(each, formulas)
        for each in (CONVENTIONS.values() if only is None else ())
        if (formulas := _formulas(order, each.expressions(order.lines)))
    ]
    for each in BANK.values() if only is None else only:
        for form in each.forms:
            formulas = _formulas(order, each.rewrite(order.lines, form))
            found += [
                Candidate(each, _with_chain(order, part), width)
                for part, width in _narrowed(order, formulas)
                if width <= narrow
            ]
    return _plainest(found)


def narrowest(order: Order) -> int:
    """Return how narrowly mistakes are looked for in a cycle."""
    lines = len(order.rewritable)
    return next((width for width, most in MOST_LINES.items() if lines <= most), EVERYWHERE)


def _formulas(order: Order, rule: Any) -> dict[int, Formula]:
    """Return the lines that a rule rewrites, of those that lead to what is asked, as far as they can be computed."""
    found: dict[int, Formula] = {}
    for at in order.rewritable:
        line = order.own(at)
        if line is not None and (tree := rule(line)) is not None and order.is_usable(tree, at):
            found[at] = order.formula(tree)
    return found


def _with_chain(order: Order, part: Mapping[int, Formula]) -> Mapping[int, Formula]:
    """Add the error signal as a product, where one of its factors is rewritten and a loss and an activation with one
    formula would not see it."""
    added: dict[int, Formula] = {}
    last = order.lines.network.depth - 1
    if not order.joined:
        return part
    for at in part:
        match order.quantities[at]:
            case q.Derivative(q.TotalError(), q.Output(layer, k)) | q.Derivative(q.Output(layer, k), q.Sum()):
                if layer == last:
                    here = q.Derivative(q.TotalError(), q.Sum(layer, k))
                    output = q.Output(layer, k)
                    factors = q.Derivative(q.TotalError(), output), q.Derivative(output, q.Sum(layer, k))
                    added[order.position[here]] = order.formula(multiply(*map(Symbol, factors)))
    return {**added, **part}


def _narrowed(order: Order, formulas: Mapping[int, Formula]) -> Iterator[tuple[dict[int, Formula], int]]:
    """Yield the lines of a mistake: all, then those of one kind, of one layer, of one kind in a layer, of one unit."""
    if not formulas:
        return
    places = {at: _place(order, order.quantities[at]) for at in formulas}
    groups: dict[tuple[Any, ...], tuple[list[int], int]] = {(): (list(formulas), EVERYWHERE)}
    for at, (kind, layer, unit) in places.items():
        keys: list[tuple[Any, ...]] = [("kind", kind, None, None)]
        if layer is not None:
            keys += [("layer", None, layer, None), ("kind", kind, layer, None)]
        if unit is not None:
            keys += [("unit", None, layer, unit), ("unit", kind, layer, unit)]
        for key in keys:
            groups.setdefault(key, ([], _width(*key)))[0].append(at)
    for lines, width in groups.values():
        yield {at: formulas[at] for at in lines}, width


def _width(scope: str, kind: str | None, layer: int | None, unit: int | None) -> int:
    if scope == "unit":
        return UNIT if kind is None else KIND_OF_UNIT
    return PART if kind is None or layer is None else KIND_IN_LAYER


def _place(order: Order, quantity: Quantity) -> tuple[str, int | None, int | None]:
    """Return the kind of a line, and the layer and unit that it belongs to."""
    layout = order.lines.layout
    match quantity:
        case q.OfExample(of, _):
            return _place(order, of)
        case q.Sum(layer, unit) | q.Output(layer, unit):
            return type(quantity).__name__, layer, unit
        case q.Derivative(of, q.Parameter(index)):
            place = layout.place(index)
            kind = "weight" if place.source is not None else "bias"
            shared = place.source is None and order.lines.network.layers[place.layer].bias == "shared"
            return f"{type(of).__name__} by {kind}", place.layer, None if shared else place.unit
        case q.Derivative(of, by):
            return f"{type(of).__name__} by {type(by).__name__}", *_place(order, by)[1:]
        case q.Updated(q.State(symbol, index)) | q.State(symbol, index):
            place = layout.place(index)
            return symbol, place.layer, place.unit
        case q.Updated(q.Parameter(index)):
            place = layout.place(index)
            return "new weight" if place.source is not None else "new bias", place.layer, place.unit
        case q.Error(k):
            return "Error", None, k
    return type(quantity).__name__, None, None


def _plainest(found: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates without those that a wider one of another mistake describes as well."""
    least: dict[frozenset[Any], int] = {}
    listed = list(found)
    keys = [frozenset(each.formulas.items()) for each in listed]
    for key, each in zip(keys, listed, strict=True):
        least[key] = min(each.width, least.get(key, KIND_OF_UNIT))
    seen: set[tuple[frozenset[Any], str]] = set()
    kept = []
    for key, each in zip(keys, listed, strict=True):
        if each.width == least[key] and (key, each.of.name) not in seen:
            seen.add((key, each.of.name))
            kept.append(each)
    return kept
