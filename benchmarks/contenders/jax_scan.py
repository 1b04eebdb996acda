"""JAX: one compiled scan over the steps of an epoch, which gathers its batches itself; buffers donated."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from benchmarks.rows import Prediction
from benchmarks.work import Array, Layers, Work

jax: Any = import_module("jax")
jnp: Any = import_module("jax.numpy")

State = tuple[Any, Any]
"""The parameters, and what the optimizer remembers."""


def logistic_loss(layers: Any, inputs: Any, targets: Any) -> Any:
    """½ Σ (t - y)², the mean over the examples; logistic units."""
    for weights, biases in layers:
        inputs = jax.nn.sigmoid(inputs @ weights + biases)
    return 0.5 * jnp.sum((targets - inputs) ** 2) / len(inputs)


def relu_loss(layers: Any, inputs: Any, labels: Any) -> Any:
    """Cross-entropy after softmax, the mean over the examples; relu units."""
    found = scores(layers, inputs)
    own = jnp.take_along_axis(found, labels[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(found, axis=1) - own)


def scores(layers: Any, inputs: Any) -> Any:
    """The weighted sums of the last layer; relu units before it."""
    *hidden, (weights, biases) = layers
    for before, shift in hidden:
        inputs = jax.nn.relu(inputs @ before + shift)
    return inputs @ weights + biases


def sgd(parameters: Any, gradients: Any, memory: Any, rate: float) -> State:
    """Against the gradient."""
    return jax.tree.map(lambda w, g: w - rate * g, parameters, gradients), memory


def adam(parameters: Any, gradients: Any, memory: Any, rate: float) -> State:
    """Algorithm 1 of Kingma and Ba (2015), with its constants."""
    first, second, count = memory
    count = count + 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
    # 1 - 0.999 is off by 1e-5 in float32.
    unbias_first, unbias_second = (-jnp.expm1(count * np.log(beta)) for beta in (0.9, 0.999))

    def moved(w: Any, m: Any, v: Any) -> Any:
        return w - rate * (m / unbias_first) / (jnp.sqrt(v / unbias_second) + 1e-8)

    return jax.tree.map(moved, parameters, first, second), (first, second, count)


def epoch(
    loss: Callable[..., Any], update: Callable[..., State], rate: float, state: State, x: Any, t: Any, order: Any
) -> tuple[State, Any]:
    """All steps of an epoch, and the mean of their losses; ``order`` has the rows of each."""

    def step(state: State, rows: Any) -> tuple[State, Any]:
        parameters, memory = state
        batch = (array.at[rows].get(mode="promise_in_bounds") for array in (x, t))
        found, gradients = jax.value_and_grad(loss)(parameters, *batch)
        return update(parameters, gradients, memory, rate), found

    final, losses = jax.lax.scan(step, state, order)
    return final, losses.mean()


class Jax:
    """One call of compiled code per epoch."""

    def __init__(self, threads: int | None) -> None:
        """The number of threads is set in the environment, before JAX is loaded."""

    def begin(self, work: Work) -> None:
        """JAX's arrays of everything; weights one column per unit, which is the faster way here."""
        self.number = 0
        self.inputs = jnp.asarray(work.inputs)
        self.targets = jnp.asarray(work.targets if work.labels is None else work.labels.astype(np.int32))
        self.orders = [jnp.asarray(order.reshape(-1, work.task.batch), dtype=jnp.int32) for order in work.orders]
        parameters = _arrays(work.layers)
        logistic = work.task.kind == "logistic"
        memory = () if logistic else (*(jax.tree.map(jnp.zeros_like, parameters) for _ in range(2)), jnp.zeros(()))
        self.state: State = (parameters, memory)
        loss, update = (logistic_loss, sgd) if logistic else (relu_loss, adam)
        self.run = jax.jit(partial(epoch, loss, update, work.task.rate), donate_argnums=0)
        jax.block_until_ready((self.inputs, self.targets, self.orders, self.state))

    def train(self, epochs: int) -> float | None:
        """Epoch after epoch, each in its order."""
        mean = None
        for _ in range(epochs):
            order = self.orders[self.number % len(self.orders)]
            self.state, mean = self.run(self.state, self.inputs, self.targets, order)
            self.number += 1
        jax.block_until_ready((self.state, mean))
        return None if mean is None else float(mean)

    def layers(self) -> Layers:
        """The present weights as arrays, one row per unit."""
        return [(np.array(weights).T, np.array(biases)) for weights, biases in self.state[0]]

    def predictor(self, task: Prediction, layers: Layers) -> Callable[[Array], Array]:
        """Compiled for this number of rows."""
        outputs = jax.jit(lambda parameters, rows: jax.nn.softmax(scores(parameters, rows), axis=1))
        parameters = _arrays(layers)
        return lambda rows: np.asarray(outputs(parameters, rows))


def _arrays(layers: Layers) -> Any:
    return [(jnp.asarray(weights.T), jnp.asarray(biases)) for weights, biases in layers]
