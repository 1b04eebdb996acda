from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.interop.models import X, assert_same, keras_module

import clearprop as cp
from clearprop.errors import DamagedModel
from clearprop.interop.chain import NotAChain
from clearprop.interop.keras_layers import from_layers

SINGLE = X.astype(np.float32)
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


def save(model: Any, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path)
    return path


@pytest.mark.parametrize("end", ["keras", "h5"])
def test_every_activation_gives_kerass_outputs(end: str, tmp_path: Path) -> None:
    """One model with a layer for each, so that Keras works once."""
    keras = keras_module()
    from clearprop.interop.keras_layers import KNOWN

    names = [name for name in KNOWN if hasattr(keras.activations, name) and name not in ("exponential", "softmax")]
    layers = keras.layers
    model = keras.Sequential([layers.Input((3,)), *(layers.Dense(3, activation=name) for name in names),
                              layers.Dense(2, activation="softmax")])  # fmt: skip
    problem = cp.load(save(model, tmp_path / f"m.{end}"))
    assert_same(problem, model.predict(SINGLE, verbose=0), 1e-6)
    assert len(names) > 20


@pytest.mark.parametrize("end", ["keras", "h5"])
def test_models_within_the_model_are_their_layers(end: str, tmp_path: Path) -> None:
    keras = keras_module()
    layers = keras.layers
    keras.utils.set_random_seed(3)
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(4, "tanh", name="same")], name="inner")
    other = keras.Sequential([layers.Input((4,)), layers.Dense(4, "sigmoid", name="same")], name="other")
    outer = keras.Sequential([layers.Input((3,)), layers.Dense(4, "relu"), inner, other, layers.Dense(4)], name="enc")
    model = keras.Sequential([layers.Input((3,)), outer, layers.Dense(2)])
    problem, expected = cp.load(save(model, tmp_path / f"m.{end}")), model.predict(SINGLE, verbose=0)
    for each in (problem, cp.from_keras(model)):
        assert_same(each, expected, 1e-6)
        assert "flattened: inner, a model within the model, is its layers" in each.remarks
    assert [layer.rule.name for layer in problem.network.layers] == ["relu", "tanh", "logistic", "identity", "identity"]


def test_normalization_rescaling_batch_norms_and_advanced_activations_are_taken(tmp_path: Path) -> None:
    keras = keras_module()
    layers = keras.layers
    rng = np.random.default_rng(0)
    model = keras.Sequential([
        layers.Input((3,)), layers.Rescaling(0.5, offset=0.1),
        layers.Normalization(mean=[1.0, 2, 3], variance=[1.0, 4, 9]),
        layers.Dense(4, use_bias=False), layers.BatchNormalization(), layers.LeakyReLU(0.15), layers.Dropout(0.2),
        layers.Dense(4), layers.ELU(0.7), layers.BatchNormalization(scale=False), layers.Dense(3), layers.ReLU(6.0),
        layers.Flatten(), layers.Dense(2), layers.Softmax(),
    ])  # fmt: skip
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 2, each.shape) for each in layer.get_weights()])
    problem, live = cp.load(save(model, tmp_path / "m.keras")), cp.from_keras(model)
    expected = model.predict(SINGLE, verbose=0)
    for each in (problem, live):
        assert_same(each, expected, 1e-6)
    assert "left out: Dropout (0.2), which acts in training only" in problem.remarks
    assert problem.parameters == live.parameters


@pytest.mark.parametrize("end", ["keras", "h5"])
def test_a_normalization_that_was_adapted_is_taken(end: str, tmp_path: Path) -> None:
    """It counts its rows in whole numbers, beside their mean and variance."""
    keras = keras_module()
    layers = keras.layers
    model = keras.Sequential([layers.Input((3,)), layers.Normalization(), layers.Dense(2)])
    model.layers[0].adapt(X)
    assert_same(cp.load(save(model, tmp_path / f"m.{end}")), model.predict(SINGLE, verbose=0), 1e-6)


@pytest.mark.parametrize("end", ["keras", "h5"])
def test_weights_in_bfloat16_are_read_and_what_computes_in_it_is_said(end: str, tmp_path: Path) -> None:
    keras = keras_module()
    layers = keras.layers
    model = keras.Sequential([layers.Input((3,)), layers.Dense(2, dtype="bfloat16", name="short", trainable=False)])
    problem = cp.load(save(model, tmp_path / f"m.{end}"))
    kernel = keras.ops.convert_to_numpy(model.layers[0].kernel.value.float())
    np.testing.assert_array_equal(problem.parameters.weights(0), kernel.T)
    assert "left out: layer short computes in bfloat16; here in float32" in problem.remarks
    assert "left out: layer short is not trained (trainable is false); here all are" in problem.remarks


@pytest.mark.parametrize("given", [{"threshold": 0.2}, {"max_value": 0.4, "negative_slope": 0.1, "threshold": 0.3}])
def test_relu_with_all_its_settings(given: dict[str, float]) -> None:
    keras = keras_module()
    layers = keras.layers
    model = keras.Sequential([layers.Input((3,)), layers.Dense(4), layers.ReLU(**given), layers.Dense(2)])
    assert_same(cp.from_keras(model), model.predict(SINGLE, verbose=0), 1e-6)


def test_a_functional_model_in_a_row_is_taken_and_a_branch_refused(tmp_path: Path) -> None:
    keras = keras_module()
    layers = keras.layers
    inputs = keras.Input((3,))
    hidden = layers.Dense(4, activation="tanh", name="first")(inputs)
    model = keras.Model(inputs, layers.Dense(2)(hidden))
    assert_same(cp.load(save(model, tmp_path / "m.keras")), model.predict(SINGLE, verbose=0), 1e-6)
    joined = keras.Model(inputs, layers.Dense(2)(layers.add([hidden, layers.Dense(4, name="second")(hidden)])))
    with pytest.raises(NotAChain, match=re.escape("layer add (Add) takes first, second")):
        cp.load(save(joined, tmp_path / "b.keras"))


def config(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"layers": list(layers)}}


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"class_name": "Conv2D", "config": {"name": "c"}}, "layer c (Conv2D), a convolution, cannot be taken"),
        ({"class_name": "LSTM", "config": {"name": "l"}}, "layer l (LSTM), a recurrent layer, cannot be taken"),
        ({"class_name": "Lambda", "config": {"name": "f"}}, "layer f (Lambda), code of its own, which is not run"),
        ({"class_name": "LayerNormalization", "config": {"name": "n"}}, "layer n (LayerNormalization), a layer norm"),
        ({"class_name": "Own", "config": {"name": "o"}}, "layer o (Own) cannot be taken"),
        (
            {"class_name": "Dense", "config": {"name": "o"}, "registered_name": "Custom>Dense"},
            "layer o (Dense) is of a class of its own, whose code is not run",
        ),
        (
            {
                "class_name": "Activation",
                "config": {"name": "a", "activation": {"class_name": "__lambda__", "config": {"value": ["4wE"]}}},
            },
            "layer a (Activation): its activation is code of its own, which is not run",
        ),
        (
            {"class_name": "Dense", "config": {"name": "e", "kernel_regularizer": {"config": {"l2": 0.01}}}},
            "its layers have different regularizers (l2 0 and l1 0: d; l2 0.01 and l1 0: e), and here one penalty",
        ),
        ({"class_name": "Activation", "config": {"name": "a", "activation": "mine"}}, "its activation mine cannot be"),
    ],
)
def test_other_layers_are_refused_by_name(layer: dict[str, Any], message: str) -> None:
    dense = {"class_name": "Dense", "config": {"name": "d", "units": 2}}
    with pytest.raises(NotAChain, match=re.escape(message)):
        from_layers(config(dense, layer), None, lambda *_: [np.ones((2, 2)), np.ones(2)], "m.keras")


def test_a_class_of_ones_own_is_refused() -> None:
    with pytest.raises(NotAChain, match="the model is of the class Mine, whose code is not run"):
        from_layers({"class_name": "Mine", "config": {}}, None, lambda *_: [], "m.keras")


def test_units_that_contradict_the_weights_are_a_damaged_file() -> None:
    dense = {"class_name": "Dense", "config": {"name": "d", "units": 10**12}}
    with pytest.raises(DamagedModel, match="its weights are of 2 units, but it says 1,000,000,000,000"):
        from_layers(config(dense), None, lambda *_: [np.ones((2, 2)), np.ones(2)], "m.keras")
