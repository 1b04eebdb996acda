"""The constants of the engine's cost model: its terms, and those constants that fit measured steps best.

The model is linear in its constants, so its terms are what it expects when one of them is 1 and all others 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from clearprop.engine import plan
from clearprop.types import Array

Model = Callable[[], float]
"""What the plan expects of a step, with the constants that it has at the moment."""

REPEATS = 30


@dataclass(frozen=True)
class Constants:
    """Seconds for each count of a step, and for two threads to meet."""

    seconds: tuple[float, ...]
    barrier: float

    @classmethod
    def present(cls) -> Constants:
        """Those of the plan."""
        return cls(tuple(plan.SECONDS), plan.BARRIER)

    @classmethod
    def of(cls, vector: Array) -> Constants:
        """The inverse of ``vector``."""
        return cls(tuple(vector[:-1].tolist()), float(vector[-1]))

    @property
    def vector(self) -> Array:
        """All of them, the barrier last."""
        return np.array([*self.seconds, self.barrier])

    def __str__(self) -> str:
        named = ", ".join(f"{name}={value:.2g}" for name, value in zip(plan.Counts._fields, self.seconds, strict=True))
        return f"SECONDS = Counts({named})\nBARRIER = {self.barrier:.2g}"

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The plan has these meanwhile."""
        values: Any = plan.Counts(*self.seconds)
        before = plan.SECONDS, plan.BARRIER
        plan.SECONDS, plan.BARRIER = values, self.barrier
        try:
            yield
        finally:
            plan.SECONDS, plan.BARRIER = before


def terms(models: Sequence[Model]) -> Array:
    """What stands beside each constant; a row per model.

    Raises:
        ValueError: the models are not the sums of such terms.
    """
    present = Constants.present()
    found = np.empty((len(models), len(present.vector)))
    for column, unit in enumerate(np.eye(len(present.vector))):
        with Constants.of(unit).in_place():
            found[:, column] = [model() for model in models]
    expected = np.array([model() for model in models])
    if not np.allclose(found @ present.vector, expected, rtol=1e-9, atol=0):
        raise ValueError("the cost model is not linear in its constants: they cannot be fitted in this way")
    return found


def fitted(matrix: Array, measured: Array) -> Constants:
    """The constants, none of them negative, for which expected and measured times differ least.

    A step of 1 µs counts as much as one of 10 ms, and twice too much as much as half: the squares of log(expected /
    measured) are what is least, found as least squares that are weighed anew again and again.
    """
    expected = measured
    found = np.zeros(matrix.shape[1])
    for _ in range(REPEATS):
        off = expected / measured - 1
        near = np.abs(off) < 1e-6
        weights = np.sqrt(np.where(near, 1, np.log1p(off) / np.where(near, 1, off)) / (expected * measured))
        found = not_negative(matrix * weights[:, None], measured * weights)
        expected = matrix @ found
    return Constants.of(found)


def not_negative(matrix: Array, wanted: Array) -> Array:
    """The least squares of few unknowns: of all choices of those that are not zero the best one that can be."""
    columns = range(matrix.shape[1])
    # Terms differ by many powers of ten.
    scale = np.linalg.norm(matrix, axis=0)
    scale[scale == 0] = 1
    best, least = np.zeros(len(columns)), np.inf
    for count in columns:
        for some in map(list, combinations(columns, count + 1)):
            part = matrix[:, some] / scale[some]
            solved = np.linalg.lstsq(part, wanted, rcond=None)[0]
            error = float(np.sum((part @ solved - wanted) ** 2))
            if (solved >= 0).all() and error < least:
                best, least = np.zeros(len(columns)), error
                best[some] = solved / scale[some]
    return best
