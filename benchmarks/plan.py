"""The engine's cost model against measurement: expected and measured time of a step.

    .venv/test/bin/python benchmarks/plan.py [--fit] [--docs FILE]

For networks of many shapes it prints what `clearprop engine` would expect of a step and what a step takes,
on one thread and on all, which take turns; and whether the plan's number of threads was the faster one.
`--fit` prints the constants of `engine/plan.py` that fit this machine best, and how well they would do.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.comparison import document
from benchmarks.comparison.machine import described
from benchmarks.comparison.result import geometric_mean
from benchmarks.comparison.tables import head, markdown, micro
from benchmarks.constants import Constants, Model, fitted, terms

import clearprop as cp
from clearprop.engine import plan
from clearprop.engine.native import Native
from clearprop.engine.program import Program
from clearprop.engine.workers import processors
from clearprop.training.inspection import inspected
from clearprop.training.planned_steps import PlannedSteps

PART = "cost model"
SHAPES = [
    ((2, 2, 2), 1),
    ((4, 16, 3), 32),
    ((4, 16, 16, 3), 32),
    ((30, 64, 1), 1),
    ((64, 32, 10), 32),
    ((30, 64, 64, 1), 64),
    ((100, 100, 10), 20),
    ((64, 100, 10), 200),
    ((64, 128, 128, 10), 128),
    ((20, *(32,) * 8, 2), 16),
    ((784, 128, 64, 10), 128),
    ((64, 512, 10), 8),
    ((256, 256, 256, 10), 256),
    ((64, 256, 256, 256, 10), 256),
    ((784, 512, 512, 10), 256),
    ((1024, 1024, 1024, 1024), 512),
]

ROUNDS, SECONDS = 5, 0.08
"""Of each number of threads, in turn."""

NEAR = 1.05
"""A number of threads that takes so little longer than the other is as good."""


@dataclass(frozen=True)
class Measured:
    """A network, and the seconds of a step on one thread and on ``most``."""

    name: str
    program: Program
    network: cp.Network
    batch: int
    most: int
    one: float
    many: float

    def model(self, threads: int) -> Model:
        """What the plan expects."""
        return lambda: plan.seconds(self.program, self.network, self.batch, threads)

    @property
    def chosen(self) -> int:
        """The number of threads that the plan chooses with its present constants."""
        return plan.threads(self.program, self.network, self.batch)

    @property
    def lost(self) -> float:
        """What a step takes with that number, over what it could."""
        return (self.one if self.chosen == 1 else self.many) / min(self.one, self.many)

    @property
    def scales(self) -> bool:
        """Whether more threads than one do anything at all."""
        return self.most > 1 and self.program.single is None


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


def planned(batch: int, steps: int) -> PlannedSteps:
    """Steps whose batches lie anywhere among the rows; none moves the weights far."""
    order = np.random.default_rng(1).integers(8 * batch, size=steps * batch)
    return PlannedSteps(order, np.arange(steps + 1) * batch, np.arange(1, steps + 1), np.full(steps, 1e-6))


def measured(sizes: tuple[int, ...], batch: int, activation: str, optimizer: cp.Optimizer) -> Measured:
    """One network: both numbers of threads in turn."""
    given, most = problem(sizes, batch, activation, optimizer), processors()
    natives = [inspected(given, None, threads, measure=False).native for threads in (1, most)]
    steps = 1
    while (spent := _run(natives[0], planned(batch, steps))) < SECONDS / 2:
        steps = min(16 * steps, int(steps * SECONDS / max(spent, 1e-9)) + 1)
    run = planned(batch, steps)
    found: list[list[float]] = [[], []]
    for number in range(1 + ROUNDS):
        for native, seconds in zip(natives, found, strict=True):
            spent = _run(native, run)
            if number > 0:  # the first is to warm up
                seconds.append(spent / steps)
    short = f"{'-'.join(map(str, sizes[:4]))}{'-…' if len(sizes) > 4 else ''}"
    one, many = map(statistics.median, found)
    return Measured(
        f"{short}, batch {batch}, {activation}, {optimizer.name}",
        natives[0].program,
        given.network,
        batch,
        most,
        one,
        many,
    )


def _run(native: Native, run: PlannedSteps) -> float:
    begun = time.perf_counter()
    native.run(*run.arrays)
    return time.perf_counter() - begun


# --- what comes of it --------------------------------------------------------------------------------------


def table(found: Sequence[Measured]) -> list[str]:
    """A line per network."""
    most = found[0].most
    heads = ("network", "expected, µs", "measured, µs", "ratio", f"{most} threads, µs", "plan", "remark")
    return markdown(heads, (_line(each) for each in found))


def _line(each: Measured) -> list[str]:
    expected = each.model(1)()
    faster = each.most if each.many < each.one else 1
    remark = "" if each.lost <= NEAR else f"{faster} would be {each.lost:.2f}× as fast"
    ratio = f"{each.one / expected:.2f}"
    return [each.name, micro(expected), micro(each.one), ratio, micro(each.many), str(each.chosen), remark]


def verdict(found: Sequence[Measured]) -> Iterator[str]:
    """How well the present constants do."""
    for threads, some in ((1, found), (found[0].most, [each for each in found if each.scales])):
        if some:
            ratios = [(each.one if threads == 1 else each.many) / each.model(threads)() for each in some]
            off = [max(ratio, 1 / ratio) for ratio in ratios]
            yield (
                f"- Measured over expected on {threads} thread{'s' if threads > 1 else ''}: "
                f"{min(ratios):.2f} to {max(ratios):.2f}, typically off by {statistics.median(off):.2f}×, "
                f"at worst by {max(off):.2f}×."
            )
    right = sum(each.lost <= NEAR for each in found)
    mean = geometric_mean([each.lost for each in found]) or 1.0
    yield (
        f"- The planned number of threads was the faster one, or within {100 * (NEAR - 1):.0f} % of it, "
        f"{right} of {len(found)} times; a step takes {100 * (mean - 1):.1f} % longer than with the faster one."
    )


def fit(found: Sequence[Measured]) -> Constants:
    """The constants that fit best."""
    models = [(each.model(1), each.one) for each in found]
    models += [(each.model(each.most), each.many) for each in found if each.scales]
    return fitted(terms([model for model, _ in models]), np.array([seconds for _, seconds in models]))


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="print the constants that fit best")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="put the table into this page, between its markers")
    given = parser.parse_args()
    if given.docs is not None and (wrong := document.missing(given.docs, [PART])):
        parser.error(f"--docs: {wrong}")
    found = []
    for sizes, batch in SHAPES:
        for activation, optimizer in (("logistic", cp.SGD(0.01)), ("relu", cp.Adam(0.001))):
            found.append(measured(sizes, batch, activation, optimizer))
            print(f"{found[-1].name}: {micro(found[-1].one)} µs", file=sys.stderr, flush=True)
    lines = ["## The cost model", "", *head(described(), None), "", *table(found), "", *verdict(found)]
    if given.docs is not None:
        document.replace(given.docs, PART, lines)
    if given.fit:
        best = fit(found)
        with best.in_place():
            lines += ["", "With the constants that fit best,", "", *(f"    {line}" for line in str(best).splitlines())]
            lines += ["", *verdict(found)]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
