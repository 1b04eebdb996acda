"""Ctrl-C and SIGTERM: the first ends the work cleanly, and nothing disturbs the saving of what was learnt."""

from __future__ import annotations

import signal
import threading
from types import TracebackType

from clearprop.training.callbacks import Callback, Logs


class Interrupts(Callback):
    """While it is entered, SIGTERM is an interrupt like Ctrl-C; once the training has ended, or a first
    interrupt has come, further ones are left alone."""

    def __init__(self) -> None:
        self.held = False
        # Python lets only the main thread say what a signal does.
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
        """From here on nothing interrupts."""
        self.held = True

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.main:
            for number, handler in self.previous.items():
                signal.signal(number, handler)
