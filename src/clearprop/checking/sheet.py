"""One sheet, from its verdicts to what is said about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from clearprop.checking.candidates import EVERYWHERE, KIND_OF_UNIT, Candidate, narrowest
from clearprop.checking.conventions import Convention
from clearprop.checking.exercise import Exercise
from clearprop.checking.explained import Explained, widest
from clearprop.checking.following import Followed, Sheets, follow_rewritten
from clearprop.checking.marked import Finding, Marked, MarkedLine
from clearprop.checking.reproduced import Combination, reproduced
from clearprop.checking.slips import SLIPS, Attempt
from clearprop.checking.verdicts import VERDICTS, Judged, Verdict
from clearprop.messages import counted
from clearprop.types import Array

CLEAR = 0.2
"""For one line alone a prediction's room must be this much smaller than its distance from the right number."""


def chosen(sheets: Sheets, judged: Judged, rows: Sequence[int]) -> tuple[Sheets, Judged]:
    """Return some of the sheets, with their verdicts."""
    taken = list(rows)

    def only(part: Mapping[int, Array]) -> dict[int, Array]:
        return {at: each[taken] for at, each in part.items()}

    base = judged.base
    followed = Followed(
        only(base.value), only(base.band), only(base.noise), base.columns, only(base.numbers), {}, base.rewritten
    )
    few = Sheets(len(taken), only(sheets.given), only(sheets.value), only(sheets.unit), sheets.absent)
    return few, Judged(followed, only(judged.verdict), only(judged.follows), only(judged.trivial))


class Sheet:
    """One sheet of an exercise, as it was judged."""

    def __init__(self, exercise: Exercise, texts: Sequence[str], sheets: Sheets, judged: Judged) -> None:
        self.exercise, self.order, self.sheets, self.judged = exercise, exercise.order, sheets, judged
        self.texts = dict(zip(exercise.at, texts, strict=True))
        self.verdicts = {at: VERDICTS[int(judged.verdict[at][0])] for at in sorted(self.texts)}
        self.given = [at for at in self.verdicts if sheets.given[at][0]]
        self.wrong = [at for at in self.given if self.verdicts[at] is Verdict.WRONG and not judged.trivial[at][0]]

    def marked(self, name: str, explained: list[Explained]) -> Marked:
        """Return the marked sheet."""
        mistakes, conventions, left = self._findings(explained)
        return Marked(
            self.exercise.cycle,
            self.order,
            tuple(map(self._line, self.verdicts)),
            tuple(mistakes),
            tuple(conventions),
            tuple(map(self.exercise.name, left)),
            name,
            tuple(self._notes()),
            {self.order.quantities[at]: float(row[0, 0]) for at, row in self.judged.base.numbers.items()},
        )

    def _line(self, at: int) -> MarkedLine:
        base, given = self.judged.base, bool(self.sheets.given[at][0])
        expected = float(base.value[at][0])
        unit = float(self.sheets.unit[at][0]) if given else self._asked_unit(expected)
        return MarkedLine(
            self.exercise.name(at),
            self.texts[at],
            expected,
            self.order.true(at),
            self.verdicts[at],
            float(f"{unit + float(base.band[at][0]):.12g}"),
            float(self.sheets.value[at][0]) if given else None,
            bool(self.judged.trivial[at][0]),
            self.order.quantities[at],
        )

    def _asked_unit(self, value: float) -> float:
        absent = self.sheets.absent(np.array([value]))
        return float(absent[0])

    # --- what explains the wrong lines ------------------------------------------------------------------

    def _findings(self, explained: list[Explained]) -> tuple[list[Finding], list[Finding], list[int]]:
        """Return the mistakes and the conventions that give wrong lines, and the lines that nothing gives."""
        left = self._left(explained)
        if self.wrong and (left or len(explained) > 1) and self._leaves_out():
            combinations = self._reproduced()
            if combinations and (left or len(combinations[0]) < len(explained)):
                return (*self._of_combinations(combinations), [])
        found = [*explained, *self._alone(left)]
        found += self._from_scratch(self._left(found))
        left = self._left(found)
        findings = _merged([each for part in found for each in self._tied(part)])
        slips, left = self._slips(left)
        mistakes = [each for each in findings if not each.convention]
        return [*mistakes, *slips], [each for each in findings if each.convention], left

    def _left(self, explained: Iterable[Explained]) -> list[int]:
        done = {at for each in explained for at in each.lines}
        return [at for at in self.wrong if at not in done]

    def _leaves_out(self) -> bool:
        """Return whether some line that leads to those on the sheet is not on it."""
        return any(at not in self.given for at in self.order.needed(self.given))

    def _tied(self, explained: Explained) -> list[Finding]:
        """Return a finding for each mistake that gives the same lines."""
        names = [each.of.name for each in explained.by]
        apart = self._separating(explained.by) if len(names) > 1 else None
        lines = tuple(map(self.exercise.name, explained.lines))
        return [
            self._finding(each, lines, [name for name in names if name != each.of.name], apart) for each in explained.by
        ]

    def _finding(self, candidate: Candidate, lines: tuple[str, ...], tied: Sequence[str], apart: str | None) -> Finding:
        done = self.exercise.cycle
        change = None
        if isinstance(candidate.of, Convention):
            change = candidate.of.change(done.problem, done.example == "all")
        return Finding(
            candidate.of.name,
            candidate.of.says,
            lines,
            tuple(dict.fromkeys(tied)),
            apart,
            change,
            candidate.is_convention,
            candidate,
        )

    def _separating(self, by: Sequence[Candidate]) -> str | None:
        """Return the first line that is not on the sheet and has another number under each of the first two."""
        lines = sorted({at for each in by for at in each.formulas} - set(self.given))
        followed = [follow_rewritten(self.order, self.sheets, self.judged.base, each.formulas) for each in by[:2]]
        for at in lines:
            values = [float(each.value[at][0]) if at in each.value else self._right(at) for each in followed]
            if abs(values[0] - values[1]) > max(1e-9, 1e-3 * max(map(abs, values))):
                return self.exercise.name(at)
        return None

    def _right(self, at: int) -> float:
        value = self.judged.base.value.get(at)
        return self.order.true(at) if value is None else float(value[0])

    def _reproduced(self) -> list[Combination]:
        base, values, rooms = self.judged.base, {}, {}
        for at in self.given:
            values[at] = float(self.sheets.value[at][0])
            rooms[at] = float(base.room(at, self.sheets.unit[at])[0])
        return reproduced(self.order, values, rooms, self.wrong, self.exercise.candidates)

    def _of_combinations(self, combinations: list[Combination]) -> tuple[list[Finding], list[Finding]]:
        """Return the findings of combinations that give all numbers of the sheet: what is in all of them is certain,
        the rest is tied."""
        sets = [{each.of.name for each in combination} for combination in combinations]
        certain = set.intersection(*sets)
        candidates = {each.of.name: each for combination in combinations for each in combination}
        rest = [name for name in candidates if name not in certain]
        lines = tuple(map(self.exercise.name, self.wrong))
        findings = []
        for name, candidate in candidates.items():
            tied = [] if name in certain else [other for other in rest if other != name]
            findings.append(self._finding(candidate, lines, tied, None))
        return [each for each in findings if not each.convention], [each for each in findings if each.convention]

    def _alone(self, left: Sequence[int]) -> list[Explained]:
        """Return what gives a line that is left, if it was done in that line alone."""
        found = []
        wide = [each for each in self.exercise.candidates if each.width == EVERYWHERE and not each.is_convention]
        for at in left:
            value, right = float(self.sheets.value[at][0]), float(self.judged.base.value[at][0])
            by = []
            for each in wide:
                if at in each.formulas:
                    own = follow_rewritten(self.order, self.sheets, self.judged.base, {at: each.formulas[at]})
                    room = float(own.room(at, self.sheets.unit[at])[0])
                    given = float(own.value[at][0])
                    if abs(value - given) <= room <= CLEAR * abs(given - right):
                        by.append(each)
            if by:
                found.append(Explained((at,), widest(by)))
        return found

    def _from_scratch(self, left: Sequence[int]) -> list[Explained]:
        """Return what gives a line that is left through the whole cycle, whatever stands above it: a sheet may be right
        but for its last number, which a program gave."""
        explained = []
        for at in left:
            value, room = float(self.sheets.value[at][0]), float(self.sheets.unit[at][0])
            if room > CLEAR**2 * abs(value - self.order.true(at)):
                continue
            found = reproduced(self.order, {at: value}, {at: room}, [at], self.exercise.candidates, pairs=False)
            if found:
                by = widest([each for combination in found for each in combination])
                explained.append(Explained((at,), by))
        return explained

    def _slips(self, left: Sequence[int]) -> tuple[list[Finding], list[int]]:
        """Return the slips of the pen that give lines, and the lines that none gives."""
        lines: dict[str, list[int]] = {}
        for at in left:
            attempt = self._attempt(at)
            name = next((each.name for each in SLIPS.values() if each.explains(attempt)), None)
            if name is not None:
                lines.setdefault(name, []).append(at)
        done = {at for each in lines.values() for at in each}
        findings = [
            Finding(name, SLIPS[name].says, tuple(map(self.exercise.name, each))) for name, each in lines.items()
        ]
        return findings, [at for at in left if at not in done]

    def _attempt(self, at: int) -> Attempt:
        base, sheets, unit = self.judged.base, self.sheets, float(self.sheets.unit[at][0])
        room = float(base.band[at][0]) + float(base.noise[at][0])
        return Attempt(
            self.texts[at].strip(),
            float(sheets.value[at][0]),
            float(base.value[at][0]),
            unit,
            room,
            10 * float(base.band[at][0]),
            self.exercise.asked,
            self.exercise.decimal_comma,
        )

    # --- notes ------------------------------------------------------------------------------------------

    def _notes(self) -> Iterable[str]:
        """Yield how far mistakes were looked for, and what may have happened to the sheet as a whole."""
        if self.wrong and (narrow := narrowest(self.order)) < KIND_OF_UNIT:
            place = "units" if narrow else "layers or units"
            lines = counted(len(self.order.rewritable), "line")
            yield f"in {lines}, mistakes made in single {place} only are not looked for"
        untrue = [at for at in self.given if self.verdicts[at] in (Verdict.WRONG, Verdict.CARRIED)]
        if 2 * len(untrue) < len(self.given) or len(self.given) < LEAST:
            return
        for number, truth in self.exercise.others:
            known = [at for at in self.given if at in truth]
            gaps = {at: abs(float(self.sheets.value[at][0]) - truth[at]) for at in known}
            matching = sum(gap <= 2 * float(self.sheets.unit[at][0]) + 1e-9 for at, gap in gaps.items())
            if len(known) >= LEAST and matching >= MOST_OF * len(known):
                yield f"these look like the numbers of example {number}"


LEAST = 4
"""The fewest numbers that say which example they belong to."""
MOST_OF = 0.8
"""The least share of a sheet's numbers that must be another example's."""


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with the lines of each mistake together."""
    merged: dict[str, Finding] = {}
    for each in findings:
        before = merged.get(each.name, each)
        lines = tuple(dict.fromkeys([*before.lines, *each.lines]))
        tied = tuple(name for name in before.tied_with if name in each.tied_with)
        apart = before.separated_by if tied else None
        merged[each.name] = replace(before, lines=lines, tied_with=tied, separated_by=apart)
    return list(merged.values())
