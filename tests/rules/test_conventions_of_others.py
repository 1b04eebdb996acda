"""Rules in the forms of Keras and scikit-learn, against the frameworks themselves."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.expressions import evaluate
from clearprop.network.parameters import Parameters
from clearprop.propagation.update import initial_state, update
from clearprop.rules.optimizers import Optimizer
from clearprop.rules.roles import Role
from clearprop.rules.schedules import UNWATCHED, rate_at, schedule, watched
from clearprop.training.engines import EngineName
from clearprop.types import Array

NETWORK = cp.Network(3, [cp.Dense(4, "tanh"), cp.Dense(2)])
RATES = [0.1, 0.1, 0.07, 0.07, 0.02, 0.03, 0.001, 0.2]
RNG = np.random.default_rng(4)
START = RNG.normal(size=NETWORK.parameter_count)
GRADIENTS = RNG.normal(size=(len(RATES), len(START))) * 10.0 ** RNG.integers(-3, 3, size=(len(RATES), 1))

Steps = Callable[[], Array]


def ours(chosen: Optimizer) -> Array:
    """The weights after a step for each gradient and rate."""
    parameters = cp.Parameters(NETWORK.layout, START)
    state: Mapping[str, Array] = initial_state(chosen, parameters)
    for step, (gradient, rate) in enumerate(zip(GRADIENTS, RATES, strict=True), start=1):
        changed = update(chosen, parameters, parameters.with_vector(gradient), state, step, rate)
        parameters, state = changed.parameters, changed.state
    return parameters.vector


def keras() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    return pytest.importorskip("keras", reason="Keras is not installed: its rules are not compared")


def by_keras(name: str, **options: Any) -> Array:
    framework = keras()
    # The rate is kept in Keras's usual precision.
    before = framework.config.floatx()
    framework.config.set_floatx("float64")
    try:
        variable = framework.Variable(START.copy())
        optimizer = getattr(framework.optimizers, name)(**options)
        for gradient, rate in zip(GRADIENTS, RATES, strict=True):
            optimizer.learning_rate = rate
            optimizer.apply([framework.ops.convert_to_tensor(gradient)], [variable])
    finally:
        framework.config.set_floatx(before)
    return np.array(variable.value.detach().tolist())


def by_sklearn(name: str, **options: Any) -> Array:
    module = pytest.importorskip(
        "sklearn.neural_network._stochastic_optimizers", reason="scikit-learn is not installed"
    )
    weights = [START.copy()]
    optimizer = getattr(module, name)(weights, learning_rate_init=RATES[0], **options)
    for gradient, rate in zip(GRADIENTS, RATES, strict=True):
        optimizer.learning_rate = optimizer.learning_rate_init = rate
        optimizer.update_params(weights, [gradient])
    return weights[0]


SKLEARN: list[tuple[Optimizer, str, dict[str, Any]]] = [
    (cp.Adam(correction_in_rate=True), "AdamOptimizer", {}),
    (
        cp.Adam(betas=(0.7, 0.8), eps=1e-3, correction_in_rate=True),
        "AdamOptimizer",
        {"beta_1": 0.7, "beta_2": 0.8, "epsilon": 1e-3},
    ),
    (cp.SGD(momentum=0.9, nesterov=True, rate_in_velocity=True), "SGDOptimizer", {}),
    (cp.SGD(momentum=0.6, rate_in_velocity=True), "SGDOptimizer", {"momentum": 0.6, "nesterov": False}),
    (cp.SGD(), "SGDOptimizer", {"momentum": 0.0}),
]


@pytest.mark.parametrize(("chosen", "name", "options"), SKLEARN, ids=str)
def test_optimizers_of_sklearn(chosen: Optimizer, name: str, options: dict[str, Any]) -> None:
    np.testing.assert_allclose(ours(chosen), by_sklearn(name, **options), rtol=1e-12, atol=1e-12)


KERAS: list[tuple[Optimizer, str, dict[str, Any]]] = [
    (cp.SGD(), "SGD", {}),
    (cp.SGD(momentum=0.9, rate_in_velocity=True), "SGD", {"momentum": 0.9}),
    (cp.SGD(momentum=0.9, nesterov=True, rate_in_velocity=True), "SGD", {"momentum": 0.9, "nesterov": True}),
    (
        cp.SGD(momentum=0.9, rate_in_velocity=True, weight_decay=0.1, decoupled_weight_decay=True),
        "SGD",
        {"momentum": 0.9, "weight_decay": 0.1},
    ),
    (cp.RMSprop(alpha=0.9, eps=1e-7, eps_in_sqrt=True), "RMSprop", {}),
    (
        cp.RMSprop(alpha=0.8, eps=1e-2, eps_in_sqrt=True, momentum=0.5, rate_in_velocity=True, centered=True),
        "RMSprop",
        {"rho": 0.8, "epsilon": 1e-2, "momentum": 0.5, "centered": True},
    ),
    (cp.Adagrad(eps=1e-7, eps_in_sqrt=True, initial_accumulator_value=0.1), "Adagrad", {}),
    (
        cp.Adagrad(eps=1e-2, eps_in_sqrt=True, initial_accumulator_value=0.3, weight_decay=0.1,
                   decoupled_weight_decay=True),
        "Adagrad",
        {"epsilon": 1e-2, "initial_accumulator_value": 0.3, "weight_decay": 0.1},
    ),
    (cp.Adadelta(rho=0.95, eps=1e-7), "Adadelta", {}),
    (cp.Adam(eps=1e-7, correction_in_rate=True), "Adam", {}),
    (
        cp.Adam(betas=(0.7, 0.8), eps=1e-3, correction_in_rate=True, weight_decay=0.2, decoupled_weight_decay=True),
        "Adam",
        {"beta_1": 0.7, "beta_2": 0.8, "epsilon": 1e-3, "weight_decay": 0.2},
    ),
    (cp.AdamW(eps=1e-7, correction_in_rate=True, weight_decay=0.004), "AdamW", {}),
    (cp.NAdam(eps=1e-7, momentum_decay=1.0), "Nadam", {}),
    (cp.Adamax(eps=1e-7, eps_in_max=False), "Adamax", {}),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras's own, in Nadam
@pytest.mark.parametrize(("chosen", "name", "options"), KERAS, ids=str)
def test_optimizers_of_keras(chosen: Optimizer, name: str, options: dict[str, Any]) -> None:
    np.testing.assert_allclose(ours(chosen), by_keras(name, **options), rtol=1e-10, atol=1e-10)


def test_the_forms_differ() -> None:
    """Each setting changes what the comparisons above would find."""
    for one, other in [
        (cp.Adam(eps=1e-3), cp.Adam(eps=1e-3, correction_in_rate=True)),
        (cp.SGD(momentum=0.9), cp.SGD(momentum=0.9, rate_in_velocity=True)),
        (cp.RMSprop(eps=1e-3), cp.RMSprop(eps=1e-3, eps_in_sqrt=True)),
        (cp.RMSprop(momentum=0.9), cp.RMSprop(momentum=0.9, rate_in_velocity=True)),
        (cp.Adagrad(eps=1e-3), cp.Adagrad(eps=1e-3, eps_in_sqrt=True)),
        (cp.Adamax(eps=10.0), cp.Adamax(eps=10.0, eps_in_max=False)),
        (cp.Adam(weight_decay=0.1), cp.Adam(weight_decay=0.1, decoupled_weight_decay=True)),
    ]:
        assert np.abs(ours(one) - ours(other)).max() > 1e-5, (one, other)


# --- whole trainings of scikit-learn --------------------------------------------------------------------

X = RNG.normal(size=(23, 3))
CLASSES = RNG.integers(0, 3, size=23)


def mlp(fitted: Mapping[str, Any] = MappingProxyType({}), **options: Any) -> Any:
    """scikit-learn's classifier after some epochs; its warning that it has not converged is not shown."""
    module = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")
    options = {"hidden_layer_sizes": (4, 5), "max_iter": 6, "random_state": 3, "alpha": 0.0, "batch_size": 5, **options}
    made = module.MLPClassifier(**options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return made.fit(X, CLASSES, **fitted)


def problem(chosen: Optimizer, activation: str = "tanh", **settings: Any) -> cp.Problem:
    """The same as that classifier."""
    init = "sklearn_logistic" if activation == "logistic" else "sklearn"
    hidden = [cp.Dense(size, activation, init=init) for size in (4, 5)]
    network = cp.Network(3, [*hidden, cp.Dense(3, "softmax", init=init)])
    settings = {"epochs": 6, "batch_size": 5, "seed": 3, "tolerance": 0.0, **settings}
    return cp.Problem(
        network,
        optimizer=chosen,
        examples=cp.Examples(X, np.eye(3)[CLASSES]),
        settings=cp.Settings(shuffle="sklearn", dtype="float64", **settings),
    )


def agrees(parameters: Parameters, theirs: Any) -> None:
    for layer, (coefs, intercepts) in enumerate(zip(theirs.coefs_, theirs.intercepts_, strict=True)):
        np.testing.assert_allclose(parameters.weights(layer), coefs.T, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(parameters.biases(layer), intercepts, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu", "identity"])
def test_trainings_of_sklearn(activation: str, engine: EngineName) -> None:
    """From the same seed: initial weights, the order of rows, batches with a remainder, and Adam."""
    theirs = mlp(activation=activation, learning_rate_init=0.01)
    fit = cp.train(problem(cp.Adam(0.01, correction_in_rate=True), activation), engine=engine)
    assert np.abs(fit.problem.parameters.vector - problem(cp.SGD(), activation).parameters.vector).max() > 1e-2
    agrees(fit.problem.parameters, theirs)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("options", [{}, {"power_t": 0.3}], ids=str)
def test_invscaling_of_sklearn(options: dict[str, Any], engine: EngineName) -> None:
    theirs = mlp(activation="tanh", solver="sgd", learning_rate_init=0.2, learning_rate="invscaling", **options)
    rule = schedule("invscaling", power=options.get("power_t", 0.5))
    chosen = cp.SGD(0.2, momentum=0.9, nesterov=True, rate_in_velocity=True, schedule=rule)
    fit = cp.train(problem(chosen), engine=engine)
    agrees(fit.problem.parameters, theirs)
    assert fit.history.rate[-1] == pytest.approx(0.2 / (5 * 23 + 1) ** options.get("power_t", 0.5))


@pytest.mark.parametrize("patience", [1, 3])
def test_the_adaptive_rate_of_sklearn(patience: int) -> None:
    """Their own code is given losses; it lowers the rate, and at last ends the training, when ours does."""
    pytest.importorskip("sklearn", minversion="1.7", reason="scikit-learn counts and weighs otherwise before 1.7")
    stochastic = pytest.importorskip("sklearn.neural_network._stochastic_optimizers", reason="no scikit-learn")
    theirs = mlp(max_iter=1, tol=1e-2, n_iter_no_change=patience)
    optimizer = stochastic.SGDOptimizer([], learning_rate_init=0.1, lr_schedule="adaptive")
    theirs.best_loss_, theirs._no_improvement_count, theirs.loss_curve_ = np.inf, 0, []
    chosen, state, ended = schedule("adaptive", patience=patience, tolerance=1e-2), UNWATCHED, False
    for loss in np.maximum(1 / np.arange(1, 200), 0.05) + 0.01 * RNG.normal(size=199):
        assert rate_at(chosen, 0.1, 0, 1, scale=state["scale"]) == pytest.approx(optimizer.learning_rate, rel=1e-12)
        theirs.loss_curve_.append(loss)
        theirs._update_no_improvement_count(False, None, None, None)
        if theirs._no_improvement_count > patience:
            ended, theirs._no_improvement_count = optimizer.trigger_stopping("", False), 0
        state = watched(chosen, 0.1, state, loss)
        assert bool(state["done"]) is ended
        if ended:
            break
    assert ended
    assert optimizer.learning_rate < 2e-6


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_the_penalty_and_weights_of_sklearn(solver: str, weighted: bool, engine: EngineName) -> None:
    """α/2 Σw² over the number of a batch's rows, of which the last has fewer, or over the sum of their weights."""
    pytest.importorskip("sklearn", minversion="1.7", reason="scikit-learn counts and weighs otherwise before 1.7")
    weights = RNG.uniform(0.1, 3.0, size=23) if weighted else None
    theirs = mlp(solver=solver, alpha=0.7, learning_rate_init=0.05, fitted={"sample_weight": weights})
    chosen = cp.Adam(0.05, correction_in_rate=True)
    if solver == "sgd":
        chosen = cp.SGD(0.05, momentum=0.9, nesterov=True, rate_in_velocity=True)
    made = problem(chosen, "relu")
    assert made.examples is not None
    objective = replace(made.network.loss, over_examples="weighted_mean")
    network = cp.Network(3, made.network.layers, objective)
    examples = replace(made.examples, weights=weights)
    made = replace(made, network=network, examples=examples, penalty=cp.Penalty(l2=0.7, divide_by_examples=True))
    fit = cp.train(made, engine=engine)
    agrees(fit.problem.parameters, theirs)
    np.testing.assert_allclose(fit.history.loss[1:], theirs.loss_curve_, rtol=1e-10)


# --- activations ----------------------------------------------------------------------------------------

TORCH: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("gelu_tanh", "GELU", {"approximate": "tanh"}, {}),
    ("gelu", "GELU", {}, {}),
    ("mish", "Mish", {}, {}),
    ("celu", "CELU", {"alpha": 0.7}, {"alpha": 0.7}),
    ("relu6", "ReLU6", {}, {}),
    ("hard_tanh", "Hardtanh", {}, {}),
    ("hard_sigmoid", "Hardsigmoid", {}, {}),
    ("hard_swish", "Hardswish", {}, {}),
    ("softsign", "Softsign", {}, {}),
    ("log_sigmoid", "LogSigmoid", {}, {}),
    ("tanhshrink", "Tanhshrink", {}, {}),
    ("softshrink", "Softshrink", {"lambd": 0.5}, {}),
    ("hardshrink", "Hardshrink", {"lambd": 0.3}, {"lambd": 0.3}),
    ("threshold", "Threshold", {"threshold": 0.3, "value": 2.0}, {"threshold": 0.3, "value": 2.0}),
    ("leaky_relu", "LeakyReLU", {}, {}),
    ("elu", "ELU", {}, {}),
    ("selu", "SELU", {}, {}),
    ("silu", "SiLU", {}, {}),
    ("softplus", "Softplus", {"threshold": 1e9}, {}),
]


@pytest.mark.parametrize(("name", "theirs", "options", "constants"), TORCH, ids=[each[1] for each in TORCH])
def test_activations_of_pytorch(name: str, theirs: str, options: dict[str, Any], constants: dict[str, float]) -> None:
    """Outputs and slopes, also at the kinks."""
    torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed: activations are not compared")
    rule = cp.activation(theirs.lower(), **constants) if theirs != "GELU" else cp.activation(name)
    assert rule.name == name
    sums = np.concatenate([np.linspace(-7.3, 7.1, 61), [-6, -3, -1, -0.5, -0.3, 0, 0.3, 0.5, 1, 3, 6]])
    given = torch.tensor(sums, requires_grad=True)
    outputs = getattr(torch.nn, theirs)(**options)(given)
    outputs.sum().backward()
    np.testing.assert_allclose(rule.outputs(sums), outputs.detach().numpy(), rtol=1e-12, atol=1e-15)
    slopes = rule.pull_back(sums, np.ones_like(sums))
    # In these two PyTorch keeps 1/6 and 1/alpha in single precision.
    rounded = name in ("hard_sigmoid", "celu")
    np.testing.assert_allclose(slopes, given.grad.numpy(), rtol=1e-6 if rounded else 1e-11, atol=1e-14)


# --- losses ---------------------------------------------------------------------------------------------

CLIPPED_BY_TORCH = "-(t * max(log(y), -100) + (1 - t) * max(log1p(-y), -100))"
CLIPPED_BY_KERAS = "-(t * log(max(min(y, 1 - 1e-7), 1e-7)) + (1 - t) * log1p(-max(min(y, 1 - 1e-7), 1e-7)))"


def test_the_cross_entropy_of_pytorch_near_0_and_1() -> None:
    """Its logarithms are at least -100; far from 0 and 1 it is the named loss."""
    torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed: losses are not compared")
    outputs = np.array([0.0, 1e-60, 1e-8, 0.3, 0.5, 1 - 1e-9, 1.0])
    for target in (0.0, 1.0, 0.25):
        given = torch.tensor(outputs, requires_grad=True)
        targets = torch.full_like(given, target)
        theirs = torch.nn.functional.binary_cross_entropy(given, targets, reduction="none")
        rule = cp.loss(CLIPPED_BY_TORCH)
        with np.errstate(divide="ignore"):
            errors = evaluate(rule.formula, {Role.OUTPUT: outputs, Role.TARGET: np.full(7, target)})
        np.testing.assert_allclose(errors, theirs.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize("target", [0.0, 1.0, 0.25])
def test_the_cross_entropy_of_keras_near_0_and_1(target: float) -> None:
    """Its outputs are first brought into 1e-7 to 1 - 1e-7; it answers in single precision."""
    framework = keras()
    outputs = np.array([0.0, 1e-60, 1e-8, 0.3, 0.5, 1 - 1e-9, 1.0])
    given = framework.ops.convert_to_tensor(outputs[:, None])
    targets = framework.ops.convert_to_tensor(np.full((7, 1), target))
    theirs = framework.losses.binary_crossentropy(targets, given).detach().tolist()
    rule = cp.loss(CLIPPED_BY_KERAS)
    errors = evaluate(rule.formula, {Role.OUTPUT: outputs, Role.TARGET: np.full(7, target)})
    np.testing.assert_allclose(errors, theirs, rtol=1e-6)
