"""Workers: every entry in a process of its own, which waits on a pipe until it is its turn.

Libraries read how many threads they may use when they are loaded, and keep threads of their own; so none
shares a process with another, and only one at a time has anything to do. An entry may have a Python of its own.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.entries import Entry
from benchmarks.measure import PATIENCE, ROOT, Failed
from benchmarks.rows import Task, Training
from benchmarks.work import Array, Begun, Contender, Round, asked, initial, made

QUIET = 0.01
"""Seconds in which a worker's threads must use next to no processor before it counts as idle."""


# --- in the worker -----------------------------------------------------------------------------------------


class Desk:
    """What a worker does when told to."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        self.do: Callable[[int], object] = lambda count: None
        self.least = 0

    def begin(self, task: Task, orders: tuple[Array, ...]) -> Begun:
        """Take a task, and time its first epoch or call, which compiles what there is to compile."""
        contender = self.contender
        if isinstance(task, Training):
            contender.begin(made(task, orders))
            self.do, self.least = contender.train, 1
            started = time.perf_counter()
            loss = contender.train(1)
            return Begun(time.perf_counter() - started, contender.layers(), loss)
        rows = asked(task)
        started = time.perf_counter()
        predict = contender.predictor(task, initial(task.sizes))
        outputs = predict(rows)
        seconds = time.perf_counter() - started

        def calls(count: int) -> None:
            for _ in range(count):
                predict(rows)

        self.do, self.least = calls, 0
        return Begun(seconds, outputs)

    def round(self, count: int) -> Round:
        """Time some calls, or some epochs as what a training takes longer with them than with one alone.

        Then wait until all threads have come to rest.
        """
        busy, started = time.process_time(), time.perf_counter()
        for _ in range(9):
            seconds = self._timed(self.least + count) - (self._timed(self.least) if self.least else 0)
            if seconds > 0:
                break
        else:
            raise Failed("many epochs took no longer than one")
        busy, whole = time.process_time() - busy, time.perf_counter() - started
        settle()
        return Round(seconds, busy / whole)

    def _timed(self, count: int) -> float:
        started = time.perf_counter()
        self.do(count)
        return time.perf_counter() - started


def settle(patience: float = 2.0) -> None:
    """Wait until this process uses next to no processor: threads of a pool spin for a while after their work."""
    end = time.perf_counter() + patience
    while time.perf_counter() < end:
        before = time.process_time()
        time.sleep(QUIET)
        if time.process_time() - before < QUIET / 20:
            return


def serve(pipe: Connection, home: str, threads: int | None) -> None:
    """Answer until there are no more questions."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the benchmark is interrupted, and ends its workers
    desk = None
    with suppress(EOFError):
        while True:
            name, arguments = pipe.recv()
            try:
                if desk is None:
                    module, _, contender = home.partition(":")
                    desk = Desk(getattr(import_module(module), contender)(threads))
                pipe.send(getattr(desk, name)(*arguments))
            except Exception as error:
                if os.environ.get("CLEARPROP_DEBUG"):
                    traceback.print_exc()
                first = next(iter(str(error).strip().splitlines()), "")
                pipe.send(error if isinstance(error, Failed) else Failed(f"{type(error).__name__}: {first}"[:200]))


# --- outside -----------------------------------------------------------------------------------------------


class Worker:
    """A worker, seen from outside. ``folder`` is for what it keeps on disk: nothing is there from earlier runs.

    A process that has come to its end is replaced when the next task begins: whatever went wrong costs one row.
    """

    def __init__(self, entry: Entry, folder: Path) -> None:
        self.entry, self.folder = entry, folder
        self.process: subprocess.Popen[bytes] | None = None

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        places = {"CLEARPROP_CACHE_DIR": "clearprop", "TORCHINDUCTOR_CACHE_DIR": "inductor", "XDG_CACHE_HOME": ""}
        caches = {name: str(self.folder / place) for name, place in places.items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        with theirs:
            line = [str(self.entry.python), "-m", "benchmarks.worker", str(theirs.fileno()), self.entry.home]
            self.process = subprocess.Popen(
                [*line, *([] if self.entry.threads is None else [str(self.entry.threads)])],
                cwd=ROOT,
                env={**os.environ, **self.entry.environment, **caches},
                pass_fds=[theirs.fileno()],
            )
        self.pipe = Connection(ours.detach())

    def begin(self, task: Task, orders: tuple[Array, ...]) -> Begun:
        """See ``Desk.begin``."""
        if self.process is None or self.process.poll() is not None:
            self.close()
            self._start()
        begun: Begun = self._ask("begin", task, orders)
        return begun

    def round(self, count: int) -> Round:
        """See ``Desk.round``."""
        taken: Round = self._ask("round", count)
        return taken

    def _ask(self, name: str, *arguments: Any) -> Any:
        assert self.process is not None
        try:
            self.pipe.send((name, arguments))
            if not self.pipe.poll(PATIENCE):
                self.close()
                raise Failed(f"no answer within {PATIENCE:.0f} s")
            answer = self.pipe.recv()
        except (EOFError, OSError) as error:
            raise Failed(f"its process ended with code {self.process.wait(5)}") from error
        if isinstance(answer, Failed):
            raise answer
        return answer

    def close(self) -> None:
        """End it."""
        if self.process is not None:
            self.pipe.close()
            self.process.kill()
            self.process.wait()


@contextmanager
def workers(entries: list[Entry], folder: Path) -> Iterator[list[Worker]]:
    """A worker for each entry, all of them ended afterwards."""
    made = [Worker(entry, folder / str(number)) for number, entry in enumerate(entries)]
    try:
        yield made
    finally:
        for worker in made:
            worker.close()


if __name__ == "__main__":
    descriptor, home, *threads = sys.argv[1:]
    serve(Connection(int(descriptor)), home, int(threads[0]) if threads else None)
