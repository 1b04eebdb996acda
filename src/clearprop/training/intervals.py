"""Intervals: how many steps are made between two looks at callbacks, limits and interrupts."""

from __future__ import annotations

import time
from collections.abc import Iterator

from clearprop.training.planned_steps import PlannedSteps

SECONDS = 0.1
"""The time between two looks: short enough for a smooth display and a prompt answer to an interrupt."""

FASTER = 8
"""The most times longer that a part may be than the one before it, until the time of a step is known."""

FIRST = 0.004
"""The time of the first part, if an estimate of a step is right: what is made in vain, because training ends before,
costs no more than a few calls."""


class Pace:
    """Cuts steps into parts that take about as long as they should, or into parts of ``steps`` steps.

    ``seconds`` is an estimate of those of a step.
    """

    def __init__(self, steps: int | None = None, seconds: float = FIRST) -> None:
        self.fixed, self.steps = steps is not None, steps or max(1, int(FIRST / seconds))

    def parts(self, steps: PlannedSteps) -> Iterator[PlannedSteps]:
        """Yield the steps in parts; each part must be made before the next is taken."""
        start = 0
        while start < len(steps):
            part = steps[start : start + self.steps]
            start += len(part)
            started = time.monotonic()
            yield part
            if not self.fixed:
                self.learn(len(part), time.monotonic() - started)

    def learn(self, steps: int, seconds: float) -> None:
        """Take note of how long a part took."""
        fitting = int(steps * SECONDS / max(seconds, 1e-6))
        # A short part says little about how long a step takes.
        if 2 * steps > self.steps or fitting < self.steps:
            self.steps = max(1, min(fitting, self.steps * FASTER))
