"""scikit-learn: MLPClassifier, with Adam."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from benchmarks.measure import Failed
from benchmarks.rows import Prediction
from benchmarks.work import Array, Layers, Work

neural_network: Any = import_module("sklearn.neural_network")
NotConverged: Any = import_module("sklearn.exceptions").ConvergenceWarning


class Scikit:
    """``fit``, going on from the weights that are there. Adam's moments begin anew with every call."""

    def __init__(self, threads: int | None) -> None:
        """The number of threads is set in the environment, before BLAS is loaded."""

    def begin(self, work: Work) -> None:
        """An estimator with the given weights in it."""
        if work.labels is None:
            raise Failed("it has no half squared error after logistic units")
        self.work, self.labels, self.started, task = work, work.labels, False, work.task
        self.model = neural_network.MLPClassifier(
            hidden_layer_sizes=task.sizes[1:-1],
            activation="relu",
            solver="adam",
            learning_rate_init=task.rate,
            alpha=0.0,
            batch_size=task.batch,
            tol=0.0,
            n_iter_no_change=10**9,
            max_iter=1,
            warm_start=True,
            shuffle=False,
            random_state=0,
        )
        # It makes its weights when it first fits, and knows the classes that it sees then; the weights are replaced.
        first = np.concatenate([np.arange(task.batch), np.unique(self.labels, return_index=True)[1]])
        fit(self.model, work.inputs[first], self.labels[first])
        _put(self.model, work.layers)

    def train(self, epochs: int) -> float | None:
        """The first time in the given order, put in place beforehand; then in its own."""
        order = slice(None) if self.started else self.work.batches(0).ravel()
        self.model.set_params(shuffle=self.started, max_iter=epochs)
        self.started = True
        fit(self.model, self.work.inputs[order], self.labels[order])
        return float(self.model.loss_)

    def layers(self) -> Layers:
        """The present weights, one row per unit."""
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        return [(weights.T.copy(), biases.copy()) for weights, biases in pairs]

    def predictor(self, task: Prediction, layers: Layers) -> Callable[[Array], Array]:
        """``predict_proba``."""
        inputs, *hidden, classes = task.sizes
        model = neural_network.MLPClassifier(hidden, activation="relu", max_iter=1, batch_size=classes)
        fit(model, np.zeros((classes, inputs), np.float32), np.arange(classes))
        _put(model, layers)
        predict: Callable[[Array], Array] = model.predict_proba
        return predict


def fit(model: Any, inputs: Array, targets: Array) -> None:
    """That it has not converged by the last epoch is what was asked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)
        model.fit(inputs, targets)


def _put(model: Any, layers: Layers) -> None:
    for layer, (weights, biases) in enumerate(layers):
        model.coefs_[layer][:] = weights.T
        model.intercepts_[layer][:] = biases
