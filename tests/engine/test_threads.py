"""The same bits with any number of threads; and several trainings, forks and other libraries beside them."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engine.support.networks import (
    WIDE,
    End,
    by_engine,
    drawn,
    epoch_of,
    interrupted,
    native,
    problem_of,
    same,
    stoppable,
)
from tests.support import HANG, in_a_copy, with_rows_aside

import clearprop as cp
from clearprop.network.problem import Problem
from clearprop.types import Array

posix = pytest.mark.skipif(sys.platform == "win32", reason="interrupts as POSIX has them")


# --- the same bits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(300, 305))
def test_bits_do_not_depend_on_threads_or_calls(seed: int) -> None:
    """Nor on the run: 1, 2 and 3 threads, also more than there are processors; one call, or one per step."""
    problem = drawn(seed, weights=15_000)
    first = native(problem, ("float32", "float64")[seed % 2])
    end = by_engine(first, epochs=2)
    steps = len(epoch_of(problem, 2))
    for threads in (1, 2, 3):
        for cuts in ([], [1], list(range(1, steps))):
            other = by_engine(native(problem, first.panels.numbers.dtype, threads, like=first), cuts, epochs=2)
            assert same(end, other), f"seed {seed}, {threads} threads, cut after {cuts}"


@pytest.mark.parametrize("clip", [None, 0.1])
def test_more_threads_than_work(clip: float | None) -> None:
    problem = problem_of((2, 3, 1), 9, 2)
    problem = replace(problem, optimizer=replace(problem.optimizer, clip_norm=clip))
    first = native(problem, "float64")
    end = by_engine(first)
    for threads in (4, 9):
        assert same(end, by_engine(native(problem, "float64", threads, like=first)))


@pytest.mark.parametrize("aside", [0, 137])
def test_a_fit_does_not_depend_on_threads(aside: int) -> None:
    """Nor with rows set aside, of which each worker looks at some, after each of several epochs in a call."""
    problem = replace(WIDE, settings=replace(WIDE.settings, epochs=9))
    problem = with_rows_aside(problem, list(range(aside))) if aside else problem
    fits = [cp.train(problem, threads=threads) for threads in (1, 2, 3, None)]
    assert all(fit.problem.parameters == fits[0].problem.parameters for fit in fits)
    assert all(fit.history == fits[0].history for fit in fits)


def test_no_thread_is_left_over() -> None:
    before = set(threading.enumerate())
    by_engine(native(WIDE, "float32", 3))
    assert set(threading.enumerate()) <= before


# --- several at once ----------------------------------------------------------------------------------


def test_trainings_at_once() -> None:
    """In threads of one process, of the same problem and of others, each with workers of its own."""
    problems = [WIDE, problem_of((3, 5, 2), 80, 7), replace(WIDE, optimizer=cp.SGD(0.1)), WIDE]
    problems = [replace(each, settings=replace(each.settings, epochs=4)) for each in problems]
    expected = [cp.train(each, threads=1) for each in problems]
    with ThreadPoolExecutor(len(problems)) as pool:
        found = list(pool.map(lambda each: cp.train(each, threads=2), problems))
    for one, other in zip(expected, found, strict=True):
        assert one.problem.parameters == other.problem.parameters
        assert one.history.loss == other.history.loss


@pytest.fixture
def beside() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Work that goes on in another thread until the test is over."""
    stop, threads = threading.Event(), []

    def begin(work: Callable[[], object]) -> None:
        def again() -> None:
            while not stop.is_set():
                work()

        threads.append(threading.Thread(target=again))
        threads[-1].start()

    yield begin
    stop.set()
    for thread in threads:
        thread.join()


def test_beside_the_threads_of_numpy(beside: Callable[[Callable[[], object]], None]) -> None:
    expected = by_engine(native(WIDE, "float32"))
    a: Array = np.random.default_rng(0).normal(size=(300, 300))
    product = a @ a
    wrong = []
    beside(lambda: wrong.append(1) if not np.array_equal(a @ a, product) else None)
    assert same(expected, by_engine(native(WIDE, "float32", 2)))
    assert not wrong


def test_beside_pytorch(beside: Callable[[Callable[[], object]], None]) -> None:
    torch: Any = pytest.importorskip("torch")
    expected = by_engine(native(WIDE, "float32"))
    a = torch.randn(300, 300)
    beside(lambda: torch.mm(a, a))
    assert same(expected, by_engine(native(WIDE, "float32", 2)))


def squared(seed: int) -> list[float]:
    """A small training, as a worker of somebody else's pool makes it."""
    problem = problem_of((3, 5, 2), 80, 7)
    problem = replace(problem, settings=replace(problem.settings, epochs=2, seed=seed))
    fit = cp.train(problem, threads=2)
    return [*fit.history.loss, *fit.problem.parameters.vector.tolist()]


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_in_the_workers_of_joblib(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As scikit-learn runs a search over parameters."""
    joblib: Any = pytest.importorskip("joblib")
    # Its processes import this file by its name.
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")])))
    expected = [squared(seed) for seed in range(4)]
    # Workers that another test has left may stand in a folder that is gone.
    joblib.externals.loky.get_reusable_executor().shutdown(wait=True, kill_workers=True)
    found = joblib.Parallel(n_jobs=2, backend=backend, timeout=HANG)(joblib.delayed(squared)(seed) for seed in range(4))
    assert found == expected


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_in_the_processes_of_a_pool(method: str) -> None:
    """However they are begun: as copies, or anew."""
    expected = [squared(seed) for seed in range(4)]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        assert list(pool.map(squared, range(4))) == expected


# --- forks ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_after_a_fork() -> None:
    """What was compiled and begun before, and something new; in the copy and in the original."""
    expected, other = by_engine(native(WIDE, "float32")), by_engine(native(WIDE, "float64"))
    engine = native(WIDE, "float32", 2)
    steps = epoch_of(WIDE)
    engine.run(*steps[:1].arrays)

    def rest() -> bool:
        engine.run(*steps[1:].arrays)
        return np.array_equal(engine.vector, expected.vector)

    assert in_a_copy(rest)
    assert in_a_copy(lambda: same(by_engine(native(WIDE, "float64", 2)), other))
    assert rest()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_while_others_compile_and_train() -> None:
    """The copy has only the thread that forked: what another one was about is not waited for."""
    problem = problem_of((3, 5, 2), 80, 7)
    expected = by_engine(native(problem, "float32"))
    ended: list[End] = []
    other = threading.Thread(target=lambda: ended.append(by_engine(native(WIDE, "float32", 2))))
    other.start()
    while other.is_alive():
        time.sleep(0.05)
        assert in_a_copy(lambda: same(by_engine(native(problem, "float32", 2)), expected))
    assert same(ended[0], by_engine(native(WIDE, "float32")))


# --- steps that take long -----------------------------------------------------------------------------------


LONG = [
    problem_of((40, 90, 70, 10), 500, 131, chosen=cp.Adam(0.01)),
    problem_of((5, 17, 3), 4500, 4500, "gelu", cp.SGD(0.3, momentum=0.9)),
    drawn(304, weights=15_000),
]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("problem", LONG)
def test_steps_that_can_be_stopped_have_the_same_bits(
    problem: Problem, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not native(problem, "float32").stops
    assert same(by_engine(stoppable(monkeypatch, problem, threads)), by_engine(native(problem, "float32")))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("problem", LONG)
def test_what_is_stopped_is_left_undone(problem: Problem, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, and nobody waits for ever: stopped before the first step, the weights stay what they are."""
    engine = stoppable(monkeypatch, problem, threads)
    before, usual = engine.parameters.copy(), engine.built.function("train")

    def stopped(context: int, worker: int, workers: int) -> None:
        engine.training.set(stop=1)
        usual(context, worker, workers)

    with monkeypatch.context() as patch:
        patch.setitem(engine.built._functions, "train", stopped)
        engine.run(*epoch_of(problem).arrays)
    assert np.array_equal(engine.parameters.copy(), before)
    engine.run(*epoch_of(problem).arrays)
    assert not np.array_equal(engine.parameters.copy(), before)


@posix
def test_nothing_is_left_of_a_step_that_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = stoppable(monkeypatch, WIDE, 2)
    interrupted(monkeypatch, engine, "train", engine.built.function("train"))
    with pytest.raises(KeyboardInterrupt):
        engine.run(*epoch_of(WIDE).arrays)
    assert np.isnan(engine.vector).all()


STOPPED = """
import os, signal, threading

import numpy as np

import clearprop as cp
from clearprop.engine.native import Native

rows, split = (60_000, 0.0) if os.environ["LENGTH"] == "long" else (600, 0.3)
rng = np.random.default_rng(0)
network = cp.Network(50, [cp.Dense(300, "tanh"), cp.Dense(300, "tanh"), cp.Dense(1)], "squared_error")
problem = cp.Problem(network, optimizer=cp.Adam(0.01))
usual = Native._made


def begin(self, *given):
    Native._made = usual
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    return usual(self, *given)


Native._made = begin
x = rng.normal(size=(rows, 50))
options = {"batch_size": rows, "tolerance": 0.0, "patience": 10**6, "split": split}
fit = cp.train(problem, x, x[:, :1], **options, epochs=10**6)
again = cp.train(problem, x, x[:, :1], **options, epochs=fit.epochs)
print(fit.status.value, bool((fit.problem.parameters.vector == again.problem.parameters.vector).all()))
"""


@posix
@pytest.mark.parametrize("length", ["long", "short"])
def test_a_training_that_is_interrupted_keeps_its_last_step(length: str) -> None:
    """In earnest: in the middle of a step that takes long, or of many that do not, in epochs with rows set aside."""
    line, environment = [sys.executable, "-W", "error", "-c", STOPPED], os.environ | {"LENGTH": length}
    done = subprocess.run(line, capture_output=True, text=True, timeout=HANG, check=False, env=environment)
    assert done.stdout == "interrupted True\n", done.stderr
