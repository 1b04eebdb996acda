"""The command: which rows, which entries, and what becomes of the results."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.comparison import document, sweep
from benchmarks.comparison.machine import described
from benchmarks.comparison.prompt import Unmeasured, prompted
from benchmarks.comparison.rounds import Length, measured
from benchmarks.comparison.run import CURVES, ENTRIES, ROWS, Files, Run, Unfit
from benchmarks.comparison.worker import workers
from benchmarks.contenders.entry import Entry, entries
from benchmarks.contenders.rows import PREDICTIONS, PROMPTS, SWEEPS, TRAININGS, Prediction, Training, chosen

QUICK = Length(3, 0.05)
SHORT = Length(5, 0.1)
"""For the many points of a sweep."""
TASKS: tuple[Training | Prediction, ...] = (*TRAININGS, *PREDICTIONS)

LEAST = 5
"""Rounds of whole commands, which are as long as they are."""


def arguments(description: str) -> argparse.Namespace:
    """What was asked for at the prompt."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", metavar="PATTERN", default="", help="only rows whose name contains this")
    parser.add_argument("--contenders", metavar="PATTERN", default="", help="clearprop, and only such peers")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each row (default: 7)")
    parser.add_argument("--seconds", type=float, metavar="S", help="minimum seconds of a round (default: 0.3)")
    parser.add_argument("--quick", action="store_true", help="few short rounds, to check that everything works")
    parser.add_argument("--sweep", choices=[*SWEEPS, "all"], help="vary one size, instead of the rows")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, after every row")
    parser.add_argument("--resume", action="store_true", help="keep the results in the file of --json, and continue")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the tables there too, as Markdown")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="put the tables into this page, between its markers")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the sweep there, as PNG or SVG")
    parser.add_argument("--list", action="store_true", help="print the names of rows and entries, and exit")
    given = parser.parse_args()
    if given.rounds is not None and given.rounds < 1:
        parser.error(f"--rounds: expected at least 1, found {given.rounds}")
    if given.seconds is not None and not given.seconds > 0:
        parser.error(f"--seconds: expected more than 0, found {given.seconds}")
    if given.resume and given.json is None:
        parser.error("--resume continues the file of --json: name it")
    if given.docs is not None and (wrong := document.missing(given.docs, [CURVES] if given.sweep else [ROWS, ENTRIES])):
        parser.error(f"--docs: {wrong}")
    if given.plot is not None and given.sweep is None:
        parser.error("--plot draws a sweep: say which with --sweep")
    if given.plot is not None and find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib: pip install '.[plot]'")
    return given


def length(given: argparse.Namespace) -> Length:
    """How many rounds, and how long."""
    usual = QUICK if given.quick else SHORT if given.sweep else Length()
    return Length(given.rounds or usual.rounds, given.seconds or usual.seconds)


def taking_part(pattern: str) -> tuple[list[Entry], list[str]]:
    """Who was asked for and is installed; and a line for each that is not."""
    wanted = [entry for entry in entries() if entry.ours or chosen(entry.label, pattern)]
    missing = {entry.name: entry.needs for entry in wanted if not entry.present}
    lines = [f"{name} is left out: {needs} is not installed; pip install '.[peers]'" for name, needs in missing.items()]
    return [entry for entry in wanted if entry.present], lines


def rows(run: Run, present: Sequence[Entry], given: argparse.Namespace, folder: Path) -> None:
    """All rows that were asked for and are not there yet."""
    tasks = [task for task in TASKS if chosen(task.name, given.rows) and not run.has(task.name)]
    if tasks:
        with workers(list(present), folder / "workers") as ready:
            for task in tasks:
                print(task.name, file=sys.stderr, flush=True)
                run.peaked()
                result = measured(task, ready, length(given))
                run.peaked()
                run.add(result)
    few = Length(given.rounds or (2 if given.quick else LEAST))
    for name in (f"prompt {name}" for name in PROMPTS):
        if chosen(name, given.rows) and not run.has(name):
            print(name, file=sys.stderr, flush=True)
            try:
                run.add(prompted(name.removeprefix("prompt "), present, few, folder))
            except Unmeasured as failure:
                print(f"  {failure}", file=sys.stderr, flush=True)


def sweeps(run: Run, present: Sequence[Entry], given: argparse.Namespace, folder: Path) -> None:
    """The sweeps that were asked for, each from where it was cut short."""
    some = [entry for entry in present if sweep.takes_part(entry)]
    with workers(some, folder / "workers") as ready:
        for each in SWEEPS.values():
            if given.sweep in (each.name, "all"):
                run.peaked()
                curves = next((old for old in run.curves if old.sweep is each), None)
                if curves is None:
                    curves = sweep.Curves(each, [])
                    run.curves.append(curves)
                for _ in sweep.swept(curves, ready, length(given)):
                    run.write()


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
    asked = {"rounds": length(given).rounds, "seconds": length(given).seconds, "contenders": given.contenders}
    run = Run(described() | {"left_out": left_out} | asked, Files(given.json, given.table, given.docs, given.plot))
    if given.resume:
        try:
            run.resume()
        except Unfit as unfit:
            print(unfit, file=sys.stderr)
            return 2
    with tempfile.TemporaryDirectory(prefix="clearprop-benchmark-") as name:
        try:
            (sweeps if given.sweep else rows)(run, present, given, Path(name))
        except KeyboardInterrupt:
            if not run.results and not run.curves:
                return 130
            print("interrupted: what was measured follows", file=sys.stderr)
    if not run.results and not run.curves:
        print(f'no row has "{given.rows}" in its name; --list prints them all', file=sys.stderr)
        return 2
    run.write()
    run.publish()
    print(run.text(), end="")
    return 0
