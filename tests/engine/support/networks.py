"""Random problems for the compiled engine, and how its numbers are compared with the reference's.

A problem is a function of its seed. Rules go round with the seed, so that a run of seeds has every
loss and every optimizer; what a problem starts from are float32 numbers, in either precision the same.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engine import calling, plan
from clearprop.engine.native import Native
from clearprop.engine.workers import together
from clearprop.models.snapshot import Snapshot
from clearprop.network.examples import Examples
from clearprop.network.problem import Problem, Settings
from clearprop.propagation.forward import example_share, output_errors
from clearprop.rules.activations import ACTIVATIONS, activation
from clearprop.rules.losses import LOSSES
from clearprop.rules.optimizers import Optimizer, optimizer
from clearprop.rules.schedules import Schedule, schedule
from clearprop.training.batching import Memory, batch_size, planned
from clearprop.training.planned_steps import PlannedSteps
from clearprop.training.reference import Reference
from clearprop.types import Array

# --- what there is to choose from ---------------------------------------------------------------------

GIVEN_ACTIVATIONS = (
    "log(1 + z**2)",
    "0.2 * z + tanh(z)",
    "where(z > 0.1, sqrt(1 + z), exp(-abs(z)))",
    "max(min(z, 1), -1)",
)
JUMPING = {"hardshrink", "threshold", "exp"}
"""Where a rounding in float32 makes an output another one, or a number too large for it."""
ACTIVATION_NAMES = (*(name for name in ACTIVATIONS if name not in JUMPING), *GIVEN_ACTIVATIONS)
GIVEN_LOSSES = ("(t - y)**2 + 0.1 * (t - y)**4", "log1p((t - y)**2)")
LOSS_NAMES = (*LOSSES, *GIVEN_LOSSES)
MOVING: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("sgd", {}),
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01}),
    ("sgd", {"momentum": 0.7, "nesterov": True}),
    ("sgd", {"weight_decay": 0.05}),
    ("rmsprop", {}),
    ("rmsprop", {"centered": True, "alpha": 0.9}),
    ("rmsprop", {"momentum": 0.5, "weight_decay": 0.01}),
    ("adagrad", {}),
    ("adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.1, "weight_decay": 0.01}),
    ("adam", {}),
    ("adam", {"betas": (0.8, 0.95), "weight_decay": 0.02}),
    ("adamw", {}),
    ("sgd", {"momentum": 0.8, "rate_in_velocity": True, "nesterov": True}),
    ("sgd", {"momentum": 0.8, "rate_in_velocity": True, "dampening": 0.3, "weight_decay": 0.01}),
    ("rmsprop", {"eps_in_sqrt": True, "rate_in_velocity": True, "momentum": 0.5, "decoupled_weight_decay": True}),
    ("adagrad", {"eps_in_sqrt": True}),
    ("adam", {"correction_in_rate": True}),
    ("adadelta", {"eps": 1e-3}),
    ("nadam", {}),
    ("adamax", {}),
    ("adamax", {"eps_in_max": False, "weight_decay": 0.01, "decoupled_weight_decay": True}),
)
"""Optimizers with their options."""
SCHEDULES = (
    schedule("constant"),
    schedule("constant", warmup=5),
    schedule("step", size=1, gamma=0.5),
    schedule("exponential", gamma=0.7, warmup=2),
    schedule("cosine", epochs=3),
)
PENALTIES = (cp.Penalty(), cp.Penalty(), cp.Penalty(l2=0.01), cp.Penalty(l1=0.003), cp.Penalty(0.01, 0.002))
# Widths at and beside the edges of vectors and panels, of any kind.
EDGES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65)
SEEDS = range(333, 359)
"""Of random networks with every rule: the shortest run of seeds that has all of them. Many tests have the same ones, of
15,000 weights at most, in the precision that ``dtype_of`` says: their code is compiled once."""
BATCHES = (1, 2, 3, 4, 5, 6, 7, 8, 13, 16, 31, 64, 100, 127, 128, 129, 131, 200, 254, 256, 257)


def drawn(seed: int, *, weights: int = 40_000) -> Problem:
    """A problem with everything in it that a seed says, with at most so many weights.

    One in seven is tiny, with batches of one example: of these, some have code of their own.
    """
    rng, tiny = np.random.default_rng([seed, 20]), seed % 7 == 3
    sizes = _tiny_sizes(rng) if tiny else _sizes(rng, 1 + int(rng.integers(6)), weights)
    network = cp.Network(sizes[0], *_layers(rng, seed, sizes, tiny=tiny))
    examples, batch = examples_for(rng, network, 1 if tiny else int(rng.choice(BATCHES)))
    parameters = cp.Parameters.random(network, seed)
    parameters.vector[:] = single(parameters.vector + rng.normal(0, 0.05, parameters.vector.size))
    settings = Settings(epochs=1, batch_size=batch, seed=int(rng.integers(2**40)), shuffle=bool(rng.random() < 0.8))
    penalty = replace(PENALTIES[int(rng.integers(len(PENALTIES)))], divide_by_examples=seed % 3 == 0)
    problem = Problem(network, parameters, penalty=penalty, examples=examples, settings=settings)
    return replace(problem, optimizer=_optimizer(rng, problem, *MOVING[seed % len(MOVING)]))


def dtype_of(seed: int) -> str:
    """The precision in which the network of a seed is computed."""
    return ("float32", "float64")[seed % 2]


def single(values: Array) -> Array:
    """The float32 numbers nearest to these, as float64."""
    return values.astype(np.float32).astype(float)


def _layers(
    rng: np.random.Generator, seed: int, sizes: list[int], *, tiny: bool
) -> tuple[list[cp.Dense], cp.Objective]:
    """The layers, and the objective that goes with the last one."""
    name = LOSS_NAMES[seed % len(LOSS_NAMES)]
    layers = []
    for position, size in enumerate(sizes[1:], start=1):
        last = position == len(sizes) - 1
        rule = _fitting(rng, name, size) if last else str(rng.choice(ACTIVATION_NAMES))
        # With outputs dropped a cross-entropy or deviance is infinite.
        finite = "entropy" not in name and "deviance" not in name
        dropped = rng.random() < 0.25 and (finite or not last) and not tiny
        layers.append(
            cp.Dense(
                size,
                _varied(rng, rule),
                bias=("unit", "unit", "none" if tiny else "shared", "unit", "none")[int(rng.integers(5))],
                train_bias=bool(rng.random() < 0.8),
                dropout=float(rng.choice([0.1, 0.25, 0.5])) if dropped else 0.0,
            )
        )
    error = cp.loss(name, delta=0.3) if name == "huber" and rng.random() < 0.5 else cp.loss(name)
    over = [("sum", "mean")[int(rng.integers(2))] for _ in range(2)]
    over[1] = "weighted_mean" if over[1] == "mean" and seed % 4 == 0 else over[1]
    return layers, cp.Objective(error, *over)  # type: ignore[arg-type]


def _sizes(rng: np.random.Generator, depth: int, weights: int) -> list[int]:
    """Widths from 1 to 300, many of them at the edges of tiles, with so many weights in all."""
    while True:
        wide = rng.random(depth + 1) < 0.3
        sizes = [int(rng.integers(1, 301)) if each else int(rng.choice(EDGES)) for each in wide]
        if sum(one * other for one, other in pairwise(sizes)) <= weights:
            return sizes


def _tiny_sizes(rng: np.random.Generator) -> list[int]:
    return [int(rng.integers(1, 6)), *(int(size) for size in rng.integers(1, 5, int(rng.integers(1, 4))))]


def _fitting(rng: np.random.Generator, loss: str, size: int) -> str:
    """An activation of the last layer that the loss allows."""
    if loss == "categorical_cross_entropy":
        return "softmax"
    if loss == "binary_cross_entropy":
        # The last two are not fused with it. Of a single unit, softmax is 1, and that loss infinite.
        chosen = str(rng.choice(["logistic", "logistic", "softmax", "1 / (1 + exp(-z))"]))
        return "logistic" if chosen == "softmax" and size == 1 else chosen
    if loss == "half_poisson_deviance":
        return str(rng.choice(["exp", "softplus"]))
    return str(rng.choice(ACTIVATION_NAMES))


def _varied(rng: np.random.Generator, name: str) -> Any:
    """The activation, its constants now and then not the usual ones."""
    usual = ACTIVATIONS[name].constants if name in ACTIVATIONS else {}
    return activation(name, **{key: value * 1.25 for key, value in usual.items()} if rng.random() < 0.3 else {})


def examples_for(rng: np.random.Generator, network: cp.Network, batch: int) -> tuple[Examples, int]:
    """Two batches and what is left over, some rows set aside, and the size of a batch."""
    learnt = 2 * batch + int(rng.integers(batch)) + (3 if batch == 1 else 0)
    aside = int(rng.integers(0, 6))
    rows = learnt + aside
    targets = single(rng.uniform(0.05, 0.95, (rows, network.sizes[-1])))
    if network.loss.rule.sums_to_one:
        targets = single(targets / targets.sum(axis=1, keepdims=True))
    weights = single(rng.choice([0.0, 0.5, 1.0, 2.75], rows)) if rng.random() < 0.3 else None
    order = rng.permutation(rows)
    training, validation = (np.sort(order[:learnt]), np.sort(order[learnt:])) if aside else (None, None)
    inputs = single(rng.normal(size=(rows, network.sizes[0])))
    return Examples(inputs, targets, weights, training, validation, own=False), batch


def _optimizer(rng: np.random.Generator, problem: Problem, name: str, options: Mapping[str, Any]) -> Optimizer:
    """The optimizer at a rate at which a step moves the weights by some hundredths, whatever the loss."""
    reference = Reference(problem, "float64")
    first = planned(problem, 0, Memory(problem))[0]
    gradient = reference.work_out(first.rows, 1, 0.0).gradients.of.vector
    largest = float(np.abs(gradient).max()) or 1.0
    rate = {"sgd": 0.03 * float(np.abs(problem.parameters.vector).max()) / largest, "adagrad": 0.02}.get(name, 0.003)
    clips: dict[str, float] = {}
    if rng.random() < 0.25:
        clips["clip_norm"] = float(single(np.array(rng.choice([0.3, 2.0]) * np.linalg.norm(gradient) or 1.0)))
    if rng.random() < 0.25:
        clips["clip_value"] = float(single(np.array(0.4 * largest)))
    chosen: Schedule = SCHEDULES[int(rng.integers(len(SCHEDULES)))]
    return optimizer(name, learning_rate=float(rate), schedule=chosen, **clips, **options)


def problem_of(
    sizes: tuple[int, ...], rows: int, batch: int, activation: str = "tanh", chosen: Optimizer | None = None
) -> Problem:
    """A plain network: one activation, squared errors."""
    rng = np.random.default_rng(3)
    network = cp.Network(sizes[0], [cp.Dense(size, activation) for size in sizes[1:]])
    targets = single(rng.uniform(-0.9, 0.9, (rows, sizes[-1])))
    examples = Examples(single(rng.normal(size=(rows, sizes[0]))), targets, own=False)
    settings = Settings(batch_size=batch, seed=7)
    problem = Problem(network, optimizer=chosen or cp.SGD(0.1), examples=examples, settings=settings)
    problem.parameters.vector[:] = single(problem.parameters.vector)
    return problem


WIDE = problem_of((40, 90, 70, 10), 500, 131, chosen=cp.Adam(0.01))
"""Long enough that a thread is interrupted now and then; no batch of it is a whole number of tiles."""


# --- running ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class End:
    """Where a run ended: the parameters, what the optimizer remembers, and, if it was asked for, the error
    of what was learnt."""

    vector: Array
    state: Mapping[str, Array]
    error: float | None

    def distances(self, truth: End) -> dict[str, float]:
        """How far this is from another end: the largest difference over the largest number, part by part."""
        pairs = {"parameters": (self.vector, truth.vector)}
        pairs |= {name: (self.state[name], truth.state[name]) for name in truth.state}
        if self.error is not None:
            pairs["error"] = (np.array([self.error]), np.array([truth.error]))
        return {name: distance(*pair) for name, pair in pairs.items()}


def distance(found: Array, truth: Array) -> float:
    """max |found - truth| / max |truth|; infinite where a number is not finite."""
    if not truth.size:
        return 0.0
    difference = np.abs(found.astype(np.longdouble) - truth).max()
    if not np.isfinite(difference):
        return float("inf")
    return float(difference / largest) if (largest := np.abs(truth).max()) else float("inf" if difference else 0)


def epoch_of(problem: Problem, epochs: int = 1) -> PlannedSteps:
    """The steps of the first epochs."""
    return PlannedSteps.of(step for epoch in range(epochs) for step in planned(problem, epoch, Memory(problem)))


def by_reference(problem: Problem, dtype: Any, *, nudge: int = 0, epochs: int = 1) -> End:
    """An epoch by NumPy. A nudge, where it is not 0, is the seed of changes to all numbers that the
    training starts from, by one rounding: what they change, no precision of that kind can know."""
    reference = Reference(problem, dtype)
    if nudge:
        rng = np.random.default_rng(nudge)
        present = reference.snapshot()
        reference.present = Snapshot.of(
            present.parameters.with_vector(_nudged(rng, present.parameters.vector)), present.state
        )
        reference.inputs = _nudged(rng, reference.inputs)
    for turn in epoch_of(problem, epochs):
        reference.step(*turn)
    snapshot = reference.snapshot()
    assert problem.examples is not None
    error = error_of(problem, reference, problem.examples.learnt)
    return End(snapshot.parameters.vector, snapshot.state, error)


def error_of(problem: Problem, reference: Reference, rows: Array) -> float:
    """The error of these examples put together, without the penalty."""
    trace = reference.trace(rows)
    errors = output_errors(trace, reference.targets[rows])
    return float(errors.sum() * example_share(problem.network, trace.count))


def _nudged(rng: np.random.Generator, values: Array) -> Array:
    up = rng.random(values.shape) < 0.5
    return np.asarray(np.nextafter(values, np.where(up, np.inf, -np.inf).astype(values.dtype)))


def native(problem: Problem, dtype: str, threads: int = 1, like: Native | None = None) -> Native:
    """The compiled engine at the start of a problem; with the code of another one for the same problem."""
    start = Reference(problem, dtype).snapshot()
    made = Native(problem, dtype, batch_size(problem), start.parameters.vector, start.state, threads)
    if like is not None:
        made.built = like.built
    return made


def stoppable(monkeypatch: pytest.MonkeyPatch, problem: Problem, threads: int) -> Native:
    """An engine whose steps are taken for long ones."""
    with monkeypatch.context() as patch:
        patch.setattr(plan, "LONG", 0.0)
        engine = native(problem, "float32", threads)
    assert engine.stops
    return engine


def interrupted(
    monkeypatch: pytest.MonkeyPatch, engine: Native, name: str, usual: Callable[[int, int, int], None]
) -> None:
    """Interrupt the process in the engine's next call of this function, before its first step."""

    def function(context: int, worker: int, workers: int) -> None:
        if worker == 0:
            os.kill(os.getpid(), signal.SIGINT)
            while not engine.training.words[calling.PLACES["stop"]]:
                time.sleep(0.001)
        usual(context, worker, workers)

    # Engines of the same rules share their functions: this one must not stay.
    monkeypatch.setitem(engine.built._functions, name, function)


def by_engine(engine: Native, runs: Sequence[int] = (), *, epochs: int = 1, error: bool = True) -> End:
    """An epoch by native code, in one call or cut after these numbers of steps."""
    steps = epoch_of(engine.problem, epochs)
    cuts = [0, *runs, len(steps)]
    for start, stop in pairwise(cuts):
        engine.run(*steps[start:stop].arrays)
    assert engine.problem.examples is not None
    found = engine.error(engine.problem.examples.learnt) if error else None
    return End(engine.vector, engine.state, found)


def outputs(engine: Native, rows: Array) -> Array:
    """Return the engine's outputs for these examples, shape (examples, outputs), by the code that predicts."""
    order, size = calling.filled(rows, np.int64), engine.problem.network.sizes[-1]
    found = calling.zeros(len(order) * size, engine.panels.numbers.dtype)
    engine.inference.set(order=order, examples=len(order), outputs=found)
    together(engine.built.function("predict"), engine.inference.address, engine.threads)
    return found.reshape(len(order), size)


def same(one: End, other: End) -> bool:
    """Whether two ends have the same bits."""
    parts = [(one.vector, other.vector), *((one.state[name], other.state[name]) for name in one.state)]
    return all(np.array_equal(*pair) for pair in parts) and one.error == other.error


# --- what is allowed ------------------------------------------------------------------------------------

LIMITS = {"float32": 1e-5, "float64": 1e-12}
FACTOR = 4.0
"""How much further than NumPy in the same precision the engine may be from the truth."""


@dataclass(frozen=True)
class Verdict:
    """How far the engine is from the truth, and whether that is within the first bound or the second."""

    errors: Mapping[str, float]
    bounds: Mapping[str, float]
    hard: bool

    @property
    def agrees(self) -> bool:
        """Whether all parts are within their bounds."""
        return all(error <= self.bounds[name] for name, error in self.errors.items())

    def __str__(self) -> str:
        parts = [f"{name} {error:.1e} (allowed: {self.bounds[name]:.1e})" for name, error in self.errors.items()]
        return ", ".join(parts)


def judged(problem: Problem, dtype: str, end: End) -> Verdict:
    """The engine's end against the reference in a finer precision.

    It may be as far from it as ``LIMITS`` says. Some problems are ill-conditioned: a step over a kink,
    or over the root of a tiny second moment. There NumPy in the same precision is far off as well, and
    the engine may be ``FACTOR`` times as far, as the worst of a few runs from starts that differ by a
    rounding; such a problem is ``hard``.
    """
    limit = LIMITS[dtype]
    plain = by_reference(problem, "float64")
    errors = end.distances(plain)
    if max(errors.values()) <= limit:
        return Verdict(errors, dict.fromkeys(errors, limit), hard=False)
    truth = plain if dtype == "float32" else by_reference(problem, np.longdouble)
    errors = end.distances(truth)
    others = [by_reference(problem, dtype, nudge=nudge).distances(truth) for nudge in range(6)]
    bounds = {name: max(limit, FACTOR * max(other[name] for other in others)) for name in errors}
    return Verdict(errors, bounds, hard=True)
