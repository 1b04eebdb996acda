"""clearprop's estimators beside scikit-learn's own, at the same settings and results.

    .venv/test/bin/python benchmarks/estimators.py [--rounds 5] [--first]

Both take their turns, round by round; the ratio is the median of the rounds' ratios. ``--first`` also times a fit in a
fresh process whose cache of code is empty, from when scikit-learn is imported: compiling and all.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier as Theirs

from clearprop.estimators import MLPClassifier as Ours

GRID = {
    "hidden_layer_sizes": [(20,), (50,)],
    "alpha": [1e-4, 1e-2],
    "activation": ["relu", "tanh", "logistic"],
    "learning_rate_init": [1e-3, 1e-2],
}
"""24 candidates."""

FIRST = """
import sys, time, warnings
import numpy as np, sklearn.neural_network
with np.load(sys.argv[1]) as rows:
    X, y = rows["X"], rows["y"]
warnings.simplefilter("ignore")
begun = time.perf_counter()
from {module} import MLPClassifier
MLPClassifier(random_state=0).fit(X, y)
print(time.perf_counter() - begun)
"""


def sets() -> dict[str, tuple[Any, Any]]:
    """Return the sets of data by name."""
    wide = make_classification(10_000, 30, n_informative=10, n_classes=3, random_state=0)
    return {"iris": load_iris(return_X_y=True), "digits": load_digits(return_X_y=True), "10,000 x 30": wide}


TURN = 0.3
"""The seconds of a turn at least."""


def timed(work: Callable[[], Any]) -> float:
    """Return the seconds that some work takes in a turn, which begins once the threads of the one before are idle:
    those of OpenBLAS wait for more in a loop."""
    time.sleep(0.1)
    begun, times = time.perf_counter(), 0
    while times == 0 or time.perf_counter() - begun < TURN:
        work()
        times += 1
    return (time.perf_counter() - begun) / times


def compared(name: str, works: Callable[[Any], Callable[[], Any]], rounds: int) -> None:
    """Time both in turns, and print a line."""
    ours, theirs = works(Ours), works(Theirs)
    ours(), theirs()  # code is compiled, memory is there
    pairs = [(timed(ours), timed(theirs)) for _ in range(rounds)]
    ratio = median(their / our for our, their in pairs)
    mine, other = (median(each) for each in zip(*pairs, strict=True))
    print(f"{name:34} {mine:9.4f} s {other:9.4f} s {ratio:7.2f}x", flush=True)


def same(X: Any, y: Any) -> float:
    """Return the largest relative difference of their weights after a few epochs."""
    fits = [kind(random_state=0, max_iter=5).fit(X, y) for kind in (Ours, Theirs)]
    one, other = (np.concatenate([each.ravel() for each in fit.coefs_]) for fit in fits)
    return float(np.abs(one - other).max() / np.abs(other).max())


def first_fit(name: str, X: Any, y: Any) -> None:
    """Time a fit in a fresh process, with an empty cache, and print a line: the least of three of both."""
    least = []
    for module in ("clearprop.estimators", "sklearn.neural_network"):
        found = []
        for _ in range(3):
            with tempfile.TemporaryDirectory() as folder:
                rows = os.path.join(folder, "rows.npz")
                np.savez(rows, X=X, y=y)
                environment = {**os.environ, "CLEARPROP_CACHE_DIR": folder}
                command = [sys.executable, "-c", FIRST.format(module=module), rows]
                found.append(float(subprocess.run(command, env=environment, capture_output=True, check=True).stdout))
        least.append(min(found))
    mine, other = least
    print(f"{f'{name}, first fit':34} {mine:9.4f} s {other:9.4f} s {other / mine:7.2f}x", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--first", action="store_true")
    parser.add_argument("--quick", action="store_true", help="fits and predictions only")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'':34} {'clearprop':>11} {'scikit-learn':>11}   ratio")
    for name, (X, y) in sets().items():
        print(f"{name}: weights differ by {same(X, y):.1e}")

        def fit(kind: Any, X: Any = X, y: Any = y) -> Callable[[], Any]:
            return lambda: kind(random_state=0, max_iter=200).fit(X, y)

        def predict(kind: Any, X: Any = X, y: Any = y) -> Callable[[], Any]:
            model = kind(random_state=0, max_iter=5).fit(X, y)
            return lambda: model.predict(X)

        def folds(kind: Any, X: Any = X, y: Any = y) -> Callable[[], Any]:
            return lambda: cross_val_score(kind(random_state=0, max_iter=200), X, y, cv=5)

        def search(kind: Any, X: Any = X, y: Any = y) -> Callable[[], Any]:
            return lambda: GridSearchCV(kind(random_state=0, max_iter=200), GRID, cv=5, n_jobs=2).fit(X, y)

        compared(f"{name}, fit", fit, given.rounds)
        compared(f"{name}, predict", predict, given.rounds)
        if given.quick:
            continue
        compared(f"{name}, 5 folds", folds, given.rounds)
        if name != "10,000 x 30":
            compared(f"{name}, grid of 24 x 5, 2 processes", search, 1)
    if given.first:
        for name, (X, y) in sets().items():
            first_fit(name, X, y)


if __name__ == "__main__":
    main()
