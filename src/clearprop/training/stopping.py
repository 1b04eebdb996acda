"""Why training ended: an enum that carries its sentence."""

from __future__ import annotations

import time
from enum import Enum

from clearprop.network.problem import Settings


class Status(Enum):
    """How a training ended; the value is what ``--format json`` calls it."""

    CONVERGED = "converged"
    TARGET_LOSS = "target_loss"
    EPOCH_LIMIT = "epoch_limit"
    TIME_LIMIT = "time_limit"
    DIVERGED = "diverged"
    INTERRUPTED = "interrupted"

    @property
    def exit_code(self) -> int:
        """What the command line ends with."""
        return {Status.DIVERGED: 1, Status.INTERRUPTED: 130}.get(self, 0)


class Stopping:
    """Watches the loss of each epoch and says when to end, and why."""

    def __init__(self, settings: Settings, epochs: int) -> None:
        self.settings, self.epochs = settings, epochs
        self.started = time.monotonic()
        self.previous: float | None = None
        self.still = 0

    def judge(self, epoch: int, loss: float) -> tuple[Status, str] | None:
        """The reason to end after so many epochs with this loss, or None to go on."""
        settings = self.settings
        if settings.target_loss is not None and loss <= settings.target_loss:
            return Status.TARGET_LOSS, f"the loss reached the target of {settings.target_loss:g}"
        if self.previous is not None:
            self.still = self.still + 1 if abs(loss - self.previous) <= settings.tolerance else 0
        self.previous = loss
        if settings.tolerance > 0 and self.still >= settings.patience:
            return (
                Status.CONVERGED,
                f"converged: the loss changed by at most {settings.tolerance:g} in each of the last "
                f"{settings.patience} epochs",
            )
        if epoch >= self.epochs:
            return Status.EPOCH_LIMIT, f"the limit of {self.epochs:,} epochs was reached before the loss converged"
        if settings.time_limit is not None and time.monotonic() - self.started >= settings.time_limit:
            return Status.TIME_LIMIT, f"the time limit of {settings.time_limit:g} s was reached"
        return None
