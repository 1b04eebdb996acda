"""Training epoch by epoch, with scikit-learn's order of rows, learning rates and reasons to stop.

As many epochs as cannot be the last are made in one call of the engine: with ``n_iter_no_change`` of 10, training ends
11 epochs without an improvement at the earliest.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from clearprop.estimators import description
from clearprop.estimators.description import Perceptron
from clearprop.estimators.scikit import Watch
from clearprop.estimators.threads import threads_of
from clearprop.models.snapshot import Snapshot
from clearprop.prediction.outputs import outputs
from clearprop.propagation.update import initial_state
from clearprop.training import as_met
from clearprop.training.engines import engine_for
from clearprop.training.planned_steps import PlannedSteps
from clearprop.types import Array

SECONDS = 0.1
"""The time of a call of the engine: short enough for a prompt answer to an interrupt, and for what is printed."""

MOST_ROWS = 1 << 22
"""Positions of rows that are drawn ahead."""

SLOWEST = 1e-6
"""The learning rate below which ``adaptive`` ends."""


class Epochs:
    """A training under way.

    It leaves what it has reached in the estimator: the weights and, for ``partial_fit``, the learning rate, the number
    of steps, and what the optimizer remembers.
    """

    def __init__(
        self,
        estimator: Perceptron,
        X: Array,
        targets: Array,
        weights: Array | None,
        random_state: np.random.RandomState,
        *,
        incremental: bool,
    ) -> None:
        self.estimator, self.random_state, self.incremental = estimator, random_state, incremental
        training, validation = _parts(estimator, targets, random_state)
        self.order = np.arange(len(X)) if training is None else training
        self.count = len(self.order)
        size = _batch_size(estimator, self.count)
        # Within the order of an epoch, where batches end; and within that of several, where they begin and end.
        self.ends = np.append(np.arange(size, self.count, size), self.count)
        self.bounds = np.zeros(1, self.ends.dtype)
        parts = {} if validation is None else {"training": np.sort(self.order), "validation": validation}
        settings = description.settings_of(estimator, X.dtype.name, size)
        self.problem = description.training(estimator, X, targets, weights, settings, **parts)
        if validation is not None:
            self.set_aside = X[validation], targets[validation], None if weights is None else weights[validation]
        self.engine = engine_for(self.problem, self._start(X.dtype), threads=threads_of(estimator.n_jobs))
        self.seconds = 0.0
        self.best: dict[str, Any] | None = None

    def _start(self, dtype: Any) -> Snapshot:
        """Return what training begins with; ``partial_fit`` continues with what the optimizer remembers."""
        estimator, parameters = self.estimator, self.problem.parameters
        present = parameters.with_vector(parameters.vector.astype(dtype))
        state = initial_state(self.problem.optimizer, present)
        known = getattr(estimator, "_optimizer_state", None)
        if self.incremental and known is not None and known.keys() == state.keys():
            return Snapshot.of(present, known)
        estimator._steps, estimator._rate = 0, float(estimator.learning_rate_init)
        return Snapshot.of(present, state)

    # --- epochs -----------------------------------------------------------------------------------------------

    def run(self, watch: Watch) -> None:
        """Make epochs until training ends: one for ``partial_fit``."""
        estimator = self.estimator
        most, estimator.n_iter_ = 1 if self.incremental else estimator.max_iter, 0
        try:
            while estimator.n_iter_ < most:
                watch.begins()
                # No epoch but the last of these can be the end.
                *_, ends = [self._ends(loss) for loss in self._losses(self._ahead(most, watch))]
                if ends or watch.ends(self._reached) or not (self.engine.finite or estimator.early_stopping):
                    break
            else:
                self._warn(most)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        estimator.__dict__.update(self._kept())
        snapshot = self.engine.snapshot()
        estimator._optimizer_state = dict(snapshot.state)

    def _warn(self, most: int) -> None:
        if not self.incremental:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({most}) reached and the optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=2,
            )

    def _ahead(self, most: int, watch: Watch) -> int:
        """Return how many epochs may be made before somebody has to look at them."""
        estimator = self.estimator
        if estimator.early_stopping or watch.active:
            return 1
        patience = estimator.n_iter_no_change + 1 - estimator._no_improvement_count
        in_time = SECONDS / self.seconds if self.seconds else 1
        return int(max(1, min(most - estimator.n_iter_, patience, in_time, MOST_ROWS / self.count)))

    def _losses(self, epochs: int) -> list[float]:
        """Make epochs; return the loss of each: that of its batches, as they were met, penalty included."""
        estimator, begun = self.estimator, time.perf_counter()
        order = self._orders(epochs).ravel()
        count = epochs * len(self.ends)
        if len(self.bounds) <= count:
            self.bounds = np.append(0, np.arange(epochs)[:, None] * self.count + self.ends)
        numbers = np.arange(estimator._steps + 1, estimator._steps + 1 + count)
        steps = PlannedSteps(order, self.bounds[: count + 1], numbers, self._rates(epochs))
        made = self.engine.run(steps)
        made[:, 0] *= description.shown_share(estimator)
        found: list[float] = as_met.losses(made, steps, self.problem, epochs).tolist()
        estimator._steps += count
        self.seconds = (time.perf_counter() - begun) / epochs
        return found

    def _orders(self, epochs: int) -> Array:
        """Return the orders of the next epochs: each the one before, shuffled as sklearn.utils.shuffle does it."""
        found = np.empty((epochs, self.count), self.order.dtype)
        for order in found:
            order[:] = self.order
            if self.estimator.shuffle:
                self.random_state.shuffle(order)
            self.order = order
        return found

    def _rates(self, epochs: int) -> Array:
        """Return the learning rates of the steps of the next epochs."""
        estimator, per_epoch = self.estimator, len(self.ends)
        if estimator.solver != "sgd" or estimator.learning_rate != "invscaling":
            return np.full(epochs * per_epoch, estimator._rate)
        seen = estimator.t_ + self.count * np.arange(1, epochs)
        rates = np.append(estimator._rate, estimator.learning_rate_init / (seen + 1) ** estimator.power_t)
        return np.repeat(rates, per_epoch)

    def _ends(self, loss: float) -> bool:
        """Take note of an epoch; return whether it is the last."""
        estimator = self.estimator
        estimator.n_iter_ += 1
        estimator.t_ += self.count
        estimator.loss_ = loss
        estimator.loss_curve_.append(loss)
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")
        if estimator.early_stopping:
            self._validate()
        else:
            worse = loss > estimator.best_loss_ - estimator.tol
            estimator._no_improvement_count = estimator._no_improvement_count + 1 if worse else 0
            estimator.best_loss_ = min(loss, estimator.best_loss_)
        if estimator.learning_rate == "invscaling" and estimator.solver == "sgd":
            estimator._rate = float(estimator.learning_rate_init) / (estimator.t_ + 1) ** estimator.power_t
        if estimator._no_improvement_count <= estimator.n_iter_no_change:
            return False
        what = "Validation score" if estimator.early_stopping else "Training loss"
        return self._gives_up(
            f"{what} did not improve more than tol={estimator.tol:f} for {estimator.n_iter_no_change} consecutive "
            "epochs."
        )

    def _validate(self) -> None:
        """Score the rows set aside, and keep the best weights."""
        estimator, (X, targets, weights) = self.estimator, self.set_aside
        score = estimator._score_of(outputs(self.problem, self._present(), X)[0], targets, weights)
        estimator.validation_scores_.append(score)
        estimator.validation_curve_.append(self.engine.validation_loss())
        if estimator.verbose:
            print(f"Validation score: {score:f}")
        worse = score < estimator.best_validation_score_ + estimator.tol
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if worse else 0
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            self.best = self._reached()

    def _gives_up(self, why: str) -> bool:
        """Return whether training ends for want of improvement; an ``adaptive`` rate is lowered first."""
        estimator, says = self.estimator, f"{why} Stopping."
        ends = estimator.solver != "sgd" or estimator.learning_rate != "adaptive" or estimator._rate <= SLOWEST
        if not ends:
            estimator._rate /= 5.0
            estimator._no_improvement_count = 0
            says = f"{why} Setting learning rate to {estimator._rate:f}"
        elif estimator.solver == "sgd" and estimator.learning_rate == "adaptive":
            says = f"{why} Learning rate too small. Stopping."
        if estimator.verbose:
            print(says)
        return bool(ends)

    # --- results ------------------------------------------------------------------------------------------------

    def _present(self) -> Any:
        return self.engine.snapshot().parameters

    def _reached(self) -> dict[str, Any]:
        """Return the weights as they are now."""
        return dict(zip(("coefs_", "intercepts_"), description.split(self._present()), strict=True))

    def _kept(self) -> dict[str, Any]:
        """Return the weights that the estimator keeps: with early stopping the best of this fit, else the last.

        A warm start that finds none better than an earlier fit's keeps its own last ones, as scikit-learn's does.
        """
        return self._reached() if self.best is None else self.best


def _parts(
    estimator: Perceptron, targets: Array, random_state: np.random.RandomState
) -> tuple[Array | None, Array | None]:
    """Return the positions of the rows to learn from and of those set aside, with early stopping; else None twice.

    Raises:
        ValueError: too few rows would be set aside.
    """
    if not estimator.early_stopping:
        return None, None
    # With several labels a row, classes are not kept in proportion.
    stratify = targets if hasattr(estimator, "classes_") and targets.shape[1] == 1 else None
    training, validation = train_test_split(
        np.arange(len(targets)), random_state=random_state, test_size=estimator.validation_fraction, stratify=stratify
    )
    if len(validation) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    return training, validation


def _batch_size(estimator: Perceptron, count: int) -> int:
    if estimator.batch_size == "auto":
        return min(200, count)
    if estimator.batch_size > count:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=2
        )
    return min(int(estimator.batch_size), count)
