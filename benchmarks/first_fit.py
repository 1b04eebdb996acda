"""Measure a first fit: from the call of ``cp.train`` to its return, after two steps.

    .venv/test/bin/python benchmarks/first_fit.py [--processes N] [--docs FILE]

A new network is fitted, on rows for two steps,

- in a process that has trained another network, with everything imported, and compiled;
- in such a process, with the code on disk;
- as the first thing that a process does, imports included, and compiled;
- the same, with the code on disk.

Each is repeated in N processes, one after the other, the networks taking turns. ``cp.train`` also computes the
loss before and after, and returns the fit: the time includes all of that. `benchmarks/fitting.py` says how to see
where it goes.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.fitting import NETWORKS
from benchmarks.measure import Failed, in_turns, process
from benchmarks.report import three

from benchmarks import report

PART = "first fit"
CASES = {
    ("warm", "compiled"): "after another fit, compiled, ms (fastest; to reach: {aim})",
    ("warm", "disk"): "after another fit, from the disk, ms (fastest; to reach: {aim})",
    ("first", "compiled"): "first call, imports included, compiled, ms (fastest)",
    ("first", "disk"): "first call, imports included, from the disk, ms (fastest)",
}
"""Whether the process has trained before, and where the code comes from. What one compiles, the next one finds."""

AIMS = {("warm", "compiled"): 300.0, ("warm", "disk"): 30.0}
"""Thousandths of a second, once everything is imported."""

EXPLAINED = """\
Thousandths of a second from the call of `cp.train` to its return, two steps later; of a first call from the first
line of the program, before it imports clearprop. The median over {processes} processes, and the fastest; bold
where the median misses its target."""

Found = dict[str, dict[tuple[str, str], list[float]]]
"""Thousandths of a second, process by process, by network and case."""


def measured(processes: int, networks: Sequence[str]) -> Found:
    """Measure all cases of all networks, in turn."""
    found: Found = {name: {case: [] for case in CASES} for name in networks}
    for number, name in in_turns(networks, processes):
        print(f"round {number + 1} of {processes}: {name}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="clearprop-first-fit-") as folder:
            for before, code in CASES:
                seconds = fit(f"{folder}/{before}", name, before, code)
                found[name][before, code].append(1000 * seconds)
    return found


def fit(folder: str, name: str, before: str, code: str) -> float:
    """Return the seconds of one process.

    Raises:
        Failed: its code did not come from where it should have.
    """
    line = [sys.executable, "-m", "benchmarks.fitting", name, before]
    answer = json.loads(process(line, {"CLEARPROP_CACHE_DIR": folder}).printed)
    if answer["origin"] != code:
        raise Failed(f'expected code from "{code}", found "{answer["origin"]}"')
    return float(answer["seconds"])


def summary(found: Found) -> list[str]:
    """Return a line per network: median and fastest of every case, beside what is to be reached."""
    heads = ["network", *(head.format(aim=three(AIMS.get(case, 0))) for case, head in CASES.items())]
    return report.markdown(heads, ([name, *_cells(cases)] for name, cases in found.items()))


def _cells(cases: dict[tuple[str, str], list[float]]) -> Iterator[str]:
    for case, taken in cases.items():
        median = statistics.median(taken)
        text = f"{three(median)} ({three(min(taken))})"
        yield f"**{text}**" if median > AIMS.get(case, median) else text


def main() -> None:
    """Measure, and print the table."""
    parser = report.parser(__doc__, PART)
    parser.add_argument("--processes", type=int, default=9, metavar="N", help="processes per case (default: 9)")
    parser.add_argument("--network", choices=list(NETWORKS), action="append", help="only this one; may be repeated")
    given = parser.parse_args()
    if given.processes < 1:
        parser.error(f"--processes: expected at least 1, found {given.processes}")
    about, found = report.described(), measured(given.processes, given.network or list(NETWORKS))
    told = EXPLAINED.format(processes=given.processes)
    lines = ["## First fit", "", *report.head(about), "", told, "", *summary(found)]
    print("\n".join(lines))
    report.replace(given.docs, PART, lines)


if __name__ == "__main__":
    main()
