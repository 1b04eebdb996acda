"""Kill whole commands at random moments: is the model intact, and does resuming end in the same bits?

    scripts/test --setup-only && .venv/test/bin/python benchmarks/kills.py --kills 200

Runs ``clearprop train iris --output MODEL --checkpoint 0 --resume``, which saves after every step, kills
it (SIGKILL) at a random moment of its run, loads the file, and resumes. A run that finishes is compared
with an uninterrupted one, then a new one starts. Exit code 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from clearprop.errors import ClearpropError
from clearprop.models.read import read_model

SAME, OTHER = "finished with the same bytes", "finished otherwise"
INTACT, ABSENT, DAMAGED = "killed: file intact", "killed: not yet there", "killed: file damaged"
FAILED = "failed"


def start(model: Path) -> subprocess.Popen[bytes]:
    """The command, under way."""
    line = [sys.executable, "-m", "clearprop", "train", "iris", "--output", str(model), "--checkpoint", "0"]
    return subprocess.Popen([*line, "--resume", "--quiet"], stdout=subprocess.DEVNULL)


def look(model: Path, code: int, expected: bytes) -> str:
    """Say what is there after a run that has ended with that code."""
    if code > 0:
        return FAILED
    if code == 0:
        leftovers = [each.name for each in model.parent.glob(".*")]
        same = model.read_bytes() == expected and not leftovers
        model.unlink()
        return SAME if same else OTHER
    if not model.exists():
        return ABSENT
    try:
        read_model(model)
    except ClearpropError as error:
        print(error)
        model.unlink()
        return DAMAGED
    return INTACT


def watch(folder: Path, kills: int, seed: int) -> Counter[str]:
    """Kill and look, again and again; then let the last run come to its end."""
    model, chance, seen = folder / "model.safetensors", random.Random(seed), Counter[str]()
    started = time.perf_counter()
    if start(model).wait():
        raise SystemExit("the undisturbed run failed")
    length, expected = time.perf_counter() - started, model.read_bytes()
    model.unlink()
    while not seen[FAILED]:
        killed = seen[INTACT] + seen[ABSENT] + seen[DAMAGED]
        if killed >= kills and not model.exists():
            break
        process = start(model)
        try:
            code = process.wait(chance.uniform(0, length) if killed < kills else None)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        seen[look(model, code, expected)] += 1
    return seen


def main() -> int:
    """Print what was seen."""
    parser = argparse.ArgumentParser(description="Kill trainings at random moments.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        seen = watch(Path(folder), options.kills, options.seed)
    for name in (INTACT, ABSENT, DAMAGED, SAME, OTHER, FAILED):
        print(f"{name}: {seen[name]}")
    sound = seen[SAME] and seen[INTACT] and not seen[OTHER] + seen[DAMAGED] + seen[FAILED]
    print(f"{time.perf_counter() - started:.0f} s; " + ("nothing was lost" if sound else "SOMETHING WAS LOST"))
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
