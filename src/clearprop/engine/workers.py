"""Workers: threads that run the same native function, each with a number of its own.

Threads live as long as one call. So nothing is left over that a fork could lose, and calls from several
Python threads do not meet; against the length of a call, starting a thread is cheap.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable

Native = Callable[[int, int, int], None]

FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def together(function: Native, context: int, workers: int) -> None:
    """Run a function of (context, worker, workers) in that many threads at once, this one included.

    Raises:
        RuntimeError: the system gives no more threads. Nothing has run then.
    """
    if workers == 1:
        function(context, 0, 1)
        return
    go, run = threading.Event(), [True]

    def work(worker: int) -> None:
        go.wait()
        if run[0]:
            function(context, worker, workers)

    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in range(1, workers)]
    try:
        for thread in threads:
            thread.start()
    except BaseException:
        # Workers wait for each other: if one is missing, none must begin.
        run[0] = False
        go.set()
        raise
    go.set()
    try:
        function(context, 0, workers)
    finally:
        _joined(threads)


def _joined(threads: list[threading.Thread]) -> None:
    """Wait for all of them, whatever else comes: they work on memory that is about to be let go."""
    interrupted: BaseException | None = None
    for thread in threads:
        while thread.is_alive():
            try:
                thread.join()
            except BaseException as error:
                interrupted = error
    if interrupted is not None:
        raise interrupted


class Crew:
    """How many workers run the next call: as many as are planned, or one, whichever was faster of late.

    Workers wait for each other in every step. Where other programs want the processors too, one of them
    is soon kept waiting for milliseconds, and one worker alone is many times faster; no plan can know that.
    """

    AGAIN = 32
    """Every so many calls the slower number is tried once more."""
    LONG = 2e-3
    """Seconds of a call below which it says nothing."""

    def __init__(self, most: int) -> None:
        self.most, self.calls = most, 0
        self.costs: dict[int, float] = {}

    def size(self) -> int:
        """How many workers the next call is to have."""
        if self.most == 1:
            return 1
        untried = [count for count in (self.most, 1) if count not in self.costs]
        if untried:
            return untried[0]
        faster = min(self.costs, key=self.costs.__getitem__)
        other = 1 if faster == self.most else self.most
        return other if self.calls % self.AGAIN == 0 else faster

    def learn(self, workers: int, examples: int, seconds: float) -> None:
        """Take note of how long a call took."""
        if seconds >= self.LONG:
            self.calls += 1
            self.costs[workers] = seconds / examples
