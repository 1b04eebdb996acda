"""All failures, as one tree::

    ClearpropError                what every failure of clearprop is
    ├── RequestError   (exit 2)   the request was wrong
    │   ├── UnknownName               an unknown name; suggests the one meant
    │   ├── UnreadableFile            missing, a folder, binary, too large, not TOML
    │   ├── InvalidNetwork            everything wrong with a network, all at once
    │   ├── InvalidExpression         points at the character
    │   ├── InvalidArgument           a value given from Python or the command line
    │   └── MissingExtra              an optional package is not installed; names the extra
    └── WorkError      (exit 1)   the request was right, the work failed
        ├── UnfitTable                a table of data does not fit the network
        ├── DamagedModel              a model file is truncated, foreign, or contradicts itself
        ├── NotFinite                 a number became infinite or undefined; names the part
        ├── Unwritable                the output could not be written
        ├── EngineUnusable            no native code can be made on this machine
        └── Disagreement              two readings of one rule differ: a bug in clearprop

``UnknownName`` and ``InvalidArgument`` are a ``ValueError`` too: so callers in Python may expect them.

A message says what, where, what was expected, what was found and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from clearprop.messages import unknown


class Notice(UserWarning):
    """Says what was assumed, or may not be what was meant; the command line prints it as a line."""


class ClearpropError(Exception):
    """Any failure that clearprop explains to its user."""

    exit_code = 1


class RequestError(ClearpropError):
    """The request was wrong: exit code 2."""

    exit_code = 2


class WorkError(ClearpropError):
    """The request was right, but the work failed: exit code 1."""

    exit_code = 1


class UnknownName(RequestError, ValueError):
    """A name that does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "") -> None:
        self.kind, self.name = kind, name
        super().__init__(f"{where}{': ' if where else ''}{unknown(kind, name, known)}")


class UnreadableFile(RequestError):
    """A file that cannot be read as what it should be."""


class InvalidArgument(RequestError, ValueError):
    """A value that does not fit what was asked."""


class MissingExtra(RequestError):
    """A package that an optional feature needs is not installed."""

    def __init__(self, feature: str, package: str, extra: str) -> None:
        super().__init__(f"{feature} needs {package} (extra “{extra}”): pip install {package}")


class Fault(NamedTuple):
    """One thing that is wrong, and where: ``layers[1].weights``; ``name`` is set where a name is reserved."""

    where: str
    message: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class InvalidNetwork(RequestError):
    """Everything that is wrong with a network, reported at once."""

    def __init__(self, problems: Sequence[Fault], source: str = "the network") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__(listed(self.problems, source))


def listed(problems: Sequence[Fault], source: str, more: int = 0) -> str:
    """The message that reports several problems at once, and how many more there are."""
    total = len(problems) + more
    lines = [f"{source} has {total:,} problem{'s' if total > 1 else ''}:"]
    lines += ["  " + str(problem).replace("\n", "\n  ") for problem in problems]
    if more:
        lines.append(f"  and {more:,} more")
    return "\n".join(lines)


class InvalidExpression(RequestError):
    """An expression that cannot be read; ``position`` is the offending character's index."""

    def __init__(self, text: str, position: int, message: str) -> None:
        self.text, self.position, self.message = text, position, message
        start = max(0, position - 50)
        shown = "".join(c if c.isprintable() else " " for c in text[start : position + 20])
        super().__init__(f"{message}\n  {shown}\n  {' ' * (position - start)}^ character {position + 1}")


class UnfitTable(WorkError):
    """Everything that is wrong with a table of data, reported at once: the first problems, and how many
    more there are, with ``more`` that were counted only."""

    SHOWN = 10

    def __init__(self, problems: Sequence[Fault], source: str = "the table", more: int = 0) -> None:
        self.problems = tuple(problems)
        self.source, self.more = source, more
        super().__init__(listed(self.problems[: self.SHOWN], source, more + max(0, len(problems) - self.SHOWN)))


class DamagedModel(WorkError):
    """A model file that cannot be what it says it is."""


class NotFinite(WorkError):
    """A number became infinite or undefined. ``reached`` is the cycle in which a slope did, if there is one;
    ``undefined`` says that a formula has no value where it was asked for one, though its numbers are not large."""

    reached: Any = None
    undefined = False


class Unwritable(WorkError):
    """The output could not be written; what was there before is untouched."""


class EngineUnusable(WorkError):
    """The compiled engine was requested but cannot be used here; says why."""


class Disagreement(WorkError):
    """Two readings of the same rule gave different numbers: a bug in clearprop."""
