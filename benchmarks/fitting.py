"""One first fit, in a process of its own; ``benchmarks/first_fit.py`` runs it.

    python -m benchmarks.fitting NETWORK warm|first
    python -m cProfile -s cumulative -m benchmarks.fitting NETWORK warm|first     shows where it goes

Prints the seconds, and where the code came from, as JSON. Nothing of clearprop or NumPy may be imported above: that
is part of a first call.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import clearprop as cp

ROWS = 64
"""Of two batches."""

Layers = list[tuple[int, str]]


def relu(*widths: int, last: str = "softmax") -> Layers:
    """Layers of these widths; the last has another activation."""
    *hidden, units = widths
    return [*((width, "relu") for width in hidden), (units, last)]


NINE = ("logistic", "tanh", "relu", "leaky_relu", "elu", "selu", "softplus", "gelu", "silu", "logistic")
NETWORKS: dict[str, tuple[int, Layers]] = {
    "4-10-3, softmax": (4, relu(10, 3)),
    "64-128-128-10": (64, relu(128, 128, 10)),
    "784-512-512-10": (784, relu(512, 512, 10)),
    "ten layers of 100": (100, relu(*[100] * 10, last="relu")),
    "ten layers of ten widths": (30, relu(20, 35, 50, 70, 90, 110, 75, 45, 25, 10)),
    "ten layers, nine activations": (40, [(40, name) for name in NINE]),
}
"""Inputs, and the units and activation of each layer."""


def problem(inputs: int, layers: Layers) -> cp.Problem:
    """Return rows for two steps of Adam."""
    import numpy as np

    import clearprop as cp

    random, units = np.random.default_rng(0), layers[-1][0]
    rows = random.normal(size=(ROWS, inputs)).astype(np.float32)
    if layers[-1][1] == "softmax":
        targets = np.eye(units, dtype=np.float32)[random.integers(units, size=ROWS)]
    else:
        targets = random.uniform(0.1, 0.9, (ROWS, units)).astype(np.float32)
    network = cp.Network(inputs, [cp.Dense(size, activation) for size, activation in layers])
    settings = cp.Settings(batch_size=ROWS // 2, epochs=1)
    return cp.Problem(network, optimizer=cp.Adam(0.001), examples=cp.Examples(rows, targets), settings=settings)


def fit(given: cp.Problem) -> None:
    """Train for the one epoch."""
    import clearprop as cp

    done = cp.train(given)
    if done.epochs != 1:
        raise RuntimeError(f"expected one epoch, found {done.epochs}")


def files() -> set[str]:
    """Return the names of the code that is kept."""
    import os
    from pathlib import Path

    return {path.name for path in Path(os.environ["CLEARPROP_CACHE_DIR"]).glob("*.code")}


def main(name: str, before: str) -> dict[str, float | str]:
    """Fit, in a process that has trained before or in one that has not even imported anything."""
    begun = time.perf_counter()
    if before == "warm":
        fit(problem(2, [(2, "tanh"), (1, "logistic")]))
    given, kept = problem(*NETWORKS[name]), files()
    if before == "warm":
        begun = time.perf_counter()
    fit(given)
    seconds = time.perf_counter() - begun
    # From the disk, if the fit left no new file there.
    return {"seconds": seconds, "origin": "disk" if files() == kept else "compiled"}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
