"""The loop: cycle after cycle, until the loss converges, a limit is reached, or it diverges."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import InvalidArgument, NotFinite
from clearprop.network.description import Network
from clearprop.network.problem import Examples, Problem, Settings
from clearprop.propagation.cycle import cycle
from clearprop.propagation.forward import forward
from clearprop.rules.optimizers import Optimizer
from clearprop.rules.schedules import rate_at
from clearprop.training.batches import batches
from clearprop.training.history import History
from clearprop.training.reference import Reference
from clearprop.training.stopping import Status, Stopping

EPOCHS = 10_000
"""The limit on epochs unless a file or a call says otherwise."""

Callback = Callable[[int, Mapping[str, float]], object]


@dataclass(frozen=True)
class Fit:
    """How a training went: ``problem`` has the trained parameters, ``reason`` is a sentence."""

    problem: Problem
    status: Status
    reason: str
    history: History
    epochs: int
    steps: int
    seconds: float

    @property
    def loss_before(self) -> float:
        """E_total over all examples with the initial weights."""
        return self.history.loss[0]

    @property
    def loss_after(self) -> float:
        """E_total over all examples with the trained weights."""
        return self.history.loss[-1]

    def predict(self, inputs: Any) -> Array:
        """The outputs for rows of inputs, shape (rows, outputs).

        Raises:
            InvalidArgument: rows of the wrong length, or not finite.
        """
        rows = np.atleast_2d(np.asarray(inputs, dtype=float))
        expected = self.problem.network.sizes[0]
        if rows.ndim != 2 or rows.shape[1] != expected:
            raise InvalidArgument(f"inputs: expected rows of {expected} numbers, found shape {rows.shape}")
        if not np.all(np.isfinite(rows)):
            raise InvalidArgument("inputs: expected finite numbers, found NaN or infinity")
        return forward(self.problem.network, self.problem.parameters, rows).outputs[-1]


def train(
    problem: Problem | Network,
    inputs: Any = None,
    targets: Any = None,
    *,
    optimizer: Optimizer | None = None,
    on_epoch_end: Callback | None = None,
    **settings: Any,
) -> Fit:
    """Train a problem, or a network on rows of inputs and targets, until it converges.

    ``settings`` are those of the ``[training]`` table: ``epochs``, ``batch_size``, ``tolerance``,
    ``patience``, ``seed``, ``shuffle``, ``dtype``, ``target_loss``, ``time_limit``.

    Raises:
        InvalidArgument: no examples, or a setting that does not exist.
        InvalidNetwork: examples that do not fit the network or its loss.

    >>> from clearprop.network.file import load
    >>> fit = train(load("lecture"))
    >>> fit.status.value, fit.loss_after < 1e-4
    ('converged', True)
    """
    problem = _complete(problem, inputs, targets, optimizer, settings)
    assert problem.examples is not None
    chosen = problem.settings
    limit = EPOCHS if chosen.epochs is None else chosen.epochs
    engine = Reference(problem, chosen.dtype)
    stopping, history = Stopping(chosen, limit), History()
    started, done = time.monotonic(), _Progress()
    with np.errstate(all="ignore"):
        history.loss.append(engine.loss())
        outcome: tuple[Status, str] | None = None
        if not np.isfinite(history.loss[0]):
            outcome = Status.DIVERGED, _divergence(problem, 0, 0)
        elif limit == 0:
            outcome = Status.EPOCH_LIMIT, "the limit of 0 epochs was reached"
        last = engine.parameters()
        with suppress(StopIteration):
            epochs = _epochs(problem, engine, history)
            while outcome is None:
                try:
                    done.epochs, done.steps = next(epochs)
                    loss = history.loss[-1]
                    if not (np.isfinite(loss) and engine.finite()):
                        moment = replace(problem, parameters=last)
                        outcome = Status.DIVERGED, _divergence(moment, done.steps, len(history.loss) - 1)
                        break
                    last = engine.parameters()
                    outcome = stopping.judge(done.epochs, loss)
                    if on_epoch_end is not None:
                        on_epoch_end(done.epochs, {"loss": loss, "learning_rate": history.rate[-1]})
                except KeyboardInterrupt:
                    last = engine.parameters() if engine.finite() else last
                    outcome = Status.INTERRUPTED, "interrupted: what was learnt so far is kept"
    assert outcome is not None
    status, reason = outcome
    trained = replace(problem, parameters=last)
    return Fit(trained, status, reason, history, done.epochs, done.steps, time.monotonic() - started)


@dataclass
class _Progress:
    epochs: int = 0
    steps: int = 0


def _complete(
    problem: Problem | Network, inputs: Any, targets: Any, optimizer: Optimizer | None, settings: Mapping[str, Any]
) -> Problem:
    """The problem with everything that the call gives put into it."""
    if isinstance(problem, Network):
        if inputs is None or targets is None:
            raise InvalidArgument("training a network needs inputs and targets")
        seed = settings.get("seed", Settings().seed)
        problem = Problem(problem, settings=replace(Settings(), seed=seed))
    for key in settings:
        if key not in Settings.__dataclass_fields__:
            known = ", ".join(Settings.__dataclass_fields__)
            raise InvalidArgument(f'there is no setting "{key}"; known: {known}')
    if (inputs is None) != (targets is None):
        raise InvalidArgument("inputs and targets belong together: give both or neither")
    changes: dict[str, Any] = {"settings": replace(problem.settings, **settings)}
    if inputs is not None:
        changes["examples"] = Examples.of(inputs, targets)
    if optimizer is not None:
        changes["optimizer"] = optimizer
    problem = replace(problem, **changes)
    if problem.examples is None:
        raise InvalidArgument(f"{problem.name}: there are no examples to train on; add some under [[examples]]")
    return problem


def _epochs(problem: Problem, engine: Reference, history: History) -> Iterator[tuple[int, int]]:
    """Runs one epoch at a time; yields how many epochs and steps are done.

    Where every epoch is one batch of everything without dropout, the loss after an epoch is
    what the next step's forward pass finds anyway; it is still asked for once per epoch,
    since the loop must know it before it goes on.
    """
    epoch = 0
    plateau = _Plateau(problem)
    for number, rows, rate, last in _steps(problem, plateau):
        engine.step(rows, number, rate)
        if last:
            epoch += 1
            history.loss.append(engine.loss())
            history.rate.append(rate)
            plateau.watch(history.loss[-1])
            yield epoch, number


def _steps(problem: Problem, plateau: _Plateau) -> Iterator[tuple[int, Array, float, bool]]:
    """Every step of a training in order: its number, its examples, its rate, whether it ends an epoch."""
    assert problem.examples is not None
    settings, optimizer = problem.settings, problem.optimizer
    count = len(problem.examples)
    size = count if settings.batch_size is None else settings.batch_size
    number, epoch = 0, 0
    while True:
        seen = 0
        for rows in batches(count, size, shuffle=settings.shuffle, seed=settings.seed, epoch=epoch):
            number += 1
            seen += len(rows)
            rate = rate_at(optimizer.schedule, optimizer.learning_rate, epoch, number, plateau.factor)
            yield number, rows, rate, seen == count
        epoch += 1


class _Plateau:
    """The state of the schedule that looks at the loss, as PyTorch's ReduceLROnPlateau."""

    def __init__(self, problem: Problem) -> None:
        self.constants = problem.optimizer.schedule.constants
        self.active = problem.optimizer.schedule.name == "plateau"
        self.factor, self.best, self.bad = 1.0, np.inf, 0

    def watch(self, loss: float) -> None:
        """Take note of an epoch's loss."""
        if not self.active:
            return
        if loss < self.best * (1 - self.constants["threshold"]):
            self.best, self.bad = loss, 0
        else:
            self.bad += 1
        if self.bad > self.constants["patience"]:
            self.factor *= self.constants["factor"]
            self.bad = 0


def _divergence(problem: Problem, step: int, epoch: int) -> str:
    """The sentence for a training that diverged: where the first number was not finite."""
    where = f"diverged in epoch {epoch}, by step {step}" if step else "diverged before the first step"
    try:
        cycle(problem, "all")
    except NotFinite as error:
        return f"{where}: {error}"
    return (
        f"{where}: a weight or the loss is no longer a finite number; "
        "try a smaller learning rate, or clip_norm under [optimizer]"
    )


@dataclass(frozen=True)
class Moment:
    """Where a training stands before step ``step`` (counted from 1)."""

    problem: Problem
    state: Mapping[str, Array]
    step: int
    rate: float


def replay(problem: Problem, steps: int) -> Moment:
    """The moment after so many updates, those that ``train`` makes, computed in float64.

    Raises:
        InvalidArgument: the problem has no examples.
        NotFinite: a number stopped being finite on the way.
    """
    problem = _complete(problem, None, None, None, {})
    engine = Reference(problem, "float64")
    plateau = _Plateau(problem)
    with np.errstate(all="ignore"):
        for number, rows, rate, last in _steps(problem, plateau):
            if number > steps:
                moment = replace(problem, parameters=engine.parameters())
                return Moment(moment, engine.state, number, rate)
            engine.step(rows, number, rate)
            if not engine.finite():
                raise NotFinite(
                    f"after step {number} a weight is no longer a finite number; ask for an earlier step, "
                    "or try a smaller learning rate"
                )
            if last and plateau.active:
                plateau.watch(engine.loss())
    raise AssertionError("steps never end")
