"""Measure time and memory of explaining: start-up, the lecture, and a 784-512-512-10 network.

    scripts/test --setup-only && .venv/test/bin/python benchmarks/explain.py

Prints the median and the range over several runs. Whole commands are timed as processes; the large
network inside one process once it is loaded, with its peak memory.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import clearprop as cp

ROOT = Path(__file__).resolve().parent.parent
RUNS = 7


def report(name: str, run: Callable[[], object], runs: int = RUNS) -> None:
    """Time something after one warm-up run."""
    run()
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    print(f"{name:<58} {statistics.median(seconds):7.3f} s  ({min(seconds):.3f} to {max(seconds):.3f})")


def command(*arguments: str) -> Callable[[], object]:
    """A whole command, from the prompt."""
    line = [str(ROOT / "scripts" / "clearprop"), *arguments]
    return lambda: subprocess.run(line, stdout=subprocess.DEVNULL, check=True)


def large() -> cp.Problem:
    """784-512-512-10 with one example."""
    network = cp.Network(784, [cp.Dense(512, "relu"), cp.Dense(512, "relu"), cp.Dense(10, "softmax")])
    target = np.zeros((1, 10))
    target[0, 3] = 1.0
    return cp.Problem(network, examples=cp.Examples(np.random.default_rng(0).random((1, 784)), target))


def main() -> None:
    """Print every row."""
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, {RUNS} runs each, median (range)\n")
    report("clearprop --help", command("--help"))
    report("clearprop explain lecture", command("explain", "lecture"))
    report("clearprop train lecture", command("train", "lecture", "--quiet"), 3)
    done = cp.cycle(large())
    report("784-512-512-10: derivation of one first-layer weight", lambda: str(cp.explain(done, "w1")))
    report("784-512-512-10: its 10 largest paths", lambda: str(cp.explain(done, "w1", paths=10)))
    report("784-512-512-10: verify, 200 sampled gradients", lambda: cp.verify(large()), 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of this process: {peak:.0f} MB")


if __name__ == "__main__":
    main()
