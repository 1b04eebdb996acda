"""The result of a check: the verdict of each line, what explains those that are wrong, and the marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clearprop.cached import cached_property
from clearprop.checking.candidates import Candidate
from clearprop.checking.order import Order
from clearprop.checking.verdicts import Verdict
from clearprop.display import Displayable
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle


@dataclass(frozen=True, slots=True)
class MarkedLine:
    """A line of a sheet. ``given`` is the text that stands there; ``value`` the number it was read as.

    ``expected`` is from the sheet's own numbers, ``true`` from the network alone; ``band`` is how far the number may be
    from it. ``trivial`` says that it follows only because a wrong 0 or 1 above leaves nothing to compute.
    """

    quantity: str
    given: str
    expected: float
    true: float
    verdict: Verdict
    band: float
    value: float | None = None
    trivial: bool = False
    of: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake, slip or convention that gives wrong lines, and those that give them as well.

    ``separated_by`` is the quantity whose number would tell the tied ones apart; None where nothing here does.
    """

    name: str
    says: str
    lines: tuple[str, ...]
    tied_with: tuple[str, ...] = ()
    separated_by: str | None = None
    change: str | None = None
    convention: bool = False
    candidate: Candidate | None = None


@dataclass(frozen=True, repr=False)
class Marked(Displayable):
    """A marked sheet; ``order`` holds the lines that it was marked by, ``numbers`` the number that each line had for
    those below it: the sheet's own, or where it leaves one out what the formula gives."""

    cycle: Cycle
    order: Order
    lines: tuple[MarkedLine, ...]
    mistakes: tuple[Finding, ...]
    conventions: tuple[Finding, ...]
    unexplained: tuple[str, ...] = ()
    name: str = ""
    notes: tuple[str, ...] = ()
    numbers: Mapping[Quantity, float] = field(default_factory=dict)

    @property
    def first_wrong(self) -> str | None:
        """The first wrong line, in computing order."""
        return next((line.quantity for line in self.lines if line.verdict is Verdict.WRONG), None)

    @cached_property
    def marks(self) -> Mapping[str, int]:
        """Return the number of lines with each verdict, and of all lines."""
        count = {each.value: sum(line.verdict is each for line in self.lines) for each in Verdict}
        return {**count, "of": len(self.lines)}

    @property
    def all_right(self) -> bool:
        """Whether nothing is wrong and nothing missing."""
        return not self.marks["wrong"] and not self.marks["missing"]

    @property
    def points(self) -> int:
        """The lines that earn a mark: right, carried, or right without following."""
        return self.marks["right"] + self.marks["carried"] + self.marks["unfollowed"]

    def __repr__(self) -> str:
        return f"Marked({self.points} of {self.marks['of']}, first_wrong={self.first_wrong!r})"

    def structure(self) -> dict[str, Any]:
        """Return the marks as dictionaries and lists."""
        return {
            "lines": [
                {
                    "quantity": line.quantity,
                    "given": line.given,
                    "expected": line.expected,
                    "true": line.true,
                    "verdict": line.verdict.value,
                    "band": line.band,
                }
                for line in self.lines
            ],
            "first_wrong": self.first_wrong,
            "mistakes": [
                {
                    "name": each.name,
                    "says": each.says,
                    "lines": list(each.lines),
                    "tied_with": list(each.tied_with),
                    "separated_by": each.separated_by,
                }
                for each in self.mistakes
            ],
            "conventions": [
                {
                    "change": each.change,
                    "says": each.says,
                    "name": each.name,
                    "lines": list(each.lines),
                    "tied_with": list(each.tied_with),
                }
                for each in self.conventions
            ],
            "unexplained": list(self.unexplained),
            "marks": dict(self.marks),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, repr=False)
class MarkedClass(Displayable):
    """The marked sheets of a class, by the name of each student."""

    cycle: Cycle
    students: Mapping[str, Marked]

    @property
    def all_right(self) -> bool:
        """Whether nothing is wrong and nothing missing on any sheet."""
        return all(each.all_right for each in self.students.values())

    @cached_property
    def common(self) -> tuple[tuple[str, int], ...]:
        """The mistakes and conventions, each with the number of students who may have made it, the commonest first."""
        count: dict[str, int] = {}
        for sheet in self.students.values():
            for name in dict.fromkeys(each.name for each in (*sheet.conventions, *sheet.mistakes)):
                count[name] = count.get(name, 0) + 1
        return tuple(sorted(count.items(), key=lambda item: -item[1]))

    def says(self, name: str) -> str:
        """Return the sentence of a mistake that some student made."""
        findings = (each for sheet in self.students.values() for each in (*sheet.conventions, *sheet.mistakes))
        return next(each.says for each in findings if each.name == name)

    def __repr__(self) -> str:
        return f"MarkedClass({len(self.students)} sheets)"

    def structure(self) -> dict[str, Any]:
        """Return the marks of every student, and the commonest mistakes."""
        return {
            "students": {name: each.structure() for name, each in self.students.items()},
            "common": [{"name": name, "students": students} for name, students in self.common],
        }
