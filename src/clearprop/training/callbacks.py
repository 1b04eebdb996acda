"""Callbacks: objects that training calls, in the manner of Keras."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from clearprop.errors import InvalidArgument, Unwritable
from clearprop.fields import BOOLEANS, accepted, list_of
from clearprop.network.problem import Problem

if TYPE_CHECKING:
    from clearprop.training.fit import Fit

Logs = Mapping[str, float]


class Callback:
    """A base class whose methods do nothing: override those you need.

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
        """Called before the first step, with the problem and the number of epochs already done."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> bool | None:
        """Called after each epoch (counted from 1) with its loss and learning rate; return True to end the training."""

    def on_train_end(self, logs: Logs) -> None:
        """Called after the last step, however the training ended."""

    def on_fit(self, number: int, fit: Fit) -> bool | None:
        """Called by ``train_many`` after each training, with its place (from 0); return True to end all."""

    def on_checkpoint_failed(self, error: Unwritable) -> bool | None:
        """Called when a checkpoint could not be written; training continues, and the next one tries again.

        Return True if the user has been told; otherwise there is a warning.
        """


class Listeners(Callback):
    """Several callbacks as one, which calls each of them."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        callbacks = accepted(list_of(lambda each: each, "callbacks"), callbacks, "callbacks")
        for callback in callbacks:
            if not isinstance(callback, Callback):
                raise InvalidArgument(
                    f"callbacks: expected objects of a class derived from Callback, found {type(callback).__name__}"
                )
        self.callbacks = tuple(callbacks)

    def on_train_begin(self, problem: Problem, epochs: int) -> None:
        for callback in self.callbacks:
            callback.on_train_begin(problem, epochs)

    def on_epoch_end(self, epoch: int, logs: Logs) -> bool:
        """Return whether one of them returned True."""
        return _any([callback.on_epoch_end(epoch, logs) for callback in self.callbacks])

    def on_fit(self, number: int, fit: Fit) -> bool:
        """Return whether one of them returned True."""
        return _any([callback.on_fit(number, fit) for callback in self.callbacks])

    def on_train_end(self, logs: Logs) -> None:
        for callback in self.callbacks:
            callback.on_train_end(logs)

    def on_checkpoint_failed(self, error: Unwritable) -> bool:
        """Warn if none of them has told the user."""
        if not _any([callback.on_checkpoint_failed(error) for callback in self.callbacks]):
            warnings.warn(f"training continues, but {error}", RuntimeWarning, stacklevel=2)
        return True


def _any(answers: Sequence[bool | None]) -> bool:
    return any(isinstance(answer, BOOLEANS) and answer for answer in answers)
