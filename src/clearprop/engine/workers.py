"""Workers: threads that run the same native function, each with its number.

Threads live as long as one call. So nothing is left over that a fork could lose, and calls from several
Python threads do not meet; against the length of a call, starting a thread is cheap.
"""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext

Native = Callable[[int, int, int], None]

FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


_own = threading.local()


@contextmanager
def in_turn(turn: threading.Lock) -> Iterator[None]:
    """Let this thread work while no other does that was let in with this lock, but for native code that is not brief.

    Without it trainings beside each other would change places in the middle of what only one of them can do at a time,
    and so would come to their native code, which is for all at once, at the same time.
    """
    with turn:
        _own.turn = turn
        try:
            yield
        finally:
            del _own.turn


@contextmanager
def _out_of_turn() -> Iterator[None]:
    turn: threading.Lock | None = getattr(_own, "turn", None)
    if turn is None:
        yield
        return
    turn.release()
    try:
        yield
    finally:
        turn.acquire()


def together(
    function: Native, context: int, workers: int, stop: Callable[[], None] | None = None, *, brief: bool = False
) -> None:
    """Run a function as ``_together`` does; while it runs, unless it is ``brief``, it is another thread's turn."""
    with nullcontext() if brief else _out_of_turn():
        _together(function, context, workers, stop)


def _together(function: Native, context: int, workers: int, stop: Callable[[], None] | None = None) -> None:
    """Run a function of (context, worker, workers) in that many threads at once, this one included.

    With ``stop`` this thread only waits, so that it can be interrupted: then ``stop`` is called, which is to
    bring the others to an end. Without it an interrupt waits until all are done.

    Raises:
        RuntimeError: the system gives no more threads. Nothing has run then.
    """
    if workers == 1 and stop is None:
        function(context, 0, 1)
        return
    go, run = threading.Event(), [True]

    def work(worker: int, done: threading.Event) -> None:
        go.wait()
        try:
            if run[0]:
                function(context, worker, workers)
        finally:
            done.set()

    others = {worker: threading.Event() for worker in range(1 if stop is None else 0, workers)}
    threads = [threading.Thread(target=work, args=each, daemon=True) for each in others.items()]
    # The share of this thread is taken and begun in one step of the interpreter: no interrupt comes between,
    # and whether it was begun can be told.
    mine = iter([context] if stop is None else ())
    try:
        for thread in threads:
            thread.start()
    except BaseException:
        # Workers wait for each other: if one is missing, none must begin.
        run[0] = False
        go.set()
        raise

    def share() -> None:
        go.set()  # once more, if an interrupt came before all were told
        deque(map(function, mine, [0], [workers]), maxlen=0)

    _finished(share, others.values(), stop)
    for thread in threads:
        thread.join()


WAIT = 0.05
"""Seconds between two checks for an interrupt: not every system wakes a thread for one."""


def _finished(share: Callable[[], None], others: Collection[threading.Event], stop: Callable[[], None] | None) -> None:
    """Do the share of this thread and wait for the others, whatever else comes: they wait for it, and work on
    memory that is about to be let go.

    Threads are not joined here: until Python 3.12, one whose ``join`` is interrupted is taken for ended.
    """
    interrupted: BaseException | None = None
    while True:
        try:
            if interrupted is not None and stop is not None:
                stop()
            share()
            for done in others:
                while not done.wait(WAIT):
                    pass
            break
        except BaseException as error:
            interrupted = error
    if interrupted is not None:
        raise interrupted


class Crew:
    """Chooses the number of workers for the next call: the planned number; or, where they are kept from working, one or
    that number, whichever was faster lately.

    Workers wait for each other in every step, and keep their processors while they do. Where other programs want these
    too, one of them is soon kept waiting for milliseconds, and one worker alone is many times faster; no plan can know
    that, but the time that their processors worked tells.
    """

    SHARE = 0.6
    """The share of the time of their processors below which workers were kept from working."""
    SOON, AGAIN = 2, 32
    """Calls after which the slower number is tried again: at first, for one disturbed call may have made it so; and at
    most, for the time doubles with each trial in vain."""
    LONG = 1e-2
    """Seconds of a call below which it says nothing: the first ones find nothing in the caches."""

    def __init__(self, most: int) -> None:
        self.most, self.calls, self.kept = most, 0, False
        self.costs: dict[int, float] = {}
        self.wait, self.due = self.SOON, 0

    def size(self) -> int:
        """Return the number of workers for the next call."""
        if self.most == 1 or not self.kept:
            return self.most
        if 1 not in self.costs:
            return 1
        faster = self._faster()
        return faster if self.calls < self.due else 1 + self.most - faster

    def _faster(self) -> int:
        return min(self.costs, key=self.costs.__getitem__, default=0)

    def learn(self, workers: int, examples: int, seconds: float, worked: float) -> None:
        """Take note of how long a call took, and of the seconds that processors worked in it."""
        if seconds < self.LONG:
            return
        self.calls += 1
        if workers == self.most:
            self.kept = worked < self.SHARE * workers * seconds
        before = self._faster()
        self.costs[workers] = seconds / examples
        faster = self._faster()
        if faster != before:
            self.wait = self.SOON
        elif workers != faster:
            self.wait = min(2 * self.wait, self.AGAIN)
        else:
            return
        self.due = self.calls + self.wait
