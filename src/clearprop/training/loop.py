"""The loop: cycle after cycle, until the loss converges, a limit is reached, or it diverges."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import InvalidArgument, NotFinite
from clearprop.network.description import Network
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.forward import forward
from clearprop.rules.optimizers import Optimizer
from clearprop.training.divergence import at_once, diverged
from clearprop.training.history import History
from clearprop.training.order import Plateau, turns
from clearprop.training.reference import Engine, Reference
from clearprop.training.request import requested, rows
from clearprop.training.stopping import Ending, Status, Stopping, ending

EPOCHS = 10_000
"""The limit on epochs unless a file or a call says otherwise."""

Callback = Callable[[int, Mapping[str, float]], object]


@dataclass(frozen=True)
class Fit:
    """How a training went: ``problem`` has the trained parameters, ``reason`` is a sentence.

    ``epochs`` counts whole ones; ``loss_after`` is E_total over all examples with the parameters
    of ``problem``, also where training ended within an epoch.
    """

    problem: Problem
    status: Status
    reason: str
    history: History
    epochs: int
    steps: int
    seconds: float
    loss_after: float

    @property
    def loss_before(self) -> float:
        """E_total over all examples with the initial weights."""
        return self.history.loss[0]

    def predict(self, inputs: Any) -> Array:
        """The outputs for rows of inputs, shape (rows, outputs).

        Raises:
            InvalidArgument: rows of the wrong length, or not finite.
        """
        given = rows(inputs, self.problem.network.sizes[0], "inputs")
        if not np.all(np.isfinite(given)):
            raise InvalidArgument("inputs: expected finite numbers, found NaN or infinity")
        with np.errstate(all="ignore"):
            return forward(self.problem.network, self.problem.parameters, given).outputs[-1]


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
    ``on_epoch_end`` is called with the number of epochs done, and the loss and learning rate.

    A training that diverges keeps the parameters of the last epoch whose loss was finite; one
    that is interrupted (Ctrl-C) keeps those of its last step.

    Raises:
        InvalidArgument: no examples, rows of the wrong length, or a setting that makes no sense.
        InvalidNetwork: examples that are not finite or do not fit the loss.

    >>> from clearprop.network.file import load
    >>> fit = train(load("lecture"))
    >>> fit.status.value, fit.loss_after < 1e-4
    ('converged', True)
    """
    problem = requested(problem, inputs, targets, optimizer, settings)
    with np.errstate(all="ignore"):
        return _Training(problem, on_epoch_end).fit()


class _Training:
    """A training under way: how far it is, and the last numbers known to be good."""

    def __init__(self, problem: Problem, on_epoch_end: Callback | None) -> None:
        settings = problem.settings
        self.started = time.monotonic()
        self.problem, self.on_epoch_end = problem, on_epoch_end
        self.engine: Engine = Reference(problem, settings.dtype)
        self.stopping = Stopping(settings, EPOCHS if settings.epochs is None else settings.epochs)
        self.plateau, self.history = Plateau(problem), History()
        self.epochs, self.steps = 0, 0
        self.kept, self.loss = self.engine.snapshot(), self.engine.loss()
        self.history.loss.append(self.loss)

    def fit(self) -> Fit:
        """Train to the end, whatever it is."""
        try:
            end = self._until_the_end()
        except KeyboardInterrupt:
            self._keep_present()
            end = ending(Status.INTERRUPTED)
        trained = replace(self.problem, parameters=_in_float64(self.problem.parameters, self.kept.parameters))
        seconds = time.monotonic() - self.started
        return Fit(trained, *end, self.history, self.epochs, self.steps, seconds, self.loss)

    def _until_the_end(self) -> Ending:
        if not np.isfinite(self.loss):
            return at_once(self.problem, self.problem.settings.dtype)
        end = self.stopping.judge(0, self.loss)
        while end is None:
            end = self._epoch()
        return end

    def _epoch(self) -> Ending | None:
        """One epoch; the reason to end with it, if there is one."""
        rate = 0.0
        for turn in turns(self.problem, self.epochs, self.plateau):
            # A loss that is not finite: the epoch can only get worse.
            if not np.isfinite(self.engine.step(turn.rows, turn.step, turn.rate)):
                return self._diverged(turn.step)
            self.steps, rate = turn.step, turn.rate
            if not turn.last and (end := self.stopping.out_of_time()):
                return end if self._keep_present() else self._diverged(turn.step)
        snapshot, loss = self.engine.snapshot(), self.engine.loss()
        if not (np.isfinite(loss) and snapshot.finite):
            return self._diverged(self.steps)
        self.kept, self.loss = snapshot, loss
        self.epochs += 1
        self.history.loss.append(loss)
        self.history.rate.append(rate)
        self.plateau.watch(loss)
        if self.on_epoch_end is not None:
            self.on_epoch_end(self.epochs, {"loss": loss, "learning_rate": rate})
        return self.stopping.judge(self.epochs, loss)

    def _keep_present(self) -> bool:
        """Keep the numbers as they are within an epoch; not if they are no longer finite."""
        snapshot, loss = self.engine.snapshot(), self.engine.loss()
        good = bool(np.isfinite(loss)) and snapshot.finite
        if good:
            self.kept, self.loss = snapshot, loss
        return good

    def _diverged(self, step: int) -> Ending:
        self.steps = step
        again = turns(self.problem, self.epochs, self.plateau)
        return diverged(self.problem, self.problem.settings.dtype, self.kept, self.epochs + 1, again)


def _in_float64(before: Parameters, after: Parameters) -> Parameters:
    """The trained parameters; those that training left alone, as frozen biases, keep all their digits."""
    still = before.vector.astype(after.vector.dtype) == after.vector
    return before.with_vector(np.where(still, before.vector, after.vector.astype(float)))


@dataclass(frozen=True)
class Moment:
    """Where a training stands before step ``step`` (counted from 1)."""

    problem: Problem
    state: Mapping[str, Array]
    step: int
    rate: float


def replay(problem: Problem, steps: int) -> Moment:
    """The moment after so many updates, those that ``train`` makes, computed in float64.

    It stops for nothing: neither convergence nor a limit.

    Raises:
        InvalidArgument: the problem has no examples.
        NotFinite: a number stopped being finite on the way.
    """
    problem = requested(problem)
    engine, plateau = Reference(problem, "float64"), Plateau(problem)
    epoch = 0
    with np.errstate(all="ignore"):
        while True:
            for turn in turns(problem, epoch, plateau):
                present = engine.snapshot()
                if turn.step > steps:
                    return Moment(replace(problem, parameters=present.parameters), present.state, turn.step, turn.rate)
                engine.step(turn.rows, turn.step, turn.rate)
                if not engine.snapshot().finite:
                    raise NotFinite(
                        f"after step {turn.step} a weight is no longer a finite number; ask for an earlier step, "
                        "or try a smaller learning rate"
                    )
            epoch += 1
            if plateau.active:
                plateau.watch(engine.loss())
