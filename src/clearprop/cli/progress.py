"""Progress of a training: a bar on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from clearprop.errors import Unwritable
from clearprop.messages import brief
from clearprop.network.problem import Problem
from clearprop.rendering.document import View
from clearprop.rendering.fit import METRICS
from clearprop.rendering.problem import problem_summary
from clearprop.rendering.text import text
from clearprop.training.callbacks import Callback, Logs
from clearprop.training.under_way import EPOCHS

INTERVAL = 1.0
"""Seconds between two plain lines."""
DRAWN = 0.1
"""Seconds between two moves of the bar, which is drawn ten times a second."""


class Display(Callback):
    """Plain lines on standard error, at most one a second."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.limit, self.epoch, self.shown = 0, 0, -math.inf
        self.logs: Logs = {}

    def say(self, line: str) -> None:
        print(line, file=self.stream, flush=True)

    def reading(self, done: int, size: int) -> None:
        """Say how much of a table has been read, if that takes long."""
        if self.shown == -math.inf:
            self.shown = time.monotonic()
        elif time.monotonic() - self.shown >= INTERVAL:
            self.shown = time.monotonic()
            self.say(f"reading: {done / max(size, 1):.0%} of {size / 1e6:,.1f} MB")

    def on_train_begin(self, problem: Problem, epochs: int) -> None:
        """Print the summary, and the epoch that training resumes from."""
        self.limit = EPOCHS if problem.settings.epochs is None else problem.settings.epochs
        self.say(text(problem_summary(problem), View(problem.names), width=100).rstrip("\n"))
        if epochs:
            self.say(f"resumed after epoch {epochs:,}")
        self.shown = -math.inf

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Print a line, at most one a second."""
        self.epoch, self.logs = epoch, logs
        if time.monotonic() - self.shown >= INTERVAL:
            self._line()

    def on_train_end(self, logs: Logs) -> None:
        """Print the last epoch, unless its line is there."""
        if self.logs:
            self._line()

    def on_checkpoint_failed(self, error: Unwritable) -> bool:
        """Say at once that a checkpoint could not be written."""
        self.say(f"training continues, but {error}")
        return True

    def _line(self) -> None:
        self.shown = time.monotonic()
        self.say(f"epoch {self.epoch:,} of {self.limit:,}: {shown_logs(self.logs)}")
        self.logs = {}


class Bar(Display):
    """A bar on a terminal."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[shown]}", markup=False),
            TimeRemainingColumn(),
        )
        self.console = Console(file=stream, stderr=True)
        self.progress = Progress(*columns, console=self.console, transient=True)
        self.table: Any = None
        self.task: Any = None

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def reading(self, done: int, size: int) -> None:
        """Move the bar of the table that is read."""
        if self.table is None:
            self.progress.start()
            self.table = self.progress.add_task("reading", total=size, shown="")
        self.progress.update(self.table, completed=done, shown=f"{done / 1e6:,.1f} of {size / 1e6:,.1f} MB")

    def on_train_begin(self, problem: Problem, epochs: int) -> None:
        """Print the summary, and start a bar below it."""
        if self.table is not None:
            self.progress.remove_task(self.table)
        super().on_train_begin(problem, epochs)
        self.progress.start()
        self.task = self.progress.add_task("epoch 0", total=self.limit, completed=epochs, shown="")

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Move the bar, as often as it is drawn; small networks make many epochs in that time."""
        self.epoch, self.logs = epoch, logs
        if time.monotonic() - self.shown >= DRAWN:
            self._line()

    def on_train_end(self, logs: Logs) -> None:
        """Move the bar to the last epoch before it goes."""
        super().on_train_end(logs)
        self.progress.stop()

    def _line(self) -> None:
        self.shown = time.monotonic()
        told = f"epoch {self.epoch:,} of {self.limit:,}"
        self.progress.update(self.task, completed=self.epoch, description=told, shown=shown_logs(self.logs))
        self.logs = {}


@contextmanager
def display(quiet: bool) -> Iterator[Display | None]:
    """Return nothing if quiet, a bar on a terminal, plain lines elsewhere."""
    if quiet:
        yield None
        return
    shown = Bar(sys.stderr) if sys.stderr.isatty() else Display(sys.stderr)
    try:
        yield shown
    finally:
        if isinstance(shown, Bar):
            shown.progress.stop()


NAMES = {"loss": "loss", "validation_loss": "validation", "learning_rate": "rate"} | {
    prefix + metric: prefix.replace("_", " ") + name
    for metric, name in METRICS.items()
    for prefix in ("", "validation_")
}


def shown_logs(logs: Logs) -> str:
    """Return the numbers of an epoch as text.

    >>> shown_logs({"learning_rate": 0.1, "loss": 0.25, "validation_loss": 0.5})
    'loss 0.25, validation 0.5, rate 0.1'
    """
    return ", ".join(f"{name} {brief(logs[key], '.4g')}" for key, name in NAMES.items() if key in logs)
