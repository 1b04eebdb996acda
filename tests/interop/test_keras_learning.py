from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.interop.models import X, keras_module

import clearprop as cp
from clearprop.interop.chain import NotAChain
from clearprop.interop.keras_learning import short
from clearprop.propagation.cycle import following
from clearprop.rules.schedules import rate_at

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


@pytest.mark.parametrize("clip", [{"clipnorm": 0.1}, {"clipnorm": 1.0}, {"global_clipnorm": 0.1}, {"clipvalue": 0.05}])
def test_clipped_steps_are_kerass(clip: dict[str, float]) -> None:
    keras = keras_module()
    made = model(optimizer=keras.optimizers.SGD(0.3, momentum=0.9, **clip))
    targets = RNG.normal(size=(len(X), 2)).astype(np.float32)
    problem = cp.from_keras(made).with_examples(X, targets)
    assert not [each for each in problem.remarks if "clip" in each]
    done = cp.cycle(problem, "all")
    for _ in range(4):
        made.train_on_batch(X.astype(np.float32), targets)
        np.testing.assert_allclose(done.updated.vector, flat(made), rtol=2e-4, atol=2e-5)
        done = following(done)
    free = replace(problem, optimizer=cp.SGD(0.3, momentum=0.9, rate_in_velocity=True))
    moved = [np.abs(cp.cycle(each, "all").updated.vector - problem.parameters.vector) for each in (free, problem)]
    assert clip == {"clipnorm": 1.0} or (moved[0] > 1.2 * moved[1]).any()


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


@pytest.mark.parametrize("l1", [0.0, 0.02])
def test_l2_is_twice_kerass_and_l1_is_kerass(l1: float) -> None:
    keras = keras_module()
    made = model(regularizer=keras.regularizers.L1L2(l1, 0.03))
    targets = RNG.normal(size=(len(X), 2))
    problem = cp.from_keras(made).with_examples(X, targets)
    assert (problem.penalty.l2, problem.penalty.l1) == pytest.approx((0.06, l1))
    expected = made.evaluate(X.astype(np.float32), targets.astype(np.float32), verbose=0)
    assert cp.cycle(problem, "all").error == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ExponentialDecay", {"decay_steps": 4, "decay_rate": 0.5}),
        ("ExponentialDecay", {"decay_steps": 4, "decay_rate": 0.5, "staircase": True}),
        ("InverseTimeDecay", {"decay_steps": 4, "decay_rate": 0.5}),
        ("CosineDecay", {"decay_steps": 9, "alpha": 0.1}),
        ("PolynomialDecay", {"decay_steps": 9, "end_learning_rate": 0.01, "power": 2.0}),
    ],
)
def test_schedules_are_kerass_step_by_step(name: str, options: dict[str, Any]) -> None:
    keras = keras_module()
    theirs = getattr(keras.optimizers.schedules, name)(0.2, **options)
    problem = cp.from_keras(model(optimizer=keras.optimizers.SGD(theirs, momentum=0.9)))
    chosen, base = problem.optimizer.schedule, problem.optimizer.learning_rate
    rates = [float(rate_at(chosen, base, 0, step)) for step in range(1, 13)]
    np.testing.assert_allclose(rates, [float(theirs(step)) for step in range(12)], rtol=1e-5)
    assert not [each for each in problem.remarks if "schedule" in each]


def test_two_steps_of_a_falling_rate_are_kerass() -> None:
    keras = keras_module()
    falling = keras.optimizers.schedules.ExponentialDecay(0.2, 1, 0.5)
    made = model(optimizer=keras.optimizers.SGD(falling, momentum=0.9))
    targets = RNG.normal(size=(len(X), 2)).astype(np.float32)
    problem = cp.from_keras(made).with_examples(X, targets)
    settings = replace(problem.settings, epochs=3, batch_size=len(X), shuffle=False)
    fitted = cp.train(replace(problem, settings=settings))
    for _ in range(3):
        made.train_on_batch(X.astype(np.float32), targets)
    np.testing.assert_allclose(fitted.problem.parameters.vector, flat(made), rtol=2e-4, atol=2e-5)


def test_what_there_is_no_like_of_is_said() -> None:
    keras = keras_module()
    pieces = keras.optimizers.schedules.PiecewiseConstantDecay([3], [0.1, 0.01])
    problem = cp.from_keras(model(optimizer=keras.optimizers.Adam(pieces)))
    said = "; ".join(problem.remarks)
    assert "left out: Keras's schedule PiecewiseConstantDecay of the learning rate; rate 0.001 is taken" in said


@pytest.mark.parametrize("key", ["bias_regularizer", "activity_regularizer"])
def test_regularizers_of_all_but_kernels_are_refused_by_name(key: str) -> None:
    layers = keras_module().layers
    made = keras_module().Sequential([layers.Input((3,)), layers.Dense(2, **{key: "l2"})])
    with pytest.raises(NotAChain, match=f"its {key} cannot be taken; l1 and l2 on kernels can"):
        cp.from_keras(made)


def test_a_constraint_is_left_out_and_said_to_be() -> None:
    layers = keras_module().layers
    problem = cp.from_keras(
        keras_module().Sequential([layers.Input((3,)), layers.Dense(2, kernel_constraint="non_neg")])
    )
    assert [each for each in problem.remarks if "left out: the kernel_constraint of layer dense" in each]


def test_rates_kept_in_float32_are_shown_short() -> None:
    assert short(0.009999999776482582) == 0.01
    assert short(0.1234567890123) == 0.1234567890123
