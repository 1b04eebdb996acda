"""What a short script needs of a table: its rows, its classes, and some of them set aside."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Parts(NamedTuple):
    """Inputs and classes to learn from, and those set aside."""

    inputs: Array
    classes: Array
    inputs_aside: Array
    classes_aside: Array


def read(path: str, target: str, aside: float, standardize: bool) -> Parts:
    """A CSV file of numbers with one column of classes, shuffled and split."""
    with Path(path).open(newline="") as file:
        names, *rows = csv.reader(file)
    column = names.index(target)
    inputs = np.array([row[:column] + row[column + 1 :] for row in rows], np.float32)
    classes = np.unique([row[column] for row in rows], return_inverse=True)[1]
    order = np.random.default_rng(0).permutation(len(rows))
    learnt, rest = np.split(order, [len(rows) - round(aside * len(rows))])
    if standardize:
        spread = inputs[learnt].std(axis=0)
        inputs = (inputs - inputs[learnt].mean(axis=0)) / np.where(spread == 0, 1, spread)
    return Parts(inputs[learnt], classes[learnt], inputs[rest], classes[rest])


def report(right: Array) -> None:
    """The share of the rows set aside whose class was found."""
    sys.stdout.write(f"{right.mean():.4f}\n")
