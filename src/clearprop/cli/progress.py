"""What one sees while a training runs: a bar on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from clearprop.errors import Unwritable
from clearprop.messages import abridged, counted
from clearprop.network.problem import Problem
from clearprop.rendering.document import Table, View
from clearprop.rendering.text import text
from clearprop.training.callbacks import Callback, Logs
from clearprop.training.loop import EPOCHS
from clearprop.training.order import batch_size

INTERVAL = 1.0
"""Seconds between two plain lines."""


class Display(Callback):
    """Plain lines on standard error, at most one a second."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.limit, self.epoch, self.shown = 0, 0, -math.inf
        self.logs: Logs = {}

    def say(self, line: str) -> None:
        """One line of its own."""
        print(line, file=self.stream, flush=True)

    def reading(self, done: int, size: int) -> None:
        """How far a table has been read, if that takes long."""
        if self.shown == -math.inf:
            self.shown = time.monotonic()
        elif time.monotonic() - self.shown >= INTERVAL:
            self.shown = time.monotonic()
            self.say(f"reading: {done / max(size, 1):.0%} of {size / 1e6:,.1f} MB")

    def on_train_begin(self, problem: Problem, epochs: int) -> None:
        """The summary, and where it goes on from."""
        self.limit = EPOCHS if problem.settings.epochs is None else problem.settings.epochs
        self.say(summary(problem))
        if epochs:
            self.say(f"resumed after epoch {epochs:,}")
        self.shown = -math.inf

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """A line now and then."""
        self.epoch, self.logs = epoch, logs
        if time.monotonic() - self.shown >= INTERVAL:
            self._line()

    def on_train_end(self, logs: Logs) -> None:
        """The last epoch, if its line has not been shown."""
        if self.logs:
            self._line()

    def on_checkpoint_failed(self, error: Unwritable) -> bool:
        """Said at once."""
        self.say(f"the training goes on, but {error}")
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
        """Above the bar."""
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def reading(self, done: int, size: int) -> None:
        """A bar of its own."""
        if self.table is None:
            self.progress.start()
            self.table = self.progress.add_task("reading", total=size, shown="")
        self.progress.update(self.table, completed=done, shown=f"{done / 1e6:,.1f} of {size / 1e6:,.1f} MB")

    def on_train_begin(self, problem: Problem, epochs: int) -> None:
        """The summary, and a bar below it."""
        if self.table is not None:
            self.progress.remove_task(self.table)
        super().on_train_begin(problem, epochs)
        self.progress.start()
        self.task = self.progress.add_task("epoch 0", total=self.limit, completed=epochs, shown="")

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """The bar moves."""
        self.progress.update(
            self.task, completed=epoch, description=f"epoch {epoch:,} of {self.limit:,}", shown=shown_logs(logs)
        )

    def on_train_end(self, logs: Logs) -> None:
        """The bar goes."""
        self.progress.stop()


@contextmanager
def display(quiet: bool) -> Iterator[Display | None]:
    """What fits: nothing if it should be quiet, a bar on a terminal, else plain lines."""
    if quiet:
        yield None
        return
    shown = Bar(sys.stderr) if sys.stderr.isatty() else Display(sys.stderr)
    try:
        yield shown
    finally:
        if isinstance(shown, Bar):
            shown.progress.stop()


NAMES = {
    "loss": "loss",
    "validation_loss": "validation",
    "learning_rate": "rate",
    "accuracy": "accuracy",
    "validation_accuracy": "validation accuracy",
    "r2": "R²",
    "validation_r2": "validation R²",
    "rmse": "RMSE",
    "validation_rmse": "validation RMSE",
}


def shown_logs(logs: Logs) -> str:
    """The numbers of an epoch, in the order in which one asks for them.

    >>> shown_logs({"learning_rate": 0.1, "loss": 0.25, "validation_loss": 0.5})
    'loss 0.25, validation 0.5, rate 0.1'
    """
    return ", ".join(f"{name} {logs[key]:.4g}" for key, name in NAMES.items() if key in logs)


def summary(problem: Problem) -> str:
    """What is about to be trained: its layers, shapes and parameters, its examples, how it learns."""
    network, examples, settings = problem.network, problem.examples, problem.settings
    assert examples is not None
    rows = []
    for index, layer in enumerate(network.layers):
        inputs, name = network.sizes[index], abridged(layer.rule.name, 30)
        shapes = f"{layer.size:,} x {inputs:,}", f"{layer.biases:,}"
        rows.append((str(index + 1), name, *shapes, f"{layer.size * inputs + layer.biases:,}"))
    rows.append(("", "", "", "", f"{network.parameter_count:,}"))
    table = Table(("layer", "activation", "weights", "biases", "parameters"), tuple(rows))
    layers = text((table,), View(problem.names, 5, "nearest"))
    optimizer = problem.optimizer
    learnt = counted(len(examples.learnt), "example")
    if examples.validation is not None:
        learnt += f", {len(examples.validation):,} more for validation"
    if left := len(examples) - len(examples.used):
        learnt += f", {left:,} left out"
    lines = [
        f"{abridged(problem.name, 200)}: {learnt}",
        layers.strip("\n"),
        f"loss {abridged(network.loss.rule.name, 40)}; {optimizer.name}, learning rate {optimizer.learning_rate:g}; "
        f"batches of {batch_size(problem):,}; seed {settings.seed}; {settings.dtype}",
    ]
    return "\n".join(lines)
