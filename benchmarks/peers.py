"""How well and how fast clearprop learns beside scikit-learn's MLPClassifier and MLPRegressor.

    .venv/test/bin/python -m pip install 'scikit-learn>=1.6'
    .venv/test/bin/python benchmarks/peers.py [--epochs N] [--seeds N]

Both get the same rows, prepared inputs in float32, layers, activation, kind of initial weights, Adam, batch
size, penalty and number of epochs, and neither stops early. The seeds are for the initial weights, which each
draws in its own way, and for the order of the rows. The two take turns, seed by seed; the times are of whole
trainings.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.measure import in_turns
from benchmarks.report import described, head, markdown

import clearprop as cp
from clearprop.training.batching import batch_size

DATA_SETS = ("iris", "digits", "penguins")
TIME = "ms per epoch"
NOISE = (
    "Means ± standard deviations over the seeds, on the validation rows. A difference is within noise if it is at most"
    " twice its standard error."
)

Trained = tuple[Mapping[str, float | None], float]
"""The metrics on the validation rows, and the seconds of the training."""


def ours(problem: cp.Problem, epochs: int, seed: int) -> Trained:
    """Train with clearprop, from weights that the seed draws."""
    # scikit-learn draws all initial weights as Glorot and Bengio do.
    layers = [replace(layer, init="glorot_uniform") for layer in problem.network.layers]
    network = cp.Network(problem.network.inputs, layers, problem.network.loss)
    fresh = replace(problem, network=network, parameters=cp.Parameters.random(network, seed))
    started = time.perf_counter()
    fit = cp.train(fresh, epochs=epochs, seed=seed, tolerance=0.0, early_stopping=False)
    seconds = time.perf_counter() - started
    found = fit.metrics("validation")
    assert found is not None
    assert fit.epochs == epochs
    return found.numbers(), seconds


def theirs(problem: cp.Problem, epochs: int, seed: int) -> Trained:
    """Train with scikit-learn on the same rows."""
    examples, classes = problem.examples, problem.network.layers[-1].rule.name == "softmax"
    assert examples is not None
    inputs = examples.inputs.astype(np.float32)
    targets = examples.targets.argmax(axis=1) if classes else examples.targets[:, 0].astype(np.float32)
    learnt, aside = examples.learnt, examples.validation
    model = peer(problem, epochs, seed, "MLPClassifier" if classes else "MLPRegressor")
    started = time.perf_counter()
    with warnings.catch_warnings():
        # That it has not converged by the last epoch is what was asked for.
        warnings.simplefilter("ignore", import_module("sklearn.exceptions").ConvergenceWarning)
        model.fit(inputs[learnt], targets[learnt])
    seconds = time.perf_counter() - started
    assert model.n_iter_ == epochs
    return {"accuracy" if classes else "r2": model.score(inputs[aside], targets[aside])}, seconds


def peer(problem: cp.Problem, epochs: int, seed: int, kind: str) -> Any:
    """Return the same network and training, as scikit-learn states them."""
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
        random_state=seed,
    )


def compared(problem: cp.Problem, epochs: int, seeds: int) -> dict[str, tuple[list[float], list[float]]]:
    """Return the metrics and times of both, seed by seed."""
    sides: tuple[Callable[[cp.Problem, int, int], Trained], ...] = (ours, theirs)
    for train in sides:
        train(problem, 2, 0)  # what is imported or set up only once is not timed
    found: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for seed, train in in_turns(sides, seeds):
        metrics, seconds = train(problem, epochs, seed)
        for name, value in {**metrics, TIME: 1000 * seconds / epochs}.items():
            if value is not None:
                found[name][sides.index(train)].append(value)
    return {name: values for name, values in found.items() if all(values)}  # what both tell


def line(name: str, one: Sequence[float], other: Sequence[float]) -> list[str]:
    """Return what both reached, and what to make of the difference."""
    cells = [f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}" for values in (one, other)]
    error = 2 * np.sqrt(statistics.variance(one) / len(one) + statistics.variance(other) / len(other))
    difference = statistics.mean(one) - statistics.mean(other)
    return [name, *cells, f"{difference:+.4f}", "within noise" if abs(difference) <= error else "more than noise"]


def main() -> int:
    """Print a table for every data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, metavar="N", help="epochs of every training; else those of its file")
    parser.add_argument("--seeds", type=int, metavar="N", default=5, help="trainings of each (default: 5)")
    given = parser.parse_args()
    if given.seeds < 2:
        parser.error(f"--seeds: expected at least 2, since noise shows only between seeds, found {given.seeds}")
    if find_spec("sklearn") is None:
        print("scikit-learn is not installed, which this compares with: pip install '.[peers]'", file=sys.stderr)
        return 2
    print("\n".join([*head(described()), "", NOISE]))
    for name in DATA_SETS:
        problem = cp.load(name)
        epochs = given.epochs or problem.settings.epochs or 100
        sizes = "-".join(map(str, problem.network.sizes))
        print(f"\n{name}: {sizes}, {epochs:,} epochs in batches of {batch_size(problem)}\n", flush=True)
        found = compared(problem, epochs, given.seeds)
        heads = ("", "clearprop", "scikit-learn", "difference", "")
        print("\n".join(markdown(heads, (line(name, *values) for name, values in found.items()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
