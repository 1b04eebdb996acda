"""Callbacks: what training tells whoever listens, in the manner of Keras."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clearprop.errors import Unwritable
from clearprop.network.problem import Problem

Logs = Mapping[str, float]


class Callback:
    """Override what is of interest; each method does nothing by itself.

    >>> class Printer(Callback):
    ...     def on_epoch_end(self, epoch, logs):
    ...         print(epoch, f"{logs['loss']:.4f}")
    >>> import clearprop as cp
    >>> from clearprop.training.loop import train
    >>> fit = train(cp.load("lecture"), epochs=2, callbacks=[Printer()])
    1 0.2407
    2 0.2322
    """

    def on_train_begin(self, problem: Problem, epochs: int) -> None:
        """Before the first step, with what is trained and how many epochs are done already."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> bool | None:
        """After each epoch (counted from 1), with its loss and rate; True ends the training."""

    def on_train_end(self, logs: Logs) -> None:
        """After the last step, however the training ended."""

    def on_checkpoint_failed(self, error: Unwritable) -> bool | None:
        """A checkpoint could not be written; training goes on, and the next one tries again. True if the
        user has been told, who is warned otherwise."""


class Function(Callback):
    """A plain function in place of a class: called after each epoch."""

    def __init__(self, function: Callable[[int, Logs], Any]) -> None:
        self.function = function

    def on_epoch_end(self, epoch: int, logs: Logs) -> bool | None:
        """Calls the function; only True itself ends the training."""
        return True if self.function(epoch, logs) is True else None


class Listeners(Callback):
    """Several callbacks as one."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.callbacks = tuple(callbacks)

    def on_train_begin(self, problem: Problem, epochs: int) -> None:
        """Tells each of them."""
        for callback in self.callbacks:
            callback.on_train_begin(problem, epochs)

    def on_epoch_end(self, epoch: int, logs: Logs) -> bool | None:
        """Tells each of them; any may end the training."""
        answers = [callback.on_epoch_end(epoch, logs) for callback in self.callbacks]
        return True in answers

    def on_train_end(self, logs: Logs) -> None:
        """Tells each of them."""
        for callback in self.callbacks:
            callback.on_train_end(logs)

    def on_checkpoint_failed(self, error: Unwritable) -> bool | None:
        """Tells each of them, or else warns."""
        answers = [callback.on_checkpoint_failed(error) for callback in self.callbacks]
        if True not in answers:
            warnings.warn(f"training continues, but {error}", RuntimeWarning, stacklevel=2)
        return True
