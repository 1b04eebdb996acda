"""L-BFGS by scipy on clearprop's loss and gradient, against scikit-learn's."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning
from tests.estimators.common import WEIGHTS, X, Y, both, fitted, numbers
from threadpoolctl import threadpool_info, threadpool_limits

from clearprop.estimators import MLPClassifier, MLPRegressor


@pytest.mark.parametrize(
    ("activation", "weights"), [("identity", None), ("logistic", WEIGHTS), ("tanh", None), ("relu", WEIGHTS)]
)
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_the_loss_is_scikit_learns(kind: Any, activation: str, weights: Any) -> None:
    parameters = {"solver": "lbfgs", "activation": activation, "hidden_layer_sizes": (5,), "random_state": 0}
    ours, theirs = both(kind, {**parameters, "max_iter": 15}, X, Y, sample_weight=weights)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-8)
    assert ours.n_iter_ == theirs.n_iter_
    assert numbers(ours) == pytest.approx(numbers(theirs), rel=1e-5, abs=1e-6)


def test_it_warns_as_scikit_learn_does() -> None:
    limits: list[dict[str, Any]] = [{"max_iter": 2}, {"max_fun": 3}]
    for limit in limits:
        with pytest.warns(ConvergenceWarning):
            MLPClassifier(solver="lbfgs", random_state=0, **limit).fit(X, Y)


def test_it_is_computed_in_double_precision_whatever_x_is() -> None:
    single, double = (
        fitted(MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", random_state=0, max_iter=10), X.astype(dtype), Y)
        for dtype in (np.float32, np.float64)
    )
    assert single.coefs_[0].dtype == np.float32
    assert single.loss_ == pytest.approx(double.loss_, rel=1e-4)


def test_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    fitted(MLPRegressor(solver="lbfgs", random_state=0, max_iter=2, verbose=True), X, Y)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("Iteration 1, loss = ")
    assert second.startswith("Iteration 2, loss = ")


def test_the_loss_of_several_outputs_is_shown_as_their_mean() -> None:
    """As scikit-learn shows it; what is made small is their sum, whose gradient scikit-learn takes too."""
    targets = np.stack([Y, -Y], axis=1).astype(float)
    estimator = fitted(MLPRegressor(solver="lbfgs", alpha=0, random_state=0, max_iter=5), X, targets)
    errors = (estimator.predict(X) - targets) ** 2 / 2
    assert estimator.loss_ == pytest.approx(errors.mean(), rel=1e-9)


def test_a_fit_in_a_thread_leaves_the_threads_of_other_libraries_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their number is the process's: of two fits side by side, one would leave behind what the other had set."""
    seen, minimize = list[list[int]](), scipy.optimize.minimize

    def threads() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    def looking(*given: Any, **options: Any) -> Any:
        seen.append(threads())
        return minimize(*given, **options)

    def fit() -> None:
        fitted(MLPClassifier(solver="lbfgs", random_state=0, max_iter=3), X, Y)

    monkeypatch.setattr(scipy.optimize, "minimize", looking)
    with threadpool_limits(2, user_api="blas"):
        fit()
        beside = threading.Thread(target=fit)
        beside.start()
        beside.join()
        assert seen == [[1] * len(seen[0]), [2] * len(seen[0])]
        assert threads() == seen[1]
