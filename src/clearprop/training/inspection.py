"""Inspection: what the compiled engine does for a problem, and how fast."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import NamedTuple

from clearprop.engine import cache, machine, plan
from clearprop.engine.native import Native
from clearprop.engine.program import Tile
from clearprop.network.problem import Problem
from clearprop.propagation.turns import Turns
from clearprop.propagation.update import initial_state
from clearprop.training.arguments import requested
from clearprop.training.engines import require_threads
from clearprop.training.order import Plateau, batch_size, turns

SECONDS = 0.2
"""How long each of the measured runs takes, about."""

RUNS = 5


class LayerPlan(NamedTuple):
    """How a layer is cut: ``computed`` units are those of whole vectors."""

    inputs: int
    units: int
    panels: int
    computed: int


@dataclass(frozen=True)
class Inspection:
    """The plan for a problem; times in seconds, ``expected`` and ``measured`` for one step.

    ``cache`` is the folder where code is kept, ``unused`` says why it is not, if so.
    """

    native: Native
    cpu: str
    vector_bytes: int
    dtype: str
    batch: int
    threads: int
    tile: Tile
    whole_gradient: bool
    layers: tuple[LayerPlan, ...]
    code: int
    memory: int
    seconds: float
    origin: str
    cache: str | None
    unused: str | None
    expected: float
    measured: float
    gflops: float

    def assembly(self) -> str:
        """The machine code that trains, as text."""
        return self.native.built.assembly


def inspected(problem: Problem, batch: int | None, threads: int | None, *, measure: bool = True) -> Inspection:
    """Plan, compile, and measure.

    Raises:
        InvalidArgument: the problem has no examples, or a number makes no sense.
    """
    require_threads(threads)
    problem = requested(problem, settings={} if batch is None else {"batch_size": batch})
    size, dtype = batch_size(problem), problem.settings.dtype
    start = problem.parameters.with_vector(problem.parameters.vector.astype(dtype))
    native = Native(problem, dtype, size, start.vector, initial_state(problem.optimizer, start), threads)
    loaded = native.built.training
    unused = cache.unused()
    panels, sizes, target = native.panels, problem.network.sizes, machine.host()
    expected = plan.seconds(native.program, problem.network, size, native.threads)
    memory = native.memory  # before many steps are measured, whose order is kept too
    measured = _measured(native, problem, size) if measure else expected
    operations = plan.operations(problem.network, size)
    return Inspection(
        native,
        target.cpu,
        target.vector_bytes,
        dtype,
        size,
        native.threads,
        native.program.tile,
        native.program.whole_gradient,
        tuple(LayerPlan(sizes[k - 1], sizes[k], panels.count(k), panels.padded(k)) for k in range(1, len(sizes))),
        loaded.size,
        memory,
        loaded.seconds,
        loaded.origin,
        None if unused is not None else str(cache.folder()),
        unused,
        expected,
        measured,
        operations / measured / 1e9,
    )


def _measured(native: Native, problem: Problem, size: int) -> float:
    """The median time of a step, over runs of many."""
    assert problem.examples is not None
    still = replace(problem, optimizer=replace(problem.optimizer, schedule=type(problem.optimizer.schedule)()))
    epoch = turns(still, 0, Plateau(still))
    once = [turn for turn in islice(epoch, 1000) if len(turn.rows) == size]
    steps = 1
    while True:
        run = Turns.of(islice(cycle(once), steps))
        begun = time.perf_counter()
        native.run(run)
        spent = time.perf_counter() - begun
        if spent > SECONDS / 4:
            break
        steps = min(steps * 8, int(steps * SECONDS / max(spent, 1e-9)) + 1)
    found = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        native.run(run)
        found.append((time.perf_counter() - begun) / len(run))
    return sorted(found)[RUNS // 2]
