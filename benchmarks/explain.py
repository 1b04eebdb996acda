"""Measure time and memory of explaining: start-up, the lecture, and a 784-512-512-10 network.

    scripts/test --setup-only && .venv/test/bin/python benchmarks/explain.py

Prints the median and the range over several runs, which take turns. Whole commands are timed as processes; the
large network inside one process once it is loaded, with its peak memory.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.measure import in_turns, process
from benchmarks.report import line

import clearprop as cp

RUNS = 7


def command(*arguments: str) -> Callable[[], object]:
    """A whole command, from the prompt."""
    return lambda: process(["scripts/clearprop", *arguments])


def large() -> cp.Problem:
    """784-512-512-10 with one example."""
    network = cp.Network(784, [cp.Dense(512, "relu"), cp.Dense(512, "relu"), cp.Dense(10, "softmax")])
    return cp.Problem(network, examples=cp.Examples(np.random.default_rng(0).random((1, 784)), np.eye(10)[[3]]))


def main() -> None:
    """Print every row."""
    done = cp.cycle(large())
    runs: dict[str, Callable[[], object]] = {
        "clearprop --help": command("--help"),
        "clearprop explain lecture": command("explain", "lecture"),
        "clearprop train lecture": command("train", "lecture", "--quiet"),
        "784-512-512-10: derivation of one first-layer weight": lambda: str(cp.explain(done, "w1")),
        "784-512-512-10: its 10 largest paths": lambda: str(cp.explain(done, "w1", paths=10)),
        "784-512-512-10: verify, 200 sampled gradients": lambda: cp.verify(large()),
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    for number, name in in_turns(list(runs), 1 + RUNS):
        started = time.perf_counter()
        runs[name]()
        if number > 0:  # the first is to warm up
            found[name].append(time.perf_counter() - started)
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, {RUNS} runs each, median (range)\n")
    print("\n".join(line(name, "s", seconds) for name, seconds in found.items()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of this process: {peak:.0f} MB")


if __name__ == "__main__":
    main()
