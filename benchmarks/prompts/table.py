"""What a short script needs of a table: its rows, its classes, and some of them set aside."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def read(given: dict[str, Any]) -> tuple[Array, Array, Array, Array]:
    """Return a CSV file's inputs and classes, shuffled: those to learn from, and those set aside."""
    with Path(given["file"]).open(newline="") as file:
        names, *rows = csv.reader(file)
    column = names.index(given["target"])
    inputs = np.array([row[:column] + row[column + 1 :] for row in rows], np.float32)
    classes = np.unique([row[column] for row in rows], return_inverse=True)[1]
    order = np.random.default_rng(0).permutation(len(rows))
    learnt, rest = np.split(order, [len(rows) - round(given["aside"] * len(rows))])
    if given["standardize"]:
        spread = inputs[learnt].std(axis=0)
        inputs = (inputs - inputs[learnt].mean(axis=0)) / np.where(spread == 0, 1, spread)
    return inputs[learnt], classes[learnt], inputs[rest], classes[rest]
