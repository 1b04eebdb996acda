"""Workers: every entry in a process of its own, which waits on a pipe until it is its turn.

Libraries read how many threads they may use when they are loaded, and keep threads of their own; so none
shares a process with another, and only one at a time has anything to do.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.contenders.entry import Contender, Entry
from benchmarks.contenders.rows import Prediction, Training
from benchmarks.contenders.work import Layers, asked, initial, made

from clearprop.types import Array

PATIENCE = 300.0
"""Seconds until what a worker was asked is given up, and its process ended."""

QUIET = 0.01
"""Seconds in which a worker's threads must use next to no processor before it counts as idle."""


class Failed(Exception):
    """A contender could not do what it was asked; the last line of what went wrong."""


class Begun(NamedTuple):
    """The first epoch or call: its seconds, with all that is compiled for it, and what came of it.

    ``found`` has the weights or the outputs; ``otherwise`` says what was computed instead.
    """

    seconds: float
    found: Layers | Array
    otherwise: str | None


class Round(NamedTuple):
    """Seconds on the clock and of all processors together, and of processors after it was done."""

    seconds: float
    busy: float
    after: float


# --- in the worker -----------------------------------------------------------------------------------------


class Desk:
    """What a worker does when asked."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        self.do: Callable[[int], object] = lambda count: None

    def begin(self, task: Training | Prediction) -> Begun:
        """Take a task, and time its first epoch or call, which compiles what there is to compile."""
        return self._training(task) if isinstance(task, Training) else self._prediction(task)

    def _training(self, task: Training) -> Begun:
        contender = self.contender
        otherwise = contender.otherwise(task)
        contender.begin(made(task))
        seconds = _timed(contender.train, 1)
        self.do = contender.train
        return Begun(seconds, contender.layers(), otherwise)

    def _prediction(self, task: Prediction) -> Begun:
        rows = asked(task)
        started = time.perf_counter()
        predict = self.contender.predictor(task, initial(task.sizes))
        outputs = predict(rows)
        seconds = time.perf_counter() - started

        def calls(count: int) -> None:
            for _ in range(count):
                predict(rows)

        self.do = calls
        return Begun(seconds, outputs, None)

    def round(self, count: int) -> Round:
        """Time so many epochs or calls, then wait until all threads have come to rest."""
        busy = time.process_time()
        seconds = _timed(self.do, count)
        done = time.process_time()
        settle()
        return Round(seconds, done - busy, time.process_time() - done)


def _timed(do: Callable[[int], object], count: int) -> float:
    started = time.perf_counter()
    do(count)
    return time.perf_counter() - started


def settle(patience: float = 2.0) -> None:
    """Wait until this process uses next to no processor: threads of a pool spin for a while after their work."""
    end = time.perf_counter() + patience
    while time.perf_counter() < end:
        before = time.process_time()
        time.sleep(QUIET)
        if time.process_time() - before < QUIET / 20:
            return


def serve(pipe: Connection, entry: Entry) -> None:
    """Answer until there are no more questions."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the benchmark is interrupted, and ends its workers
    desk = None
    while (question := _next(pipe)) is not None:
        name, arguments = question
        try:
            desk = desk or Desk(entry.contender())
            pipe.send(getattr(desk, name)(*arguments))
        except Exception as error:
            if os.environ.get("CLEARPROP_DEBUG"):
                traceback.print_exc()
            lines = str(error).strip().splitlines()
            pipe.send(Failed(f"{type(error).__name__}: {lines[0] if lines else ''}"[:200]))


def _next(pipe: Connection) -> Any:
    try:
        return pipe.recv()
    except EOFError:
        return None


# --- outside -----------------------------------------------------------------------------------------------


class Worker:
    """A worker, seen from outside. ``folder`` is for what it keeps on disk: nothing is there from earlier runs.

    A process that has come to its end is replaced when the next task begins: whatever went wrong costs one row.
    """

    def __init__(self, entry: Entry, folder: Path) -> None:
        self.entry, self.folder, self.closed = entry, folder, False
        self.folder.mkdir(parents=True, exist_ok=True)
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, self.entry))
        places = {"CLEARPROP_CACHE_DIR": "clearprop", "TORCHINDUCTOR_CACHE_DIR": "inductor", "XDG_CACHE_HOME": ""}
        caches = {name: str(self.folder / place) for name, place in places.items()}
        with environment(self.entry.environment | caches):
            self.process.start()
        theirs.close()

    def begin(self, task: Training | Prediction) -> Begun:
        """See ``Desk.begin``."""
        if not self.closed and not self.process.is_alive():
            self._end()
            self._start()
        begun: Begun = self._ask("begin", task)
        return begun

    def round(self, count: int) -> Round:
        """See ``Desk.round``."""
        taken: Round = self._ask("round", count)
        return taken

    def _ask(self, name: str, *arguments: Any) -> Any:
        try:
            self.pipe.send((name, arguments))
            if not self.pipe.poll(PATIENCE):
                self._end()
                raise Failed(f"no answer within {PATIENCE:.0f} s")
            answer = self.pipe.recv()
        except (EOFError, OSError) as error:
            self.process.join(5)
            raise Failed(f"its process ended with code {self.process.exitcode}") from error
        if isinstance(answer, Failed):
            raise answer
        return answer

    def _end(self) -> None:
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.pipe.close()

    def close(self) -> None:
        """End it, unless it has ended."""
        self.closed = True
        with suppress(OSError):
            self.pipe.send(None)
            self.process.join(5)
        self._end()


@contextmanager
def environment(more: dict[str, str]) -> Iterator[None]:
    """These variables set, for a process that is started meanwhile."""
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def workers(entries: list[Entry], folder: Path) -> Iterator[list[Worker]]:
    """A worker for each entry, all of them ended afterwards."""
    started: list[Worker] = []
    try:
        for number, entry in enumerate(entries):
            started.append(Worker(entry, folder / str(number)))
        yield started
    finally:
        for worker in started:
            worker.close()
