"""Explain wrong numbers: the mistakes and conventions that give them.

Each candidate predicts every line from the numbers above it on the sheet. What counts is how many wrong numbers it
gives, less the right ones that it contradicts; the best is taken, what it explains is set aside, and so on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clearprop.checking.candidates import Candidate
from clearprop.checking.compiled import Formula
from clearprop.checking.following import Followed, Sheets, follow, follow_rewritten
from clearprop.checking.order import Order
from clearprop.checking.verdicts import UNFOLLOWED, WRONG, Judged
from clearprop.types import Array

WEAK = 1.5
"""A prediction must be farther from the right number than its own room over this, or it says nothing."""
ROUNDS = 8
"""The most mistakes that are named on one sheet."""


@dataclass(frozen=True)
class Explained:
    """Wrong lines that the candidates give equally well; of each mistake or convention the widest."""

    lines: tuple[int, ...]
    by: tuple[Candidate, ...]


@dataclass
class Fits:
    """For each candidate, sheet and line (places in ``at``): whether it gives the number that stands there and is
    clearly not the right formula, whether it gives it at all, and whether it gives another."""

    at: list[int]
    gives: Array
    allows: Array
    contradicts: Array
    predicted: list[Followed]


def fits(order: Order, sheets: Sheets, judged: Judged, found: Sequence[Candidate]) -> Fits:
    """Compare what each candidate predicts with what stands on each sheet."""
    at = sorted(sheets.given)
    place = {line: column for column, line in enumerate(at)}
    shape = len(found), sheets.count, len(at)
    gives, allows, contradicts = (np.zeros(shape, dtype=bool) for _ in range(3))
    predicted = []
    with np.errstate(all="ignore"):
        for row, candidate in enumerate(found):
            own = follow_rewritten(order, sheets, judged.base, candidate.formulas)
            predicted.append(own)
            for line, value in own.value.items():
                if line not in place:
                    continue
                given, room = sheets.given[line], own.room(line, sheets.unit[line])
                fitting = given & (np.abs(sheets.value[line] - value) <= room)
                clear = room <= WEAK * np.abs(value - judged.base.value[line])
                gives[row, :, place[line]] = fitting & clear
                allows[row, :, place[line]] = fitting
                contradicts[row, :, place[line]] = given & ~fitting
    return Fits(at, gives, allows, contradicts, predicted)


@dataclass(frozen=True)
class _Lines:
    """Of one sheet, which lines are ``wrong`` and to be explained, which are ``right`` and must not be contradicted,
    and which are right ``beside`` the numbers above them: an explanation that gives these too is better."""

    wrong: Array
    right: Array
    beside: Array

    def fullest(self, rows: Array, gives: Array) -> Array:
        """Return the candidates, by row, that give most of the lines beside."""
        count = (gives[rows] & self.beside).sum(1)
        return np.asarray(rows[count == count.max(initial=0)])


def explain(order: Order, sheets: Sheets, judged: Judged, found: Sequence[Candidate]) -> list[list[Explained]]:
    """Return for each sheet what explains its wrong numbers: one convention, if it leaves no line wrong; else the
    fewest mistakes and conventions."""
    fitted = fits(order, sheets, judged, found)
    explained = []
    for sheet in range(sheets.count):
        lines = _lines(judged, sheets, fitted.at, sheet)
        whole = _whole(found, fitted, sheet, lines)
        explained.append(whole or _cover(order, sheets, judged, found, fitted, sheet, lines))
    return explained


def _lines(judged: Judged, sheets: Sheets, at: Sequence[int], sheet: int) -> _Lines:
    verdict = np.array([judged.verdict[line][sheet] for line in at])
    given, follows, trivial = (
        np.array([part[line][sheet] for line in at]) for part in (sheets.given, judged.follows, judged.trivial)
    )
    unfollowed = verdict == UNFOLLOWED
    return _Lines(given & (verdict == WRONG) & ~trivial, follows & ~unfollowed, given & unfollowed)


def _whole(found: Sequence[Candidate], fitted: Fits, sheet: int, lines: _Lines) -> list[Explained]:
    """Return the candidates that give every wrong number of a sheet and contradict no right one, if a convention is
    among them."""
    gives = fitted.gives[:, sheet]
    whole = (gives | ~lines.wrong).all(1) & ~(fitted.contradicts[:, sheet] & lines.right).any(1)
    rows = lines.fullest(np.flatnonzero(whole), gives) if lines.wrong.any() else np.array([], dtype=int)
    alike = [found[int(row)] for row in rows]
    if not any(each.is_convention for each in alike):
        return []
    return [Explained(tuple(fitted.at[column] for column in np.flatnonzero(lines.wrong)), widest(alike))]


def _cover(
    order: Order,
    sheets: Sheets,
    judged: Judged,
    found: Sequence[Candidate],
    fitted: Fits,
    sheet: int,
    lines: _Lines,
) -> list[Explained]:
    """Take the best candidate, set aside what it explains, and repeat."""
    explained: list[Explained] = []
    gives, allows = fitted.gives[:, sheet], fitted.allows[:, sheet]
    contradicts = (fitted.contradicts[:, sheet] & lines.right).sum(1)
    left, taken = lines.wrong.copy(), dict[int, Formula]()
    for _ in range(ROUNDS):
        if not left.any():
            break
        count = (gives & left).sum(1)
        score = np.where(count > 0, count - contradicts, -1)
        best = int(score.max(initial=0))
        if best < 1:
            break
        top = lines.fullest(np.flatnonzero(score == best), gives)
        given = gives[top[0]] & left
        alike = [row for row in top if np.array_equal(gives[row] & left, given)]
        chosen = widest([found[int(row)] for row in alike])
        # What is taken also explains numbers that are too close to the right ones to speak for it.
        given = given | (allows[alike[0]] & left)
        explained.append(Explained(tuple(fitted.at[column] for column in np.flatnonzero(given)), chosen))
        left = left & ~given
        # Through lines left out of the sheet, the next mistake is seen with this one already made.
        hidden = {line: formula for line, formula in chosen[0].formulas.items() if not sheets.all_give(line)}
        if left.any() and hidden:
            taken |= hidden
            again = fits(order, one := sheets.only(sheet), _with(order, one, judged, sheet, taken), found)
            gives, allows = again.gives[:, 0], again.allows[:, 0]
            contradicts = (again.contradicts[:, 0] & lines.right).sum(1)
    return explained


def _with(order: Order, one: Sheets, judged: Judged, sheet: int, rewritten: Mapping[int, Formula]) -> Judged:
    """Return one sheet as it was judged, with some lines that it leaves out rewritten."""

    def only(part: Mapping[int, Array]) -> dict[int, Array]:
        return {at: each[sheet : sheet + 1] for at, each in part.items()}

    return Judged(follow(order, one, rewritten), only(judged.verdict), only(judged.follows), only(judged.trivial))


def widest(found: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return of each mistake or convention the widest candidate; conventions first."""
    kept: dict[str, Candidate] = {}
    for each in sorted(found, key=lambda each: (not each.is_convention, each.width)):
        kept.setdefault(each.of.name, each)
    return tuple(kept.values())
