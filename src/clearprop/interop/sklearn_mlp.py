"""scikit-learn's MLPClassifier and MLPRegressor, from a file or alive, and scalers in a pipeline before one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from clearprop.interop.chain import Chain, NotAChain, Signal, Stage
from clearprop.interop.operators import applied
from clearprop.interop.problem import Found
from clearprop.messages import abridged
from clearprop.network.data import Label
from clearprop.network.description import Objective
from clearprop.rules.losses import loss
from clearprop.rules.optimizers import Optimizer, optimizer
from clearprop.rules.penalties import Penalty
from clearprop.types import Array

MODELS = ("MLPClassifier", "MLPRegressor")
LOSSES = {
    "log_loss": "categorical_cross_entropy",
    "binary_log_loss": "binary_cross_entropy",
    "squared_error": "half_squared_error",
    "poisson": "y - t * log(y)",
}


class Estimator(Protocol):
    """An estimator, from a file or alive: the name of its class, and its attributes."""

    kind: str

    def get(self, name: str, usual: Any = None) -> Any: ...


def from_estimator(estimator: Estimator, shown: str) -> Found:
    """Return the layers of a model, with what scales its inputs folded in.

    Raises:
        NotAChain: a step that is neither a scaler nor such a model; names the first.
    """
    chain = Chain(single=False)
    signal, columns = Signal(Stage()), None
    steps = [*_steps(estimator, "")]
    for name, step in steps[:-1]:
        columns = columns if columns is not None else step.get("feature_names_in_")
        signal = _scaled(chain, signal, step, f"{shown}: step {abridged(name, 40)} ({abridged(step.kind, 40)})")
    name, model = steps[-1]
    place = f"{shown}: {f'step {abridged(name, 40)} ' if name else ''}({abridged(model.kind, 40)})"
    if model.kind not in MODELS:
        raise NotAChain(
            f"{place} is no multi-layer perceptron; MLPClassifier and MLPRegressor can be taken, and scalers before"
        )
    return _of_model(chain, signal, model, place, columns)


def _steps(estimator: Estimator, name: str) -> Iterator[tuple[str, Estimator]]:
    if estimator.kind != "Pipeline":
        yield name, estimator
        return
    for own, step in estimator.get("steps", ()):
        if step is None or (isinstance(step, str) and step == "passthrough"):
            continue
        yield from _steps(step, f"{name}.{own}" if name else str(own))


def _scaled(chain: Chain, signal: Signal, step: Estimator, place: str) -> Signal:
    """Return the signal scaled as a step does: (x - mean) / scale per column, however it is called."""
    one, none = np.ones(1), np.zeros(1)
    match step.kind:
        case "StandardScaler":
            mean = step.get("mean_") if step.get("with_mean", True) else None  # it is kept where it is not used, too
            scale = step.get("scale_")
        case "RobustScaler":
            mean, scale = step.get("center_"), step.get("scale_")
        case "MaxAbsScaler" if not step.get("clip", False):
            mean, scale = None, step.get("scale_")
        case "MinMaxScaler" if not step.get("clip", False):
            factor, added = (_array(step, name, place) for name in ("scale_", "min_"))
            return chain.affine(signal, factor, added, step.kind, place)
        case _:
            raise NotAChain(f"{place} cannot be taken; scalers of each column alone can, before the model")
    if mean is None and scale is None and step.get("n_features_in_") is None:
        raise NotAChain(f"{place} was not fitted: it has no n_features_in_")
    by = one if scale is None else np.asarray(scale, float)
    return chain.affine(signal, 1 / by, -(none if mean is None else np.asarray(mean, float)) / by, step.kind, place)


def _array(estimator: Estimator, name: str, place: str) -> Array:
    found = estimator.get(name)
    if not isinstance(found, np.ndarray):
        raise NotAChain(f"{place} was not fitted: it has no {name}")
    return found


def _of_model(chain: Chain, signal: Signal, model: Estimator, place: str, columns: Any) -> Found:
    weights, biases = model.get("coefs_"), model.get("intercepts_")
    if not isinstance(weights, list) or not isinstance(biases, list) or len(weights) != len(biases) or not weights:
        raise NotAChain(f"{place} was not fitted: it has no coefs_ and intercepts_")
    chain.single = all(getattr(each, "dtype", None) == np.float32 for each in weights)
    hidden, last = str(model.get("activation")), str(model.get("out_activation_"))
    for number, (matrix, bias) in enumerate(zip(weights, biases, strict=True), start=1):
        here = f"{place} coefs_[{number - 1}]"
        signal = chain.linear(signal, np.asarray(matrix, float).T, bias, here)
        name = hidden if number < len(weights) else last
        known = {"identity", "logistic", "tanh", "relu", "softmax", "exp"}
        if name not in known:
            raise NotAChain(f"{place}: unknown activation {abridged(name)}")
        signal = applied(chain, signal, {"logistic": "sigmoid", "exp": "exponential"}.get(name, name), here)
    classes = model.get("classes_") if model.kind == "MLPClassifier" else None
    outputs = len(np.atleast_1d(biases[-1]))
    labels = None if classes is None or isinstance(classes, list) else _labels(classes)
    if labels is not None and len(labels) != max(2, outputs):
        labels = None
    if labels is not None and last == "logistic" and outputs > 1:
        labels = None  # one yes or no per output
    names = columns if columns is not None else model.get("feature_names_in_")
    by = _optimizer(model, chain)
    if by is not None and model.get("t_"):
        chain.begins_anew(by)
    return Found(
        chain.layers(signal),
        chain,
        "scikit-learn",
        _loss(model, last, outputs, chain),
        by,
        _penalty(model),
        labels,
        () if names is None else tuple(map(str, names)),
    )


def _labels(classes: Any) -> tuple[Label, ...]:
    return tuple(each if isinstance(each, str) else float(each) for each in np.asarray(classes).ravel().tolist())


def _loss(model: Estimator, last: str, outputs: int, chain: Chain) -> Objective | None:
    name = str(model.get("loss"))
    if name == "log_loss" and last == "logistic":
        name = "binary_log_loss"
    if name not in LOSSES:
        return None
    if name == "squared_error" and outputs > 1:
        chain.note("scikit-learn's loss_ is the mean over the outputs; its gradients are those of their sum, as here")
    return Objective(loss(LOSSES[name]))


def _penalty(model: Estimator) -> Penalty:
    """Return α, which scikit-learn divides by the number of rows of a batch."""
    alpha = float(model.get("alpha") or 0.0)
    return Penalty(l2=alpha, divide_by_examples=True) if alpha else Penalty()


def _optimizer(model: Estimator, chain: Chain) -> Optimizer | None:
    rate = model.get("learning_rate_init")
    rate = 0.001 if rate is None else float(rate)
    if model.get("solver") == "adam":
        betas = float(model.get("beta_1", 0.9)), float(model.get("beta_2", 0.999))
        eps = float(model.get("epsilon", 1e-8))
        return optimizer("adam", learning_rate=rate, betas=betas, eps=eps, correction_in_rate=True)
    if model.get("solver") != "sgd":
        chain.note(f"scikit-learn trained it by {abridged(str(model.get('solver')), 20)}, which is no rule of updates")
        return None
    if (policy := model.get("learning_rate")) != "constant":
        chain.note(f"assumed: a constant learning rate; scikit-learn's was {abridged(str(policy), 20)}")
    momentum = float(model.get("momentum", 0.9))
    if not momentum:
        return optimizer("sgd", learning_rate=rate)
    nesterov = bool(model.get("nesterovs_momentum", True))
    return optimizer("sgd", learning_rate=rate, momentum=momentum, nesterov=nesterov, rate_in_velocity=True)
