"""The regressor: scikit-learn's ``MLPRegressor``, and what its users ask for besides."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from clearprop.errors import InvalidArgument
from clearprop.estimators.perceptron import Perceptron, is_stochastic
from clearprop.types import Array


class MLPRegressor(RegressorMixin, Perceptron):  # type: ignore[misc]
    """A multilayer perceptron for numbers.

    Parameters, attributes, defaults and results are those of ``sklearn.neural_network.MLPRegressor``; its
    documentation describes them. ``loss`` is ``"squared_error"`` or ``"poisson"`` as scikit-learn has them (each half
    of what its name says), another loss of clearprop (``"absolute_error"``, ``"huber"``), or an expression in y and t.
    What else is more is said of ``MLPClassifier``.

    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressor(solver="lbfgs", hidden_layer_sizes=(5,), random_state=1).fit(X, y / 100)
    >>> model.predict(X[:2]).shape
    (2,)
    """

    _of_classes: ClassVar[bool] = False

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        solver_params: Any = None,
        dropout: Any = 0.0,
        initial_coefs: Any = None,
        initial_intercepts: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self._store(locals())

    def _validated(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Array, Array]:
        if hasattr(y, "toarray"):
            raise InvalidArgument("y: expected an array, found sparse targets; give y.toarray()")
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=True,
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def predict(self, X: Any) -> Array:
        """Return the outputs of each row, shape (rows,), or (rows, outputs) where there are several."""
        check_is_fitted(self)
        found = self._outputs(self._rows(X))
        return found.ravel() if found.shape[1] == 1 else found

    def _score_of(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        """Return R²; NaN where an output is not a finite number."""
        if not np.isfinite(outputs).all():
            return float("nan")
        return float(r2_score(targets, outputs, sample_weight=weights))

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on these rows."""
        return self._trained(X, y, sample_weight, incremental=True)
