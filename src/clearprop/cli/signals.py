"""Ctrl-C and SIGTERM: the first ends the work cleanly; later ones do not disturb the saving of the model."""

from __future__ import annotations

import signal
import threading
from types import TracebackType

from clearprop.training.callbacks import Callback, Logs


class Interrupts(Callback):
    """A context in which SIGTERM interrupts as Ctrl-C does. After the first interrupt, or the end of training,
    further ones are ignored."""

    def __init__(self) -> None:
        self.held = False
        # Only the main thread may set signal handlers.
        self.main = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Interrupts:
        if self.main:
            self.previous = {number: signal.signal(number, self._heard) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def _heard(self, *_: object) -> None:
        if not self.held:
            self.held = True
            raise KeyboardInterrupt

    def on_train_end(self, logs: Logs) -> None:
        """Ignore interrupts from here on."""
        self.held = True

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.main:
            for number, handler in self.previous.items():
                signal.signal(number, handler)
