"""A training under way: epochs, one or many in a call of the engine, what is judged after them, and how it ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from clearprop.engine.processors import processors
from clearprop.errors import Unwritable
from clearprop.models.history import History, keeps_best
from clearprop.models.snapshot import Met, Position, Snapshot, in_float64
from clearprop.network.problem import Problem
from clearprop.prediction.metrics import measured
from clearprop.propagation.forward import example_share
from clearprop.training.ahead import Ahead
from clearprop.training.as_met import losses, plus, shows_batches, total
from clearprop.training.batching import Memory, batch_size, planned
from clearprop.training.callbacks import Listeners, Logs
from clearprop.training.engines import Engine
from clearprop.training.fit import Fit
from clearprop.training.intervals import Pace
from clearprop.training.planned_steps import PlannedSteps
from clearprop.training.stopping import Ending, Status, Stopping, at_the_least_rate, ending
from clearprop.types import Array

if TYPE_CHECKING:  # code that reads and writes files is imported once there is a file
    from clearprop.models.model import Progress
    from clearprop.training.checkpoint import Checkpoints

EPOCHS = 10_000
"""The default limit on epochs."""

TOGETHER, KEPT = 1 << 18, 1 << 21
"""The most examples of epochs that are made in one call, and the most numbers kept of them: they take memory."""


class UnderWay:
    """A training under way. ``position`` is replaced as a whole, so that an interrupt at any moment finds one to keep,
    and to resume from.

    Where nothing asks for more, many epochs are one call of the engine. What is judged after each of them is judged
    then; if the training is to end, or to be left, before the last, it returns to that epoch: from the position before
    the call the same steps give the same bits.
    """

    def __init__(
        self,
        problem: Problem,
        engine: Engine,
        listeners: Listeners,
        checkpoints: Checkpoints | None,
        progress: Progress | None,
        metrics: bool,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        assert problem.examples is not None
        settings = problem.settings
        self.started = time.monotonic()
        self.problem, self.listeners, self.checkpoints, self.metrics = problem, listeners, checkpoints, metrics
        self.validates = problem.examples.validation is not None
        self.count = len(problem.examples.learnt)
        self.per_epoch = -(-self.count // batch_size(problem))
        self.failed: int | None = None
        self.epochs = EPOCHS if settings.epochs is None else settings.epochs
        self.stopping = Stopping(settings, self.epochs, relative=not problem.examples.own, stop=stop)
        self.engine = engine
        # An interval of 0 seconds means a checkpoint after every step.
        after_each = checkpoints is not None and checkpoints.seconds == 0
        # To look at a row takes no longer than to learn from it.
        self.pace = Pace(1 if after_each else None, engine.seconds * len(problem.examples) / self.count)
        if progress is None:
            start = self.engine.snapshot()
            self.position, self.history = Position(0, 0, start, start, start), History()
            self._note(self.engine.loss())
        else:
            self.position, self.history = progress.position, progress.history
        self.before = self.position
        self.reached: Snapshot | None = None  # that of the numbers that the engine has now, if it is at hand
        self.memory = Memory(problem, self.history, engine.permutations)
        self.ahead = Ahead(problem, self.memory, spare=lambda: engine.threads < processors())
        self.as_met = shows_batches(problem)
        dropout = any(layer.dropout for layer in problem.network.layers)
        # One batch of all examples: each step finds the exact loss of the weights before it.
        behind = self.per_epoch == 1 and not (dropout or problem.penalty)
        watched = metrics or self.memory.active or settings.gradient_tolerance > 0
        # What is kept of each epoch, so that the best one can be found.
        self.numbers = problem.parameters.vector.size * (1 + len(problem.optimizer.state)) if self.validates else 1
        self.together = (self.as_met or behind) and not watched and not self.pace.fixed

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
        if not (np.isfinite(self.history.loss[0]) and self.position.present.finite):
            from clearprop.training.divergence import at_once

            return at_once(self.problem, self.problem.settings.dtype)
        end = None
        if self.position.present is self.position.whole:
            end = self._judged()
        while end is None:
            count = self._epochs_at_once()
            end = self._several(count) if count > 1 else self._epoch()
        return end

    # --- one epoch ----------------------------------------------------------------------------------------

    def _epoch(self) -> Ending | None:
        """Train one epoch, or the rest of one; return the reason to end after it, if there is one."""
        at = self.position
        met, steps, self.reached = at.met, self.ahead.take(at.epochs, 1), None
        last = int(steps.numbers[-1])
        for part in self.pace.parts(steps[at.steps + len(steps) - last :]):
            found, step = self.engine.run(part), part[-1]
            # Once a number is not finite, the epoch can only get worse.
            if not (self.engine.finite and np.isfinite(found).all()):
                return self._diverged(step.number)
            met = plus(met, found, part)
            if step.number < last:
                kept = met if self.as_met else Met()
                self.position = Position(at.epochs, step.number, self.engine.snapshot(), at.whole, at.best, kept)
                if end := self.stopping.out_of_time():
                    return end if self.position.present.finite else self._diverged(step.number)
                self._checkpoint()
        return self._end_of_epoch(step.number, step.rate, met)

    def _end_of_epoch(self, steps: int, rate: float, met: Met) -> Ending | None:
        at, snapshot = self.position, self._snapshot()
        loss = total(met, self.problem) if self.as_met else self.engine.loss()
        if not (np.isfinite(loss) and snapshot.finite):
            return self._diverged(steps)
        self.history.rate.append(rate)
        self._note(loss)
        epochs = at.epochs + 1
        best = at.best if self.validates and self.history.best != epochs else snapshot
        self.before = self._rolled_back()
        self.position = Position(epochs, steps, snapshot, snapshot, best)
        self.memory.watch(self.history.watched[-1])
        if self.listeners.on_epoch_end(epochs, self._logs()):
            return ending(Status.STOPPED, epochs=f"epoch {epochs:,}")
        if end := self._judged():
            return end
        self._checkpoint()
        return None

    # --- many epochs --------------------------------------------------------------------------------------

    def _epochs_at_once(self) -> int:
        """Return how many epochs to make in the next call, which is to take about as long as two looks are apart."""
        at = self.position
        if not self.together or at.present is not at.whole or self.stopping.nearly_out_of_time():
            return 1
        left = self.epochs - at.epochs
        all_at_once = 2 * left * self.per_epoch <= 3 * self.pace.steps and left <= self._most()
        return left if all_at_once else min(left, self._fitting())

    def _fitting(self) -> int:
        most = min(self.pace.steps // self.per_epoch, self._most())
        # As many as in the call before, mostly: then their arrays are at hand.
        return 1 << most.bit_length() >> 1

    def _most(self) -> int:
        """Return the most epochs in a call for which there is memory."""
        assert self.problem.examples is not None
        return min(TOGETHER // len(self.problem.examples), KEPT // self.numbers)

    def _several(self, count: int) -> Ending | None:
        """Train that many epochs in one call; return the reason to end after one of them, if there is one."""
        at = self.before = self.position
        steps = self.ahead.take(at.epochs, count)
        count, self.reached = len(steps) // self.per_epoch, None
        self.ahead.start(at.epochs + count, min(self._fitting(), self.epochs - at.epochs - count))
        begun = time.monotonic()
        if self.validates:
            found, validation, self.kept = self.engine.epochs(steps, count)
        else:
            found, validation = self.engine.run(steps), []
        self.pace.learn(len(steps), time.monotonic() - begun)
        shown, good = self._losses(found, steps, count)
        rates = steps.rates[self.per_epoch - 1 :: self.per_epoch].tolist()
        after = self._after(at, count) if good == count else self._last_finite(at, good)
        if end := self._judge_each(after, shown, _bounded(validation), rates):
            return end
        self.position = self._with_best(after)
        self._checkpoint()
        return None

    def _last_finite(self, at: Position, good: int) -> Position:
        """Return the position after that number of epochs, or the last before it at which all is finite.

        From there on each epoch is looked at: soon something will no longer be finite.
        """
        self.together = False
        for epochs in range(good, 0, -1):
            if (after := self._return_to(at, epochs)).present.finite:
                return after
        self.reached = None
        self.engine.restore(at.present)
        return at

    def _losses(self, found: Array, steps: PlannedSteps, count: int) -> tuple[list[float], int]:
        """Return the losses of these epochs, and how many of them, from the first, are finite."""
        if self.as_met:
            shown = losses(found, steps, self.problem, count)
        else:
            share = example_share(self.problem.network, self.count)
            shown = np.append(found[1:, 0] * share, self.engine.loss())
        finite = np.isfinite(shown)
        finite[-1] &= self.engine.finite
        return shown.tolist(), count if finite.all() else int(np.argmin(finite))

    def _judge_each(
        self, after: Position, shown: list[float], validation: list[float], rates: list[float]
    ) -> Ending | None:
        """Note the epochs up to a position, each with all that follows from it; return to one that is the last.

        The position stays that before the call until all is noted, and so does what an interrupt keeps.
        """
        history, first = self.history, self.position.epochs
        made = after.epochs - first
        quiet = self.stopping.goes_on(history, shown[:made], validation[:made])
        # Epochs after which nobody looks, but for the last.
        passed = max(0, made - 1) if quiet and not self.listeners.callbacks else 0
        history.rate += rates[:passed]
        history.loss += shown[:passed]
        history.validation += validation[:passed]
        for k in range(passed, made):
            history.rate.append(rates[k])
            self._add(shown[k], validation[k] if self.validates else None)
            last, end = k == made - 1, None
            try:
                if self.listeners.callbacks and self.listeners.on_epoch_end(first + k + 1, self._logs()):
                    end = ending(Status.STOPPED, epochs=f"epoch {first + k + 1:,}")
            except BaseException:
                self.position = self._with_best(after if last else self._return_to(self.before, k + 1))
                raise
            if end is None and (last or not quiet):
                end = self.stopping.judge(history, timed=last)
            if end is not None:
                self.position = self._with_best(after if last else self._return_to(self.before, k + 1))
                return end
        return None

    def _return_to(self, at: Position, epochs: int) -> Position:
        """Return the position that many whole epochs after another one; the engine makes them again."""
        self.ahead.wait()
        self.reached = None
        self.engine.restore(at.present)
        self.engine.run(planned(self.problem, at.epochs, self.memory, epochs))
        return self._after(at, epochs)

    def _after(self, at: Position, epochs: int) -> Position:
        """Return the position that the engine has reached, whole epochs after another one."""
        snapshot, number = self._snapshot(), at.epochs + epochs
        return Position(number, number * self.per_epoch, snapshot, snapshot, snapshot)

    def _snapshot(self) -> Snapshot:
        """Return the numbers that the engine has now, after whole epochs."""
        self.reached = self.engine.snapshot()
        return self.reached

    def _with_best(self, after: Position) -> Position:
        """Return a position that the last call reached, with the best snapshot until then."""
        if not self.validates:
            return after
        best, before = self.history.until(after.epochs).best, self.before
        if best == after.epochs:
            return after
        return replace(after, best=before.best if best <= before.epochs else self.kept(best - before.epochs - 1))

    # --- after an epoch -----------------------------------------------------------------------------------

    def _note(self, loss: float) -> None:
        """Add the losses with the present parameters to the history."""
        self._add(loss, self.engine.validation_loss() if self.validates else None)

    def _add(self, loss: float, validation: float | None) -> None:
        if validation is not None:
            self.history.validation += _bounded([validation])
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
        self.ahead.wait()
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

    def _losses_kept(self) -> tuple[float, float | None]:
        """Return the exact losses of the snapshot that is kept."""
        at, history, kept = self.position, self.history.until(self.position.epochs), self._kept()
        epoch = at.epochs if kept is at.whole else history.best if kept is at.best else None
        validation = history.validation[epoch] if self.validates and epoch is not None else None
        if epoch is not None and not (self.as_met and epoch):
            return history.loss[epoch], validation
        if kept is not self.reached:
            self.engine.restore(kept)
        if self.validates and validation is None:
            validation = self.engine.validation_loss()
        return self.engine.loss(), validation

    def _finished(self, end: Ending) -> Fit:
        if not self.position.present.finite:
            self.position = self._rolled_back()
        loss, validation = self._losses_kept()
        made = self.position.epochs - self.before.epochs
        if not np.isfinite(loss) and made > 0 and end.status is not Status.DIVERGED:
            # The last steps led to where the loss overflows, which no later batch has met.
            self.position = self._with_best(self._return_to(self.before, made - 1)) if made > 1 else self.before
            end = self._diverged(self.position.steps + self.per_epoch)
            loss, validation = self._losses_kept()
        at, history, kept = self.position, self.history.until(self.position.epochs), self._kept()
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
        problem = self.problem.with_parameters(trained)
        steps = at.steps if self.failed is None else self.failed
        return Fit(problem, *end, history, at.epochs, steps, seconds, loss, validation, unsaved)


def _bounded(losses: list[float]) -> list[float]:
    """Return validation losses, where an overflow counts as infinity, and is no reason to stop."""
    if math.isfinite(sum(losses)):
        return losses
    return [loss if math.isfinite(loss) else math.inf for loss in losses]
