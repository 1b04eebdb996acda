"""Many trainings at once: the bits of one after the other, shared data once, and ends that are orderly."""

from __future__ import annotations

import _thread
import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.support import HANG, with_rows_aside

import clearprop as cp
from clearprop.engine import sharing
from clearprop.engine.calling import filled
from clearprop.engine.memory import Memory
from clearprop.errors import InvalidArgument
from clearprop.models.history import History
from clearprop.training import many
from clearprop.training.stopping import Status, Stopping


def problems(count: int, **settings: Any) -> list[cp.Problem]:
    """Rings, each with another seed and rate, which share their examples."""
    ring = cp.load("ring")
    found = cp.train(ring, epochs=0).problem  # its table is read once
    return [
        replace(
            found,
            parameters=cp.Parameters.random(found.network, seed),
            optimizer=cp.Adam(0.001 * (1 + seed)),
            settings=replace(found.settings, seed=seed, **{"epochs": 5, **settings}),
        )
        for seed in range(count)
    ]


@pytest.mark.parametrize("threads", [1, 2, 3, None])
def test_each_fit_is_that_of_train_in_order(threads: int | None) -> None:
    given = problems(7)
    for problem, fit in zip(given, cp.train_many(given, threads=threads), strict=True):
        expected = cp.train(problem)
        assert np.array_equal(fit.problem.parameters.vector, expected.problem.parameters.vector)
        assert fit.history.loss == expected.history.loss
        assert (fit.status, fit.reason, fit.problem.settings) == (expected.status, expected.reason, problem.settings)


@pytest.mark.parametrize("kind", ["plain", "dropout", "rows aside"])
def test_problems_that_are_alike_use_the_same_memory(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = problems(5, epochs=12, tolerance=0, batch_size=4)
    first, optimizer = given[0], cp.Adam(0.01)
    network, examples = first.network, first.examples
    if kind == "dropout":
        network = replace(network, layers=(replace(network.layers[0], dropout=0.3), *network.layers[1:]))
    if kind == "rows aside":
        examples = with_rows_aside(first, [0, 3, 6]).examples
    given = [replace(each, network=network, optimizer=optimizer, examples=examples) for each in given]
    other = replace(given[2], optimizer=cp.Adam(0.02))
    given.insert(3, other)
    expected, made = [cp.train(each) for each in given], list[cp.Problem]()

    def counting(self: Memory, problem: cp.Problem, *rest: Any) -> None:
        made.append(problem)
        usual(self, problem, *rest)

    usual = Memory.__init__
    monkeypatch.setattr(Memory, "__init__", counting)
    fits = cp.train_many(given, threads=1)
    assert [each is other for each in made] == [False, True, False]  # each with another optimizer needs its own
    for fit, one in zip(fits, expected, strict=True):
        assert np.array_equal(fit.problem.parameters.vector, one.problem.parameters.vector)
        assert (fit.history, fit.loss_after, fit.validation_loss) == (one.history, one.loss_after, one.validation_loss)


def test_nothing_to_train() -> None:
    assert cp.train_many([]) == []


def test_examples_that_problems_share_are_copied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def counting(values: Any, dtype: Any) -> Any:
        made.append(values)
        return filled(values, dtype)

    given = problems(4)
    monkeypatch.setattr(sharing, "filled", counting)
    cp.train_many(given, threads=2)
    assert len(made) == 2  # inputs and targets
    cp.train(given[0])
    assert len(made) == 4  # outside, each training has its own


class Recorder(cp.Callback):
    def __init__(self, most: int | None = None) -> None:
        self.most, self.seen, self.threads = most, set(), set()  # type: ignore[var-annotated]

    def on_fit(self, number: int, fit: cp.Fit) -> bool:
        self.seen.add((number, fit.epochs))
        self.threads.add(threading.current_thread())
        return len(self.seen) == self.most


def test_progress_comes_to_the_thread_that_asked() -> None:
    recorder = Recorder()
    cp.train_many(problems(3), callbacks=[recorder])
    assert recorder.seen == {(0, 5), (1, 5), (2, 5)}
    assert recorder.threads == {threading.current_thread()}


def test_a_callback_ends_all() -> None:
    endless = problems(6, epochs=10**9, tolerance=0)
    given = [replace(endless[0], settings=replace(endless[0].settings, epochs=1)), *endless[1:]]
    fits = cp.train_many(given, threads=2, callbacks=[Recorder(1)])
    assert [fit.status for fit in fits] == [Status.EPOCH_LIMIT, *[Status.STOPPED] * 5]


def once_they_learn(trainings: int, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do something once that many trainings have made an epoch, whenever that is."""
    learning: set[Stopping] = set()
    turn, usual = itertools.count(1), Stopping.judge

    def judged(self: Stopping, history: History, *given: Any, **options: Any) -> Any:
        if history.epochs and self not in learning:
            learning.add(self)
            if next(turn) == trainings:
                act()
        return usual(self, history, *given, **options)

    monkeypatch.setattr(Stopping, "judge", judged)


def test_an_interrupt_keeps_what_was_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    once_they_learn(2, _thread.interrupt_main, monkeypatch)
    fits = cp.train_many(problems(5, epochs=10**7, tolerance=0), threads=2)
    assert {fit.status for fit in fits} == {Status.INTERRUPTED}
    assert all(fit.epochs > 0 for fit in fits[:2])
    assert all(fit.epochs == 0 for fit in fits[2:])
    assert fits[0].reason == "interrupted: what was learnt so far is kept"


def test_an_interrupt_while_trainings_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted when the first of two workers has been started: none trains on when this has come to its end."""
    usual, begun = threading.Thread.start, []

    def start(self: threading.Thread) -> None:
        usual(self)
        if threading.current_thread() is threading.main_thread():
            begun.append(self)
            if len(begun) == 1:
                raise KeyboardInterrupt

    given = problems(3, epochs=10**7, tolerance=0)
    monkeypatch.setattr(threading.Thread, "start", start)
    assert {fit.status for fit in cp.train_many(given, threads=2)} == {Status.INTERRUPTED}
    for thread in begun:
        thread.join(HANG)
    assert not any(thread.is_alive() for thread in begun)


def test_the_time_limit_is_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes on by a second with every look at it."""
    given, clock = problems(4, epochs=10**7, tolerance=0), itertools.count()
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    fits = cp.train_many(given, threads=1, time_limit=30)
    assert {fit.status for fit in fits} == {Status.TIME_LIMIT}
    assert [fit.epochs > 0 for fit in fits] == [True, False, False, False]
    assert fits[-1].problem.settings.time_limit is None


def test_a_fault_says_in_which_problem() -> None:
    given = problems(3)
    given[1] = replace(given[1], examples=None, data=None)
    with pytest.raises(InvalidArgument) as raised:
        cp.train_many(given)
    assert raised.value.__notes__ == ["in problem 2 of 3"]
    with pytest.raises(
        InvalidArgument, match=r"^problems: expected Problems, such as load\(path\) gives, found .* as 2$"
    ):
        cp.train_many([given[0], "lecture"])  # type: ignore[list-item]
    with pytest.raises(InvalidArgument, match=r"^threads: expected a whole number from 1"):
        cp.train_many(given, threads=0)


def test_workers_are_no_more_than_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []

    def fits(_: Any, workers: int) -> list[cp.Fit]:
        counts.append(workers)
        return []

    monkeypatch.setattr(many, "processors", lambda: 3)
    monkeypatch.setattr(many._Many, "fits", fits)
    cp.train_many(problems(5))
    cp.train_many(problems(2))
    assert counts == [3, 2]
