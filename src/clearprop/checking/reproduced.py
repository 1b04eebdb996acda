"""Where few numbers stand on a sheet: mistakes and conventions through the whole cycle, singly and in pairs.

Nothing of the sheet is used but to compare: each combination is computed from the network alone, and kept if it gives
every number that stands there, to its digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from clearprop.checking.candidates import EVERYWHERE, KIND_IN_LAYER, Candidate
from clearprop.checking.compiled import Formula
from clearprop.checking.order import Order
from clearprop.types import Array

MOST_LINES = 400
"""Whole cycles of more lines are not tried in pairs."""
MOST_PAIRS = 6_000
LEAST_NUMBERS = 3
"""Fewer wrong numbers than this are given by too many pairs to say anything."""

Combination = tuple[Candidate, ...]


def reproduced(
    order: Order,
    values: dict[int, float],
    rooms: dict[int, float],
    wrong: Sequence[int],
    found: Sequence[Candidate],
    *,
    pairs: bool = True,
) -> list[Combination]:
    """Return the combinations of fewest mistakes and conventions that give all numbers of a sheet."""
    needed = order.needed(values)
    if len(needed) > MOST_LINES or not wrong:
        return []
    useful = [each for each in found if each.width <= KIND_IN_LAYER and not set(needed).isdisjoint(each.formulas)]
    singles: list[Combination] = [(each,) for each in useful]
    if matched := _matching(order, values, rooms, singles):
        return matched
    if len(wrong) < LEAST_NUMBERS or not pairs:
        return []
    wide = [each for each in useful if each.width == EVERYWHERE]
    for firsts in (wide, useful):
        both = [
            pair
            for pair in combinations(firsts, 2)
            if pair[0].of.name != pair[1].of.name and pair[0].formulas.keys() != pair[1].formulas.keys()
        ]
        if len(both) <= MOST_PAIRS and (matched := _matching(order, values, rooms, both)):
            return matched
    return []


def _matching(
    order: Order, values: dict[int, float], rooms: dict[int, float], combined: Sequence[Combination]
) -> list[Combination]:
    """Return the combinations whose cycle has these numbers."""
    if not combined:
        return []
    numbers = computed(order, combined, values)
    with np.errstate(all="ignore"):
        matching = np.logical_and.reduce([np.abs(numbers[at] - values[at]) <= rooms[at] for at in values])
    return [combined[int(column)] for column in np.flatnonzero(matching)]


def computed(order: Order, combined: Sequence[Combination], asked: Iterable[int]) -> dict[int, Array]:
    """Return the numbers of lines, and of those that lead to them, one for each combination of mistakes."""
    rewritten = _rewritten(combined)
    numbers: dict[int, Array] = {}

    def compute(at: int) -> None:
        """Compute a line, after those that it uses."""
        if at in numbers:
            return
        formulas = {order.right(at): None, **rewritten.get(at, {})}
        for formula in formulas:
            for use in formula.uses:
                compute(use)
        own = np.broadcast_to(_value(order.right(at), numbers, None), (len(combined),))
        for formula, columns in formulas.items():
            if columns:
                own = own.copy()
                own[columns] = _value(formula, numbers, columns)
        numbers[at] = own

    with np.errstate(all="ignore"):
        for at in order.needed(asked):
            compute(at)
    return numbers


def _rewritten(combined: Sequence[Combination]) -> dict[int, dict[Formula, list[int]]]:
    """Return for each line its formulas, each with the combinations that have it; where both of a pair rewrite a line,
    the first one's counts."""
    rewritten: dict[int, dict[Formula, list[int]]] = {}
    for column, combination in enumerate(combined):
        formulas: dict[int, Formula] = {}
        for candidate in combination:
            for at, formula in candidate.formulas.items():
                formulas.setdefault(at, formula)
        for at, formula in formulas.items():
            rewritten.setdefault(at, {}).setdefault(formula, []).append(column)
    return rewritten


def _value(formula: Formula, numbers: dict[int, Array], columns: list[int] | None) -> Array:
    taken = {use: numbers[use] if columns is None else numbers[use][columns] for use in formula.uses}
    return np.asarray(formula.value(taken), dtype=float)
