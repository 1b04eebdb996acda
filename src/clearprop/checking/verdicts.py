"""Verdicts: each number on a sheet against the right formula at the numbers above it, and against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from clearprop.checking.following import Followed, Sheets, follow
from clearprop.checking.order import Order
from clearprop.types import Array


class Verdict(Enum):
    """The verdicts on a number of a sheet."""

    RIGHT = "right"
    CARRIED = "carried"
    UNFOLLOWED = "unfollowed"
    WRONG = "wrong"
    MISSING = "missing"


VERDICTS = list(Verdict)
RIGHT, CARRIED, UNFOLLOWED, WRONG, MISSING = range(len(VERDICTS))
TRIVIAL = (0.0, 1.0, -1.0)
"""Wrong numbers that may make the lines below trivial."""


@dataclass
class Judged:
    """The verdicts of several sheets, by line: the place of each sheet's verdict in ``VERDICTS``.

    ``follows`` says where a number follows from those above it; ``trivial`` where it does so only because a wrong 0 or
    1 above makes the line trivial.
    """

    base: Followed
    verdict: dict[int, Array]
    follows: dict[int, Array]
    trivial: dict[int, Array]


def judge(order: Order, sheets: Sheets, unreadable: dict[int, Array]) -> Judged:
    """Judge every line that is asked, on each sheet; ``unreadable`` says where there is text that is no number."""
    base = follow(order, sheets)
    at_truth = {at: np.full(sheets.count, order.true(at)) for at in sheets.given}
    units = {at: np.where(given, sheets.unit[at], 0.0) for at, given in sheets.given.items()}
    everywhere = {at: np.ones(sheets.count, dtype=bool) for at in sheets.given}
    truth = follow(order, Sheets(sheets.count, everywhere, at_truth, units, sheets.absent))
    judged = Judged(base, {}, {}, {})
    asked = {order.position[quantity] for quantity in order.asked}
    tainted: dict[int, Array] = {}
    none: Array = np.zeros(sheets.count, dtype=bool)
    with np.errstate(all="ignore"):
        for at in order.leading:
            above = none.copy()
            for use in order.right(at).uses:
                above |= tainted[use]
            tainted[at] = above
            if at not in asked:
                continue
            for other in order.alternatives.get(at, ()):
                for use in other.uses:
                    above = above | tainted[use]
            _judge_line(order, sheets, judged, truth, at, above)
            given = sheets.given[at]
            verdict = judged.verdict[at]
            verdict[~given] = np.where(unreadable[at], WRONG, MISSING)[~given]
            tainted[at] = np.where(given, (verdict == WRONG) | (verdict == CARRIED), tainted[at])
    return judged


def _judge_line(order: Order, sheets: Sheets, judged: Judged, truth: Followed, at: int, above: Array) -> None:
    base, given = judged.base, sheets.given[at]
    value, unit, true = sheets.value[at], sheets.unit[at], order.true(at)
    gap, meets_gap = np.abs(value - base.value[at]), np.abs(value - true)
    meets_room = np.maximum(truth.room(at, unit), unit + 1e-15 * abs(true))
    meets = meets_gap <= np.where(np.isfinite(meets_room), meets_room, unit + 1e-9 * abs(true))
    room = base.room(at, unit)
    known = np.isfinite(room) & np.isfinite(base.value[at])
    # Rounding may have made the numbers above impossible: the logarithm of 0. Then the truth decides.
    follows = given & np.where(known, gap <= room, meets)
    trivial = follows & above & ~meets & _trivial(order, sheets, judged, at)
    judged.follows[at], judged.trivial[at] = follows, trivial
    right = (follows & (~above | meets)) | (~follows & meets & ~above)
    verdict = np.full(sheets.count, WRONG)
    verdict[~follows & meets & above] = UNFOLLOWED
    verdict[follows & above & ~meets & ~trivial] = CARRIED
    verdict[right] = RIGHT
    judged.verdict[at] = verdict


def _trivial(order: Order, sheets: Sheets, judged: Judged, at: int) -> Array:
    """Return where a line has become 0 or one of its given numbers, by a wrong 0 or 1 that it is computed from."""
    found: Array = np.zeros(sheets.count, dtype=bool)
    uses = [use for use in order.right(at).uses if use in sheets.given]
    wrong = [(judged.verdict[use] == WRONG) & np.isin(sheets.value[use], TRIVIAL) for use in uses]
    if not wrong:
        return found
    cause = np.logical_or.reduce(wrong)
    value, true = judged.base.value[at], order.true(at)
    degenerate = (value == 0) & (true != 0)
    for constant in order.constants(at):
        degenerate |= (value == constant) & (true != constant)
    return np.asarray(cause & degenerate)
