"""Measuring: turns, so that whatever drifts on the machine drifts for all; processes; medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")

ROOT = Path(__file__).resolve().parent.parent

PATIENCE = 300.0
"""Seconds until a process is given up."""


class Failed(Exception):
    """Something could not be measured: the last line of what went wrong."""


@dataclass(frozen=True)
class Length:
    """The number of rounds, and the least seconds of each."""

    rounds: int = 7
    seconds: float = 0.3


def in_turns(items: Sequence[Item], rounds: int) -> Iterator[tuple[int, Item]]:
    """Yield the round and whose turn it is; another one is first each time.

    >>> list(in_turns("ab", 2))
    [(0, 'a'), (0, 'b'), (1, 'b'), (1, 'a')]
    """
    for number in range(rounds):
        for place in range(len(items)):
            yield number, items[(number + place) % len(items)]


def quartiles(found: Sequence[float]) -> tuple[float, float]:
    """Return the bounds of the middle half."""
    if len(found) < 2:
        return found[0], found[0]
    low, _, high = statistics.quantiles(found, n=4, method="inclusive")
    return low, high


class Done(NamedTuple):
    """A process that has ended: its seconds, the most memory it had (in bytes), and what it printed."""

    seconds: float
    peak: int
    printed: str
    errors: str


def process(line: Sequence[str | Path], environment: dict[str, str] | None = None) -> Done:
    """Run a command in the repository, and time it.

    Raises:
        Failed: it ended with an error, or not in time.
    """
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        child = subprocess.Popen(
            line, cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=printed, stderr=errors
        )
        late = threading.Timer(PATIENCE, child.kill)
        late.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        finally:
            late.cancel()
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        for file in (printed, errors):
            file.seek(0)
        done = Done(seconds, usage.ru_maxrss * 1024, printed.read(), errors.read())
    if child.returncode:
        raise Failed((done.errors.strip().splitlines() or [f"exit code {child.returncode}"])[-1][:200])
    return done
