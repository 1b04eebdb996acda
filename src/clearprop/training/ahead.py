"""Steps planned ahead: another thread draws the orders of the next epochs while the engine makes the present ones."""

from __future__ import annotations

import threading
from collections.abc import Callable

from clearprop.network.problem import Problem
from clearprop.training.batching import Memory, planned
from clearprop.training.planned_steps import PlannedSteps

WORTH = 1 << 17
"""Positions to draw for which it is worth to start a thread."""


class Ahead:
    """The steps of the next epochs, planned ahead where ``spare``: where a processor has nothing else to do.

    They are those that ``planned`` returns, whoever plans them.
    """

    def __init__(self, problem: Problem, memory: Memory, *, spare: Callable[[], bool]) -> None:
        self.problem, self.memory, self.spare = problem, memory, spare
        self._thread: threading.Thread | None = None
        self._found: list[PlannedSteps] = []
        self._wanted = (-1, 0)

    def start(self, epoch: int, count: int) -> None:
        """Begin to plan ``count`` epochs from ``epoch`` (from 0) on."""
        self.wait()
        if count * self.memory.count >= WORTH and self.spare():
            self._wanted, self._found = (epoch, count), []
            found = self._found
            self._thread = threading.Thread(
                target=lambda: found.append(planned(self.problem, epoch, self.memory, count)), daemon=True
            )
            self._thread.start()

    def take(self, epoch: int, count: int) -> PlannedSteps:
        """Return the steps of at most ``count`` epochs from ``epoch`` on: as many as were planned, or all."""
        self.wait()
        if self._found and self._wanted[0] == epoch:
            steps = self._found.pop()
            return steps[: len(steps) // self._wanted[1] * count]
        return planned(self.problem, epoch, self.memory, count)

    def wait(self) -> None:
        """Wait until nothing is being planned: what is remembered of orders is for one at a time."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
