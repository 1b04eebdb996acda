"""Run random networks through the compiled engine: check its memory accesses and compare it with the reference.

    scripts/test --setup-only && .venv/test/bin/python scripts/fuzz_engine.py --networks 2000 --seed 0

Every array passed to native code is placed next to pages that end the process when they are touched: in one run
right before such a page, in another right behind one. Buffers to be written before they are read hold NaN at
first. Each network trains for an epoch, then its error and outputs are computed, and it trains for two epochs that
are looked at; both runs must have the same bits and agree with the reference. Networks run in separate processes;
if one ends by a signal, the network's seed is reported and a new process takes the next network. Exit code 1 if
anything was wrong.

With --same-rules the networks of a few families differ only in their sizes: code compiled for one of them runs
for all others, and many more are tested in the same time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

EVERY = 50
"""Networks after which a line is printed."""


def one(seed: int, weights: int, *, same_rules: bool = False) -> str | None:
    """What is wrong with the network of that seed, or None."""
    from tests.engine.support.guarded import guarded, poison
    from tests.engine.support.networks import by_engine, drawn, epoch_of, judged, native, same
    from tests.engine.support.networks import outputs as outputs_of
    from tests.engine.support.shapes import FAMILIES

    if same_rules:
        family = list(FAMILIES.values())[seed % len(FAMILIES)]
        problem, dtype = family.member(seed, weights=weights), family.dtype
    else:
        problem, dtype = drawn(seed, weights=weights), ("float32", "float64")[seed // 2 % 2]
    threads = 1 + seed % 3
    ends, outputs, first = [], [], None
    for at_end in (True, False):
        with guarded(at_end=at_end) as guards:
            first = engine = native(problem, dtype, threads, like=first)
            poison(engine)
            ends.append(by_engine(engine, [1]))
            rows = epoch_of(problem)[-1].rows
            outputs.append(outputs_of(engine, rows).tobytes())
            _, errors, kept = engine.epochs(*epoch_of(problem, 2).arrays, rows, 2)
            outputs[-1] += repr(errors).encode() + kept.tobytes()
            given = [*engine.training.arrays.values(), *engine.inference.arrays.values()]
            if not all(guards.holds(array) for array in given):
                return "an array that native code was given stands outside of the guards"
            if not guards.intact:
                return "something was written outside an array"
    if not same(*ends) or outputs[0] != outputs[1]:
        return "the same run gave other bits"
    verdict = judged(problem, dtype, ends[0])
    return f"hard: {verdict}" if verdict.hard and verdict.agrees else None if verdict.agrees else str(verdict)


def some(first: int, last: int, weights: int, *, same_rules: bool = False) -> None:
    """Networks one after the other, each announced before it begins: what a process of its own does."""
    import numpy as np

    np.seterr(all="ignore")
    for seed in range(first, last):
        print(f"begin {seed}", flush=True)
        try:
            found = one(seed, weights, same_rules=same_rules)
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        if found is not None:
            print(f"found {seed} {found}", flush=True)
    print("end", flush=True)


class Report:
    """What was found so far."""

    def __init__(self) -> None:
        self.networks, self.hard, self.wrong = 0, list[int](), list[int]()
        self.began = time.monotonic()

    def read(self, line: str) -> int | None:
        """Take note of a line; the seed, if one has begun."""
        what, _, rest = line.strip().partition(" ")
        if what == "begin":
            self.networks += 1
            if self.networks % EVERY == 0:
                print(f"{self.networks} networks, seed {rest}, {time.monotonic() - self.began:.0f} s", flush=True)
            return int(rest)
        if what == "found":
            seed, _, text = rest.partition(" ")
            if text.startswith("hard: "):
                self.hard.append(int(seed))
            else:
                self.add(int(seed), text)
        return None

    def add(self, seed: int, text: str) -> None:
        """Something is wrong."""
        self.wrong.append(seed)
        print(f"seed {seed}: {text}", flush=True)


def fuzz(first: int, last: int, child: Callable[[int, int], list[str]]) -> Report:
    """All these seeds, in as many processes as are needed; ``child`` is the command for some of them."""
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        # What networks have in common is compiled once for all of them, and nobody else's code is run.
        environment = {**os.environ, "CLEARPROP_CACHE_DIR": str(Path(folder) / "cache")}
        while first < last:
            seed, ended = first, False
            with subprocess.Popen(child(first, last), stdout=subprocess.PIPE, text=True, env=environment) as process:
                assert process.stdout is not None
                for text in process.stdout:
                    begun = report.read(text)
                    seed, ended = seed if begun is None else begun, text == "end\n"
            if ended:
                break
            report.add(seed, f"the process ended with {process.returncode}")
            first = seed + 1
    return report


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Random networks through the compiled engine.")
    parser.add_argument("--networks", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="the first network's seed")
    parser.add_argument("--weights", type=int, default=40_000, help="the most weights of a network")
    parser.add_argument("--same-rules", action="store_true", help="networks of a few families, of any sizes")
    parser.add_argument("--child", type=int, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        some(*given.child, given.weights, same_rules=given.same_rules)
        return 0

    def child(first: int, last: int) -> list[str]:
        rest = ["--weights", str(given.weights), *(["--same-rules"] if given.same_rules else [])]
        return [sys.executable, __file__, "--child", str(first), str(last), *rest]

    report = fuzz(given.seed, given.seed + given.networks, child)
    seconds = time.monotonic() - report.began
    share = f"{len(report.hard)} of them ill-conditioned: {report.hard or 'none'}"
    print(f"{report.networks} networks in {seconds:.0f} s, {share}; wrong: {report.wrong or 'none'}")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
