from __future__ import annotations

import warnings

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import DamagedModel, InvalidArgument
from clearprop.interop.chain import Chain, Layer
from clearprop.interop.problem import Found, NoActivations, Told, activations_for, made
from clearprop.rules.activations import activation


def found(last: str = "identity", units: int = 2, **more: object) -> Found:
    rng = np.random.default_rng(0)
    layers = [
        Layer(rng.normal(size=(3, 2)), rng.normal(size=3), activation("tanh")),
        Layer(rng.normal(size=(units, 3)), None, activation(last)),
    ]
    return Found(layers, Chain(), "PyTorch", **more)  # type: ignore[arg-type]


def test_what_is_assumed_is_said() -> None:
    problem = made(found(), "model.pt", Told())
    assert problem.remarks == (
        "from: PyTorch",
        "assumed: loss half_squared_error, its sum over the outputs, the mean over the examples",
        "assumed: optimizer sgd, learning rate 0.1",
    )
    assert problem.network.layers[1].bias == "none"
    assert problem.fitted is None
    assert list(problem.network.unit_names[-1]) == ["y1", "y2"]


def test_classes_without_names_are_numbered() -> None:
    problem = made(found("softmax", 3), "model.pt", Told())
    assert problem.fitted is not None
    assert problem.fitted.classes == (0.0, 1.0, 2.0)
    assert problem.network.loss.rule.name == "categorical_cross_entropy"
    one = made(found("logistic", 1), "model.pt", Told())
    assert (one.fitted and one.fitted.classes, one.network.loss.rule.name) == ((0.0, 1.0), "binary_cross_entropy")


def test_a_loss_of_logits_puts_its_activation_into_the_last_layer() -> None:
    problem = made(found(), "model.pt", Told(loss="cross_entropy"))
    assert problem.network.layers[-1].rule.name == "softmax"
    assert problem.remarks[1] == "folded: softmax of the loss into the last layer: its outputs are probabilities"
    logits = made(found(units=1), "model.pt", Told(loss="bce_with_logits"))
    assert (logits.network.layers[-1].rule.name, logits.network.loss.rule.name) == ("logistic", "binary_cross_entropy")


def test_what_is_told_counts() -> None:
    problem = made(found(), "model.pt", Told(loss="huber", optimizer="adam"))
    assert (problem.network.loss.rule.name, problem.optimizer.name) == ("huber", "adam")
    assert problem.remarks == ("from: PyTorch",)
    with pytest.raises(InvalidArgument, match=r"^model.pt: says its activations itself; leave out --activations$"):
        made(found(), "model.pt", Told(activations=("relu",)))


def test_a_number_that_is_not_finite_is_named() -> None:
    broken = found()
    broken.layers[0].weights[1, 0] = np.nan
    with pytest.raises(DamagedModel, match=r"^model.pt: a damaged file: w3 is not a finite number"):
        made(broken, "model.pt", Told())


def test_activations_are_one_each_or_two() -> None:
    assert [each.name for each in activations_for(["relu", "softmax"], 4)] == ["relu", "relu", "relu", "softmax"]
    assert [each.name for each in activations_for(["relu", "softmax"], 2)] == ["relu", "softmax"]
    expected = "^--activations: expected 3 names, one per layer, or 2: hidden, last; found 1$"
    with pytest.raises(InvalidArgument, match=expected):
        activations_for(["relu"], 3)


def test_the_refusal_lists_the_layers() -> None:
    error = NoActivations("m.pt", ["fc1", "fc2"], [(4, 3), (2, 4)])
    assert "found 2 layers: fc1 (3 to 4), fc2 (4 to 2); name the activation of each" in str(error)
    assert error.example == "relu,identity"
    assert isinstance(error, cp.ClearpropError)


def test_a_penalty_of_folded_weights_is_said_to_be_one() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.random.default_rng(0).normal(size=(20, 3)) * 3
    for alpha, scaled, expected in ((0.1, True, True), (0.0, True, False), (0.1, False, False)):
        model = MLPRegressor(hidden_layer_sizes=(2,), max_iter=1, alpha=alpha, early_stopping=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = (make_pipeline(StandardScaler(), model) if scaled else model).fit(rows, rows[:, 0])
        said = "assumed: the penalty, or weight decay, is that of the folded weights, not of the file's own"
        assert (said in cp.from_sklearn(fitted).remarks) is expected
