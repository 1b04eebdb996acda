"""Compare the speed of training and prediction with PyTorch, JAX and scikit-learn.

    .venv/test/bin/python -m pip install '.[peers]'
    .venv/test/bin/python benchmarks/engine.py [--rows PATTERN] [--quick] [--json FILE [--resume]]
    .venv/test/bin/python benchmarks/engine.py --sweep all --plot FILE

`cp.train` as a user calls it stands beside the engine's steps alone and the others' trainings. All get the same data,
initial weights and order of rows, gather their batches within the measured time, and tell the loss of every epoch.
Each library has one process for every number of threads; these take turns, round by round, and the next one
starts when the threads of the last are idle. Everyone's first epoch is compared with clearprop's NumPy reference in
float64. Libraries that are not installed are left out, with a notice; JAX 0.4.31 has an environment of its own. A
whole run takes about an hour on two idle cores; --resume continues an interrupted one.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # In place of this file's folder: the parts are named from above it.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.compared import compared
from benchmarks.entries import Entry, entries
from benchmarks.measure import Failed, Length
from benchmarks.peak import Peak, measure
from benchmarks.plot import plot
from benchmarks.prompted import prompted
from benchmarks.results import Result
from benchmarks.rows import PROMPTS, SWEEPS, TASKS, chosen
from benchmarks.worker import workers

from benchmarks import report, row_tables

ROWS, ENTRIES, CURVES = "engine rows", "engine entries", "engine sweeps"
"""The parts of a page that this writes."""

SAME = ("processor", "cores", "extensions", "versions", "sources", "length", "contenders", "left_out")
"""What must not have changed for two runs to be one."""


@dataclass
class Run:
    """What was found so far, by the name of the row; written down after every row."""

    about: dict[str, Any]
    file: Path | None = None
    peak: Peak | None = None
    results: dict[str, Result] = field(default_factory=dict)

    def resume(self) -> None:
        """Take over what a run that was cut short has written.

        Raises:
            Failed: it was measured elsewhere, or otherwise.
        """
        if self.file is None or not self.file.exists():
            return
        try:
            found = json.loads(self.file.read_text(encoding="utf-8"))
            if changed := [name for name in SAME if found[name] != self.about[name]]:
                raise Failed(f"{self.file} is of another run: other {', '.join(changed)}; remove it, or name another")
            self.results = {name: Result.read(row) for name, row in found["rows"].items()}
            self.peak = None if found["peak"] is None else Peak(**found["peak"])
        except (KeyError, TypeError, ValueError) as error:
            raise Failed(f"{self.file} is not a file of results: {error!r}") from error

    def add(self, name: str, row: Callable[[], Result]) -> None:
        """Measure one more row, unless it is there; and the peak: the best that was seen counts."""
        if name in self.results:
            return
        print(name, file=sys.stderr, flush=True)
        try:
            self.results[name] = row()
        except Failed as failure:
            print(f"  {failure}", file=sys.stderr, flush=True)
            return
        print(f"  ratio {report.times(self.results[name].ratio)}", file=sys.stderr, flush=True)
        found = measure(0.02, 3)
        if self.peak is None or found.all_cores > self.peak.all_cores:
            self.peak = found
        self.write()

    def write(self) -> None:
        """Write all numbers down: never half a file, whenever the run is cut short."""
        if self.file is not None:
            peak, rows = self.peak and vars(self.peak), {name: row.as_json() for name, row in self.results.items()}
            half = self.file.with_name(f"{self.file.name}.part")
            found = json.dumps({**self.about, "peak": peak, "rows": rows}, indent=2, ensure_ascii=False)
            half.write_text(found + "\n", encoding="utf-8")
            half.replace(self.file)

    def curves(self) -> dict[str, row_tables.Curves]:
        """Return the sweeps that are there, by name and size."""
        found = {
            name: {size: self.results[key] for size in sweep.points if (key := point(name, size)) in self.results}
            for name, sweep in SWEEPS.items()
        }
        return {name: curves for name, curves in found.items() if curves}

    def parts(self, picture: Path | None) -> dict[str, list[str]]:
        """Return what is to be told, by the part of the page."""
        peak = [] if self.peak is None else ["", f"Peak measured in this run: {self.peak}."]
        left_out = [line for each in self.about["left_out"] for line in ("", each)]
        head, results = [*report.head(self.about), *peak, *left_out], list(self.results.values())
        if curves := self.curves():
            drawn = [] if picture is None else [f"![The cost of a step as one size grows]({picture.name})", ""]
            tables = [line for name, some in curves.items() for line in (*row_tables.swept(name, some), "")]
            return {CURVES: [*head, *row_tables.shared(results), "", *drawn, *tables]}
        return {ROWS: [*head, *row_tables.rows(results, self.peak)], ENTRIES: row_tables.entries(results)}


def point(sweep: str, size: int) -> str:
    """Return the name of a row of a sweep."""
    return f"{sweep} {size:,}"


def measure_all(given: argparse.Namespace, run: Run, present: list[Entry], folder: Path) -> None:
    """Measure what was asked for, row by row."""
    length = length_of(given)
    with workers(present, folder / "workers") as ready:
        if given.sweep is not None:
            some = [each for each in ready if each.entry.name in row_tables.SWEPT]
            for name, sweep in SWEEPS.items():
                for size, task in sweep.points.items() if given.sweep in (name, "all") else ():
                    run.add(point(name, size), partial(compared, task, some, length, point(name, size)))
            return
        for row in TASKS:
            if chosen(row.name, given.rows):
                run.add(row.name, partial(compared, row, ready, length))
    for name in PROMPTS:
        if chosen(f"prompt {name}", given.rows):
            run.add(f"prompt {name}", partial(prompted, name, present, min(length.rounds, 5), folder))


def arguments() -> argparse.Namespace:
    """Read what was asked for at the prompt."""
    parser = report.parser(__doc__, ROWS, ENTRIES, CURVES)
    parser.add_argument("--rows", metavar="PATTERN", default="", help="only rows whose name contains this")
    parser.add_argument("--contenders", metavar="PATTERN", default="", help="clearprop, and only such peers")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each row (default: 7)")
    parser.add_argument("--quick", action="store_true", help="few short rounds, to check that everything works")
    parser.add_argument("--sweep", choices=[*SWEEPS, "all"], help="vary one size, instead of the rows")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, after every row")
    parser.add_argument("--resume", action="store_true", help="keep the results in the file of --json, and continue")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the sweep there, as PNG or SVG")
    parser.add_argument("--list", action="store_true", help="print the names of rows and entries, and exit")
    given = parser.parse_args()
    if given.rounds is not None and given.rounds < 1:
        parser.error(f"--rounds: expected at least 1, found {given.rounds}")
    if given.resume and given.json is None:
        parser.error("--resume continues the file of --json: name it")
    if given.plot is not None and (given.sweep is None or find_spec("matplotlib") is None):
        parser.error("--plot draws a sweep, which --sweep names, and needs matplotlib: pip install '.[plot]'")
    return given


def length_of(given: argparse.Namespace) -> Length:
    """Return how many rounds, and how long; a sweep has many points."""
    usual = Length(3, 0.05) if given.quick else Length(5, 0.1) if given.sweep else Length()
    return Length(given.rounds or usual.rounds, usual.seconds)


def taking_part(pattern: str) -> tuple[list[Entry], list[str]]:
    """Return who was asked for and is installed; and a line for each that is not."""
    wanted = [entry for entry in entries() if entry.ours or chosen(entry.label, pattern)]
    missing = {entry.name: entry.missing for entry in wanted if entry.missing is not None}
    lines = [f"{name} is left out: {reason}" for name, reason in missing.items()]
    return [entry for entry in wanted if entry.missing is None], lines


def main() -> int:
    """Measure, and print the tables."""
    given = arguments()
    present, left_out = taking_part(given.contenders)
    if given.list:
        rows = [*(task.name for task in TASKS), *(f"prompt {name}" for name in PROMPTS)]
        print("\n".join([*rows, "", *(entry.label for entry in present), *left_out]))
        return 0
    print("".join(f"{line}\n" for line in left_out), end="", file=sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was measured is kept then too
    about = {"left_out": left_out, "length": vars(length_of(given)), "contenders": given.contenders}
    run = Run(report.described() | about, given.json)
    try:
        if given.resume:
            run.resume()
        with tempfile.TemporaryDirectory(prefix="clearprop-benchmark-") as name:
            measure_all(given, run, present, Path(name))
    except Failed as unfit:
        print(unfit, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        if not run.results:
            return 130
        print("interrupted: what was measured follows", file=sys.stderr)
    if not run.results:
        print(f'no row has "{given.rows}" in its name; --list prints them all', file=sys.stderr)
        return 2
    if given.plot is not None:
        about = run.about
        plot(run.curves(), given.plot, f"{about['processor']}, {about['cores']} cores, {about['date']}")
    parts = run.parts(given.plot)
    print("\n".join(line for part in parts.values() for line in part))
    for name, lines in parts.items():
        report.replace(given.docs, name, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
