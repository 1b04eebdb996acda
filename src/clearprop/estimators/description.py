"""An estimator as a problem of clearprop: its network, loss, optimizer and penalty; and back."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache, wraps
from itertools import pairwise
from numbers import Integral
from typing import Any, TypeVar

import numpy as np

from clearprop.errors import InvalidArgument, UnknownName
from clearprop.fields import accepted, shown, string
from clearprop.network.arrays import numbers
from clearprop.network.data import Column, Fitted
from clearprop.network.description import Network, objective
from clearprop.network.examples import Examples
from clearprop.network.layer import Dense
from clearprop.network.layout import Layout
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem, Settings
from clearprop.prediction.outputs import outputs
from clearprop.propagation.backward import backward
from clearprop.propagation.forward import forward
from clearprop.rules.losses import LOSSES as RULES
from clearprop.rules.optimizers import OPTIMIZERS, SGD, Optimizer, optimizer
from clearprop.rules.other_names import own_name
from clearprop.rules.penalties import Penalty
from clearprop.types import Array

Perceptron = Any
"""One of the estimators, whose file imports this one."""

Made = TypeVar("Made")

LOSSES = {
    "log_loss": {"softmax": "categorical_cross_entropy", "logistic": "binary_cross_entropy"},
    "squared_error": {"identity": "half_squared_error"},
    "poisson": {"exp": "half_poisson_deviance"},
}
"""scikit-learn's names of losses, each with the output activation that it has there, in clearprop's words."""

INITS = {"logistic": "sklearn_logistic"}
"""The initializers of weights by activation; after all others as ``sklearn``."""


# --- sizes, activations, first weights ------------------------------------------------------------------------


def hidden_sizes(given: Any) -> list[int]:
    """Return the sizes of the hidden layers.

    Raises:
        InvalidArgument: one is no whole number.
        ValueError: one is not above 0.
    """
    sizes = list(given) if hasattr(given, "__iter__") else [given]
    for size in sizes:
        if not isinstance(size, Integral):
            raise InvalidArgument(f"hidden_layer_sizes: expected whole numbers, found {shown(size)}")
    if np.any(np.array(sizes) <= 0):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return sizes


def per_layer(name: str, given: Any, layers: int) -> list[Any]:
    """Return a value for each hidden layer: a tuple has one for each, anything else is that of all."""
    if not isinstance(given, (tuple, list)):
        return [given] * layers
    if len(given) != layers:
        raise InvalidArgument(f"{name}: expected one for each of {layers} hidden layers, found {len(given)}")
    return list(given)


def before_weights(given: Any, layers: int) -> list[str]:
    """Return for each layer of weights the activation by which they are drawn: its own, or for the outputs the last
    hidden layer's, and the one that is given where there is none."""
    rules = per_layer("activation", given, layers)
    for each in rules:
        accepted(string, each, "activation")
    return [*rules, rules[-1] if rules else given if isinstance(given, str) else ""]


def out_activation(estimator: Perceptron) -> str:
    """Return the activation of the last layer, as scikit-learn chooses it."""
    if not hasattr(estimator, "classes_"):
        return "exp" if estimator.loss == "poisson" else "identity"
    return "softmax" if estimator._of_classes else "logistic"


def first_weights(
    estimator: Perceptron, sizes: list[int], random_state: np.random.RandomState, dtype: Any
) -> tuple[list[Array], list[Array]]:
    """Return initial weights and biases: those given, or drawn as scikit-learn draws them (Glorot and Bengio 2010).

    Raises:
        InvalidArgument: given ones of another shape, or not finite; an activation that is no text.
    """
    activations = before_weights(estimator.activation, len(sizes) - 2)
    drawn: list[list[Array]] = [[], []]
    for (inputs, units), activation in zip(pairwise(sizes), activations, strict=True):
        bound = np.sqrt((2.0 if activation == "logistic" else 6.0) / (inputs + units))
        for found, shape in zip(drawn, ((inputs, units), (units,)), strict=True):
            found.append(random_state.uniform(-bound, bound, shape).astype(dtype, copy=False))
    coefs, intercepts = drawn
    return (
        given_weights("initial_coefs", estimator.initial_coefs, coefs),
        given_weights("initial_intercepts", estimator.initial_intercepts, intercepts),
    )


def given_weights(name: str, given: Any, drawn: list[Array]) -> list[Array]:
    """Return the arrays that are given in place of those that are drawn."""
    if given is None:
        return drawn
    if len(given) != len(drawn):
        raise InvalidArgument(f"{name}: expected one array for each of {len(drawn)} layers, found {len(given)}")
    found = []
    for layer, (values, instead) in enumerate(zip(given, drawn, strict=True), start=1):
        array = numbers(values, f"{name}: layer {layer}: expected numbers").astype(instead.dtype)
        if array.shape != instead.shape or not np.isfinite(array).all():
            what = f"shape {array.shape}" if array.shape != instead.shape else "a number that is not finite"
            raise InvalidArgument(
                f"{name}: layer {layer}: expected finite numbers of shape {instead.shape}, found {what}"
            )
        found.append(array)
    return found


# --- the problem ------------------------------------------------------------------------------------------------


def _once(make: Callable[..., Made]) -> Callable[..., Made]:
    """Make what follows from parameters once: what is prepared for it is found again in the next fold or candidate."""
    kept = lru_cache(maxsize=64)(make)

    @wraps(make)
    def made(*parameters: Any) -> Made:
        try:
            hash(parameters)
        except TypeError:  # a list, say, which can change
            return make(*parameters)
        return kept(*parameters)

    return made


def network_of(estimator: Perceptron) -> Network:
    """Return the network, with default names."""
    sizes = len(estimator.coefs_[0]), *(each.shape[1] for each in estimator.coefs_)
    hidden = len(sizes) - 2
    activations, dropped = before_weights(estimator.activation, hidden), per_layer("dropout", estimator.dropout, hidden)
    return _network(sizes, tuple(activations), tuple(dropped), estimator.out_activation_, estimator.loss)


@_once
def _network(
    sizes: tuple[int, ...], rules: tuple[str, ...], dropped: tuple[float, ...], last: str, loss: str
) -> Network:
    inits = [INITS.get(rule, "sklearn") for rule in rules]
    layers = [
        Dense(units, rule, init=init, dropout=share)
        for units, rule, init, share in zip(sizes[1:], rules, inits, dropped, strict=False)
    ]
    layers.append(Dense(sizes[-1], last, init=inits[-1]))
    # scikit-learn's loss, or another of clearprop by name or expression. Means are over weights.
    own = LOSSES.get(loss, {}).get(last)
    if own is None and get_close_matches(loss, LOSSES) and loss not in LOSSES and own_name(loss, RULES) not in RULES:
        raise UnknownName("loss", loss, (*LOSSES, *RULES))
    return Network(sizes[0], layers, replace(objective(own or loss, layers), over_examples="weighted_mean"))


def shown_share(estimator: Perceptron) -> float:
    """Return the share of an example's errors in the loss that is shown: scikit-learn shows the mean over the outputs,
    although it takes the gradient of their sum."""
    return 1 / estimator.n_outputs_ if estimator.loss == "squared_error" else 1.0


def training(
    estimator: Perceptron,
    X: Array,
    targets: Array,
    weights: Array | None,
    settings: Settings,
    **parts: Array,
) -> Problem:
    """Return the problem of training on these rows, from the present weights."""
    network = network_of(estimator)
    return Problem(
        network,
        joined(network.layout, estimator.coefs_, estimator.intercepts_),
        optimizer_of(estimator),
        penalty_of(estimator),
        examples_of(X, targets, weights, **parts),
        settings,
    )


def penalty_of(estimator: Perceptron) -> Penalty:
    """Return the penalty: ½·alpha·Σw², divided as the errors of a batch are."""
    return Penalty(l2=estimator.alpha, divide_by_examples=True)


def problem(estimator: Perceptron, examples: Examples | None = None) -> Problem:
    """Return the fitted network, its inputs called like the columns of the fit and its outputs like the classes."""
    # Imported when a person asks: tables are read in ways that a fit need not know.
    from clearprop.tables.prepare import with_names

    fitted = fitted_of(estimator)
    network = with_names(network_of(estimator), fitted)
    return Problem(
        network,
        joined(network.layout, estimator.coefs_, estimator.intercepts_),
        optimizer_of(estimator),
        penalty_of(estimator),
        examples,
        settings_of(estimator, "float64" if examples is None else examples.inputs.dtype.name),
        name=type(estimator).__name__,
        fitted=fitted,
    )


def settings_of(estimator: Perceptron, dtype: str, batch_size: int | None = None) -> Settings:
    """Return how it trains: with an integer for ``random_state`` in the same order of rows."""
    seed = estimator.random_state if isinstance(estimator.random_state, Integral) else 0
    size = None if estimator.batch_size == "auto" else estimator.batch_size
    return Settings(
        epochs=estimator.max_iter,
        batch_size=batch_size or size,
        seed=int(seed),
        shuffle="sklearn" if estimator.shuffle else False,
        dtype=dtype,  # type: ignore[arg-type]
    )


def fitted_of(estimator: Perceptron) -> Fitted:
    """Return the names of columns and the classes, as a table's are kept."""
    columns = getattr(estimator, "feature_names_in_", None)
    if columns is None:
        columns = [f"x{number}" for number in range(1, len(estimator.coefs_[0]) + 1)]
    classes = getattr(estimator, "classes_", None)
    several = classes is not None and not estimator._of_classes and estimator.n_outputs_ > 1
    count = estimator.n_outputs_
    targets = tuple(f"y{number}" for number in range(1, count + 1)) if several or classes is None else ("y",)
    labels = (
        None
        if several or classes is None
        else tuple(each if isinstance(each, str) else float(each) for each in classes)
    )
    return Fitted(tuple(Column(str(name)) for name in columns), targets, labels)


def optimizer_of(estimator: Perceptron) -> Optimizer:
    """Return the optimizer: scikit-learn's form of SGD or Adam, or another of clearprop.

    Raises:
        UnknownName, InvalidArgument: no such optimizer, or no such option of it.
    """
    solver, usual = estimator.solver, {}
    if solver == "sgd" and estimator.momentum:
        usual = {"momentum": estimator.momentum, "nesterov": estimator.nesterovs_momentum, "rate_in_velocity": True}
    if solver == "adam":
        betas = estimator.beta_1, estimator.beta_2
        usual = {"betas": betas, "eps": estimator.epsilon, "correction_in_rate": True}
    more = usual | options_of(estimator.solver_params)
    return _optimizer(solver, estimator.learning_rate_init, tuple(more.items()))


def options_of(given: Any) -> dict[str, Any]:
    """Return the further options of a solver, given as pairs or as a dictionary."""
    try:
        return dict(given or ())
    except (TypeError, ValueError):
        raise InvalidArgument(
            f'solver_params: expected pairs of a name and a value, such as (("clip_norm", 1.0),), found {shown(given)}'
        ) from None


@_once
def _optimizer(solver: str, rate: float, options: tuple[tuple[str, Any], ...]) -> Optimizer:
    if solver == "lbfgs":
        return SGD(rate)  # no step of L-BFGS follows from one gradient
    if solver not in OPTIMIZERS:
        raise UnknownName("solver", solver, ("lbfgs", *OPTIMIZERS))
    return optimizer(solver, learning_rate=rate, **dict(options))


def examples_of(X: Array, targets: Array, weights: Array | None, **parts: Array) -> Examples:
    """Return rows as examples."""
    counts = None if weights is None else weights.astype(float)
    return Examples(
        X,
        np.asarray(targets, float).reshape(len(X), -1),
        counts,
        parts.get("training"),
        parts.get("validation"),
        own=False,
    )


# --- numbers of a fitted network ------------------------------------------------------------------------------------

_KNOWN: weakref.WeakKeyDictionary[Any, tuple[Any, Array, Problem]] = weakref.WeakKeyDictionary()
"""The last estimators that were asked: their rules, their weights, and the problem made of both."""


def outputs_of(estimator: Perceptron, X: Array) -> Array:
    """Return the outputs of rows, in their precision. What is prepared for that is kept outside the estimator."""
    arrays = (*estimator.coefs_, *estimator.intercepts_)
    rules = estimator.activation, estimator.out_activation_, [each.shape for each in arrays]
    weights = np.concatenate([each.ravel() for each in arrays])
    known = _KNOWN.get(estimator)
    if known is None or known[0] != rules or not np.array_equal(known[1], weights):
        network = network_of(estimator)
        parameters = joined(network.layout, estimator.coefs_, estimator.intercepts_)
        known = _KNOWN[estimator] = rules, weights, Problem(network, parameters)
    return outputs(known[2], known[2].parameters, X)[0]


def layer_outputs(estimator: Perceptron, X: Array) -> list[Array]:
    """Return the outputs of each layer for rows, in their precision."""
    network = network_of(estimator)
    parameters = joined(network.layout, estimator.coefs_, estimator.intercepts_)
    return list(forward(network, parameters.with_vector(parameters.vector.astype(X.dtype)), X).outputs)


def gradients(problem: Problem) -> tuple[list[Array], list[Array]]:
    """Return the gradient of a problem's examples as one batch, without dropout, in scikit-learn's shapes."""
    assert problem.examples is not None
    examples = problem.examples
    trace = forward(problem.network, problem.parameters, examples.inputs, weights=examples.weights)
    return split(backward(trace, examples.targets, problem.penalty).of)


# --- weights in both layouts --------------------------------------------------------------------------------------


def joined(layout: Layout, coefs: list[Array], intercepts: list[Array]) -> Parameters:
    """Return parameters of clearprop: scikit-learn's matrices have one row per input, clearprop's one per unit."""
    found = Parameters(layout, np.zeros(layout.size))
    for layer, (matrix, biases) in enumerate(zip(coefs, intercepts, strict=True)):
        found.weights(layer)[:] = np.asarray(matrix).T
        found.biases(layer)[:] = biases
    return found


def split(parameters: Parameters) -> tuple[list[Array], list[Array]]:
    """Return ``coefs_`` and ``intercepts_``, each array a copy."""
    layers = range(len(parameters.layout.layers))
    return [parameters.weights(k).T.copy() for k in layers], [parameters.biases(k).copy() for k in layers]


def order(layout: Layout) -> Array:
    """Return the place in the flat vector of each number of scikit-learn's packed parameters."""
    coefs, intercepts = split(Parameters(layout, np.arange(layout.size, dtype=float)))
    return np.concatenate([each.ravel() for each in (*coefs, *intercepts)]).astype(np.int64)
