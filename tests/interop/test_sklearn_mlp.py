from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest
from tests.interop.models import X, assert_same

import clearprop as cp
from clearprop.interop.chain import NotAChain

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(40, 3)) * 2 + 1


def fitted(kind: str, targets: Any, scaler: str = "", **options: Any) -> Any:
    sklearn = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")
    from sklearn import preprocessing
    from sklearn.pipeline import make_pipeline

    made = getattr(sklearn, kind)(hidden_layer_sizes=(5, 4), max_iter=15, random_state=0, **options)
    if scaler:
        made = make_pipeline(getattr(preprocessing, scaler)(), made)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return made.fit(ROWS, targets)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_gives_its_probabilities(activation: str, classes: int) -> None:
    made = fitted("MLPClassifier", np.array(["a", "b", "c"])[RNG.integers(0, classes, 40)], activation=activation)
    problem = cp.from_sklearn(made)
    expected = made.predict_proba(X)
    assert_same(problem, expected if classes > 2 else expected[:, 1:])
    assert problem.fitted is not None
    assert problem.fitted.classes == tuple(made.classes_)
    assert list(cp.predict(problem, X, classes=True)) == list(made.predict(X))


@pytest.mark.parametrize("scaler", ["StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler"])
def test_a_scaler_before_is_folded(scaler: str) -> None:
    made = fitted("MLPRegressor", ROWS[:, :2], scaler)
    problem = cp.from_sklearn(made)
    assert_same(problem, made.predict(X))
    assert f"folded: {scaler} into the weights after it" in problem.remarks


@pytest.mark.parametrize(
    ("left_out", "scaler"),
    [("with_mean", "StandardScaler"), ("with_std", "StandardScaler"), ("with_centering", "RobustScaler"),
     ("with_scaling", "RobustScaler")],
)  # fmt: skip
def test_what_a_scaler_leaves_out_is_left_out(left_out: str, scaler: str) -> None:
    from sklearn.base import clone
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline

    preprocessing = pytest.importorskip("sklearn.preprocessing", reason="scikit-learn is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step = getattr(preprocessing, scaler)(**{left_out: False})
        made = make_pipeline(step, MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0)).fit(
            ROWS, ROWS[:, 0]
        )
    assert_same(cp.from_sklearn(made), made.predict(X))
    made.steps[0] = ("scaler", clone(step))
    with pytest.raises(NotAChain, match=rf"step scaler \({scaler}\) was not fitted: it has no n_features_in_"):
        cp.from_sklearn(made)


@pytest.mark.parametrize(("kind", "outputs"), [("MLPRegressor", 1), ("MLPRegressor", 2), ("MLPClassifier", 3)])
def test_gradients_and_penalty_are_scikit_learns(kind: str, outputs: int) -> None:
    targets: Any = ROWS[:, 0] if outputs == 1 else ROWS[:, :2] if outputs == 2 else RNG.integers(0, 3, 40)
    made = fitted(kind, targets, alpha=0.3)
    problem = cp.from_sklearn(made)
    assert (problem.penalty.l2, problem.penalty.divide_by_examples) == (0.3, True)
    given = problem.with_examples(ROWS, targets if outputs < 3 else targets.astype(float))
    cycle = cp.cycle(given, "all")
    coded = made._label_binarizer.transform(targets) if kind == "MLPClassifier" else np.reshape(targets, (40, -1))
    activations = [ROWS] + [np.empty((40, each.shape[1])) for each in made.coefs_]
    deltas = [np.empty_like(each) for each in activations[1:]]
    parts = [[np.empty_like(each) for each in group] for group in (made.coefs_, made.intercepts_)]
    made._forward_pass(activations)
    arguments = [ROWS, coded.astype(float), None, activations, deltas, *parts]
    try:
        error, weights, biases = made._backprop(*arguments)
    except TypeError:
        error, weights, biases = made._backprop(ROWS, coded.astype(float), activations, deltas, *parts)
    for layer in range(3):
        np.testing.assert_allclose(cycle.gradients.of.weights(layer), weights[layer].T, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(cycle.gradients.of.biases(layer), biases[layer], rtol=1e-9, atol=1e-12)
    if outputs != 2:
        assert cycle.error == pytest.approx(error, rel=1e-9)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_the_optimizer_is_scikit_learns(solver: str) -> None:
    made = fitted("MLPRegressor", ROWS[:, 0], solver=solver, learning_rate_init=0.02)
    optimizer = cp.from_sklearn(made).optimizer
    assert (optimizer.name, optimizer.learning_rate) == (solver, 0.02)
    assert optimizer.hyperparameters["correction_in_rate" if solver == "adam" else "rate_in_velocity"]


def test_what_is_no_such_model_is_refused_by_name() -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    with pytest.raises(NotAChain, match=re.escape("(LinearRegression) is no multi-layer perceptron")):
        cp.from_sklearn(linear.LinearRegression())
    with pytest.raises(NotAChain, match=re.escape("step polynomialfeatures (PolynomialFeatures) cannot be taken")):
        cp.from_sklearn(make_pipeline(PolynomialFeatures(), MLPRegressor()))
    with pytest.raises(NotAChain, match="was not fitted"):
        cp.from_sklearn(MLPRegressor())


def test_an_optimizer_that_has_made_steps_begins_anew_and_that_is_said() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    from sklearn.neural_network import MLPRegressor

    for solver, momentum, expected in (("adam", 0.9, True), ("sgd", 0.9, True), ("sgd", 0.0, False)):
        model = MLPRegressor(hidden_layer_sizes=(2,), solver=solver, momentum=momentum).partial_fit(X, X[:, 0])
        said = [each for each in cp.from_sklearn(model).remarks if "begins anew" in each]
        assert bool(said) is expected
