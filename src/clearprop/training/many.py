"""Many trainings at once: one model per worker, which waits for no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.engine.availability import unusable
from clearprop.engine.processors import limited_to, processors
from clearprop.engine.sharing import shared_copies
from clearprop.engine.workers import in_turn
from clearprop.errors import InvalidArgument
from clearprop.fields import above_zero, accepted, list_of, optional, shown, suggests_options
from clearprop.network.problem import Problem
from clearprop.training.arguments import requested
from clearprop.training.callbacks import Callback, Listeners
from clearprop.training.engines import Engine, engine_for, require_threads
from clearprop.training.fit import Fit
from clearprop.training.stopping import Status, ending
from clearprop.training.under_way import UnderWay

LOOK = 0.1
"""Seconds between two looks for an interrupt."""
LEAST = 1e-6
"""Seconds that a training is given when the time for all is over: it ends before its first step."""


@suggests_options()
def train_many(
    problems: Sequence[Problem],
    *,
    threads: int | None = None,
    callbacks: Sequence[Callback] = (),
    time_limit: float | None = None,
) -> list[Fit]:
    """Train problems, several at once; return a ``Fit`` for each, in order and bit-identical to ``train``.

    Each is trained by one thread. Examples that problems share are kept in memory once. Ctrl-C ends the trainings
    that are under way, as it ends ``train``; those that have not begun keep their initial weights. All these have the
    status ``interrupted``.

    Args:
        problems: problems, such as ``load`` returns or ``dataclasses.replace`` makes of one.
        threads: number of trainings at once; default None, as many as there are processors.
        callbacks: objects whose ``on_fit`` is called after each training; one that returns True ends all.
        time_limit: seconds for all of them; default None.

    Raises:
        InvalidArgument: an entry that is not a problem, or one that ``train`` refuses; says which.

    >>> import clearprop as cp
    >>> from clearprop.training.loop import train
    >>> lecture = cp.load("lecture")
    >>> train_many([lecture, replace(lecture, optimizer=cp.Adam(0.1))])
    [Fit(converged: 1,686 epochs, loss 2.9e-6), Fit(converged: 198 epochs, loss 6.9e-8)]
    """
    require_threads(threads)
    listeners, limit = Listeners(callbacks), accepted(optional(above_zero), time_limit, "time_limit")
    given = accepted(list_of(lambda each: each, "problems"), problems, "problems")
    for number, problem in enumerate(given, start=1):
        if not isinstance(problem, Problem):
            raise InvalidArgument(
                f"problems: expected Problems, such as load(path) gives, found {shown(problem)} as {number}"
            )
    return _Many(given, listeners, limit).fits(min(threads or processors(), len(given)))


class _Many:
    """Trainings under way: workers take the next problem until there is none."""

    def __init__(self, problems: list[Problem], listeners: Listeners, limit: float | None) -> None:
        self.problems, self.listeners = problems, listeners
        self.ends = None if limit is None else time.monotonic() + limit
        self.waiting = iter(range(len(problems)))
        self.taking, self.turn = threading.Lock(), threading.Lock()
        self.done: list[tuple[int, Fit | BaseException]] = []
        self.begun = self.told = 0
        self.news = threading.Event()
        self.stop = threading.Event()

    def fits(self, workers: int) -> list[Fit]:
        """Train all of them."""
        # What a training does ahead, in spare time, would be at the expense of the one beside it.
        self.each = max(1, processors() // max(1, workers))
        with shared_copies() as sharing:
            interrupted = self._until_done(workers, sharing)
        fits = [fit for _, fit in sorted(self.done, key=lambda each: each[0]) if isinstance(fit, Fit)]
        return [_interrupted(fit) if interrupted and fit.status is Status.STOPPED else fit for fit in fits]

    def _until_done(self, workers: int, sharing: Any) -> bool:
        """Start the workers and wait until all is done; return whether an interrupt came meanwhile."""
        interrupted = False
        while True:
            try:
                self._follow(workers, sharing)
                return interrupted
            except KeyboardInterrupt:
                interrupted = True
                self.stop.set()

    def _follow(self, workers: int, sharing: Any) -> None:
        """Do what is left to do. What an interrupt has left half done is done again, which changes nothing."""
        while self.begun < workers:
            threading.Thread(target=self._work, args=(sharing,), daemon=True).start()
            self.begun += 1
        while self.told < len(self.problems):
            if self.told == len(self.done):
                self.news.wait(LOOK)
                self.news.clear()
            else:
                self._tell(*self.done[self.told])
                self.told += 1

    def _tell(self, number: int, result: Fit | BaseException) -> None:
        """Tell the callbacks of a fit; raise what went wrong in place of one."""
        if isinstance(result, BaseException):
            self.stop.set()
            result.add_note(f"in problem {number + 1} of {len(self.problems)}")
            raise result
        if not self.stop.is_set() and self.listeners.on_fit(number, result):
            self.stop.set()

    def _work(self, sharing: Any) -> None:
        result: Fit | BaseException
        engine: Engine | None = None
        with sharing(), limited_to(self.each):
            while True:
                with self.taking:
                    number = next(self.waiting, None)
                if number is None:
                    return
                try:
                    # NumPy's trainings, where the engine cannot be used, never give up a turn.
                    with in_turn(self.turn) if unusable() is None else nullcontext():
                        result, engine = self._train(self.problems[number], engine)
                except BaseException as error:  # raised where it is waited for
                    result = error
                self.done.append((number, result))
                # To wake the one that waits costs the workers time.
                if self.listeners.callbacks or not isinstance(result, Fit) or len(self.done) == len(self.problems):
                    self.news.set()

    def _train(self, problem: Problem, done: Engine | None) -> tuple[Fit, Engine]:
        """Return the fit of a problem, and its engine, with which the next one may begin."""
        own = problem.settings.time_limit
        options: dict[str, Any] = {}
        if self.ends is not None:
            left = max(self.ends - time.monotonic(), LEAST)
            options["time_limit"] = left if own is None else min(left, own)
        if self.stop.is_set():
            options["epochs"] = 0
        complete = requested(problem, **options)
        with np.errstate(all="ignore"):
            engine = engine_for(complete, threads=1, done=done)
            fit = UnderWay(complete, engine, Listeners(()), None, None, False, self.stop.is_set).fit()
        if options:  # the limits of all are not the problem's own
            fit = replace(fit, problem=replace(fit.problem, settings=problem.settings))
        if not self.stop.is_set() or fit.status is not Status.EPOCH_LIMIT or fit.epochs:
            return fit, engine
        return replace(fit, status=Status.STOPPED), engine


def _interrupted(fit: Fit) -> Fit:
    status, reason = ending(Status.INTERRUPTED)
    return replace(fit, status=status, reason=reason)
