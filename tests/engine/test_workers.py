"""Threads that run one function together: all of them, or none, and none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from tests.engine.support.networks import WIDE, by_engine, epoch_of, native, same
from tests.support import HANG

import clearprop as cp
from clearprop.engine import workers
from clearprop.engine.native import Native
from clearprop.training.planned_steps import PlannedStep, PlannedSteps
from clearprop.training.replay import replay

posix = pytest.mark.skipif(sys.platform == "win32", reason="interrupts as POSIX has them")


@contextmanager
def one_thread_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[threading.Thread]]:
    """While this lasts, the system starts one more thread and refuses the next; yields those started."""
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def refuse(self: threading.Thread) -> None:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(self)
        start(self)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        yield started


def test_no_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has run where the system gives one thread too few; later it goes on."""
    engine = native(WIDE, "float32", 3)
    before = engine.vector
    with one_thread_only(monkeypatch) as started, pytest.raises(RuntimeError, match="can't start new thread"):
        engine.run(*epoch_of(WIDE).arrays)
    assert np.array_equal(engine.vector, before)
    started[0].join()
    assert same(by_engine(engine), by_engine(native(WIDE, "float32")))


def test_none_begins_where_one_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would wait for the one that is missing."""
    begun: list[int] = []
    with one_thread_only(monkeypatch) as started, pytest.raises(RuntimeError, match="can't start new thread"):
        workers.together(lambda context, worker, count: begun.append(worker), 0, 3)
    started[0].join()
    assert begun == []


@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_worker_runs_once_with_its_number(count: int) -> None:
    begun: list[tuple[int, int, int]] = []
    workers.together(lambda *given: begun.append(given), 77, count)
    assert sorted(begun) == [(77, worker, count) for worker in range(count)]


def test_a_crew_is_the_planned_number_or_one_whichever_was_faster_lately() -> None:
    """Calls that take no time say nothing; the slower number is tried again soon, then from time to time."""
    crew = workers.Crew(4)
    assert crew.size() == 4
    crew.learn(4, 100, 1.0, 0.5)
    assert crew.size() == 1
    crew.learn(1, 100, 0.5, 0.5)
    assert crew.size() == 1
    crew.learn(4, 1, 1e-9, 4e-9)
    sizes = []
    for _ in range(2 * crew.AGAIN):
        sizes.append(crew.size())
        crew.learn(sizes[-1], 100, 0.5 if sizes[-1] == 1 else 1.0, 0.5)
    assert [k for k, size in enumerate(sizes) if size == 4] == [2, 7, 16, 33]
    crew.learn(4, 100, 0.1, 0.1)
    assert crew.size() == 4
    assert workers.Crew(1).size() == 1


def test_one_is_tried_where_several_are_kept_from_working() -> None:
    """Not otherwise: to try it takes time. A worker that waits for another keeps its processor meanwhile."""
    crew = workers.Crew(4)
    for _ in range(3 * crew.AGAIN):
        assert crew.size() == 4
        crew.learn(4, 100, 1.0, 3.8)
    crew.learn(4, 100, 1.0, 1.1)
    assert crew.size() == 1
    crew.learn(1, 100, 0.9, 0.9)
    assert crew.size() == 1
    crew.learn(1, 100, 1.2, 0.5)
    assert crew.size() == 4
    crew.learn(4, 100, 1.3, 3.9)
    assert crew.size() == 4


INTERRUPTED = """
import threading
from types import SimpleNamespace

from clearprop.engine import plan, workers
from clearprop.engine.calling import PLACES
from clearprop.engine.native import Native
from tests.engine.support.networks import epoch_of, native, problem_of


class Go(threading.Event):
    once = False

    def set(self):
        super().set()
        if not self.once and threading.current_thread() is threading.main_thread():
            self.once = True
            raise KeyboardInterrupt


problem = problem_of((40, 90, 70, 10), 500, 131)
engine = native(problem, "float32", 2)
at_work, usual = [], engine.built.function("train")


def train(context, worker, count):
    at_work.append(worker)
    usual(context, worker, count)
    at_work.remove(worker)


engine.built._functions["train"] = train
workers.threading = SimpleNamespace(Event=Go, Thread=threading.Thread)
try:
    engine.run(*epoch_of(problem).arrays)
except KeyboardInterrupt:
    print("interrupted,", len(at_work), "at work", flush=True)
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join()
"""


def test_an_interrupt_while_threads_begin() -> None:
    """Planted right after the others were told to begin: none of them waits for ever for the one that does
    not come, or works on when the call is over."""
    line = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(line, capture_output=True, text=True, timeout=HANG, check=False)
    assert done.stdout == "interrupted, 0 at work\n", done.stderr


def test_an_exception_waits_for_the_others() -> None:
    """They work on memory that would be let go."""
    done = []

    def function(context: int, worker: int, count: int) -> None:
        if worker == 0:
            raise KeyboardInterrupt
        time.sleep(0.05)
        done.append(worker)

    with pytest.raises(KeyboardInterrupt):
        workers.together(function, 0, 3)
    assert sorted(done) == [1, 2]


@posix
def test_an_interrupt_waits_for_the_others() -> None:
    """A hundred times, for it matters what this thread is at just then: in half of them a thread that is joined
    was taken for ended, and worked on."""
    for _ in range(100):
        done: list[int] = []

        def function(context: int, worker: int, count: int, done: list[int] = done) -> None:
            if worker == 1:
                time.sleep(0.001)
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.005)
                done.append(worker)

        with pytest.raises(KeyboardInterrupt):
            workers.together(function, 0, 2)
        assert done == [1]


@posix
def test_an_interrupt_stops_a_step() -> None:
    """The others are told, and waited for."""
    told, ended = threading.Event(), []

    def function(context: int, worker: int, count: int) -> None:
        if worker == 0:
            os.kill(os.getpid(), signal.SIGINT)
        assert told.wait(HANG)
        time.sleep(0.02)
        ended.append(worker)

    with pytest.raises(KeyboardInterrupt):
        workers.together(function, 0, 2, stop=told.set)
    assert sorted(ended) == [0, 1]


# --- how many workers -----------------------------------------------------------------------------------


def test_compiling_is_not_held_against_a_crew(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, problem = [0.0], replay(cp.load("digits"), 0).problem
    assert problem.examples is not None
    engine = Native(problem, "float32", 32, problem.parameters.vector.astype("float32"), zero_state(problem), None)
    engine.crew = workers.Crew(2)
    monkeypatch.setattr("clearprop.engine.native.TOO_BRIEF", 0.0)

    class Slow:
        """Compiles for a second, trains for a tenth of one."""

        def function(self, name: str) -> Callable[..., None]:
            clock[0] += 1.0
            return lambda context, worker, count: clock.__setitem__(0, clock[0] + 0.1 * (worker == 0))

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    engine.built = Slow()  # type: ignore[assignment]
    engine.run(*PlannedSteps.of([PlannedStep(np.arange(32), 1, 0.1)]).arrays)
    assert engine.crew.costs == {2: pytest.approx(0.1 / 32)}


def test_a_few_steps_are_made_by_one_unless_a_number_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = replay(cp.load("digits"), 0).problem
    vector, state = problem.parameters.vector.astype("float32"), zero_state(problem)
    planned, given = (Native(problem, "float32", 32, vector, state, threads) for threads in (None, 3))
    planned.crew = workers.Crew(2)
    monkeypatch.setattr(planned.ready, "seconds", 1e-5)  # which others of these rules share
    assert [planned._workers(steps) for steps in (1, 49, 51)] == [1, 1, 2]
    assert given._workers(1) == 3


def zero_state(problem: cp.Problem) -> dict[str, np.ndarray]:
    return {name: np.zeros(problem.parameters.layout.size) for name in problem.optimizer.state}


def test_native_code_runs_out_of_turn_unless_it_is_brief() -> None:
    turn, held = threading.Lock(), list[bool]()

    def function(context: int, worker: int, workers: int) -> None:
        held.append(turn.locked())
        if context:
            raise ZeroDivisionError

    with workers.in_turn(turn):
        workers.together(function, 0, 1)
        assert turn.locked()
        workers.together(function, 0, 1, brief=True)
        with pytest.raises(ZeroDivisionError):
            workers.together(function, 1, 1)
        assert turn.locked()
    assert held == [False, True, False]
    assert not turn.locked()
    with turn:  # of others: it is not this thread's to give up
        workers.together(function, 0, 1)
    assert held[-1]
