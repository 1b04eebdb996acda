"""The command: which rows, which entries, and what becomes of the results."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.comparison import sweep, tables
from benchmarks.comparison.machine import described
from benchmarks.comparison.prompt import prompted
from benchmarks.comparison.result import Result
from benchmarks.comparison.rounds import Length, measured
from benchmarks.comparison.worker import workers
from benchmarks.contenders.entry import Entry, entries
from benchmarks.contenders.rows import PREDICTIONS, PROMPTS, SWEEPS, TRAININGS, Prediction, Training, chosen
from benchmarks.peak import Peak, measure

QUICK = Length(3, 0.05)
SHORT = Length(5, 0.1)
"""For the many points of a sweep."""
TASKS: tuple[Training | Prediction, ...] = (*TRAININGS, *PREDICTIONS)

LEAST = 5
"""Rounds of whole commands, which are as long as they are."""


@dataclass
class Run:
    """What was found so far; written down after every row, since a run is long and may be interrupted."""

    about: dict[str, Any]
    json: Path | None = None
    table: Path | None = None
    peak: Peak | None = None
    results: list[Result] = field(default_factory=list)
    curves: list[sweep.Curves] = field(default_factory=list)

    def peaked(self) -> None:
        """Measure the peak again: the best that was seen counts, for whatever else runs can only lower it."""
        found = measure(0.02, 3)
        if self.peak is None or found.all_cores > self.peak.all_cores:
            self.peak = found

    def add(self, result: Result) -> None:
        """One more row."""
        self.results.append(result)
        print(f"  ratio {tables.times(result.ratio)}", file=sys.stderr, flush=True)
        self.write()

    def text(self) -> str:
        """All tables."""
        if not self.curves:
            return tables.page(self.about, self.peak, self.results)
        parts = ["", *(line for curves in self.curves for line in (*sweep.table(curves), ""))]
        shared = tables.shared([result for curves in self.curves for result in curves.results])
        return "\n".join([*tables.head(self.about, self.peak), *shared, *parts])

    def write(self) -> None:
        """The files that were asked for."""
        if self.json is not None:
            peak = None if self.peak is None else self.peak.all_cores
            found = {
                **self.about,
                "peak": None if self.peak is None else vars(self.peak),
                "rows": [result.as_json(peak) for result in self.results],
                "sweeps": {curves.sweep.name: curves.as_json() for curves in self.curves},
            }
            self.json.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        if self.table is not None:
            self.table.write_text(self.text(), encoding="utf-8")


def arguments(description: str) -> argparse.Namespace:
    """What was asked for at the prompt."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", metavar="PATTERN", default="", help="only rows in whose name this is found")
    parser.add_argument("--contenders", metavar="PATTERN", default="", help="clearprop, and only peers like this")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each row (default: 7)")
    parser.add_argument("--seconds", type=float, metavar="S", help="least seconds of a round (default: 0.3)")
    parser.add_argument("--quick", action="store_true", help="few short rounds, to see that all works")
    parser.add_argument("--sweep", choices=[*SWEEPS, "all"], help="in place of the rows: one size changes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the tables there too, as Markdown")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the sweep there, as PNG or SVG")
    parser.add_argument("--list", action="store_true", help="print the names of the rows and entries, and end")
    given = parser.parse_args()
    if given.rounds is not None and given.rounds < 1:
        parser.error(f"--rounds: expected at least 1, found {given.rounds}")
    if given.seconds is not None and not given.seconds > 0:
        parser.error(f"--seconds: expected more than 0, found {given.seconds}")
    if given.plot is not None and given.sweep is None:
        parser.error("--plot draws a sweep: say which with --sweep")
    if given.plot is not None and find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib: pip install 'clearprop[plot]'")
    return given


def length(given: argparse.Namespace) -> Length:
    """How many rounds, and how long."""
    usual = QUICK if given.quick else SHORT if given.sweep else Length()
    return Length(given.rounds or usual.rounds, given.seconds or usual.seconds)


def taking_part(pattern: str) -> tuple[list[Entry], list[str]]:
    """Who was asked for and is installed; and a line for each that is not."""
    wanted = [entry for entry in entries() if entry.ours or chosen(entry.label, pattern)]
    missing = {entry.name: entry.needs for entry in wanted if not entry.present}
    lines = [
        f"{name} is left out: {needs} is not installed; pip install 'clearprop[peers]'"
        for name, needs in missing.items()
    ]
    return [entry for entry in wanted if entry.present], lines


def rows(run: Run, present: Sequence[Entry], given: argparse.Namespace, folder: Path) -> None:
    """All rows that were asked for."""
    tasks = [task for task in TASKS if chosen(task.name, given.rows)]
    if tasks:
        with workers(list(present), folder / "workers") as ready:
            for task in tasks:
                print(task.name, file=sys.stderr, flush=True)
                run.peaked()
                run.add(measured(task, ready, length(given)))
                run.peaked()
    few = Length(given.rounds or (2 if given.quick else LEAST))
    for name in (name for name in PROMPTS if chosen(f"prompt {name}", given.rows)):
        print(f"prompt {name}", file=sys.stderr, flush=True)
        run.add(prompted(name, present, few, folder))


def sweeps(run: Run, present: Sequence[Entry], given: argparse.Namespace, folder: Path) -> None:
    """The sweeps that were asked for."""
    some = [entry for entry in present if sweep.takes_part(entry)]
    with workers(some, folder / "workers") as ready:
        for each in SWEEPS.values():
            if given.sweep in (each.name, "all"):
                run.peaked()
                run.curves.append(sweep.swept(each, ready, length(given)))
                run.write()
    if given.plot is not None:
        about = run.about
        sweep.plot(run.curves, given.plot, f"{about['processor']}, {about['cores']} cores, {about['date']}")


def names() -> Iterator[str]:
    """All rows, then all entries."""
    yield from (task.name for task in TASKS)
    yield from (f"prompt {name}" for name in PROMPTS)
    yield ""
    yield from (entry.label + ("" if entry.present else " (not installed)") for entry in entries())


def main(description: str) -> int:
    """Measure, and print the tables."""
    given = arguments(description)
    if given.list:
        print("\n".join(names()))
        return 0
    present, left_out = taking_part(given.contenders)
    print("".join(f"{line}\n" for line in left_out), end="", file=sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was measured is kept then too
    run = Run(described() | {"left_out": left_out}, given.json, given.table)
    with tempfile.TemporaryDirectory(prefix="clearprop-benchmark-") as name:
        try:
            (sweeps if given.sweep else rows)(run, present, given, Path(name))
        except KeyboardInterrupt:
            print("interrupted: what was measured follows", file=sys.stderr)
    if not run.results and not run.curves:
        print(f'no row has "{given.rows}" in its name; --list prints them all', file=sys.stderr)
        return 2
    run.write()
    print(run.text(), end="")
    return 0
