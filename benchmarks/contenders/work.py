"""Work: the data, the initial weights and the order of the rows of a task. A function of the task alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from benchmarks.contenders.rows import Kind, Prediction, Training

import clearprop as cp
from clearprop.propagation.blocks import blocks
from clearprop.propagation.forward import forward
from clearprop.training.reference import Reference
from clearprop.types import Array

ORDERS = 4
"""Epochs whose order is made in advance; later ones take the same again."""

Layers = list[tuple[Array, Array]]
"""Weights, one row per unit, and biases, layer by layer, in float32."""


@dataclass(frozen=True, eq=False)
class Work:
    """What every contender is given to train: arrays in float32.

    ``labels`` are the classes where ``targets`` are one-hot. ``orders`` has the rows of each epoch in
    the order in which they are to be seen; the batches are gathered while time is taken.
    """

    task: Training
    inputs: Array
    targets: Array
    labels: Array | None
    layers: Layers
    orders: tuple[Array, ...]

    def batches(self, epoch: int) -> Array:
        """The rows of an epoch, counted from 0; shape (steps, batch)."""
        return self.orders[epoch % ORDERS].reshape(-1, self.task.batch)

    @cached_property
    def problem(self) -> cp.Problem:
        """The same, as clearprop states it."""
        task, net = self.task, network(self.task.sizes, self.task.kind)
        return cp.Problem(
            net,
            parameters=parameters(net, self.layers),
            optimizer=cp.SGD(task.rate) if task.kind == "logistic" else cp.Adam(task.rate),
            examples=cp.Examples(self.inputs, self.targets),
            settings=cp.Settings(batch_size=task.batch),
        )

    def loss(self, layers: Layers) -> float:
        """The error over all rows with these weights, in float64, whoever found them."""
        problem = self.problem
        start = cp.Problem(
            problem.network,
            parameters=parameters(problem.network, layers),
            examples=problem.examples,
            settings=problem.settings,
        )
        return Reference(start, "float64").loss()

    def trained(self) -> Layers:
        """The weights after the first epoch, by clearprop's NumPy in float64: what all others are compared with."""
        reference = Reference(self.problem, "float64")
        for step, rows in enumerate(self.batches(0), start=1):
            reference.step(rows, step, self.task.rate)
        return layers_of(reference.snapshot().parameters)


def made(task: Training) -> Work:
    """Normal inputs, and targets that a network can learn from them."""
    random, (inputs, *_, units) = np.random.default_rng(0), task.sizes
    x = random.standard_normal((task.rows, inputs), dtype=np.float32)
    teacher = random.standard_normal((inputs, units), dtype=np.float32) * np.float32(2 / np.sqrt(inputs))
    sums = x @ teacher
    labels = sums.argmax(axis=1) if task.kind == "relu" else None
    targets = 1 / (1 + np.exp(-sums)) if labels is None else np.eye(units, dtype=np.float32)[labels]
    orders = tuple(random.permutation(task.rows)[: task.units * task.batch] for _ in range(ORDERS))
    return Work(task, x, targets.astype(np.float32), labels, initial(task.sizes), orders)


def initial(sizes: tuple[int, ...]) -> Layers:
    """Weights as Glorot and Bengio (2010) draw them; biases that are not zero, so that none is forgotten unseen."""
    random, layers = np.random.default_rng(1), []
    for inputs, units in pairwise(sizes):
        bound = np.sqrt(6 / (inputs + units))
        weights = random.uniform(-bound, bound, (units, inputs)).astype(np.float32)
        layers.append((weights, random.uniform(-0.1, 0.1, units).astype(np.float32)))
    return layers


def network(sizes: tuple[int, ...], kind: Kind) -> cp.Network:
    """Logistic units throughout, or relu units and softmax."""
    inputs, *hidden, units = sizes
    last = "logistic" if kind == "logistic" else "softmax"
    return cp.Network(inputs, [*(cp.Dense(size, kind) for size in hidden), cp.Dense(units, last)])


def parameters(net: cp.Network, layers: Layers) -> cp.Parameters:
    """Weights and biases as clearprop keeps them."""
    weights, biases = zip(*layers, strict=True)
    return cp.Parameters.of(net, weights, biases)


def layers_of(found: cp.Parameters) -> Layers:
    """The inverse of ``parameters``."""
    depth = len(found.layout.layers)
    return [(np.array(found.weights(layer)), np.array(found.biases(layer))) for layer in range(depth)]


# --- prediction --------------------------------------------------------------------------------------------


def asked(task: Prediction) -> Array:
    """The rows to predict, in float32."""
    return np.random.default_rng(2).standard_normal((task.rows, task.sizes[0]), dtype=np.float32)


def predictor(task: Prediction) -> cp.Problem:
    """The network to predict with."""
    net = network(task.sizes, "relu")
    return cp.Problem(net, parameters=parameters(net, initial(task.sizes)))


def predicted(task: Prediction) -> Array:
    """The outputs in float64: what all others are compared with."""
    problem, inputs = predictor(task), asked(task).astype(float)
    parts = blocks(np.arange(task.rows))
    return np.concatenate([forward(problem.network, problem.parameters, inputs[part]).outputs[-1] for part in parts])
