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
from pathlib import Path

from clearprop.errors import ClearpropError
from clearprop.models.read import read_model


def start(model: Path) -> subprocess.Popen[bytes]:
    """The command, under way."""
    line = [sys.executable, "-m", "clearprop", "train", "iris", "--output", str(model), "--checkpoint", "0"]
    return subprocess.Popen([*line, "--resume", "--quiet"], stdout=subprocess.DEVNULL)


class Seen:
    """What was seen so far."""

    def __init__(self) -> None:
        self.kills = self.whole = self.absent = self.damaged = self.finished = self.equal = self.failed = 0

    def look(self, model: Path) -> None:
        """After a kill: is the file whole, or not yet there?"""
        self.kills += 1
        if not model.exists():
            self.absent += 1
            return
        try:
            read_model(model)
            self.whole += 1
        except ClearpropError as error:
            print(error)
            self.damaged += 1
            model.unlink()

    def compare(self, model: Path, expected: bytes) -> None:
        """After a run to the end: the same bytes, and nothing else in the folder?"""
        self.finished += 1
        leftovers = [each.name for each in model.parent.glob(".*")]
        self.equal += model.read_bytes() == expected and not leftovers
        model.unlink()

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, and there was something to see."""
        same = self.finished > 0 and self.equal == self.finished
        return same and not self.damaged and not self.failed and self.whole > 0


def watch(folder: Path, kills: int, seed: int) -> Seen:
    """Kill, look and go on, so many times; then let the last run come to its end."""
    model, chance, seen = folder / "model.safetensors", random.Random(seed), Seen()
    started = time.perf_counter()
    if start(model).wait():
        raise SystemExit("the undisturbed run failed")
    length = time.perf_counter() - started
    expected = model.read_bytes()
    model.unlink()
    while seen.kills < kills or model.exists():
        process = start(model)
        try:
            code = process.wait(chance.uniform(0, length) if seen.kills < kills else None)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if code == 0:
            seen.compare(model, expected)
        elif code < 0:
            seen.look(model)
        else:
            seen.failed += 1
            break
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
    print(f"{seen.kills} kills: the file was intact after {seen.whole}, not yet there after {seen.absent},")
    print(f"damaged after {seen.damaged}; {seen.failed} runs failed")
    print(f"{seen.finished} finished runs, {seen.equal} of them with the bytes of the uninterrupted one")
    print(f"{time.perf_counter() - started:.0f} s; " + ("nothing was lost" if seen.sound else "SOMETHING WAS LOST"))
    return 0 if seen.sound else 1


if __name__ == "__main__":
    sys.exit(main())
