"""Run every measurement of the compiled engine, one after the other, and write docs/benchmarks.md.

    .venv/test/bin/python benchmarks/everything.py FOLDER [--quick] [--only rows]

The numbers and the output of each command go into FOLDER. An interrupted run resumes when the same command is
typed again: existing rows and points are not measured again while the engine's code is the same. Nothing else
should run meanwhile.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE, PLOT = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks.png"


def commands(folder: Path, page: Path, plot: Path, *, quick: bool) -> dict[str, list[str]]:
    """Return the commands by name, the shortest first: what is wrong with the machine shows early."""
    docs, short = ["--docs", str(page)], ["--quick"] if quick else []
    engine = ["engine.py", "--resume", *docs, *short, "--json"]
    return {
        "plan": ["plan.py", "--fit", *docs],
        "first-fit": ["first_fit.py", *docs, *(["--processes", "2"] if quick else [])],
        "rows": [*engine, str(folder / "rows.json")],
        "sweeps": [*engine, str(folder / "sweeps.json"), "--sweep", "all", "--plot", str(plot)],
    }


def main() -> int:
    """Run them, and say what became of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="few short rounds, to check that everything works")
    parser.add_argument("--only", choices=[*commands(Path(), PAGE, PLOT, quick=False)], help="only this one")
    parser.add_argument("--docs", type=Path, default=PAGE, metavar="FILE", help="default: docs/benchmarks.md")
    parser.add_argument("--plot", type=Path, default=PLOT, metavar="FILE", help="default: docs/benchmarks.png")
    given = parser.parse_args()
    folder: Path = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    failed = False
    for name, line in commands(folder, given.docs.resolve(), given.plot.resolve(), quick=given.quick).items():
        if given.only not in (None, name):
            continue
        begun = time.perf_counter()
        with (folder / f"{name}.md").open("w", encoding="utf-8") as printed:
            process = subprocess.Popen([sys.executable, f"benchmarks/{line[0]}", *line[1:]], cwd=ROOT, stdout=printed)
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.wait()  # it was interrupted too, and writes down what it has
            raise
        failed |= code != 0
        minutes = (time.perf_counter() - begun) / 60
        print(f"{name}: {'done' if code == 0 else f'failed with {code}'} after {minutes:.1f} min", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted; type the same command to resume")
        sys.exit(130)
