"""Why training ended: an enum that carries a sentence."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from clearprop.messages import brief, counted
from clearprop.models.history import History, keeps_best
from clearprop.network.problem import Settings
from clearprop.rules.schedules import IMPROVEMENT, UNWATCHED, Schedule, noted

STILL = "the loss changed by at most {tolerance} in {epochs}"
NO_BETTER = "the loss has not improved by {tolerance} for {patience}"
AT_THE_LEAST = ", and the learning rate is {rate}, the least"
RELATIVE = "{tolerance} of its initial value"
NEAR = 0.5
"""Seconds before the time limit from which on each epoch is looked at."""
FLAT = "the norm of the gradient is {norm}, at most {limit}"


class Status(Enum):
    """The way in which a training ended: the name in ``--format json``, a sentence, and the exit code.

    >>> Status("time_limit").sentence.format(seconds=2.5)
    'the time limit of 2.5 s was reached'
    """

    sentence: str
    exit_code: int

    def __new__(cls, value: str, sentence: str, exit_code: int) -> Status:
        """Return a member with its sentence, whose numbers are filled in when training ends."""
        member = object.__new__(cls)
        member._value_ = value
        member.sentence, member.exit_code = sentence, exit_code
        return member

    CONVERGED = "converged", "converged: {cause}", 0
    TARGET_LOSS = "target_loss", "the loss reached the target of {target}", 0
    EARLY_STOPPING = (
        "early_stopping",
        "the validation loss has not improved{by} for {patience}: the weights of {best}, its lowest, are kept",
        0,
    )
    EPOCH_LIMIT = "epoch_limit", "the limit of {epochs} was reached before the loss converged", 0
    TIME_LIMIT = "time_limit", "the time limit of {seconds:g} s was reached", 0
    STOPPED = "stopped", "a callback asked to stop after {epochs}", 0
    DIVERGED = "diverged", "diverged {place}: {fault}", 1
    INTERRUPTED = "interrupted", "interrupted: what was learnt so far is kept", 130


class Ending(NamedTuple):
    """The way in which a training ended, and its sentence with the numbers filled in."""

    status: Status
    reason: str


def ending(status: Status, **numbers: object) -> Ending:
    """Return the status with the numbers filled into its sentence."""
    return Ending(status, status.sentence.format(**numbers))


def at_the_least_rate(schedule: Schedule, history: History) -> Ending:
    """Return the end by a schedule that may not lower the rate further."""
    patience = counted(int(schedule.constants["patience"]) + 1, "epoch")
    cause = NO_BETTER.format(tolerance=brief(schedule.constants["tolerance"]), patience=patience)
    return ending(Status.CONVERGED, cause=cause + AT_THE_LEAST.format(rate=brief(history.rate[-1], ".3g")))


class Stopping:
    """Decides after each epoch whether to end, and why, from the history and the clock.

    Converged: |loss after an epoch - loss before it| <= tolerance, ``patience`` epochs in a row, or
    the norm of the gradient is at most ``gradient_tolerance``. For a table the tolerance is ``relative``
    to the loss before training: what is small depends on the unit of its columns.

    Under the convergence "improvement": the loss has not been lower than the lowest so far by the tolerance for
    ``patience`` epochs; that of the validation rows, if there are any and they may end it.

    Whatever the losses are, it ends once ``stop`` returns True.
    """

    def __init__(
        self, settings: Settings, epochs: int, *, relative: bool = False, stop: Callable[[], bool] | None = None
    ) -> None:
        self.settings, self.epochs, self.stop = settings, epochs, stop
        self.improves = settings.convergence == "improvement"
        self.relative = relative and not self.improves
        self._noted, self._seen = dict(UNWATCHED), 1
        self.started = time.monotonic()

    def judge(self, history: History, gradient_norm: float | None = None, *, timed: bool = True) -> Ending | None:
        """Return the reason to end where the history ends, or None to continue; the time counts if ``timed``.

        Epoch 0 is the initial weights: their loss may already reach the target.
        """
        settings, epoch = self.settings, history.epochs
        if settings.target_loss is not None and history.loss[-1] <= settings.target_loss:
            return ending(Status.TARGET_LOSS, target=brief(settings.target_loss))
        if self.improves and (end := self._no_better(history)):
            return end
        if not self.improves and self._still(history):
            several = f"each of the last {settings.patience:,} epochs"
            epochs = several if settings.patience > 1 else "the last epoch"
            tolerance = brief(settings.tolerance)
            tolerance = RELATIVE.format(tolerance=tolerance) if self.relative else tolerance
            return ending(Status.CONVERGED, cause=STILL.format(tolerance=tolerance, epochs=epochs))
        if gradient_norm is not None and gradient_norm <= settings.gradient_tolerance:
            limit = settings.gradient_tolerance
            return ending(Status.CONVERGED, cause=FLAT.format(norm=brief(gradient_norm, ".3g"), limit=brief(limit)))
        if not self.improves and keeps_best(settings, history) and epoch - history.best >= settings.patience:
            return self._stopped_early(history)
        if epoch >= self.epochs:
            return ending(Status.EPOCH_LIMIT, epochs=counted(self.epochs, "epoch"))
        if timed and self.stop is not None and self.stop():
            return ending(Status.STOPPED, epochs=f"epoch {epoch:,}")
        return self.out_of_time() if timed else None

    def _stopped_early(self, history: History, by: str = "") -> Ending:
        best = f"epoch {history.best:,}" if history.best else "the start"
        patience = counted(self.settings.patience, "epoch")
        return ending(Status.EARLY_STOPPING, by=by, patience=patience, best=best)

    def _no_better(self, history: History) -> Ending | None:
        """Return the end if the loss has not improved on the lowest so far; that before training does not count."""
        settings, early = self.settings, keeps_best(self.settings, history)
        losses = history.watched if early else history.loss
        for loss in losses[self._seen :]:
            self._noted = noted(IMPROVEMENT, {"loss": loss, "tolerance": settings.tolerance}, self._noted)
        self._seen = len(losses)
        if self._noted["bad"] < settings.patience:
            return None
        if early:
            return self._stopped_early(history, f" by {brief(settings.tolerance)}")
        patience = counted(settings.patience, "epoch")
        return ending(Status.CONVERGED, cause=NO_BETTER.format(tolerance=brief(settings.tolerance), patience=patience))

    def goes_on(self, history: History, losses: Sequence[float], validation: Sequence[float] = ()) -> bool:
        """Return whether for certain no loss of the next epochs is a reason to end: few looks are cheaper than many."""
        if self.improves or (keeps_best(self.settings, history) and self._may_wait(history, validation)):
            return False
        following, target = np.array(history.loss[-1:] + list(losses)), self.settings.target_loss
        still = (np.abs(np.diff(following)) <= self._tolerance(history)).any() if self.settings.tolerance > 0 else False
        return not still and (target is None or bool(following.min() > target))

    def _may_wait(self, history: History, following: Sequence[float]) -> bool:
        """Return whether the validation loss may stay without improvement for long enough to end the training."""
        seen = np.array([history.validation[history.best], *following])
        lowest = np.fmin.accumulate(seen)
        better = np.flatnonzero(seen[1:] < lowest[:-1]) + 1
        at = np.concatenate([[history.best - history.epochs], better, [len(following)]])
        return bool(np.diff(at).max() >= self.settings.patience)

    def _tolerance(self, history: History) -> float:
        return self.settings.tolerance * (history.loss[0] if self.relative else 1)

    def _still(self, history: History) -> bool:
        tolerance, recent = self._tolerance(history), history.loss[-self.settings.patience - 1 :]
        if self.settings.tolerance <= 0 or len(recent) <= self.settings.patience:
            return False
        return math.isfinite(tolerance) and all(abs(after - before) <= tolerance for before, after in pairwise(recent))

    def nearly_out_of_time(self) -> bool:
        """Return whether the time limit has passed or is near."""
        limit = self.settings.time_limit
        return limit is not None and time.monotonic() - self.started > limit - NEAR

    def out_of_time(self) -> Ending | None:
        """Return the end by the time limit, if it has passed; also called within an epoch, which may take hours."""
        limit = self.settings.time_limit
        if limit is None or time.monotonic() - self.started < limit:
            return None
        return ending(Status.TIME_LIMIT, seconds=limit)
