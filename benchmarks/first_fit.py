"""Measure a first fit: from the call of ``cp.train`` to its return, after two steps.

    .venv/test/bin/python benchmarks/first_fit.py [--processes N] [--profile] [--docs FILE]

A new network is fitted, on rows for two steps,

- in a process that has trained another network, with everything imported, and compiled;
- in such a process, with the code on disk;
- as the first thing that a process does, imports included, and compiled;
- the same, with the code on disk.

Each is repeated in N processes, one after the other, the networks taking turns. ``cp.train`` also computes the
loss before and after, and returns the fit: the time includes all of that. ``--profile`` shows where it goes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from benchmarks.comparison import document  # noqa: E402
from benchmarks.comparison.machine import described  # noqa: E402
from benchmarks.comparison.tables import NONE, head, markdown, three  # noqa: E402
from benchmarks.fitting import NETWORKS, PHASES  # noqa: E402

PART = "first fit"
TARGETS = {"compiled": 0.3, "disk": 0.030}
"""Seconds, once everything is imported."""

PROFILED = 3
"""Processes of each case in which the parts are timed."""

Case = tuple[str, str]
"""Whether the process has trained before, and where the code comes from."""

CASES: tuple[Case, ...] = tuple((before, code) for before in ("warm", "first") for code in ("compiled", "disk"))
TOLD = {"warm": "after another fit", "first": "first call, imports included"}


@dataclass
class Timed:
    """The seconds of a network in a case, process by process, and the parts of each."""

    seconds: list[float] = field(default_factory=list)
    parts: list[dict[str, float]] = field(default_factory=list)

    def add(self, answer: dict[str, Any], code: str) -> None:
        """What a process found.

        Raises:
            RuntimeError: its code did not come from where it should have.
        """
        if answer["origin"] != code:
            raise RuntimeError(f'expected code from "{code}", found "{answer["origin"]}"')
        self.seconds.append(answer["seconds"])
        self.parts.append(answer["parts"])

    @property
    def median(self) -> float:
        """Of all processes."""
        return statistics.median(self.seconds)

    def part(self, name: str) -> float:
        """The median of a part."""
        return statistics.median(each[name] for each in self.parts)


Found = dict[str, dict[Case, Timed]]
"""By network and case."""


def measured(processes: int, profile: bool, networks: Sequence[str]) -> Found:
    """All cases of all networks, in turn. What one process compiles, the next one finds on the disk."""
    found: Found = {name: {case: Timed() for case in CASES} for name in networks}
    for number in range(processes):
        print(f"round {number + 1} of {processes}", file=sys.stderr, flush=True)
        for name, cases in found.items():
            for before in TOLD:
                with tempfile.TemporaryDirectory(prefix="clearprop-first-fit-") as folder:
                    for code in ("compiled", "disk"):
                        cases[before, code].add(asked(name, before, folder, profile), code)
    return found


def asked(name: str, before: str, folder: str, profile: bool) -> dict[str, Any]:
    """One process."""
    line = [sys.executable, "-m", "benchmarks.fitting", name, before, *(["profile"] if profile else [])]
    given = {**os.environ, "CLEARPROP_CACHE_DIR": folder}
    done = subprocess.run(line, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"exit code {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


# --- tables ------------------------------------------------------------------------------------------------


def milli(seconds: float) -> str:
    """Seconds in thousandths."""
    return three(1000 * seconds)


def summary(found: Found) -> list[str]:
    """A line per network: median and fastest of every case, beside what is to be reached."""
    heads = ["network"]
    for before, code in CASES:
        target = f"; to reach: {milli(TARGETS[code])}" if before == "warm" else ""
        heads.append(f"{TOLD[before]}, {'compiled' if code == 'compiled' else 'from the disk'}, ms (fastest{target})")
    return markdown(heads, ([name, *_cells(cases)] for name, cases in found.items()))


def _cells(cases: dict[Case, Timed]) -> Iterator[str]:
    for before, code in CASES:
        timed = cases[before, code]
        text = f"{milli(timed.median)} ({milli(min(timed.seconds))})"
        within = before != "warm" or timed.median <= TARGETS[code]
        yield text if within else f"**{text}**"


def parts(found: Found) -> list[str]:
    """A line per network and case: where the time goes, in medians of each part, which need not add up."""
    heads = ("network", "case", *(f"{phase}, ms" for phase in PHASES), "the rest, ms", "all, ms")
    rows = []
    for name, cases in found.items():
        for (before, code), timed in cases.items():
            cells = [timed.part(phase) for phase in PHASES]
            rest = statistics.median(
                seconds - sum(each.values()) for seconds, each in zip(timed.seconds, timed.parts, strict=True)
            )
            told = [milli(cell) if cell else NONE for cell in cells]
            rows.append([name, f"{TOLD[before]}, {code}", *told, milli(rest), milli(timed.median)])
    return markdown(heads, rows)


EXPLAINED = """\
Thousandths of a second from the call of `cp.train` to its return, two steps later; of a first call from the first
line of the program, before it imports clearprop. The median over {processes} processes, and the fastest; bold
where the median misses its target."""


WHERE = f"Where it goes, in {PROFILED} more processes of each case, in which clocks cost some of the time:"


def lines(about: dict[str, Any], found: Found, processes: int, profiled: Found | None) -> list[str]:
    """The page."""
    text = ["## First fit", "", *head(about, None), "", EXPLAINED.format(processes=processes), "", *summary(found)]
    return text if profiled is None else [*text, "", WHERE, "", *parts(profiled)]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--processes", type=int, default=9, metavar="N", help="processes per case (default: 9)")
    parser.add_argument("--profile", action="store_true", help="also show where the time goes, in more processes")
    parser.add_argument("--network", choices=list(NETWORKS), action="append", help="only this one; may be repeated")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="put the table into this page, between its markers")
    given = parser.parse_args()
    if given.processes < 1:
        parser.error(f"--processes: expected at least 1, found {given.processes}")
    if given.docs is not None and (wrong := document.missing(given.docs, [PART])):
        parser.error(f"--docs: {wrong}")
    networks = given.network or list(NETWORKS)
    found = measured(given.processes, False, networks)
    profiled = measured(PROFILED, True, networks) if given.profile else None
    page = lines(described(), found, given.processes, profiled)
    print("\n".join(page))
    if given.docs is not None:
        document.replace(given.docs, PART, page)


if __name__ == "__main__":
    main()
