"""Check numbers that someone else made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from clearprop.checking.answers import Answers, answers_of
from clearprop.checking.exercise import Exercise
from clearprop.checking.explained import Explained, explain
from clearprop.checking.following import Sheets
from clearprop.checking.marked import Marked, MarkedClass
from clearprop.checking.sheet import Sheet, chosen
from clearprop.checking.verdicts import WRONG, judge
from clearprop.checking.written import Asked, Written, written
from clearprop.fields import Unexpected, accepted, either, integer, number, optional, suggests_options
from clearprop.network.problem import Problem, a_problem
from clearprop.propagation.cycle import Cycle, cycle, number_or_all
from clearprop.types import Array

AT_ONCE = 200
"""The most sheets of a class that are marked at once."""


def _tolerance(value: Any) -> float:
    found = number(value)
    if not (found >= 0 and math.isfinite(found)):
        raise Unexpected("a number of at least 0")
    return found


@suggests_options()
def check(
    problem: Problem,
    answers: Any,
    *,
    digits: int | None = None,
    significant: int | None = None,
    rounding: Literal["nearest", "truncate"] = "nearest",
    tolerance: float | None = None,
    example: int | Literal["all"] = 1,
) -> Marked | MarkedClass:
    """Mark one worked cycle, or those of a whole class.

    - ``answers``: a file's path (CSV or JSON), or a mapping of quantities to numbers; of a class, a mapping of names to
      such mappings. Numbers as text keep the digits that were written.
    - ``digits``, ``significant``: the decimals, or significant digits, that the sheet asks for.
    - ``rounding``: whether numbers were rounded to the nearest, or cut off.
    - ``tolerance``: the largest error allowed, in place of counting digits.

    Raises:
        InvalidArgument: an unknown quantity, one twice, or options that contradict each other.
        UnreadableFile: the answers cannot be read.

    >>> import clearprop as cp
    >>> sheet = cp.check(cp.load("lecture"), {"sum_h1": "0.41", "output_h1": "0.6011", "new_w5": "0.5481"})
    >>> sheet.first_wrong, [(each.name, each.lines) for each in sheet.mistakes]
    ('new_w5', [('sign_of_error', ('new_w5',)), ('added', ('new_w5',))])
    """
    accepted(a_problem, problem, "problem")
    chosen = accepted(number_or_all, example, "example")
    return check_cycle(
        cycle(problem, chosen),
        answers,
        digits=digits,
        significant=significant,
        rounding=rounding,
        tolerance=tolerance,
    )


def check_cycle(
    done: Cycle,
    answers: Any,
    *,
    digits: int | None = None,
    significant: int | None = None,
    rounding: Literal["nearest", "truncate"] = "nearest",
    tolerance: float | None = None,
) -> Marked | MarkedClass:
    """Mark a worked cycle against one that was computed; see ``check``."""
    asked = Asked(
        accepted(optional(integer(0, 17)), digits, "digits"),
        accepted(optional(integer(1, 17)), significant, "significant"),
        accepted(either("nearest", "truncate"), rounding, "rounding") == "truncate",
        accepted(optional(_tolerance), tolerance, "tolerance"),
    )
    read = answers_of(done, answers)
    marked = Marking(done, read, asked).marked()
    if not read.of_class:
        return marked[0]
    return MarkedClass(done, dict(zip(read.names, marked, strict=True)))


class Marking:
    """The marking of all sheets of one exercise."""

    def __init__(self, done: Cycle, answers: Answers, asked: Asked) -> None:
        self.answers, self.asked = answers, asked
        self.exercise = Exercise(done, answers.quantities, asked, answers.decimal_comma)
        self.at = self.exercise.at

    def marked(self) -> list[Marked]:
        """Return every sheet, marked."""
        rows, found = self.answers.rows, list[Marked]()
        for start in range(0, len(rows), AT_ONCE):
            found += self._marked(start, rows[start : start + AT_ONCE])
        return found

    def _marked(self, start: int, rows: Sequence[tuple[str, ...]]) -> list[Marked]:
        sheets, unreadable = self._sheets(rows)
        judged = judge(self.exercise.order, sheets, unreadable)
        wrong = [row for row in range(len(rows)) if any(judged.verdict[at][row] == WRONG for at in self.at)]
        explained: dict[int, list[Explained]] = {}
        if wrong:
            found = explain(self.exercise.order, *chosen(sheets, judged, wrong), self.exercise.candidates)
            explained = dict(zip(wrong, found, strict=True))
        return [
            Sheet(self.exercise, rows[sheet], *chosen(sheets, judged, [sheet])).marked(
                self.answers.names[start + sheet], explained.get(sheet, [])
            )
            for sheet in range(len(rows))
        ]

    def _sheets(self, rows: Sequence[tuple[str, ...]]) -> tuple[Sheets, dict[int, Array]]:
        """Return the numbers of sheets, and where there is text that is no number."""
        given, value, unit, unreadable = {}, {}, {}, {}
        comma = self.answers.decimal_comma
        for column, at in enumerate(self.at):
            texts = [row[column].strip() for row in rows]
            read = [written(text, decimal_comma=comma) if text else None for text in texts]
            known = [each or Written(0.0, 0.0) for each in read]
            given[at] = np.array([each is not None for each in read])
            unreadable[at] = np.array([each is None and text != "" for each, text in zip(read, texts, strict=True)])
            value[at] = np.array([each.value for each in known])
            unit[at] = np.array([self.asked.room(each) for each in known])
        return Sheets(len(rows), given, value, unit, self._absent), unreadable

    def _absent(self, values: Array) -> Array:
        """Return how far numbers that a sheet leaves out may be off: as the digits that it asks for."""
        asked = self.asked
        if asked.tolerance is not None or (asked.digits is None and asked.significant is None):
            return np.zeros(len(values))
        return np.array([asked.share * asked.unit(float(each)) for each in values])
