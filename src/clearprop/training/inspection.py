"""A look at the compiled engine: how it computes a problem, and how fast."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import NamedTuple

from clearprop.engine import cache, machine, plan
from clearprop.engine.build import Loaded
from clearprop.engine.native import Native
from clearprop.network.problem import Problem
from clearprop.propagation.update import initial_state
from clearprop.training import batching
from clearprop.training.arguments import UNCHANGED, requested
from clearprop.training.engines import require_threads
from clearprop.training.planned_steps import PlannedSteps

SECONDS = 0.2
"""About the length of each measured run."""

RUNS = 5


class LayerPlan(NamedTuple):
    """The panels of a layer; ``computed`` is the number of units in whole vectors."""

    inputs: int
    units: int
    panels: int
    computed: int


@dataclass(frozen=True)
class Inspection:
    """The plan for a problem. Times are in seconds, ``expected`` and ``measured`` for one step.

    ``cache`` is the folder of compiled code; where there is none, ``unused`` says why.
    """

    native: Native
    target: machine.Target
    dtype: str
    batch: int
    layers: tuple[LayerPlan, ...]
    code: Loaded
    memory: int
    cache: str | None
    unused: str | None
    expected: float
    measured: float
    gflops: float


def inspected(problem: Problem, batch_size: int | None, threads: int | None, *, measure: bool = True) -> Inspection:
    """Plan, compile and measure."""
    require_threads(threads)
    problem = requested(problem, batch_size=UNCHANGED if batch_size is None else batch_size)
    size, dtype = batching.batch_size(problem), problem.settings.dtype
    start = problem.parameters.with_vector(problem.parameters.vector.astype(dtype))
    native = Native(problem, dtype, size, start.vector, initial_state(problem.optimizer, start), threads)
    code, unused = native.built.training, cache.unused()
    panels, sizes = native.panels, problem.network.sizes
    expected = plan.seconds(native.program, problem.network, size, native.threads)
    memory = native.memory  # before measuring, which keeps the order of many steps
    measured = _measured(native, problem, size) if measure else expected
    operations = plan.operations(problem.network, size)
    return Inspection(
        native,
        machine.host(),
        dtype,
        size,
        tuple(LayerPlan(sizes[k - 1], sizes[k], panels.count(k), panels.padded(k)) for k in range(1, len(sizes))),
        code,
        memory,
        None if unused is not None else str(cache.folder()),
        unused,
        expected,
        measured,
        operations / measured / 1e9,
    )


def _measured(native: Native, problem: Problem, size: int) -> float:
    """Return the median time of a step, over runs of many steps."""
    assert problem.examples is not None
    still = replace(problem, optimizer=replace(problem.optimizer, schedule=type(problem.optimizer.schedule)()))
    epoch = batching.planned(still, 0, batching.Memory(still))
    once = [step for step in islice(epoch, 1000) if len(step.rows) == size]
    steps = 1
    while True:
        run = PlannedSteps.of(islice(cycle(once), steps))
        begun = time.perf_counter()
        native.run(*run.arrays)
        spent = time.perf_counter() - begun
        if spent > SECONDS / 4:
            break
        steps = min(steps * 8, int(steps * SECONDS / max(spent, 1e-9)) + 1)
    found = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        native.run(*run.arrays)
        found.append((time.perf_counter() - begun) / len(run))
    return sorted(found)[RUNS // 2]
