from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.interop.models import X, keras_module

import clearprop as cp
from clearprop.interop.keras_learning import short
from clearprop.propagation.cycle import following

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")
RNG = np.random.default_rng(1)
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
    "Adam": {"learning_rate": 0.02},
    "AdamW": {"learning_rate": 0.02, "weight_decay": 0.1},
    "RMSprop": {"learning_rate": 0.02, "momentum": 0.5, "centered": True},
    "Adagrad": {"learning_rate": 0.05},
    "Adamax": {"learning_rate": 0.02},
    "Nadam": {"learning_rate": 0.02},
    "Adadelta": {"learning_rate": 0.5},
}


def model(last: str = "linear", loss: Any = "mse", optimizer: Any = "sgd", regularizer: Any = None) -> Any:
    keras = keras_module()
    keras.utils.set_random_seed(2)
    layers = keras.layers
    made = keras.Sequential([layers.Input((3,)), layers.Dense(4, activation="tanh", kernel_regularizer=regularizer),
                             layers.Dense(2, activation=last, kernel_regularizer=regularizer)])  # fmt: skip
    made.compile(optimizer=optimizer, loss=loss)
    return made


def flat(made: Any) -> np.ndarray:
    return np.concatenate(
        [part.ravel() for layer in made.layers for w, b in [layer.get_weights()] for part in (w.T, b)]
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_steps_are_kerass(name: str) -> None:
    keras = keras_module()
    made = model(optimizer=getattr(keras.optimizers, name)(**OPTIMIZERS[name]))
    targets = RNG.normal(size=(len(X), 2)).astype(np.float32)
    problem = cp.from_keras(made).with_examples(X, targets)
    for _ in range(2):
        made.train_on_batch(X.astype(np.float32), targets)
    new = following(cp.cycle(problem, "all")).updated.vector
    np.testing.assert_allclose(new, flat(made), rtol=2e-4, atol=2e-5)
    # By far more than rounding: what PyTorch's form of it would have made.
    assert np.abs(new - problem.parameters.vector).max() > 1e-3


@pytest.mark.parametrize(
    ("last", "loss", "targets"),
    [
        ("linear", "mse", RNG.normal(size=(len(X), 2))),
        ("linear", "mae", RNG.normal(size=(len(X), 2))),
        ("linear", "huber", RNG.normal(size=(len(X), 2))),
        ("sigmoid", "binary_crossentropy", RNG.uniform(size=(len(X), 2))),
        ("softmax", "categorical_crossentropy", np.eye(2)[RNG.integers(0, 2, len(X))]),
        ("softmax", "sparse_categorical_crossentropy", RNG.integers(0, 2, len(X))),
        ("linear", "logits", np.eye(2)[RNG.integers(0, 2, len(X))]),
    ],
)
def test_losses_are_kerass(last: str, loss: str, targets: Any) -> None:
    keras = keras_module()
    made = model(last, keras.losses.CategoricalCrossentropy(from_logits=True) if loss == "logits" else loss)
    problem = cp.from_keras(made).with_examples(X, targets)
    expected = made.evaluate(X.astype(np.float32), np.asarray(targets, np.float32), verbose=0)
    assert cp.cycle(problem, "all").error == pytest.approx(expected, rel=1e-5)


def test_l2_is_twice_kerass() -> None:
    keras = keras_module()
    made = model(regularizer=keras.regularizers.L2(0.03))
    targets = RNG.normal(size=(len(X), 2))
    problem = cp.from_keras(made).with_examples(X, targets)
    assert problem.penalty.l2 == pytest.approx(0.06)
    expected = made.evaluate(X.astype(np.float32), targets.astype(np.float32), verbose=0)
    assert cp.cycle(problem, "all").error == pytest.approx(expected, rel=1e-5)


def test_rates_kept_in_float32_are_shown_short() -> None:
    assert short(0.009999999776482582) == 0.01
    assert short(0.1234567890123) == 0.1234567890123
