"""Why training ended: an enum that carries its sentence."""

from __future__ import annotations

import time
from enum import Enum
from typing import NamedTuple

from clearprop.network.problem import Settings


class Status(Enum):
    """How a training ended: what ``--format json`` calls it, its sentence, and the exit code.

    >>> Status("time_limit").sentence.format(seconds=2.5)
    'the time limit of 2.5 s was reached'
    """

    sentence: str
    exit_code: int

    def __new__(cls, value: str, sentence: str, exit_code: int) -> Status:
        """A member with its sentence, whose numbers are filled in when training ends."""
        member = object.__new__(cls)
        member._value_ = value
        member.sentence, member.exit_code = sentence, exit_code
        return member

    CONVERGED = "converged", "converged: the loss changed by at most {tolerance:g} in each of the last {epochs}", 0
    TARGET_LOSS = "target_loss", "the loss reached the target of {target:g}", 0
    EPOCH_LIMIT = "epoch_limit", "the limit of {epochs} was reached before the loss converged", 0
    TIME_LIMIT = "time_limit", "the time limit of {seconds:g} s was reached", 0
    DIVERGED = "diverged", "diverged {place}: {fault}", 1
    INTERRUPTED = "interrupted", "interrupted: what was learnt so far is kept", 130


class Ending(NamedTuple):
    """How a training ended, and the sentence with its numbers."""

    status: Status
    reason: str


def ending(status: Status, **numbers: object) -> Ending:
    """The status with the numbers put into its sentence."""
    return Ending(status, status.sentence.format(**numbers))


class Stopping:
    """Watches the loss after each epoch and says when to end, and why.

    Converged: |loss after an epoch - loss before it| <= tolerance, ``patience`` epochs in a row.
    """

    def __init__(self, settings: Settings, epochs: int) -> None:
        self.settings, self.epochs = settings, epochs
        self.started = time.monotonic()
        self.previous = float("inf")
        self.still = 0

    def judge(self, epoch: int, loss: float) -> Ending | None:
        """The reason to end after so many epochs with this loss, or None to go on.

        Epoch 0 is the initial weights: their loss may be all that was asked for.
        """
        settings = self.settings
        if settings.target_loss is not None and loss <= settings.target_loss:
            return ending(Status.TARGET_LOSS, target=settings.target_loss)
        self.still = self.still + 1 if abs(loss - self.previous) <= settings.tolerance else 0
        self.previous = loss
        if settings.tolerance > 0 and self.still >= settings.patience:
            return ending(Status.CONVERGED, tolerance=settings.tolerance, epochs=counted(settings.patience, "epoch"))
        if epoch >= self.epochs:
            return ending(Status.EPOCH_LIMIT, epochs=counted(self.epochs, "epoch"))
        return self.out_of_time()

    def out_of_time(self) -> Ending | None:
        """The end by the time limit, also asked for within an epoch: one may take hours."""
        limit = self.settings.time_limit
        if limit is None or time.monotonic() - self.started < limit:
            return None
        return ending(Status.TIME_LIMIT, seconds=limit)


def counted(count: int, word: str) -> str:
    """
    >>> counted(1, "epoch"), counted(10_000, "step")
    ('1 epoch', '10,000 steps')
    """
    return f"1 {word}" if count == 1 else f"{count:,} {word}s"
