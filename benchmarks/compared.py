"""A row: all contenders begin, are compared with the reference, and then take turns."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.entries import ENGINE
from benchmarks.measure import Failed, Length, in_turns
from benchmarks.reference import check_of
from benchmarks.reference import orders as orders_of
from benchmarks.results import FEW, Result, Side
from benchmarks.rows import Task, Training
from benchmarks.worker import Worker

import clearprop as cp


@dataclass
class Contest:
    """A worker in one row, with the epochs or calls of a round."""

    worker: Worker
    side: Side
    count: int = 1


def compared(task: Task, workers: Sequence[Worker], length: Length, name: str | None = None) -> Result:
    """Measure a row. Whoever fails is passed over from then on."""
    trains = isinstance(task, Training)
    check, orders = check_of(task), orders_of(task) if isinstance(task, Training) else ()
    workers = [each for each in workers if trains or each.entry.name != ENGINE]
    sides = [Side.of(worker.entry) for worker in workers]
    unit = "step" if trains else "call"
    result = Result(name or task.name, unit, sides, task.flops, task.aim)
    contests = [Contest(worker, side) for worker, side in zip(workers, sides, strict=True)]
    for each in contests:
        side, started = each.side, time.perf_counter()
        try:
            begun = each.worker.begin(task, orders)
            side.first = begun.seconds
            check.compare(side, begun)
            warm_up(each, length.seconds)
        except (Failed, ValueError, TypeError, cp.ClearpropError) as failure:
            # What cannot even be compared has failed too.
            side.failed = str(failure)
        told = side.remark or "ready"
        print(f"  {side.label}: {told} after {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
    for number, each in in_turns(contests, length.rounds):
        side = each.side
        if side.failed is None and not (number >= FEW and side in result.slow):
            try:
                taken = each.worker.round(each.count)
            except Failed as failure:
                side.failed = str(failure)
                continue
            side.busy += (taken.busy - side.busy) / (len(side.seconds) + 1)
            side.seconds.append(taken.seconds / (each.count * task.units))
    return result


def warm_up(each: Contest, seconds: float) -> None:
    """Find how many epochs or calls make a round of that length."""
    for _ in range(2):
        taken = each.worker.round(each.count)
        each.count = max(1, round(each.count * seconds / taken.seconds))
        if each.count == 1:
            break  # an epoch that long has warmed up whatever there is
