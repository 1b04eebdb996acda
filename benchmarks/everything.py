"""Run every measurement of the compiled engine, one after the other, and write docs/benchmarks.md.

    .venv/test/bin/python benchmarks/everything.py FOLDER [--quick] [--only rows]

The numbers and the output of each command go into FOLDER. An interrupted run resumes when the same command is
typed again: existing rows and points are not measured again while the engine's code is the same. On an idle
machine with two cores it takes about 35 minutes; nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE, PLOT = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks.png"


def commands(folder: Path, page: Path, plot: Path, *, quick: bool) -> dict[str, list[str]]:
    """By name, the shortest first: what is wrong with the machine shows early."""
    docs, short = ["--docs", str(page)], ["--quick"] if quick else []
    return {
        "plan": ["plan.py", "--fit", *docs],
        "first-fit": ["first_fit.py", "--profile", *docs, *(["--processes", "2"] if quick else [])],
        "rows": ["engine.py", "--json", str(folder / "rows.json"), "--resume", *docs, *short],
        "sweeps": [
            *("engine.py", "--sweep", "all", "--plot", str(plot)),
            *("--json", str(folder / "sweeps.json"), "--resume", *docs, *short),
        ],
    }


def run(line: list[str], printed: Path) -> int | None:
    """A command's exit code; None if this was interrupted, and the command with it, which is waited for."""
    with printed.open("w", encoding="utf-8") as file:
        # In a group of its own: a signal from the keyboard is passed on once, so that it can clean up.
        process = subprocess.Popen(line, cwd=ROOT, stdout=file, process_group=0)
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
            return None


def main() -> int:
    """Run them, and say what became of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="few short rounds, to check that everything works")
    parser.add_argument(
        "--only", choices=["plan", "first-fit", "rows", "sweeps"], action="append", help="only this one"
    )
    parser.add_argument("--docs", type=Path, default=PAGE, metavar="FILE", help="default: docs/benchmarks.md")
    parser.add_argument("--plot", type=Path, default=PLOT, metavar="FILE", help="default: docs/benchmarks.png")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder: Path = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    failed = False
    todo = commands(folder, given.docs.resolve(), given.plot.resolve(), quick=given.quick)
    for name in given.only or todo:
        script, *arguments = todo[name]
        begun = time.perf_counter()
        code = run([sys.executable, str(ROOT / "benchmarks" / script), *arguments], folder / f"{name}.md")
        if code is None:
            print(f"{name}: interrupted; type the same command to resume", flush=True)
            return 130
        failed |= code != 0
        minutes = (time.perf_counter() - begun) / 60
        print(f"{name}: {'done' if code == 0 else f'failed with {code}'} after {minutes:.1f} min", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
