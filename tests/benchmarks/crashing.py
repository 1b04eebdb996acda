"""A contender whose process dies in one kind of row."""

from __future__ import annotations

import os

from benchmarks.contenders.clearprop import Clearprop
from benchmarks.contenders.work import Work


class Crashing(Clearprop):
    """The engine, but for relu networks."""

    def begin(self, work: Work) -> None:
        if work.task.kind == "relu":
            os._exit(3)
        super().begin(work)
