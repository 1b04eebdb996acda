"""The loop: cycle after cycle, until the loss converges, a limit is reached, or it diverges."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.display import Displayable
from clearprop.errors import InvalidArgument, Unwritable
from clearprop.models.history import History, keeps_best
from clearprop.models.snapshot import Snapshot, Standing
from clearprop.network.description import Network
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.prediction.metrics import Metrics, measured
from clearprop.rules.optimizers import Optimizer
from clearprop.training.arguments import requested
from clearprop.training.batching import Plateau, batch_size, planned
from clearprop.training.callbacks import Callback, Function, Listeners, Logs
from clearprop.training.engines import Engine, EngineName, engine_for
from clearprop.training.intervals import Pace
from clearprop.training.reference import Reference
from clearprop.training.stopping import Ending, Status, Stopping, ending
from clearprop.types import Array

if TYPE_CHECKING:  # what reads and writes files is imported when there is a file
    from clearprop.models.model import Progress
    from clearprop.training.checkpoint import Checkpoints

CHECKPOINT_SECONDS = 10.0
"""Between two checkpoints, unless a call says otherwise."""

EPOCHS = 10_000
"""The limit on epochs unless a file or a call says otherwise."""


@dataclass(frozen=True)
class Fit(Displayable):
    """How a training went: ``problem`` has the trained parameters, ``reason`` is a sentence.

    ``epochs`` counts whole ones; ``loss_after`` is E_total over all examples that were learnt from
    with the parameters of ``problem``, ``validation_loss`` the error of those set aside. With early
    stopping the parameters are those of epoch ``history.best``. ``unsaved`` says why the model
    could not be written, if it should have been.
    """

    problem: Problem
    status: Status
    reason: str
    history: History
    epochs: int
    steps: int
    seconds: float
    loss_after: float
    validation_loss: float | None = None
    unsaved: Unwritable | None = None

    @property
    def loss_before(self) -> float:
        """E_total over all examples with the initial weights."""
        return self.history.loss[0]

    def predict(self, inputs: Any) -> Array:
        """The outputs for rows of inputs, shape (rows, outputs); see ``clearprop.predict``.

        Raises:
            InvalidArgument: rows of the wrong length, or not finite.
            UnfitTable: a data frame that lacks a column, or holds what training never saw.
        """
        from clearprop.prediction.predict import predict

        return predict(self.problem, inputs)

    def metrics(self, part: str = "training") -> Metrics | None:
        """Accuracy or R² and RMSE on the ``training`` or ``validation`` rows; None if there are none."""
        assert self.problem.examples is not None
        parts = {"training": self.problem.examples.learnt, "validation": self.problem.examples.validation}
        if part not in parts:
            raise InvalidArgument(f'part: expected "training" or "validation", found {part!r}')
        rows = parts[part]
        return None if rows is None else measured(self.problem, self.problem.parameters, rows)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trained network as a model file, whole or not at all.

        Raises:
            Unwritable: the file cannot be written; what was there is untouched.
        """
        from clearprop.models.model import Model, save_model

        save_model(Model(self.problem), path)


def train(
    problem: Problem | Network,
    inputs: Any = None,
    targets: Any = None,
    *,
    optimizer: Optimizer | None = None,
    on_epoch_end: Callable[[int, Logs], Any] | None = None,
    callbacks: Sequence[Callback] = (),
    metrics: bool = False,
    output: str | os.PathLike[str] | None = None,
    checkpoint: float = CHECKPOINT_SECONDS,
    resume: bool = False,
    threads: int | None = None,
    engine: EngineName = "compiled",
    **settings: Any,
) -> Fit:
    """Train a problem, or a network on rows of inputs and targets, until it converges.

    ``inputs`` may be an array or a data frame of any common library; ``targets`` an array, a list
    of classes, or the names of columns. ``settings`` are those of the ``[training]`` table
    (``epochs``, ``batch_size``, ``tolerance``, ``patience``, ``seed``, ``shuffle``, ``dtype``,
    ``target_loss``, ``time_limit``, ``gradient_tolerance``, ``early_stopping``) and, for a table, of
    ``[data]`` (``columns`` for its inputs, ``categorical``, ``standardize``, ``split``, ``missing``,
    ``class_weights``, ``weight_column``); ``weights`` says how much each row of an array counts.

    After each epoch ``on_epoch_end`` and the ``callbacks`` are told the number of epochs done, the
    loss, the learning rate and, with ``metrics``, how good the outputs are; True from one of them
    ends the training. With ``output`` the model is saved there every ``checkpoint`` seconds and at
    the end; ``resume`` goes on from what is there, to the same bits as without the interruption.

    The compiled engine makes the steps, in as many ``threads`` as are worth it unless a number is
    given; the result is the same with any number of them, to the bit. Where it cannot be used a
    ``SlowerEngine`` warning says why, and the ``"reference"`` in NumPy does the same work.

    A training that diverges keeps the parameters of the last epoch whose loss was finite; one
    that is interrupted (Ctrl-C) keeps those of its last step.

    Raises:
        InvalidArgument: no examples, rows of the wrong length, a setting that makes no sense, or
            a training that is resumed with something changed.
        InvalidNetwork: examples that are not finite or do not fit the loss.
        UnfitTable: a table that does not fit the network.
        Unwritable: nothing can be written at ``output``; said before the first step.

    >>> import clearprop as cp
    >>> fit = train(cp.load("lecture"))
    >>> fit.status.value, fit.loss_after < 1e-4
    ('converged', True)
    """
    problem = requested(problem, inputs, targets, optimizer, settings)
    if resume and output is None:
        raise InvalidArgument("resume: say with output which model is to go on")
    checkpoints, progress = None, None
    if output is not None:
        from clearprop.training.checkpoint import Checkpoints, resumed

        checkpoints = Checkpoints(output, problem, checkpoint)
        progress = resumed(checkpoints) if resume else None
    listeners = Listeners([*callbacks, *([Function(on_epoch_end)] if on_epoch_end is not None else [])])
    with np.errstate(all="ignore"):
        start = progress.standing.present if progress is not None else None
        chosen = engine_for(problem, start, name=engine, threads=threads)
        return _Training(problem, chosen, listeners, checkpoints, progress, metrics).fit()


class _Training:
    """A training under way. ``standing`` is replaced as a whole after each step: whenever an interrupt
    comes, there is a moment to keep, and to go on from."""

    def __init__(
        self,
        problem: Problem,
        engine: Engine,
        listeners: Listeners,
        checkpoints: Checkpoints | None,
        progress: Progress | None,
        metrics: bool,
    ) -> None:
        assert problem.examples is not None
        settings = problem.settings
        self.started = time.monotonic()
        self.problem, self.listeners, self.checkpoints, self.metrics = problem, listeners, checkpoints, metrics
        self.validates = problem.examples.validation is not None
        self.per_epoch = -(-len(problem.examples.learnt) // batch_size(problem))
        self.failed: int | None = None
        self.stopping = Stopping(settings, EPOCHS if settings.epochs is None else settings.epochs)
        self.engine = engine
        # A checkpoint after every step, if that is asked for.
        self.pace = Pace(steps=1 if checkpoints is not None and checkpoints.seconds == 0 else None)
        if progress is None:
            start = self.engine.snapshot()
            self.standing, self.history = Standing(0, 0, start, start, start), History()
            self._note(self.engine.loss())
        else:
            self.standing, self.history = progress.standing, progress.history
        self.plateau = Plateau(problem, self.history)

    def fit(self) -> Fit:
        """Train to the end, whatever it is."""
        self.listeners.on_train_begin(self.problem, self.standing.epochs)
        try:
            end = self._until_the_end()
        except KeyboardInterrupt:
            end = ending(Status.INTERRUPTED)
        except BaseException:
            # A fault in a callback, say: what was learnt is saved as at a checkpoint, and the fault goes on.
            self._save()
            raise
        try:
            return self._finished(end)
        except KeyboardInterrupt:
            # What was learnt is not lost to impatience: this time it is saved first.
            return self._finished(end)

    def _until_the_end(self) -> Ending:
        if not np.isfinite(self.history.loss[0]):
            from clearprop.training.divergence import at_once

            return at_once(self.problem, self.problem.settings.dtype)
        end = None
        if self.standing.present is self.standing.whole:
            end = self._judged()
        while end is None:
            end = self._epoch()
        return end

    def _epoch(self) -> Ending | None:
        """One epoch, or what is left of it; the reason to end with it, if there is one."""
        at = self.standing
        steps = planned(self.problem, at.epochs, self.plateau)
        last = int(steps.numbers[-1])
        for part in self.pace.parts(steps[at.steps + len(steps) - last :]):
            finite, step = self.engine.run(part), part[-1]
            # A number that is not finite: the epoch can only get worse.
            if not finite:
                return self._diverged(step.number)
            if step.number == last:
                return self._end_of_epoch(step.number, step.rate)
            self.standing = Standing(at.epochs, step.number, self.engine.snapshot(), at.whole, at.best)
            if end := self.stopping.out_of_time():
                return end if self.standing.present.finite else self._diverged(step.number)
            self._checkpoint()
        raise AssertionError("an epoch ends with its last step")

    def _end_of_epoch(self, steps: int, rate: float) -> Ending | None:
        at, snapshot, loss = self.standing, self.engine.snapshot(), self.engine.loss()
        if not (np.isfinite(loss) and snapshot.finite):
            return self._diverged(steps)
        self.history.rate.append(rate)
        self._note(loss)
        epochs = at.epochs + 1
        best = snapshot if self.history.best == epochs else at.best
        self.standing = Standing(epochs, steps, snapshot, snapshot, best)
        self.plateau.watch(self.history.watched[-1])
        if self.listeners.on_epoch_end(epochs, self._logs()):
            return ending(Status.STOPPED, epochs=f"epoch {epochs:,}")
        if end := self._judged():
            return end
        self._checkpoint()
        return None

    def _note(self, loss: float) -> None:
        """Add the losses of the present parameters to the history."""
        if self.validates:
            validation = self.engine.validation_loss()
            # One that overflows is as bad as can be, and no reason to stop.
            self.history.validation.append(validation if np.isfinite(validation) else np.inf)
        self.history.loss.append(loss)

    def _judged(self) -> Ending | None:
        watched = self.problem.settings.gradient_tolerance > 0
        return self.stopping.judge(self.history, self.engine.gradient_norm() if watched else None)

    def _logs(self) -> Logs:
        logs = {"loss": self.history.loss[-1], "learning_rate": self.history.rate[-1]}
        if self.validates:
            logs["validation_loss"] = self.history.validation[-1]
        if self.metrics:
            assert self.problem.examples is not None
            examples, parameters = self.problem.examples, self.standing.present.parameters
            for prefix, rows in (("", examples.learnt), ("validation_", examples.validation)):
                found = measured(self.problem, parameters, rows).numbers() if rows is not None else {}
                logs |= {prefix + name: value for name, value in found.items() if value is not None}
        return logs

    def _diverged(self, step: int) -> Ending:
        from clearprop.training.divergence import diverged  # rarely wanted

        at = self.standing
        again = planned(self.problem, at.epochs, self.plateau)
        self.standing = self._rolled_back()
        end, seen = diverged(self.problem, self.problem.settings.dtype, at.whole, at.epochs + 1, again)
        self.failed = step if seen is None else seen
        return end

    def _rolled_back(self) -> Standing:
        """The moment at the end of the last whole epoch."""
        at = self.standing
        return Standing(at.epochs, at.epochs * self.per_epoch, at.whole, at.whole, at.best)

    # --- what is kept ------------------------------------------------------------------------

    def _checkpoint(self) -> None:
        if self.checkpoints is not None and self.checkpoints.due:
            self._save()

    def _save(self) -> None:
        # Parameters that are no longer numbers are about to be found out; the last checkpoint stays.
        if self.checkpoints is None or not self.standing.present.finite:
            return
        try:
            self.checkpoints.save(self._in_float64(self._kept().parameters), self.standing, self.history)
        except Unwritable as error:
            self.listeners.on_checkpoint_failed(error)

    def _kept(self) -> Snapshot:
        """The best numbers, where early stopping looks after them, or else the present ones."""
        at = self.standing
        return at.best if keeps_best(self.problem.settings, self.history) else at.present

    def _in_float64(self, after: Parameters) -> Parameters:
        """The trained parameters; those that training left alone, as frozen biases, keep all their digits."""
        before = self.problem.parameters
        still = before.vector.astype(after.vector.dtype) == after.vector
        return before.with_vector(np.where(still, before.vector, after.vector.astype(float)))

    def _finished(self, end: Ending) -> Fit:
        if not self.standing.present.finite:
            self.standing = self._rolled_back()
        at, history = self.standing, self.history.until(self.standing.epochs)
        kept = self._kept()
        if kept is at.whole:
            loss, validation = history.loss[-1], history.validation[-1] if self.validates else None
        elif kept is at.best:
            loss, validation = history.loss[history.best], history.validation[history.best]
        else:
            # Whatever the engine has done since, this is about the moment that is kept.
            engine = Reference(self.problem, self.problem.settings.dtype, kept)
            loss, validation = engine.loss(), engine.validation_loss() if self.validates else None
        unsaved = None
        trained = self._in_float64(kept.parameters)
        if self.checkpoints is not None:
            # A failure to save must not cost what was learnt: it is in the result.
            try:
                self.checkpoints.save(trained, at, history, end)
            except Unwritable as error:
                unsaved = error
        self.listeners.on_train_end({"loss": loss} | ({} if validation is None else {"validation_loss": validation}))
        seconds = time.monotonic() - self.started
        problem = replace(self.problem, parameters=trained)
        steps = at.steps if self.failed is None else self.failed
        return Fit(problem, *end, history, at.epochs, steps, seconds, loss, validation, unsaved)
