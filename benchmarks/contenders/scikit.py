"""scikit-learn: MLPClassifier, and MLPRegressor where nothing there does the same mathematics."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from benchmarks.contenders.rows import Prediction, Training
from benchmarks.contenders.work import Layers, Work

from clearprop.types import Array

neural_network: Any = import_module("sklearn.neural_network")
NotConverged: Any = import_module("sklearn.exceptions").ConvergenceWarning


class Scikit:
    """``fit``, going on from the weights that are there. Adam's moments begin anew with every call."""

    def __init__(self, threads: int | None) -> None:
        """The number of threads is set in the environment, before BLAS is loaded."""

    def begin(self, work: Work) -> None:
        """An estimator with the given weights in it."""
        self.work, self.started = work, False
        self.targets = work.labels if work.labels is not None else work.targets
        if self.targets.ndim == 2 and self.targets.shape[1] == 1:
            self.targets = self.targets[:, 0]
        self.model = self._model(work)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConverged)
            # It makes its weights when it first fits; then they are replaced.
            self.model.fit(*self._some())
        _put(self.model, work.layers)

    def _model(self, work: Work) -> Any:
        task = work.task
        same = self.otherwise(task) is None
        make = neural_network.MLPClassifier if same else neural_network.MLPRegressor
        return make(
            hidden_layer_sizes=task.sizes[1:-1],
            activation=task.kind,
            solver="adam" if same else "sgd",
            # Identity units at the end diverge at rates that suit logistic ones.
            learning_rate_init=task.rate if same else 1e-6,
            momentum=0.0,
            alpha=0.0,
            batch_size=task.batch,
            tol=0.0,
            n_iter_no_change=10**9,
            max_iter=1,
            warm_start=True,
            shuffle=False,
            random_state=0,
        )

    def _some(self) -> tuple[Array, Array]:
        """Few rows, but all classes: those seen first are the ones it knows."""
        first = np.arange(self.work.task.batch)
        if self.work.labels is not None:
            first = np.concatenate([first, np.unique(self.work.labels, return_index=True)[1]])
        return self.work.inputs[first], self.targets[first]

    def train(self, epochs: int) -> None:
        """The first time in the given order, put in place beforehand; then in its own."""
        if not self.started:
            self.started = True
            order = self.work.batches(0).ravel()
            rows, wanted = self.work.inputs[order], self.targets[order]
        else:
            self.model.set_params(shuffle=True)
            seen = self.work.task.units * self.work.task.batch
            rows, wanted = self.work.inputs[:seen], self.targets[:seen]
        self.model.set_params(max_iter=epochs)
        with warnings.catch_warnings():
            # That it has not converged by the last epoch is what was asked for.
            warnings.simplefilter("ignore", NotConverged)
            self.model.fit(rows, wanted)

    def layers(self) -> Layers:
        """The present weights, one row per unit."""
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        return [(weights.T.copy(), biases.copy()) for weights, biases in pairs]

    def predictor(self, task: Prediction, layers: Layers) -> Callable[[Array], Array]:
        """``predict_proba``."""
        inputs, *hidden, classes = task.sizes
        model = neural_network.MLPClassifier(hidden, activation="relu", max_iter=1, batch_size=classes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConverged)
            model.fit(np.zeros((classes, inputs), np.float32), np.arange(classes))
        _put(model, layers)
        predict: Callable[[Array], Array] = model.predict_proba
        return predict

    def otherwise(self, task: Training) -> str | None:
        """It has no half squared error after logistic units."""
        return "identity units in the last layer" if task.kind == "logistic" else None


def _put(model: Any, layers: Layers) -> None:
    for layer, (weights, biases) in enumerate(layers):
        model.coefs_[layer][:] = weights.T
        model.intercepts_[layer][:] = biases
