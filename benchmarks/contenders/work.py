"""Work: the data, the initial weights and the order of the rows of a task. A function of the task alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

import clearprop as cp
from clearprop.arrays import Array
from clearprop.network.parameters import Parameters
from clearprop.training.metrics import outputs
from clearprop.training.reference import Reference
from benchmarks.contenders.rows import Prediction, Training

ORDERS = 4
"""Epochs whose order is made in advance; later ones take the same again."""

Layers = list[tuple[Array, Array]]
"""Weights, one row per unit, and biases, layer by layer, in float32."""


@dataclass(frozen=True, eq=False)
class Work:
    """What every contender is given, in float32; ``labels`` are the classes where targets are one-hot.

    ``orders`` has the rows of each epoch, one after the other.
    """

    task: Training
    inputs: Array
    targets: Array
    labels: Array | None
    layers: Layers
    orders: tuple[Array, ...]

    def order(self, epoch: int) -> Array:
        """The rows of an epoch, counted from 0; shape (steps, batch)."""
        return self.orders[epoch % ORDERS].reshape(-1, self.task.batch)

    @cached_property
    def problem(self) -> cp.Problem:
        """The same as clearprop states it."""
        task = self.task
        return cp.Problem(
            network(task.sizes, "logistic" if task.kind == "logistic" else "softmax", task.kind),
            parameters=parameters(network(task.sizes, "logistic", task.kind), self.layers),
            optimizer=cp.SGD(task.rate) if task.kind == "logistic" else cp.Adam(task.rate),
            examples=cp.Examples(self.inputs, self.targets),
            settings=cp.Settings(batch_size=task.batch),
        )
