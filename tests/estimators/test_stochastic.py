"""Weights, losses and scores epoch by epoch equal scikit-learn's: the same order of rows, rates and reasons to stop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.estimators.common import WEIGHTS, X, Y, both, fitted, numbers

from clearprop.estimators import MLPClassifier, MLPRegressor

BINARY = (Y > 0).astype(int)
BASE: dict[str, Any] = {"hidden_layer_sizes": (6, 5), "random_state": 0, "max_iter": 20, "batch_size": 40}
"""150 rows: the last batch has 30."""


def require_same(ours: Any, theirs: Any) -> None:
    assert numbers(ours) == pytest.approx(numbers(theirs), rel=1e-9, abs=1e-12)
    assert ours.loss_curve_ == pytest.approx(theirs.loss_curve_, rel=1e-9)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("loss_", "best_loss_", "best_validation_score_", "validation_scores_"):
        expected = getattr(theirs, name)
        assert getattr(ours, name) == (expected if expected is None else pytest.approx(expected, rel=1e-9)), name


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_weights_are_scikit_learns(kind: Any, activation: str, solver: str) -> None:
    require_same(*both(kind, {**BASE, "activation": activation, "solver": solver}, X, Y))


CASES: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "two classes": (MLPClassifier, {"solver": "adam"}, BINARY),
    "several labels": (MLPClassifier, {"solver": "sgd"}, np.stack([Y > 0, Y > 1], axis=1)),
    "one batch": (MLPClassifier, {"solver": "adam", "batch_size": "auto"}, Y),
    "in order": (MLPRegressor, {"solver": "sgd", "shuffle": False}, Y),
    "no momentum, invscaling": (
        MLPClassifier, {"solver": "sgd", "momentum": 0, "learning_rate": "invscaling", "power_t": 0.3}, Y
    ),
    "no Nesterov": (MLPClassifier, {"solver": "sgd", "nesterovs_momentum": False}, Y),
    "adaptive": (
        MLPRegressor,
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 1e-2, "n_iter_no_change": 2, "max_iter": 60},
        Y,
    ),
    "betas": (MLPClassifier, {"solver": "adam", "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3, "alpha": 0.1}, Y),
    "early stopping": (MLPClassifier, {"early_stopping": True, "max_iter": 40, "n_iter_no_change": 3}, Y),
    "early stopping, two classes": (
        MLPClassifier, {"early_stopping": True, "solver": "sgd", "learning_rate": "adaptive", "max_iter": 40}, BINARY
    ),
    "early stopping of numbers": (MLPRegressor, {"early_stopping": True, "max_iter": 30}, Y),
    "stops for want of improvement": (MLPRegressor, {"tol": 0.05, "n_iter_no_change": 3, "max_iter": 200}, Y),
}  # fmt: skip


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
@pytest.mark.parametrize("name", CASES)
def test_every_setting_does_what_scikit_learns_does(name: str, weights: Any) -> None:
    kind, parameters, targets = CASES[name]
    require_same(*both(kind, {**BASE, **parameters}, X, targets, sample_weight=weights))


@pytest.mark.parametrize("early", [False, True])
def test_a_warm_start_goes_on(early: bool) -> None:
    pairs = both(MLPClassifier, {**BASE, "warm_start": True, "early_stopping": early, "max_iter": 4}, X, Y)
    for estimator in pairs:
        fitted(estimator, X, Y)
    require_same(*pairs)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fits_keep_what_the_optimizer_remembers(solver: str) -> None:
    parameters = {**BASE, "solver": solver, "learning_rate": "invscaling"}
    ours, theirs = both(MLPClassifier, parameters, X, Y)
    for first in range(0, 150, 50):
        rows = slice(first, first + 50)
        for estimator in (ours, theirs):
            estimator.partial_fit(X[rows], Y[rows])
    require_same(ours, theirs)


def test_single_precision_stays() -> None:
    ours, theirs = both(MLPRegressor, BASE, X.astype(np.float32), Y)
    assert {each.dtype for each in (*ours.coefs_, *ours.intercepts_)} == {np.dtype("float32")}
    assert numbers(ours) == pytest.approx(numbers(theirs), rel=1e-2, abs=1e-4)
    assert ours.predict(X.astype(np.float32)).dtype == np.float32
    assert ours.predict(X).dtype == theirs.predict(X).dtype == np.float64


def test_the_generator_is_left_where_scikit_learn_leaves_it() -> None:
    generators = [np.random.RandomState(7) for _ in range(2)]
    for generator, estimator in zip(generators, both(MLPRegressor, {"max_iter": 1}, X, Y), strict=True):
        fitted(estimator.set_params(random_state=generator, max_iter=50, tol=0.1, n_iter_no_change=2), X, Y)
    assert generators[0].randint(1000) == generators[1].randint(1000)


def test_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    parameters = {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 1, "verbose": True}
    for estimator in both(MLPRegressor, {**BASE, **parameters, "max_iter": 60}, X, Y):
        assert estimator.n_iter_ > 0
    lines = capsys.readouterr().out.splitlines()
    said = [lines[: len(lines) // 2], lines[len(lines) // 2 :]]
    assert said[0] == said[1]
    assert any("Setting learning rate to" in line for line in said[0])


def test_a_divergence_ends_at_once() -> None:
    with pytest.raises(ValueError, match=r"^Solver produced non-finite parameter weights\. The input data may"):
        MLPRegressor(solver="sgd", activation="identity", learning_rate_init=10.0, max_iter=10**6).fit(X, Y)


def test_the_validation_curve_is_the_error_of_the_rows_set_aside() -> None:
    estimator = fitted(MLPRegressor(early_stopping=True, **{**BASE, "max_iter": 3}), X, Y)
    assert len(estimator.validation_curve_) == 3
    assert estimator.validation_curve_[0] > estimator.validation_curve_[2] > 0
