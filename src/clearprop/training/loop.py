"""The training loop: cycle after cycle, until the loss converges, a limit is reached, or it diverges."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from clearprop.errors import InvalidArgument, Unwritable
from clearprop.fields import accepted, boolean, optional, path, suggests_options
from clearprop.models.history import History, keeps_best
from clearprop.models.snapshot import Position, Snapshot, in_float64
from clearprop.network.data import Missing
from clearprop.network.description import Network
from clearprop.network.problem import Precision, Problem
from clearprop.prediction.metrics import measured
from clearprop.rules.optimizers import Optimizer
from clearprop.training.arguments import UNCHANGED, requested
from clearprop.training.batching import Memory, batch_size, planned
from clearprop.training.callbacks import Callback, Listeners, Logs
from clearprop.training.engines import Engine, EngineName, engine_for
from clearprop.training.fit import Fit
from clearprop.training.intervals import Pace
from clearprop.training.reference import Reference
from clearprop.training.stopping import Ending, Status, Stopping, at_the_least_rate, ending

if TYPE_CHECKING:  # code that reads and writes files is imported once there is a file
    from clearprop.models.model import Progress
    from clearprop.training.checkpoint import Checkpoints

CHECKPOINT_SECONDS = 10.0
"""The default interval between two checkpoints."""

EPOCHS = 10_000
"""The default limit on epochs."""

OF_THE_OPTIMIZER = "the learning rate is the optimizer's: optimizer=SGD(learning_rate=0.1), say"


@suggests_options(**dict.fromkeys(("learning_rate", "lr"), OF_THE_OPTIMIZER))
def train(
    problem: Problem | Network,
    inputs: Any = None,
    targets: Any = None,
    *,
    optimizer: Optimizer | None = None,
    weights: Any = None,
    epochs: int | None = UNCHANGED,
    batch_size: int | None = UNCHANGED,
    tolerance: float = UNCHANGED,
    patience: int = UNCHANGED,
    seed: int = UNCHANGED,
    shuffle: bool | Literal["sklearn"] | np.random.RandomState = UNCHANGED,
    dtype: Precision = UNCHANGED,
    target_loss: float | None = UNCHANGED,
    time_limit: float | None = UNCHANGED,
    gradient_tolerance: float = UNCHANGED,
    early_stopping: bool = UNCHANGED,
    columns: str | Sequence[str] | None = UNCHANGED,
    categorical: str | Sequence[str] = UNCHANGED,
    standardize: bool = UNCHANGED,
    standardize_target: bool | None = UNCHANGED,
    split: float = UNCHANGED,
    missing: Missing = UNCHANGED,
    class_weights: Literal["balanced"] | Mapping[Any, float] | None = UNCHANGED,
    weight_column: str | None = UNCHANGED,
    exclude: str | Sequence[str] = UNCHANGED,
    na: Sequence[str] = UNCHANGED,
    callbacks: Sequence[Callback] = (),
    metrics: bool = False,
    output: str | os.PathLike[str] | None = None,
    checkpoint: float = CHECKPOINT_SECONDS,
    resume: bool = False,
    threads: int | None = None,
    engine: EngineName = "compiled",
) -> Fit:
    """Train a problem, or a network on rows of inputs and targets, until it converges.

    An option that is left out keeps the problem's own value; for a network that is the default given here.

    A divergence keeps the parameters of the last epoch whose loss was finite; an interrupt (Ctrl-C) keeps
    those of the last step. The result is the same to the bit with any number of threads. Where the compiled
    engine cannot be used, a ``SlowerEngine`` warning says why, and the reference in NumPy does the same work.

    Args:
        problem: a problem, such as ``load`` returns, or a network.
        inputs: an array of shape (rows, inputs), or a data frame of any common library.
        targets: an array of shape (rows, outputs), a class or number per row, or names of columns.
        optimizer: such as ``Adam(0.01)``; default ``SGD(0.1)``.
        weights: how much each row of an array counts.
        epochs: maximum number of epochs, in total; default 10,000 (also for None).
        batch_size: examples per update; default 32 for rows in a call or a table, else all (also for None).
        tolerance: converged once the loss changes by at most this in ``patience`` epochs; default 1e-8. For
            rows in a call or a table it is relative to the loss before training.
        patience: number of epochs that ``tolerance`` and ``early_stopping`` look at; default 10.
        seed: seed of initial weights, split, shuffling and dropout; default 0.
        shuffle: whether each epoch takes the examples in another order, or ``"sklearn"`` for that of its MLPs; default
            True.
        dtype: precision of the training, ``"float32"`` (default) or ``"float64"``.
        target_loss: stop once the loss is at most this; default None.
        time_limit: stop after this many seconds; default None.
        gradient_tolerance: converged once the norm of the gradient is at most this; default 0 (never).
        early_stopping: stop once the validation loss does not improve, and keep the best weights; default True.
        columns: input columns of a table; default None, all that have no other use.
        categorical: columns that are read as text although they hold numbers; default none.
        standardize: scale numeric inputs to mean 0 and deviation 1; default False.
        standardize_target: the same for numeric targets; default None: those of a data frame, where outputs can be any
            number, and not those of arrays.
        split: share of rows set aside for validation; default 0 (under ``[data]`` of a file 0.2).
        missing: what to do about empty cells, ``"refuse"`` (default), ``"mean"`` or ``"drop"``.
        class_weights: a weight for each class, or ``"balanced"``; default None.
        weight_column: column that says how much each row counts; default None.
        exclude: columns that are not used; default none.
        na: words in columns of text that mean a missing value; default ``Data.na``.
        callbacks: objects to call after each epoch; one that returns True ends the training.
        metrics: whether callbacks also get accuracy, or R² and RMSE.
        output: model file to write every ``checkpoint`` seconds, and at the end.
        checkpoint: seconds between two checkpoints.
        resume: continue the training saved at ``output``, to the same bits as without interruption.
        threads: number of threads; default None (chosen automatically).
        engine: ``"compiled"`` or ``"reference"``.

    Raises:
        InvalidArgument: no examples, rows of the wrong length, an unknown option, an impossible value, or
            a resumed training that was changed.
        InvalidNetwork: examples that are not finite or do not fit the loss.
        UnknownName: a column that the call names and the table lacks.
        UnfitTable: a table that does not fit the network.
        Unwritable: nothing can be written at ``output``; raised before the first step.

    >>> import clearprop as cp
    >>> train(cp.load("lecture"))
    Fit(converged: 1,686 epochs, loss 2.9e-06)
    """
    problem = requested(**locals())  # every option by its name
    output = accepted(optional(path), output, "output")
    resume, metrics = accepted(boolean, resume, "resume"), accepted(boolean, metrics, "metrics")
    listeners = Listeners(callbacks)
    if resume and output is None:
        raise InvalidArgument("resume: name the model to continue with output")
    checkpoints, progress = None, None
    if output is not None:
        from clearprop.training.checkpoint import Checkpoints, resumed

        checkpoints = Checkpoints(output, problem, checkpoint)
        progress = resumed(checkpoints) if resume else None
    with np.errstate(all="ignore"):
        start = progress.position.present if progress is not None else None
        chosen = engine_for(problem, start, name=engine, threads=threads)
        return _Training(problem, chosen, listeners, checkpoints, progress, metrics).fit()


class _Training:
    """A training under way. ``position`` is replaced as a whole after each step, so that an interrupt at any
    moment finds one to keep, and to resume from."""

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
        epochs = EPOCHS if settings.epochs is None else settings.epochs
        self.stopping = Stopping(settings, epochs, relative=not problem.examples.own)
        self.engine = engine
        # An interval of 0 seconds means a checkpoint after every step.
        self.pace = Pace(steps=1 if checkpoints is not None and checkpoints.seconds == 0 else None)
        if progress is None:
            start = self.engine.snapshot()
            self.position, self.history = Position(0, 0, start, start, start), History()
            self._note(self.engine.loss())
        else:
            self.position, self.history = progress.position, progress.history
        self.memory = Memory(problem, self.history)

    def fit(self) -> Fit:
        """Train until the training ends, however it does."""
        self.listeners.on_train_begin(self.problem, self.position.epochs)
        try:
            end = self._until_the_end()
        except KeyboardInterrupt:
            end = ending(Status.INTERRUPTED)
        except BaseException:
            # A fault in a callback, say: save as at a checkpoint, and raise it again.
            self._save()
            raise
        try:
            return self._finished(end)
        except KeyboardInterrupt:
            # A second Ctrl-C must not lose what was learnt: save it first this time.
            return self._finished(end)

    def _until_the_end(self) -> Ending:
        if not np.isfinite(self.history.loss[0]):
            from clearprop.training.divergence import at_once

            return at_once(self.problem, self.problem.settings.dtype)
        end = None
        if self.position.present is self.position.whole:
            end = self._judged()
        while end is None:
            end = self._epoch()
        return end

    def _epoch(self) -> Ending | None:
        """Train one epoch, or the rest of one; return the reason to end after it, if there is one."""
        at = self.position
        steps = planned(self.problem, at.epochs, self.memory)
        last = int(steps.numbers[-1])
        for part in self.pace.parts(steps[at.steps + len(steps) - last :]):
            finite, step = self.engine.run(part), part[-1]
            # Once a number is not finite, the epoch can only get worse.
            if not finite:
                return self._diverged(step.number)
            if step.number == last:
                return self._end_of_epoch(step.number, step.rate)
            self.position = Position(at.epochs, step.number, self.engine.snapshot(), at.whole, at.best)
            if end := self.stopping.out_of_time():
                return end if self.position.present.finite else self._diverged(step.number)
            self._checkpoint()
        raise AssertionError("an epoch ends with its last step")

    def _end_of_epoch(self, steps: int, rate: float) -> Ending | None:
        at, snapshot, loss = self.position, self.engine.snapshot(), self.engine.loss()
        if not (np.isfinite(loss) and snapshot.finite):
            return self._diverged(steps)
        self.history.rate.append(rate)
        self._note(loss)
        epochs = at.epochs + 1
        best = snapshot if self.history.best == epochs else at.best
        self.position = Position(epochs, steps, snapshot, snapshot, best)
        self.memory.watch(self.history.watched[-1])
        if self.listeners.on_epoch_end(epochs, self._logs()):
            return ending(Status.STOPPED, epochs=f"epoch {epochs:,}")
        if end := self._judged():
            return end
        self._checkpoint()
        return None

    def _note(self, loss: float) -> None:
        """Add the losses with the present parameters to the history."""
        if self.validates:
            validation = self.engine.validation_loss()
            # An overflow counts as infinity, and is no reason to stop.
            self.history.validation.append(validation if np.isfinite(validation) else np.inf)
        self.history.loss.append(loss)

    def _judged(self) -> Ending | None:
        if self.memory.done:
            return at_the_least_rate(self.problem.optimizer.schedule, self.history)
        watched = self.problem.settings.gradient_tolerance > 0
        return self.stopping.judge(self.history, self.engine.gradient_norm() if watched else None)

    def _logs(self) -> Logs:
        logs = {"loss": self.history.loss[-1], "learning_rate": self.history.rate[-1]}
        if self.validates:
            logs["validation_loss"] = self.history.validation[-1]
        if self.metrics:
            assert self.problem.examples is not None
            examples, parameters = self.problem.examples, self.position.present.parameters
            for prefix, rows in (("", examples.learnt), ("validation_", examples.validation)):
                found = measured(self.problem, parameters, rows).numbers() if rows is not None else {}
                logs |= {prefix + name: value for name, value in found.items() if value is not None}
        return logs

    def _diverged(self, step: int) -> Ending:
        from clearprop.training.divergence import diverged  # rarely needed

        at = self.position
        again = planned(self.problem, at.epochs, self.memory)
        self.position = self._rolled_back()
        end, seen = diverged(self.problem, self.problem.settings.dtype, at.whole, at.epochs + 1, again)
        self.failed = step if seen is None else seen
        return end

    def _rolled_back(self) -> Position:
        """Return the position at the end of the last whole epoch."""
        at = self.position
        return Position(at.epochs, at.epochs * self.per_epoch, at.whole, at.whole, at.best)

    def _checkpoint(self) -> None:
        if self.checkpoints is not None and self.checkpoints.due:
            self._save()

    def _save(self) -> None:
        # Parameters that are not finite are about to be reported; the last checkpoint stays.
        if self.checkpoints is None or not self.position.present.finite:
            return
        try:
            self.checkpoints.save(
                in_float64(self.problem.parameters, self._kept().parameters.vector), self.position, self.history
            )
        except Unwritable as error:
            self.listeners.on_checkpoint_failed(error)

    def _kept(self) -> Snapshot:
        """Return the best snapshot, where early stopping keeps it, or else the present one."""
        at = self.position
        return at.best if keeps_best(self.problem.settings, self.history) else at.present

    def _finished(self, end: Ending) -> Fit:
        if not self.position.present.finite:
            self.position = self._rolled_back()
        at, history = self.position, self.history.until(self.position.epochs)
        kept = self._kept()
        if kept is at.whole:
            loss, validation = history.loss[-1], history.validation[-1] if self.validates else None
        elif kept is at.best:
            loss, validation = history.loss[history.best], history.validation[history.best]
        else:
            # The engine may have gone on since: compute the losses of the snapshot that is kept.
            engine = Reference(self.problem, self.problem.settings.dtype, kept)
            loss, validation = engine.loss(), engine.validation_loss() if self.validates else None
        unsaved = None
        trained = in_float64(self.problem.parameters, kept.parameters.vector)
        if self.checkpoints is not None:
            # A failure to save must not lose what was learnt: the result says so.
            try:
                self.checkpoints.save(trained, at, history, end)
            except Unwritable as error:
                unsaved = error
        self.listeners.on_train_end({"loss": loss} | ({} if validation is None else {"validation_loss": validation}))
        seconds = time.monotonic() - self.started
        problem = replace(self.problem, parameters=trained)
        steps = at.steps if self.failed is None else self.failed
        return Fit(problem, *end, history, at.epochs, steps, seconds, loss, validation, unsaved)
