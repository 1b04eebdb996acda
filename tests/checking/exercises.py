"""Exercises for simulated students: random networks, their rules in NumPy, without a line of the bank."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

import clearprop as cp


def logistic(s: Any) -> Any:
    return 1 / (1 + np.exp(-s))


def _erf(s: Any) -> Any:
    return np.vectorize(math.erf)(s)


FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "identity": (lambda s: s, lambda s, o: np.ones_like(s)),
    "logistic": (logistic, lambda s, o: o * (1 - o)),
    "tanh": (np.tanh, lambda s, o: 1 - o**2),
    "relu": (lambda s: np.maximum(s, 0), lambda s, o: (s > 0) * 1.0),
    "leaky_relu": (lambda s: np.where(s > 0, s, 0.01 * s), lambda s, o: np.where(s > 0, 1.0, 0.01)),
    "elu": (lambda s: np.where(s > 0, s, np.expm1(s)), lambda s, o: np.where(s > 0, 1.0, o + 1)),
    "selu": (
        lambda s: 1.0507009873554805 * np.where(s > 0, s, 1.6732632423543772 * np.expm1(s)),
        lambda s, o: np.where(s > 0, 1.0507009873554805, o + 1.0507009873554805 * 1.6732632423543772),
    ),
    "softplus": (lambda s: np.log1p(np.exp(s)), lambda s, o: logistic(s)),
    "gelu": (
        lambda s: s / 2 * (1 + _erf(s / math.sqrt(2))),
        lambda s, o: (1 + _erf(s / math.sqrt(2))) / 2 + s * np.exp(-(s**2) / 2) / math.sqrt(2 * math.pi),
    ),
    "silu": (lambda s: s * logistic(s), lambda s, o: o + logistic(s) * (1 - o)),
}
LOSSES: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "half_squared_error": (lambda t, o: (t - o) ** 2 / 2, lambda t, o: o - t),
    "squared_error": (lambda t, o: (t - o) ** 2, lambda t, o: 2 * (o - t)),
    "absolute_error": (lambda t, o: np.abs(t - o), lambda t, o: np.sign(o - t)),
    "huber": (
        lambda t, o: np.where(np.abs(t - o) > 1, np.abs(t - o) - 0.5, (t - o) ** 2 / 2),
        lambda t, o: np.clip(o - t, -1, 1),
    ),
    "binary_cross_entropy": (
        lambda t, o: -(t * np.log(o) + (1 - t) * np.log(1 - o)),
        lambda t, o: -t / o + (1 - t) / (1 - o),
    ),
    "categorical_cross_entropy": (lambda t, o: -t * np.log(o), lambda t, o: -t / o),
}


@dataclass
class Exercise:
    """A network with numbers, as it stands on a sheet; weights have one row per unit."""

    weights: list[Any]
    biases: list[Any]
    activations: list[str]
    loss: str
    inputs: Any
    targets: Any
    rate: float
    shared: bool = False
    frozen: bool = False
    mean: bool = False
    l2: float = 0.0

    @property
    def sizes(self) -> list[int]:
        """The number of inputs, then of the units of each layer."""
        return [len(self.inputs), *(len(each) for each in self.weights)]

    @property
    def problem(self) -> cp.Problem:
        """The same for clearprop."""
        layers = [
            cp.Dense(len(w), rule, bias="shared" if self.shared else "unit", train_bias=not self.frozen)
            for w, rule in zip(self.weights, self.activations, strict=True)
        ]
        objective = cp.Objective(cp.loss(self.loss), "mean" if self.mean else "sum")
        network = cp.Network(len(self.inputs), layers, objective)
        made = cp.Problem(
            network,
            optimizer=cp.SGD(self.rate),
            penalty=cp.Penalty(l2=self.l2),
            examples=cp.Examples.of([self.inputs], [self.targets]),
            notation="lecture",
        )
        vector = [
            np.concatenate([np.ravel(w), np.atleast_1d(b)]) for w, b in zip(self.weights, self.biases, strict=True)
        ]
        made.parameters.vector[:] = np.concatenate(vector)
        return made

    def unit(self, layer: int, unit: int) -> str:
        """Return the name of a unit."""
        return f"y{unit + 1}" if layer == len(self.weights) - 1 else f"h{layer + 1}_{unit + 1}"

    def weight_number(self, layer: int, unit: int, source: int) -> int:
        """Return the number of a weight."""
        before = sum(w.size for w in self.weights[:layer])
        return int(before + unit * self.sizes[layer] + source + 1)


def random_exercise(rng: np.random.Generator, **fixed: Any) -> Exercise:
    """Return a random exercise: one-decimal weights of mixed signs, all different in a layer where that is possible."""
    depth = fixed.pop("depth", None) or int(rng.integers(1, 4))
    sizes = fixed.pop("sizes", None) or [int(n) for n in rng.integers(2, 4, size=depth + 1)]
    kinds = fixed.pop("activations", None) or [str(rng.choice(["logistic", "tanh", "relu"])) for _ in sizes[1:]]
    loss = fixed.pop("loss", None) or "half_squared_error"
    weights = [rng.integers(-9, 10, size=(m, n)) / 10 + 0.05 for n, m in pairwise(sizes)]
    shared = fixed.get("shared", bool(rng.integers(2)))
    biases = [rng.integers(1, 8) / 10 + 0.03 if shared else rng.integers(-7, 8, size=m) / 10 + 0.03 for m in sizes[1:]]
    inputs = rng.integers(2, 9, size=sizes[0]) / 10 + rng.integers(0, 9, size=sizes[0]) / 100
    targets = rng.integers(1, 9, size=sizes[-1]) / 10 + 0.02
    if loss == "categorical_cross_entropy":
        targets = np.eye(sizes[-1])[rng.integers(sizes[-1])]
    numbers = {"weights": weights, "rate": 0.3, "shared": shared, "frozen": False}
    return Exercise(biases=biases, activations=kinds, loss=loss, inputs=inputs, targets=targets, **{**numbers, **fixed})
