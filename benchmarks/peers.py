"""How well and how fast clearprop learns beside scikit-learn's MLPClassifier and MLPRegressor.

    .venv/test/bin/python -m pip install 'scikit-learn>=1.6'
    .venv/test/bin/python benchmarks/peers.py [--epochs N] [--seeds N] [--json FILE]

Both get the same rows, prepared inputs in float32, layers, activation, kind of initial weights, Adam, batch
size, penalty and number of epochs, and neither stops early. The seeds are for the initial weights, which each
draws in its own way, and for the order of the rows. The two take turns, seed by seed, and which one goes first
alternates.
The times are of whole trainings; clearprop's hold the loss of all rows after each epoch, validation rows too,
where scikit-learn adds up what it sees in the batches.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import clearprop as cp
from clearprop.training.batching import batch_size
from clearprop.types import Array

DATA_SETS = ("iris", "digits", "penguins")
PEERS = ("clearprop", "scikit-learn")
NEEDED = "scikit-learn is not installed, which this compares with: pip install '.[peers]'"
SHOWN = {"accuracy": "accuracy", "r2": "R²", "rmse": "RMSE"}

Run = tuple[dict[str, float], float]
"""The metrics on the validation rows, and the seconds of the training."""


@dataclass
class Side:
    """What one of the two reached, seed by seed."""

    metrics: dict[str, list[float]] = field(default_factory=dict)
    seconds_per_epoch: list[float] = field(default_factory=list)

    def note(self, run: Run, epochs: int) -> None:
        """Add what one seed gave."""
        metrics, seconds = run
        for name, value in metrics.items():
            self.metrics.setdefault(name, []).append(value)
        self.seconds_per_epoch.append(seconds / epochs)


@dataclass(frozen=True)
class Difference:
    """How far apart the means over the seeds are, and twice the standard error of that."""

    means: float
    twice_error: float

    @property
    def within_noise(self) -> bool:
        """Whether it may well be chance."""
        return abs(self.means) <= self.twice_error


# --- one training of each ----------------------------------------------------------------------------------


def ours(problem: cp.Problem, epochs: int, seed: int) -> Run:
    """Train with clearprop, from weights that the seed draws."""
    # scikit-learn draws all initial weights as Glorot and Bengio do.
    layers = [replace(layer, init="glorot_uniform") for layer in problem.network.layers]
    network = cp.Network(problem.network.inputs, layers, problem.network.loss)
    fresh = replace(problem, network=network, parameters=cp.Parameters.random(network, seed))
    started = time.perf_counter()
    fit = cp.train(fresh, epochs=epochs, seed=seed, tolerance=0.0, dtype="float32")
    seconds = time.perf_counter() - started
    found = fit.metrics("validation")
    assert found is not None
    assert fit.epochs == epochs
    return {name: value for name, value in found.numbers().items() if value is not None}, seconds


def theirs(problem: cp.Problem, epochs: int, seed: int) -> Run:
    """Train with scikit-learn on the same rows."""
    assert problem.examples is not None
    examples, classes = problem.examples, problem.network.layers[-1].rule.name == "softmax"
    inputs = examples.inputs.astype(np.float32)
    targets = examples.targets.argmax(axis=1) if classes else examples.targets[:, 0].astype(np.float32)
    learnt, aside = examples.learnt, examples.validation
    rows, wanted = inputs[learnt], targets[learnt]
    model = peer(problem, epochs, seed, "MLPClassifier" if classes else "MLPRegressor")
    started = time.perf_counter()
    with warnings.catch_warnings():
        # That it has not converged by the last epoch is what was asked for.
        warnings.simplefilter("ignore", import_module("sklearn.exceptions").ConvergenceWarning)
        model.fit(rows, wanted)
    seconds = time.perf_counter() - started
    assert model.n_iter_ == epochs
    return scored(model.predict(inputs[aside]), targets[aside], classes), seconds


def peer(problem: cp.Problem, epochs: int, seed: int, kind: str) -> Any:
    """The same network and training, as scikit-learn states them."""
    network, optimizer, rows = problem.network, problem.optimizer, batch_size(problem)
    (activation,) = {layer.rule.name for layer in network.layers[:-1]}
    beta_1, beta_2 = optimizer.hyperparameters["betas"]
    return getattr(import_module("sklearn.neural_network"), kind)(
        hidden_layer_sizes=network.sizes[1:-1],
        activation=activation,
        solver=optimizer.name,
        learning_rate_init=optimizer.learning_rate,
        beta_1=beta_1,
        beta_2=beta_2,
        epsilon=optimizer.hyperparameters["eps"],
        # It adds alpha / (2 · rows of the batch) · Σw² to the mean, we add l2 / 2 · Σw².
        alpha=problem.penalty.l2 * rows,
        batch_size=rows,
        max_iter=epochs,
        n_iter_no_change=epochs,
        tol=0.0,
        early_stopping=False,
        shuffle=True,
        random_state=seed,
    )


def scored(found: Array, true: Array, classes: bool) -> dict[str, float]:
    """The metrics of predictions, by the formulas that clearprop states for its own."""
    if classes:
        return {"accuracy": float((found == true).mean())}
    squared = (true.astype(float) - found) ** 2
    spread = (true.astype(float) - true.mean(dtype=float)) ** 2
    return {"r2": float(1 - squared.sum() / spread.sum()), "rmse": float(np.sqrt(squared.mean()))}


# --- all of them ---------------------------------------------------------------------------------------------


def compared(problem: cp.Problem, epochs: int, seeds: int) -> dict[str, Side]:
    """Both sides over all seeds, in turns."""
    runs: dict[str, Callable[[cp.Problem, int, int], Run]] = dict(zip(PEERS, (ours, theirs), strict=True))
    for run in runs.values():
        run(problem, 2, 0)  # what is imported or set up only once is not timed
    sides = {name: Side() for name in PEERS}
    for seed in range(seeds):
        for name in PEERS if seed % 2 == 0 else PEERS[::-1]:
            sides[name].note(runs[name](problem, epochs, seed), epochs)
    return sides


def difference(one: Sequence[float], other: Sequence[float]) -> Difference:
    """The first mean minus the second, and twice its standard error."""
    error = np.sqrt(statistics.variance(one) / len(one) + statistics.variance(other) / len(other))
    return Difference(statistics.mean(one) - statistics.mean(other), float(2 * error))


def heading(name: str, problem: cp.Problem, epochs: int) -> str:
    """What is trained on what."""
    assert problem.examples is not None
    assert problem.examples.validation is not None
    sizes = "-".join(map(str, problem.network.sizes))
    rules = ", ".join(layer.rule.name for layer in problem.network.layers)
    learnt, aside = len(problem.examples.learnt), len(problem.examples.validation)
    return (
        f"{name}: {sizes}, {rules}; {learnt:,} rows to learn from, {aside:,} for validation; "
        f"{epochs:,} epochs in batches of {batch_size(problem)}"
    )


def verdict(found: Difference) -> str:
    """A difference in words."""
    judged = "within noise" if found.within_noise else "more than noise"
    return f"difference {found.means:+.4f}, twice its standard error {found.twice_error:.4f}: {judged}"


def report(sides: dict[str, Side]) -> None:
    """The table of one data set, and what to make of it."""
    one, other = (sides[name] for name in PEERS)
    print(f"{'':<16}" + "".join(f"{name:>20}" for name in PEERS))
    for metric, values in one.metrics.items():
        cells = (f"{statistics.mean(v):.4f} ± {statistics.stdev(v):.4f}" for v in (values, other.metrics[metric]))
        print(f"{SHOWN[metric]:<16}" + "".join(f"{cell:>20}" for cell in cells))
    times = [1000 * statistics.median(side.seconds_per_epoch) for side in (one, other)]
    print(f"{'ms per epoch':<16}" + "".join(f"{value:>20.2f}" for value in times))
    for metric, values in one.metrics.items():
        print(f"{SHOWN[metric]}: {verdict(difference(values, other.metrics[metric]))}")
    print(f"time: an epoch takes {times[0] / times[1]:.2f} times as long as in scikit-learn\n")


def as_json(problem: cp.Problem, epochs: int, sides: dict[str, Side]) -> dict[str, Any]:
    """The numbers behind the table of one data set, seed by seed."""
    one, other = (sides[name] for name in PEERS)
    found = {metric: difference(values, other.metrics[metric]) for metric, values in one.metrics.items()}
    return {
        "sizes": list(problem.network.sizes),
        "epochs": epochs,
        "batch_size": batch_size(problem),
        **{name: {**side.metrics, "seconds_per_epoch": side.seconds_per_epoch} for name, side in sides.items()},
        "differences": {
            metric: {"means": each.means, "twice_error": each.twice_error, "within_noise": each.within_noise}
            for metric, each in found.items()
        },
    }


def arguments() -> argparse.Namespace:
    """What was asked for at the prompt."""
    parser = argparse.ArgumentParser(description="clearprop beside scikit-learn")
    parser.add_argument("--epochs", type=int, metavar="N", help="epochs of every training; else those of its file")
    parser.add_argument("--seeds", type=int, metavar="N", default=5, help="trainings of each (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    given = parser.parse_args()
    if given.epochs is not None and given.epochs < 1:
        parser.error(f"--epochs: expected at least 1, found {given.epochs}")
    if given.seeds < 2:
        parser.error(f"--seeds: expected at least 2, since noise shows only between seeds, found {given.seeds}")
    return given


def main() -> int:
    """Print a table for every data set."""
    given = arguments()
    if find_spec("sklearn") is None:
        print(NEEDED, file=sys.stderr)
        return 2
    versions = {
        "Python": sys.version.split()[0],
        "NumPy": np.__version__,
        "clearprop": cp.__version__,
        "scikit-learn": import_module("sklearn").__version__,
    }
    print(", ".join(f"{name} {version}" for name, version in versions.items()) + f"; {os.cpu_count()} cores")
    print(f"{given.seeds} seeds; metrics on the validation rows: mean ± standard deviation; times: median\n")
    results: dict[str, Any] = {"versions": versions, "seeds": given.seeds}
    for name in DATA_SETS:
        problem = cp.load(name)
        epochs = given.epochs or problem.settings.epochs or 100
        print(heading(name, problem, epochs), flush=True)
        sides = compared(problem, epochs, given.seeds)
        report(sides)
        results[name] = as_json(problem, epochs, sides)
    if given.json is not None:
        given.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
