"""The engine's cost model against measurement: expected and measured time of a step.

    .venv/test/bin/python benchmarks/plan.py [--fit] [--docs FILE]

For networks of many shapes it prints what `clearprop engine` would expect of a step and what a step takes,
on one thread and on all, which take turns; and whether the plan's number of threads was the faster one.
`--fit` prints the constants of `engine/plan.py` that fit this machine best, and how well they would do.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.measure import Length, in_turns
from benchmarks.report import three
from benchmarks.rows import SWEEPS, TASKS, Training

import clearprop as cp
from benchmarks import report
from clearprop.engine import plan
from clearprop.engine.native import Native
from clearprop.engine.processors import processors
from clearprop.engine.program import Program
from clearprop.training.inspection import inspected
from clearprop.training.planned_steps import PlannedSteps
from clearprop.types import Array

PART = "cost model"
SHAPES = [
    (row.sizes, row.batch)
    for row in (*TASKS, *SWEEPS["width"].points.values(), *SWEEPS["batch"].points.values())
    if isinstance(row, Training)
]
LENGTH = Length(5, 0.08)

NEAR = 1.05
"""A number of threads that takes at most this many times as long as the other is as good."""


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

    def expected(self, threads: int) -> float:
        """What the plan expects of a step with its present constants."""
        return plan.seconds(self.program, self.network, self.batch, threads)

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
    """Return random examples for a network of that shape."""
    generator, rows = np.random.default_rng(0), 8 * batch
    targets = generator.uniform(0.1, 0.9, (rows, sizes[-1]))
    examples = cp.Examples.of(generator.normal(size=(rows, sizes[0])), targets, own=False)
    network = cp.Network(sizes[0], [cp.Dense(size, activation) for size in sizes[1:]], "half_squared_error")
    return cp.Problem(network, optimizer=optimizer, examples=examples, settings=cp.Settings(batch_size=batch))


def planned(batch: int, steps: int) -> PlannedSteps:
    """Return steps whose batches lie anywhere among the rows; none moves the weights far."""
    order = np.random.default_rng(1).integers(8 * batch, size=steps * batch)
    return PlannedSteps(order, np.arange(steps + 1) * batch, np.arange(1, steps + 1), np.full(steps, 1e-6))


def run(native: Native, steps: PlannedSteps) -> float:
    """Return the seconds of a step."""
    begun = time.perf_counter()
    native.run(*steps.arrays)
    return (time.perf_counter() - begun) / len(steps)


def measured(sizes: tuple[int, ...], batch: int, activation: str, optimizer: cp.Optimizer) -> Measured:
    """Measure one network: both numbers of threads in turn."""
    given, most = problem(sizes, batch, activation, optimizer), processors()
    natives = [inspected(given, None, threads, measure=False).native for threads in (1, most)]
    steps = planned(batch, 1)
    while (spent := len(steps) * run(natives[0], steps)) < LENGTH.seconds / 2:
        steps = planned(batch, min(16 * len(steps), int(len(steps) * LENGTH.seconds / max(spent, 1e-9)) + 1))
    found: dict[int, list[float]] = {0: [], 1: []}
    for number, which in in_turns((0, 1), 1 + LENGTH.rounds):
        seconds = run(natives[which], steps)
        if number > 0:  # the first is to warm up
            found[which].append(seconds)
    short = f"{'-'.join(map(str, sizes[:4]))}{'-…' if len(sizes) > 4 else ''}"
    name = f"{short}, batch {batch}, {activation}, {optimizer.name}"
    medians = map(statistics.median, found.values())
    return Measured(name, natives[0].program, given.network, batch, most, *medians)


def table(found: Sequence[Measured]) -> list[str]:
    """Return a line per network."""
    most = found[0].most
    heads = ("network", "expected, µs", "measured, µs", "ratio", f"{most} threads, µs", "plan", "remark")
    return report.markdown(heads, (_line(each) for each in found))


def _line(each: Measured) -> list[str]:
    expected, faster = each.expected(1), each.most if each.many < each.one else 1
    remark = "" if each.lost <= NEAR else f"{faster} would be {each.lost:.2f}× as fast"
    expected_, one, many = (three(1e6 * seconds) for seconds in (expected, each.one, each.many))
    return [each.name, expected_, one, f"{each.one / expected:.2f}", many, str(each.chosen), remark]


def verdict(found: Sequence[Measured]) -> Iterator[str]:
    """Say how well the present constants do."""
    for threads, some in ((1, found), (found[0].most, [each for each in found if each.scales])):
        if some:
            ratios = [(each.one if threads == 1 else each.many) / each.expected(threads) for each in some]
            off = [max(ratio, 1 / ratio) for ratio in ratios]
            yield (
                f"- Measured over expected on {threads} thread{'s' if threads > 1 else ''}: "
                f"{min(ratios):.2f} to {max(ratios):.2f}, typically off by {statistics.median(off):.2f}×, "
                f"at worst by {max(off):.2f}×."
            )
    right = sum(each.lost <= NEAR for each in found)
    mean = statistics.geometric_mean(each.lost for each in found)
    yield (
        f"- The planned number of threads was the faster one, or within {100 * (NEAR - 1):.0f} % of it, "
        f"{right} of {len(found)} times; a step takes {100 * (mean - 1):.1f} % longer than with the faster one."
    )


def fit(found: Sequence[Measured]) -> plan.Counts:
    """Return the seconds of each count that fit best."""
    steps = [(each, 1, each.one) for each in found] + [(each, each.most, each.many) for each in found if each.scales]
    counts = [plan.counts(each.program, each.network, each.batch, threads) for each, threads, _ in steps]
    return plan.Counts(*fitted(np.array(counts), np.array([seconds for *_, seconds in steps])).tolist())


def fitted(matrix: Array, measured: Array) -> Array:
    """Return the constants, none of them negative, for which expected and measured times differ least.

    A step of 1 µs counts as much as one of 10 ms, and twice too much as much as half: the squares of log(expected /
    measured) are what is least, found as least squares that are weighed anew again and again.
    """
    expected = measured
    for _ in range(30):
        off = expected / measured - 1
        near = np.abs(off) < 1e-6
        weights = np.sqrt(np.where(near, 1, np.log1p(off) / np.where(near, 1, off)) / (expected * measured))
        found = not_negative(matrix * weights[:, None], measured * weights)
        expected = matrix @ found
    return found


def not_negative(matrix: Array, wanted: Array) -> Array:
    """Return the least squares of few unknowns: of all choices of those that are not zero the best one that can be."""
    scale = np.linalg.norm(matrix, axis=0)  # terms differ by many powers of ten
    scale[scale == 0] = 1
    best, least = np.zeros(len(scale)), np.inf
    for some in (list(some) for count in range(len(scale)) for some in combinations(range(len(scale)), count + 1)):
        part = matrix[:, some] / scale[some]
        solved = np.linalg.lstsq(part, wanted, rcond=None)[0]
        error = float(np.sum((part @ solved - wanted) ** 2))
        if (solved >= 0).all() and error < least:
            best, least = np.zeros(len(scale)), error
            best[some] = solved / scale[some]
    return best


def main() -> None:
    """Measure, and print the table."""
    parser = report.parser(__doc__, PART)
    parser.add_argument("--fit", action="store_true", help="print the constants that fit best")
    given = parser.parse_args()
    found = []
    for sizes, batch in dict.fromkeys(SHAPES):
        for activation, optimizer in (("logistic", cp.SGD(0.01)), ("relu", cp.Adam(0.001))):
            found.append(measured(sizes, batch, activation, optimizer))
            print(f"{found[-1].name}: {three(1e6 * found[-1].one)} µs", file=sys.stderr, flush=True)
    lines = ["## The cost model", "", *report.head(report.described()), "", *table(found), "", *verdict(found)]
    report.replace(given.docs, PART, lines)
    print("\n".join(lines))
    if given.fit:
        plan.SECONDS = fit(found)
        print("\nWith the constants that fit best,\n", plan.SECONDS, "", *verdict(found), sep="\n")


if __name__ == "__main__":
    main()
