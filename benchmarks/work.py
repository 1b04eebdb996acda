"""Work: the data and the initial weights of a task. A function of the task alone, which needs only NumPy.

Contenders of other environments import this, so nothing of clearprop may be imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
from benchmarks.rows import Prediction, Training

Array = np.ndarray[Any, Any]

Layers = list[tuple[Array, Array]]
"""Weights, one row per unit, and biases, layer by layer, in float32."""


@dataclass(frozen=True, eq=False)
class Work:
    """What every contender is given to train: arrays in float32.

    ``labels`` are the classes where ``targets`` are one-hot. ``orders`` has the rows of some epochs in the order in
    which they are to be seen; later epochs take the same again. Batches are gathered while time is taken.
    """

    task: Training
    inputs: Array
    targets: Array
    labels: Array | None
    layers: Layers
    orders: tuple[Array, ...]

    def batches(self, epoch: int) -> Array:
        """Return the rows of an epoch, counted from 0; shape (steps, batch)."""
        return self.orders[epoch % len(self.orders)].reshape(-1, self.task.batch)


class Contender(Protocol):
    """What every library is asked for. Nothing but ``train``, and what ``predictor`` gives, is timed."""

    def __init__(self, threads: int | None) -> None:
        """Set the library to a number of threads; None leaves it to the library."""

    def begin(self, work: Work) -> None:
        """Take over the data and the initial weights.

        Raises:
            Failed: it cannot do the same mathematics.
        """

    def train(self, epochs: int) -> float | None:
        """Train for some epochs, to the end of the last step, and return the loss of the last one.

        That is the mean of the losses of its batches as they were met, or exact, over all rows, after it.
        """

    def layers(self) -> Layers:
        """Return the present weights."""

    def predictor(self, task: Prediction, layers: Layers) -> Callable[[Array], Array]:
        """Return a function from rows of inputs to rows of outputs."""


class Begun(NamedTuple):
    """The first epoch or call: its seconds, with all that is compiled for it, and what came of it.

    ``found`` has the weights or the outputs, ``loss`` the loss of the epoch as the contender tells it.
    """

    seconds: float
    found: Any
    loss: float | None = None


class Round(NamedTuple):
    """The seconds of some epochs or calls, and how many processors were at work."""

    seconds: float
    busy: float


def made(task: Training, orders: tuple[Array, ...]) -> Work:
    """Make normal inputs, and targets that a network can learn from them."""
    random, (inputs, *_, units) = np.random.default_rng(0), task.sizes
    x = random.standard_normal((task.rows, inputs), dtype=np.float32)
    teacher = random.standard_normal((inputs, units), dtype=np.float32) * np.float32(2 / np.sqrt(inputs))
    sums = x @ teacher
    labels = sums.argmax(axis=1) if task.kind == "relu" else None
    targets = 1 / (1 + np.exp(-sums)) if labels is None else np.eye(units, dtype=np.float32)[labels]
    return Work(task, x, targets.astype(np.float32), labels, initial(task.sizes), orders)


def initial(sizes: tuple[int, ...]) -> Layers:
    """Draw weights as Glorot and Bengio (2010) do; biases are not zero, so that none is forgotten unseen."""
    random, layers = np.random.default_rng(1), []
    for inputs, units in pairwise(sizes):
        bound = np.sqrt(6 / (inputs + units))
        weights = random.uniform(-bound, bound, (units, inputs)).astype(np.float32)
        layers.append((weights, random.uniform(-0.1, 0.1, units).astype(np.float32)))
    return layers


def asked(task: Prediction) -> Array:
    """Make the rows to predict, in float32."""
    return np.random.default_rng(2).standard_normal((task.rows, task.sizes[0]), dtype=np.float32)
