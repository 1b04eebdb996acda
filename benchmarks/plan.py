"""The engine's cost model against measurement: expected and measured time of a step.

    python benchmarks/plan.py [--fit]

For networks of many shapes it prints what `clearprop engine` would expect of a step and what a step takes,
on one thread and on all, and whether the plan's number of threads was the faster one. `--fit` prints the
constants that fit this machine best.
"""

from __future__ import annotations

import argparse

import numpy as np

import clearprop as cp
from clearprop.engine import plan
from clearprop.engine.workers import processors
from clearprop.training.inspection import inspected

SHAPES = [
    ((2, 2, 2), 1),
    ((4, 16, 3), 32),
    ((4, 16, 16, 3), 32),
    ((30, 64, 1), 1),
    ((64, 32, 10), 32),
    ((30, 64, 64, 1), 64),
    ((100, 100, 10), 20),
    ((64, 128, 128, 10), 128),
    ((20, *(32,) * 8, 2), 16),
    ((784, 128, 64, 10), 128),
    ((64, 512, 10), 8),
    ((256, 256, 256, 10), 256),
    ((784, 512, 512, 10), 256),
]


def problem(sizes: tuple[int, ...], batch: int, activation: str, optimizer: cp.Optimizer) -> cp.Problem:
    """Random examples for a network of that shape."""
    generator = np.random.default_rng(0)
    rows = 8 * batch
    layers = [cp.Dense(size, activation) for size in sizes[1:]]
    examples = cp.Examples.of(
        generator.normal(size=(rows, sizes[0])), generator.uniform(0.1, 0.9, (rows, sizes[-1])), own=False
    )
    network = cp.Network(sizes[0], layers, "half_squared_error")
    return cp.Problem(network, optimizer=optimizer, examples=examples, settings=cp.Settings(batch_size=batch))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fit", action="store_true", help="print the constants that fit best")
    fit = parser.parse_args().fit
    rows, times, most, right = [], [], processors(), 0
    print(f"{'network':34} batch   expected   measured  ratio  {most} threads  plan")
    for sizes, batch in SHAPES:
        for activation, optimizer in (("logistic", cp.SGD(0.01)), ("relu", cp.Adam(0.001))):
            given = problem(sizes, batch, activation, optimizer)
            one, many = (inspected(given, None, threads) for threads in (1, most))
            chosen = plan.threads(one.native.program, given.network, batch)
            faster = most if many.measured < one.measured else 1
            right += chosen == faster
            name = f"{'-'.join(map(str, sizes[:4]))}{'…' if len(sizes) > 4 else ''} {activation} {optimizer.name}"
            print(
                f"{name:34} {batch:5} {one.expected * 1e6:8.2f}µs {one.measured * 1e6:8.2f}µs "
                f"{one.measured / one.expected:6.2f} {many.measured * 1e6:8.2f}µs {chosen:4}"
                f"{'' if chosen == faster else f'  {faster} is faster'}",
                flush=True,
            )
            rows.append(plan.counts(one.native.program, given.network, batch))
            times.append(one.measured)
    print(f"the plan chose the faster number of threads {right} of {len(rows)} times")
    if fit:
        # Relative errors count: a step of 1 µs as much as one of 10 ms.
        matrix = np.array(rows) / np.array(times)[:, None]
        found = np.ones(matrix.shape[1])
        for _ in range(200):
            active = found > 0
            solved = np.linalg.lstsq(matrix[:, active], np.ones(len(times)), rcond=None)[0]
            found[active] = solved
            if (solved >= 0).all():
                break
            found = np.where(found < 0, 0.0, found)
        print("seconds for each of", dict(zip(plan.Counts._fields, found.tolist(), strict=True)))


if __name__ == "__main__":
    main()
