"""scikit-learn's checks of estimators, all of them; and what both estimators share."""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from tests.estimators.common import X, Y, both, fitted

import clearprop as cp
from clearprop.errors import InvalidArgument, InvalidExpression, UnknownName
from clearprop.estimators import MLPClassifier, MLPRegressor, perceptron

KINDS = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
SOLVERS: tuple[dict[str, Any], ...] = (
    {},
    {"solver": "sgd", "hidden_layer_sizes": (20,)},
    {"solver": "lbfgs", "hidden_layer_sizes": (20,), "max_iter": 40},
)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([kind(**solver) for kind in (MLPClassifier, MLPRegressor) for solver in SOLVERS])
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)


# --- rows ---------------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_prediction_of_a_row_does_not_depend_on_the_rows_beside_it(kind: Any, dtype: Any) -> None:
    rows = np.random.RandomState(0).normal(size=(300, 30)).astype(dtype)
    estimator = fitted(kind(hidden_layer_sizes=(40, 20), max_iter=2, random_state=0), rows, np.arange(300) % 11)
    predict = getattr(estimator, "predict_proba", estimator.predict)
    whole = predict(rows)
    for first, last in ((0, 1), (7, 9), (3, 10), (20, 33), (100, 231)):
        assert np.array_equal(predict(rows[first:last]), whole[first:last])


@KINDS
@pytest.mark.parametrize("form", ["csr_array", "csc_matrix"])
def test_sparse_rows_are_made_dense_some_at_a_time(kind: Any, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    rows = X * (X > 1)
    estimator = fitted(kind(max_iter=3, random_state=0), getattr(sparse, form)(rows), Y)
    expected = fitted(kind(max_iter=3, random_state=0), rows, Y).predict(rows)
    made: list[int] = []

    def shown(some: Any) -> Any:
        made.append(some.shape[0])
        return some.toarray()

    monkeypatch.setattr(perceptron, "MOST_DENSE", 7 * X.shape[1])
    monkeypatch.setattr(perceptron, "dense", shown)
    assert np.array_equal(estimator.predict(getattr(sparse, form)(rows)), expected)
    assert max(made) == 7
    assert sum(made) == len(rows)


@KINDS
def test_pickles_hold_plain_numbers_and_predicting_changes_nothing(kind: Any) -> None:
    estimator = fitted(kind(max_iter=3, random_state=0), X, Y)
    before = pickle.dumps(estimator)
    expected = estimator.predict(X)
    assert pickle.dumps(estimator) == before
    again = pickle.loads(before)
    assert np.array_equal(again.predict(X), expected)
    plain = (int, float, str, bool, np.ndarray, np.generic, list, tuple, dict, type(None))
    odd = {name for name, value in vars(estimator).items() if not isinstance(value, plain)}
    assert odd <= {"_label_binarizer"}


@KINDS
def test_skops_files_need_no_trust_beyond_the_class(kind: Any, tmp_path: Path) -> None:
    io = pytest.importorskip("skops.io", reason="skops is not installed")
    estimator = fitted(kind(max_iter=3, random_state=0), X, Y)
    io.dump(estimator, tmp_path / "model.skops")
    untrusted = io.get_untrusted_types(file=tmp_path / "model.skops")
    assert untrusted == [f"{kind.__module__}.{kind.__name__}"]
    assert np.array_equal(io.load(tmp_path / "model.skops", trusted=untrusted).predict(X), estimator.predict(X))


def test_weights_changed_in_place_are_seen() -> None:
    estimator = fitted(MLPRegressor(max_iter=3, random_state=0), X, Y)
    estimator.predict(X)
    estimator.coefs_[1][:] = 0.0
    assert np.array_equal(estimator.predict(X), np.full(len(X), estimator.intercepts_[1][0]))


# --- what is more ---------------------------------------------------------------------------------------------


MORE: dict[str, dict[str, Any]] = {
    "an activation of clearprop": {"activation": "gelu"},
    "one for each layer": {"activation": ("tanh", "relu"), "hidden_layer_sizes": (4, 3)},
    "an expression": {"activation": "z * logistic(z)"},
    "an optimizer": {"solver": "rmsprop", "solver_params": (("alpha", 0.9),), "learning_rate_init": 0.001},
    "its options as a dictionary": {"solver": "adamw", "solver_params": {"weight_decay": 0.1}},
    "options of adam": {"solver_params": (("clip_norm", 1.0), ("schedule", "exponential"))},
    "a loss": {"loss": "huber"},
    "a loss of one's own": {"loss": "log1p((t - y)**2)"},
    "dropout": {"dropout": 0.2},
    "dropout for each layer": {"dropout": (0.0, 0.5), "hidden_layer_sizes": (4, 3)},
    "weights": {
        "initial_coefs": [np.ones((4, 2)), np.ones((2, 1))],
        "initial_intercepts": [[0, 0], [1]],
        "hidden_layer_sizes": 2,
    },
    "threads": {"n_jobs": -1},
}


@pytest.mark.parametrize("name", MORE)
def test_what_its_users_are_refused_elsewhere(name: str) -> None:
    base = {"max_iter": 5, "random_state": 0, "learning_rate_init": 0.01}
    estimator = fitted(MLPRegressor(**{**base, **MORE[name]}), X, Y)
    assert estimator.loss_curve_[-1] < estimator.loss_curve_[0] or name == "dropout for each layer"
    assert clone(estimator).get_params().keys() == estimator.get_params().keys()
    assert np.array_equal(fitted(clone(estimator), X, Y).predict(X), estimator.predict(X))


def test_threads_change_no_bit() -> None:
    one, two = (fitted(MLPRegressor(max_iter=3, random_state=0, n_jobs=n), X, Y).predict(X) for n in (1, 2))
    assert np.array_equal(one, two)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"activation": "rellu"}, UnknownName, 'unknown activation "rellu"; did you mean "relu"?'),
        ({"activation": "z +* 2"}, InvalidExpression, 'expected a number, a symbol or a function, found "*"'),
        ({"activation": ("relu", "tanh")}, InvalidArgument, "activation: expected one for each of 1 hidden layers"),
        ({"dropout": (0.1, 0.2)}, InvalidArgument, "dropout: expected one for each of 1 hidden layers, found 2"),
        ({"solver": "lbgfs"}, UnknownName, 'unknown solver "lbgfs"; did you mean "lbfgs"?'),
        ({"loss": "hubr"}, UnknownName, 'unknown loss "hubr"; did you mean "huber"?'),
        ({"loss": "log_los"}, UnknownName, 'unknown loss "log_los"; did you mean "log_loss"?'),
        ({"activation": [["relu"]]}, InvalidArgument, "activation: expected text in quotes, found a list of 1"),
        ({"solver_params": (("betaz", 1),)}, UnknownName, 'adam has no setting "betaz"; did you mean "betas"?'),
        ({"n_jobs": 0}, InvalidArgument, "n_jobs: expected a number of threads, or -1 for all processors, found 0"),
        (
            {"initial_coefs": [np.ones((3, 100)), np.ones((100, 1))]},
            InvalidArgument,
            "initial_coefs: layer 1: expected finite numbers of shape (4, 100), found shape (3, 100)",
        ),
        ({"alpha": -1}, ValueError, "The 'alpha' parameter of MLPRegressor must be a float in the range [0.0, inf)"),
        ({"hidden_layer_sizes": (3, 0)}, ValueError, "hidden_layer_sizes must be > 0, got [3, 0]."),
        ({"hidden_layer_sizes": (3, 2.5)}, InvalidArgument, "hidden_layer_sizes: expected whole numbers, found 2.5"),
        ({"hidden_layer_sizes": ("a",)}, InvalidArgument, 'hidden_layer_sizes: expected whole numbers, found "a"'),
        (
            {"solver_params": ("clip_norm", 1.0)},
            InvalidArgument,
            'solver_params: expected pairs of a name and a value, such as (("clip_norm", 1.0),), found a list of 2',
        ),
        (
            {"solver": "lbfgs", "solver_params": (("clip_norm", 1.0),)},
            InvalidArgument,
            'solver_params: solver="lbfgs" has none; it obeys tol, max_iter and max_fun',
        ),
        (
            {"solver": "lbfgs", "dropout": 0.5},
            InvalidArgument,
            'dropout: not with solver="lbfgs", which compares losses of the same network',
        ),
        ({"initial_coefs": [[["a"]], [[1]]]}, InvalidArgument, "initial_coefs: layer 1: expected numbers"),
    ],
    ids=str,
)  # fmt: skip
def test_wrong_parameters_are_refused_when_they_are_used(parameters: Any, error: type, message: str) -> None:
    with pytest.raises(error) as raised:
        MLPRegressor(**parameters).fit(X, Y)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("weights", "message"), [(-1.0, "Negative values in data passed to `sample_weight`"), (np.nan, "NaN")]
)
def test_wrong_weights_of_rows(weights: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MLPRegressor().fit(X, Y, sample_weight=[weights] * len(X))


def test_sparse_targets_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"^y: expected an array, found sparse targets; give y\.toarray\(\)$"):
        MLPRegressor().fit(X, sparse.csr_matrix(X[:, :2]))


@pytest.mark.parametrize("activation", ["relu", "logistic"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_without_hidden_layers(activation: str, solver: str) -> None:
    given: dict[str, Any] = {"activation": activation, "solver": solver, "max_iter": 20, "random_state": 0}
    given["hidden_layer_sizes"] = ()
    found, theirs = both(MLPClassifier, given, X, Y)
    assert [each.shape for each in found.coefs_] == [(4, 3)]
    assert np.allclose(found.coefs_[0], theirs.coefs_[0], rtol=1e-9 if solver == "adam" else 1e-4)
    # There is no activation to list.
    assert len(fitted(MLPClassifier(**given | {"activation": ()}), X, Y).coefs_) == 1


def test_before_it_is_fitted_there_is_nothing() -> None:
    unfitted = MLPClassifier()
    for ask in (unfitted.predict, unfitted.layer_outputs, partial(unfitted.gradients, y=Y)):
        with pytest.raises(NotFittedError):
            ask(X)
    with pytest.raises(NotFittedError):
        print(unfitted.problem_)


# --- explained --------------------------------------------------------------------------------------------------


@KINDS
def test_layers_and_gradients(kind: Any) -> None:
    """Against finite differences of the loss that the fit reports."""
    estimator = fitted(kind(hidden_layer_sizes=(4, 3), activation="tanh", max_iter=3, random_state=0), X, Y)
    layers = estimator.layer_outputs(X[:7])
    assert [each.shape for each in layers] == [(7, 4), (7, 3), (7, estimator.n_outputs_)]
    last = estimator.predict_proba(X[:7]) if kind is MLPClassifier else estimator.predict(X[:7])[:, None]
    assert layers[-1] == pytest.approx(last, rel=1e-12)

    def loss() -> float:
        return cp.cycle(estimator.clearprop_problem(X, Y), "all").error

    coefs, intercepts = estimator.gradients(X, Y)
    for arrays, gradients in ((estimator.coefs_, coefs), (estimator.intercepts_, intercepts)):
        for array, gradient in zip(arrays, gradients, strict=True):
            assert array.shape == gradient.shape
            place, step = (0,) * array.ndim, 1e-6
            array[place] += step
            above = loss()
            array[place] -= 2 * step
            below = loss()
            array[place] += step
            assert gradient[place] == pytest.approx((above - below) / (2 * step), rel=1e-4, abs=1e-8)


def test_a_fit_is_explained_with_the_names_of_its_columns() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(X, columns=["sepal length", "sepal width", "petal length", "petal width"])
    words = np.array(["setosa", "versicolor", "virginica"])[Y]
    estimator = fitted(MLPClassifier((3,), max_iter=5, random_state=0), frame, words)
    text = str(cp.explain(estimator, frame[:1], words[:1], "w5"))
    assert "∂z_h1_2/∂w5 = sepal_length = " in text
    assert "l2 · w5" in text
    assert "w5⁺ = w5 - η · (sqrt(1 - beta2^step) / (1 - beta1^step))" in text
    whole = cp.explain(estimator, frame, words, "w5").structure()["derivations"]["w5"]
    assert whole["gradient"] == pytest.approx(estimator.gradients(frame, words)[0][0][0, 1], rel=1e-12)
    assert np.array_equal(cp.predict(estimator.problem_, frame, classes=True), estimator.predict(frame))
    with pytest.raises(InvalidArgument, match=r"^explain: an estimator takes rows and their targets first"):
        cp.explain(estimator, "w5")


def test_its_problem_trains_to_the_same_weights() -> None:
    """What is explained is what ran: initial weights, order of rows, optimizer, penalty."""
    estimator = fitted(MLPRegressor(hidden_layer_sizes=(6,), random_state=3, max_iter=4, batch_size=40, tol=0), X, Y)
    problem = estimator.clearprop_problem(X, Y)
    drawn = cp.Parameters.random(problem.network, seed=3)
    found = cp.train(replace(problem, parameters=drawn), tolerance=0).problem.parameters.vector
    assert found == pytest.approx(problem.parameters.vector, rel=1e-12)


# --- in pipelines and searches -------------------------------------------------------------------------------------


def test_in_a_pipeline_and_a_grid() -> None:
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(max_iter=10, random_state=0))
    search = GridSearchCV(pipeline, {"mlpclassifier__activation": ["relu", ("tanh",), "z * logistic(z)"]}, cv=2)
    fitted(search, X, Y)
    assert search.best_score_ > 0.5
