"""Rounds: the workers take turns, so that whatever drifts on the machine drifts for all of them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from benchmarks.comparison.result import FEW, Result, Side
from benchmarks.comparison.worker import Failed, Worker
from benchmarks.contenders.rows import Prediction, Training
from benchmarks.contenders.work import Layers, made, predicted

import clearprop as cp

Item = TypeVar("Item")

LOSSES = 1e-4
"""How far a loss may be from the reference's, relative to it."""

OUTPUTS = 1e-5
"""How far an output may be from the reference's."""


@dataclass(frozen=True)
class Length:
    """How many rounds of how many seconds, at least one epoch or call each."""

    rounds: int = 7
    seconds: float = 0.3


Check = Callable[[Side, Any], None]
"""Notes on a side how far what it found is from the reference."""


def measured(task: Training | Prediction, workers: Sequence[Worker], length: Length) -> Result:
    """A row: each worker begins, is warmed up, and then takes its turn in every round."""
    result = Result(task.name, task.unit, [Side.of(worker.entry) for worker in workers], task.flops)
    result.load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    if isinstance(task, Training):
        result.aim = task.aim
        result.reference, check = training_check(task)
    else:
        check = prediction_check(task)
    turns = [Turns(worker, side, task, length.seconds) for worker, side in zip(workers, result.sides, strict=True)]
    for turn in turns:
        turn.begin(check)
    for number in range(length.rounds):
        hopeless = result.slow if number >= FEW else []
        for turn in rotated(turns, number):
            if turn.side not in hopeless:
                turn.round()
    return result


def rotated(items: Sequence[Item], by: int) -> list[Item]:
    """The same, another one first each time."""
    by %= max(1, len(items))
    return [*items[by:], *items[:by]]


class Turns:
    """A worker's turns in one row. Once it has failed it is passed over."""

    def __init__(self, worker: Worker, side: Side, task: Training | Prediction, seconds: float) -> None:
        self.worker, self.side, self.task, self.seconds = worker, side, task, seconds
        self.count = 1

    def begin(self, check: Check) -> None:
        """The first epoch or call, what came of it, and so many more that it is warm."""
        side, started = self.side, time.perf_counter()
        try:
            begun = self.worker.begin(self.task)
            side.first, side.units, side.otherwise = begun.seconds, self.task.units, begun.otherwise
            self._compare(check, begun.found)
            for _ in range(2):
                taken = self.worker.round(self.count)
                self.count = max(1, round(self.count * self.seconds / max(taken.seconds, 1e-6)))
                if self.count == 1:
                    break  # an epoch that long has warmed up whatever there is
        except Failed as failure:
            side.failed = str(failure)
        told = side.remark or "ready"
        print(f"  {side.label}: {told} after {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)

    def _compare(self, check: Check, found: Any) -> None:
        try:
            check(self.side, found)
        except (ValueError, TypeError, cp.ClearpropError) as error:
            raise Failed(f"what it found cannot be compared: {error}") from error

    def round(self) -> None:
        """One round."""
        side = self.side
        if side.failed is not None:
            return
        try:
            taken = self.worker.round(self.count)
        except Failed as failure:
            side.failed = str(failure)
            return
        done = len(side.seconds)
        side.seconds.append(taken.seconds / (self.count * self.task.units))
        side.busy = (side.busy * done + taken.busy / taken.seconds) / (done + 1)
        side.after = max(side.after, taken.after)


# --- the same work? ----------------------------------------------------------------------------------------


def training_check(task: Training) -> tuple[tuple[float, float], Check]:
    """The reference's loss before and after the first epoch, and the comparison with it."""
    work = made(task)
    wanted = work.trained()
    before, after = work.loss(work.layers), work.loss(wanted)

    def check(side: Side, found: Layers) -> None:
        if side.otherwise is None:
            side.off, side.allowed = abs(work.loss(found) - after) / after, LOSSES
            side.apart = distance(found, wanted) / distance(wanted, work.layers)

    return (before, after), check


def distance(one: Layers, other: Layers) -> float:
    """The Euclidean distance of two sets of weights."""
    squared = (
        float(((a.astype(float) - b) ** 2).sum())
        for layer in zip(one, other, strict=True)
        for a, b in zip(*layer, strict=True)
    )
    return float(np.sqrt(sum(squared)))


def prediction_check(task: Prediction) -> Check:
    """The comparison with the reference's outputs."""
    wanted = predicted(task)

    def check(side: Side, found: Any) -> None:
        side.off, side.allowed = float(np.abs(found - wanted).max()), OUTPUTS

    return check
