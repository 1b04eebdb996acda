"""The pace: how many steps are made before the loop looks up."""

from __future__ import annotations

import time
from collections.abc import Iterator

from clearprop.propagation.turns import Turns

SECONDS = 0.1
"""Between two looks: the display moves, and an interrupt is answered before anybody notices a delay."""

FASTER = 8
"""By how much a part may be longer than the one before it, until it is known how long steps take."""


class Pace:
    """Cuts steps into parts that take about as long as they should; or of so many ``steps`` each."""

    def __init__(self, steps: int | None = None) -> None:
        self.fixed, self.steps = steps is not None, steps or 1

    def parts(self, turns: Turns) -> Iterator[Turns]:
        """The turns, in parts; each is to be made before the next is asked for."""
        start = 0
        while start < len(turns):
            part = turns[start : start + self.steps]
            start += len(part)
            started = time.monotonic()
            yield part
            if not self.fixed:
                self._learn(len(part), time.monotonic() - started)

    def _learn(self, steps: int, seconds: float) -> None:
        fitting = int(steps * SECONDS / max(seconds, 1e-6))
        # A short part says little about how long a step takes.
        if steps == self.steps or fitting < self.steps:
            self.steps = max(1, min(fitting, self.steps * FASTER))
