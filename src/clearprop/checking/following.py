"""Follow a sheet: the right formula of each line at the numbers that stand above it, and how far rounding may lead.

Many sheets of one exercise are followed at once. A line has, for each sheet, the value that its formula gives there,
and a band: how far the value moves if each number above it, also through lines that the sheet leaves out, is
anything that rounds to what was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from clearprop.checking.compiled import Formula
from clearprop.checking.order import Order
from clearprop.types import Array

NOISE = 32 * np.finfo(float).eps
"""The rounding of float64 that is always allowed, relative to the sizes of the terms."""
UNCHANGED: Mapping[int, Formula] = {}


@dataclass
class Sheets:
    """The numbers of several sheets, by line: which sheets give one, the number, and half its last digit's unit.

    ``absent`` is half the unit of the last digit that a line's number would have, were it given: 0 where no digits
    were asked for; a function of the number where significant ones were.
    """

    count: int
    given: dict[int, Array]
    value: dict[int, Array]
    unit: dict[int, Array]
    absent: Any = None

    def all_give(self, at: int) -> bool:
        """Return whether every sheet gives a line."""
        return at in self.given and bool(self.given[at].all())

    def only(self, sheet: int) -> Sheets:
        """Return one of the sheets alone."""
        chosen = slice(sheet, sheet + 1)
        given, value, unit = (
            {at: each[chosen] for at, each in part.items()} for part in (self.given, self.value, self.unit)
        )
        return Sheets(1, given, value, unit, self.absent)


@dataclass
class Followed:
    """For each line and sheet: the number that the formula gives, the band around it, the number that later lines use.

    ``rewritten`` are the lines that are not the right ones. ``columns[at]`` are the lines whose rounding moves a line's
    number, ``numbers[at]`` that number as it is, then for
    each of them once moved up and once down.
    """

    value: dict[int, Array] = field(default_factory=dict)
    band: dict[int, Array] = field(default_factory=dict)
    noise: dict[int, Array] = field(default_factory=dict)
    columns: dict[int, tuple[int, ...]] = field(default_factory=dict)
    numbers: dict[int, Array] = field(default_factory=dict)
    once: dict[tuple[int, Formula], Followed] = field(default_factory=dict)
    rewritten: Mapping[int, Formula] = field(default_factory=dict)

    def room(self, at: int, unit: Array) -> Array:
        """Return how far a given number may be from the formula's."""
        return unit + self.band[at] + self.noise[at]


def follow(order: Order, sheets: Sheets, rewritten: Mapping[int, Formula] = UNCHANGED) -> Followed:
    """Follow sheets through all lines that lead to those asked; some may be ``rewritten``."""
    followed = Followed(rewritten=rewritten)
    with np.errstate(all="ignore"):
        _ensure(order, sheets, followed, order.leading)
    return followed


def _ensure(order: Order, sheets: Sheets, followed: Followed, wanted: Iterable[int]) -> None:
    """Follow lines that were not yet followed, each after those that it uses."""
    for at in wanted:
        if at in followed.numbers:
            continue
        formula = followed.rewritten.get(at) or order.right(at)
        _ensure(order, sheets, followed, formula.uses)
        _follow_line(order, sheets, followed, followed, at, formula)
        if at not in followed.rewritten:
            _ensure(order, sheets, followed, (use for other in order.alternatives.get(at, ()) for use in other.uses))
            _try_alternatives(order, sheets, followed, at)


def follow_rewritten(order: Order, sheets: Sheets, base: Followed, rewritten: Mapping[int, Formula]) -> Followed:
    """Follow only what rewritten lines change: themselves, and what comes from them through lines left out."""
    followed, waiting = Followed(), sorted(rewritten)
    heapify(waiting)
    with np.errstate(all="ignore"):
        while waiting:
            at = heappop(waiting)
            if at in followed.value:
                continue
            formula = rewritten.get(at) or base.rewritten.get(at) or order.right(at)
            _ensure(order, sheets, base, formula.uses)
            if any(use in followed.numbers for use in formula.uses):
                _follow_line(order, sheets, base, followed, at, formula)
            else:
                _follow_once(order, sheets, base, followed, at, formula)
            if sheets.all_give(at):
                followed.numbers.pop(at, None)
                continue
            for later in order.dependents.get(at, ()):
                if later not in followed.value:
                    heappush(waiting, later)
    return followed


def _follow_once(order: Order, sheets: Sheets, base: Followed, followed: Followed, at: int, formula: Formula) -> None:
    """Follow a line whose formula uses no rewritten line: it is the same whichever mistake it belongs to."""
    if (at, formula) not in base.once:
        own = Followed()
        _follow_line(order, sheets, base, own, at, formula)
        base.once[at, formula] = own
    own = base.once[at, formula]
    followed.value[at], followed.band[at], followed.noise[at] = own.value[at], own.band[at], own.noise[at]
    followed.columns[at], followed.numbers[at] = own.columns[at], own.numbers[at]


def _follow_line(order: Order, sheets: Sheets, base: Followed, followed: Followed, at: int, formula: Formula) -> None:
    value, band, noise, columns, moved = _evaluated(sheets, base, followed, formula)
    followed.value[at], followed.band[at], followed.noise[at] = value, band, noise
    _keep(sheets, followed, at, columns, moved)


def _evaluated(sheets: Sheets, base: Followed, followed: Followed, formula: Formula) -> Any:
    """Return the value of a formula on each sheet, its band and noise, and what moves it."""
    sources = {use: followed if use in followed.numbers else base for use in formula.uses}
    columns = tuple(sorted(set().union(*(source.columns[use] for use, source in sources.items()))))
    values = {use: _spread(source.columns[use], source.numbers[use], columns) for use, source in sources.items()}
    moved = np.broadcast_to(np.asarray(formula.value(values), dtype=float), (sheets.count, 1 + 2 * len(columns)))
    here = moved[:, 0]
    plain = {use: source.numbers[use][:, :1] for use, source in sources.items()}
    noise = NOISE * np.broadcast_to(np.asarray(formula.size(plain), dtype=float), (sheets.count, 1))[:, 0]
    if columns:
        distance = np.abs(moved[:, 1:] - here[:, None])
        band = np.maximum(distance[:, 0::2], distance[:, 1::2]).sum(axis=1)
    else:
        band = np.zeros(sheets.count)
    return here, band, noise, columns, moved


def _spread(own: tuple[int, ...], numbers: Array, columns: tuple[int, ...]) -> Array:
    """Return a line's numbers, moved by each of some columns; those of others leave it as it is."""
    if own == columns or not own:
        return numbers
    spread = np.repeat(numbers[:, :1], 1 + 2 * len(columns), axis=1)
    places = 1 + 2 * np.searchsorted(columns, own)
    spread[:, places] = numbers[:, 1::2]
    spread[:, places + 1] = numbers[:, 2::2]
    return spread


def _keep(sheets: Sheets, followed: Followed, at: int, columns: tuple[int, ...], moved: Array) -> None:
    """Keep the number that later lines use: the one on the sheet, or what the formula gives where there is none."""
    here = moved[:, 0]
    given = sheets.given.get(at)
    absent = np.zeros(sheets.count) if sheets.absent is None else sheets.absent(here)
    if given is None or not given.any():
        value, unit = here, absent
    else:
        value = np.where(given, sheets.value[at], here)
        unit = np.where(given, np.maximum(sheets.unit[at], NOISE / 8 * np.abs(sheets.value[at])), absent)
    if given is not None and given.all():
        columns, moved = (), value[:, None]
    elif given is not None and given.any():
        moved = np.where(given[:, None], value[:, None], moved)
    if unit.any():
        moves = np.stack([value + unit, value - unit], axis=1)
        place = int(np.searchsorted(columns, at)) if columns else 0
        columns = (*columns[:place], at, *columns[place:])
        moved = np.concatenate([moved[:, : 1 + 2 * place], moves, moved[:, 1 + 2 * place :]], axis=1)
    followed.columns[at], followed.numbers[at] = columns, moved


def _try_alternatives(order: Order, sheets: Sheets, followed: Followed, at: int) -> None:
    """Take another right expression of a line on the sheets where it fits better."""
    for formula in order.alternatives.get(at, ()):
        value, band, noise, *_ = _evaluated(sheets, followed, followed, formula)
        distances = []
        for each, room in ((value, band + noise), (followed.value[at], followed.band[at] + followed.noise[at])):
            gap = np.abs(sheets.value[at] - each) - room
            distances.append(np.where(np.isfinite(gap), gap, np.inf))
        better = sheets.given[at] & (distances[0] < distances[1])
        followed.value[at] = np.where(better, value, followed.value[at])
        followed.band[at] = np.where(better, band, followed.band[at])
        followed.noise[at] = np.where(better, noise, followed.noise[at])
