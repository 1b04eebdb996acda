"""Numbers: one output and several, counts, and other losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn
from tests.estimators.common import X, Y, both, fitted

from clearprop.estimators import MLPRegressor

TWO = np.stack([Y, X[:, 0]], axis=1)


@pytest.mark.parametrize("targets", [Y, TWO], ids=["one", "two"])
def test_predictions_are_scikit_learns(targets: Any) -> None:
    ours, theirs = both(MLPRegressor, {"random_state": 0, "max_iter": 10}, X, targets)
    assert ours.predict(X) == pytest.approx(theirs.predict(X), rel=1e-9)
    assert ours.loss_curve_ == pytest.approx(theirs.loss_curve_, rel=1e-9)


@pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 7), reason="this scikit-learn has no loss for counts"
)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_counts_are_scikit_learns(solver: str) -> None:
    parameters = {"loss": "poisson", "random_state": 0, "max_iter": 10, "solver": solver}
    ours, theirs = both(MLPRegressor, parameters, X, Y)
    assert ours.out_activation_ == theirs.out_activation_ == "exp"
    assert ours.predict(X) == pytest.approx(theirs.predict(X), rel=1e-6)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-7)


def test_an_absolute_error_finds_the_median() -> None:
    rows, targets = np.zeros((101, 1)), np.r_[np.zeros(60), np.full(41, 50.0)]
    estimator = fitted(
        MLPRegressor(loss="absolute_error", solver="sgd", hidden_layer_sizes=(2,), random_state=0, max_iter=300),
        rows,
        targets,
    )
    assert abs(estimator.predict(rows[:1])[0]) < 1


def test_lbfgs_has_no_partial_fit() -> None:
    assert not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")
