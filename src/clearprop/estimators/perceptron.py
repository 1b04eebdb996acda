"""The common part of both estimators: parameters, their checks, and what a fit is made of.

The fitted numbers are plain arrays in scikit-learn's shapes: ``coefs_`` have one row per input. The engine, and
whatever else cannot be pickled, is made when it is needed and lives outside the instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from clearprop.estimators import description, lbfgs
from clearprop.estimators.scikit import CallbackSupport, Watch
from clearprop.estimators.stochastic import Epochs
from clearprop.estimators.threads import threads_of
from clearprop.network.examples import Examples
from clearprop.network.problem import Problem
from clearprop.types import Array

MOST_DENSE = 1 << 22
"""The most numbers of sparse rows that are made dense at a time for predictions."""


class Perceptron(CallbackSupport, BaseEstimator):  # type: ignore[misc]
    """The common part of a classifier and a regressor."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [str, tuple, list],
        "solver": [str],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "loss": [str],
        "solver_params": [tuple, list, dict, None],
        "dropout": [Interval(Real, 0, 1, closed="left"), tuple, list],
        "initial_coefs": ["array-like", None],
        "initial_intercepts": ["array-like", None],
        "n_jobs": [Integral, None],
    }

    def _store(self, given: Mapping[str, Any]) -> None:
        """Keep the parameters as they are given, and do nothing else."""
        self.__dict__.update({name: value for name, value in given.items() if name not in ("self", "__class__")})

    # --- fit ------------------------------------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows of inputs, shape (rows, inputs), and their targets; a weight says how much a row counts."""
        return self._trained(X, y, sample_weight, incremental=False)

    def _trained(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> Self:
        hidden = description.hidden_sizes(self.hidden_layer_sizes)
        threads_of(self.n_jobs)
        watch = Watch(self, X, y, sample_weight, active=not incremental)
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, seen = self._validated(X, y, incremental, reset=first)
        weights = self._example_weights(X, seen, sample_weight, incremental)
        targets = self._targets(seen)
        self.n_outputs_ = targets.shape[1]
        if self.early_stopping and incremental:
            # It makes no sense: each call sees other rows.
            raise ValueError("partial_fit does not support early_stopping=True")
        X, random_state = dense(X), check_random_state(self.random_state)
        if first:
            self._begin([X.shape[1], *hidden, self.n_outputs_], random_state, X.dtype)
        if self.solver == "lbfgs":
            lbfgs.fit(self, X, targets, weights, watch)
        else:
            Epochs(self, X, targets, weights, random_state, incremental=incremental).run(watch)
        if not all(np.isfinite(each).all() for each in (*self.coefs_, *self.intercepts_)):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                "preprocessed."
            )
        watch.ended()
        return self

    def _begin(self, sizes: list[int], random_state: np.random.RandomState, dtype: Any) -> None:
        """Set all that a first fit starts from."""
        self.n_iter_, self.t_, self.n_layers_ = 0, 0, len(sizes)
        self.out_activation_ = description.out_activation(self)
        self.coefs_, self.intercepts_ = description.first_weights(self, sizes, random_state, dtype)
        if self.solver != "lbfgs":
            self.loss_curve_: list[float] = []
            self._no_improvement_count = 0
            early = self.early_stopping
            self.validation_scores_: list[float] | None = [] if early else None
            self.validation_curve_: list[float] | None = [] if early else None
            self.best_validation_score_ = -np.inf if early else None
            self.best_loss_ = None if early else np.inf

    def _example_weights(self, X: Array, y: Any, sample_weight: Any, incremental: bool) -> Array | None:
        """Return how much each row counts, or None if all count the same."""
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)

    def _targets(self, y: Array) -> Array:
        """Return the targets of the outputs, one row for each row of inputs."""
        return y.reshape(len(y), -1)

    # --- predict --------------------------------------------------------------------------------------------

    def _rows(self, X: Any) -> Any:
        """Return rows in the precision of the weights, or a higher one of their own; sparse ones stay so."""
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        return X.astype(np.result_type(X.dtype, self.coefs_[0].dtype), copy=False)

    def _outputs(self, X: Any) -> Array:
        """Return the outputs of the network; those of a row do not depend on the rows beside it, so that of sparse rows
        some are made dense at a time."""
        if not hasattr(X, "tocsr"):
            return description.outputs_of(self, X)
        rows, some = X.tocsr(), max(1, MOST_DENSE // X.shape[1])
        starts = range(0, rows.shape[0], some)
        return np.concatenate([description.outputs_of(self, dense(rows[k : k + some])) for k in starts])

    def layer_outputs(self, X: Any) -> list[Array]:
        """Return the outputs of every layer, the last one's included, each of shape (rows, units)."""
        check_is_fitted(self)
        return description.layer_outputs(self, dense(self._rows(X)))

    def gradients(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[list[Array], list[Array]]:
        """Return the gradient of the loss of these rows, penalty included, by ``coefs_`` and ``intercepts_``.

        They are one batch, without dropout; the gradient is the one that a step of training would take.
        """
        check_is_fitted(self)
        return description.gradients(description.problem(self, self._examples(X, y, sample_weight)))

    # --- explain --------------------------------------------------------------------------------------------

    @property
    def problem_(self) -> Problem:
        """The fitted network as clearprop has it, without examples: for ``cp.predict``, ``cp.save``, ``cp.explore``."""
        check_is_fitted(self)
        return description.problem(self)

    def clearprop_problem(self, X: Any, y: Any) -> Problem:
        """Return the fitted network with these rows as examples, as ``cp.explain(estimator, X, y, "w5")`` takes it."""
        check_is_fitted(self)
        return description.problem(self, self._examples(X, y, None))

    def _examples(self, X: Any, y: Any, sample_weight: Any) -> Examples:
        rows, seen = self._validated(X, y, incremental=True, reset=False)
        weights = self._example_weights(rows, seen, sample_weight, incremental=False)
        return description.examples_of(dense(rows), self._targets(seen), weights)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def is_stochastic(estimator: Perceptron) -> bool:
    """Return whether the solver goes from batch to batch, as ``partial_fit`` needs."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


def dense(X: Any) -> Array:
    """Return rows as an array; the engine reads no sparse ones, so that rows to learn from are dense all at once."""
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X)
