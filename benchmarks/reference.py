"""The reference: clearprop's NumPy in float64, which everyone's first epoch and outputs are compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from benchmarks.results import Side
from benchmarks.rows import Kind, Prediction, Task, Training
from benchmarks.work import Array, Begun, Layers, Work, asked, initial, made

import clearprop as cp
from clearprop.network.blocks import blocks
from clearprop.propagation.forward import forward
from clearprop.training.orders import orders as drawn
from clearprop.training.reference import Reference

LOSSES = 1e-4
"""How far a loss may be from the reference's, relative to it."""

OUTPUTS = 1e-5
"""How far an output may be from the reference's."""

EPOCHS = 4
"""Epochs whose orders are made; the contenders that do not draw their own take them again and again."""


def orders(task: Training) -> tuple[Array, ...]:
    """Return the rows of the first epochs in the order in which ``cp.train`` draws them."""
    return tuple(drawn(task.rows, 0, range(EPOCHS)))


def network(sizes: tuple[int, ...], kind: Kind) -> cp.Network:
    """Logistic units throughout, or relu units and softmax."""
    inputs, *hidden, units = sizes
    last = "logistic" if kind == "logistic" else "softmax"
    return cp.Network(inputs, [*(cp.Dense(size, kind) for size in hidden), cp.Dense(units, last)])


def problem(work: Work) -> cp.Problem:
    """Return the work as clearprop states it. It trains for as many epochs as it is told."""
    task, net = work.task, network(work.task.sizes, work.task.kind)
    return cp.Problem(
        net,
        parameters=parameters(net, work.layers),
        optimizer=cp.SGD(task.rate) if task.kind == "logistic" else cp.Adam(task.rate),
        examples=cp.Examples(work.inputs, work.targets),
        settings=cp.Settings(batch_size=task.batch, tolerance=0.0),
    )


def parameters(net: cp.Network, layers: Layers) -> cp.Parameters:
    """Return weights and biases as clearprop keeps them."""
    weights, biases = zip(*layers, strict=True)
    return cp.Parameters.of(net, weights, biases)


def layers_of(found: cp.Parameters) -> Layers:
    """Return the inverse of ``parameters``."""
    depth = len(found.layout.layers)
    return [(np.array(found.weights(layer)), np.array(found.biases(layer))) for layer in range(depth)]


def check_of(task: Task) -> TrainingCheck | PredictionCheck:
    """Return what the entries of a row are compared with."""
    return TrainingCheck.of(task) if isinstance(task, Training) else PredictionCheck(predicted(task))


@dataclass(frozen=True, eq=False)
class TrainingCheck:
    """The first epoch: the weights, and the losses of the batches as they were met, and after it."""

    problem: cp.Problem
    initial: Layers
    trained: Layers
    met: float
    after: float

    @classmethod
    def of(cls, task: Training) -> TrainingCheck:
        """Train for an epoch in float64."""
        work = made(task, orders(task))
        given = problem(work)
        reference = Reference(given, "float64")
        found = [reference.step(rows, step, task.rate) for step, rows in enumerate(work.batches(0), start=1)]
        trained = layers_of(reference.snapshot().parameters)
        met = sum(errors for errors, _ in found) / task.rows
        return cls(given, work.layers, trained, met, reference.loss())

    def compare(self, side: Side, begun: Begun) -> None:
        """Note how far it is by the exact loss of its weights, the weights, and the loss that it tells itself."""
        found = replace(self.problem, parameters=parameters(self.problem.network, begun.found))
        after = Reference(found, "float64").loss()
        offs = [abs(after - self.after) / self.after]
        if begun.loss is not None:
            offs.append(min(abs(begun.loss - each) / each for each in (self.met, self.after)))
        side.off, side.allowed = float(np.max(offs)), LOSSES  # NaN if any is
        side.apart = distance(begun.found, self.trained) / distance(self.trained, self.initial)


def distance(one: Layers, other: Layers) -> float:
    """Return the Euclidean distance of two sets of weights."""
    pairs = (arrays for layers in zip(one, other, strict=True) for arrays in zip(*layers, strict=True))
    return float(np.sqrt(sum(((a.astype(float) - b) ** 2).sum() for a, b in pairs)))


@dataclass(frozen=True, eq=False)
class PredictionCheck:
    """The outputs in float64."""

    outputs: Array

    def compare(self, side: Side, begun: Begun) -> None:
        """Note the largest difference."""
        side.off, side.allowed = float(np.abs(begun.found - self.outputs).max()), OUTPUTS


def predicted(task: Prediction) -> Array:
    """Predict in float64."""
    net, inputs = network(task.sizes, "relu"), asked(task).astype(float)
    given = parameters(net, initial(task.sizes))
    return np.concatenate([forward(net, given, inputs[part]).outputs[-1] for part in blocks(np.arange(task.rows))])
