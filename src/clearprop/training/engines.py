"""Engines: what makes the steps of a training. The compiled one, or the reference in NumPy."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any, Literal, Protocol

from clearprop.engine.availability import unusable
from clearprop.errors import InvalidArgument
from clearprop.models.snapshot import Snapshot
from clearprop.network.problem import Problem
from clearprop.propagation.turns import Turns
from clearprop.training.reference import Reference

EngineName = Literal["compiled", "reference"]


class SlowerEngine(UserWarning):
    """The compiled engine cannot be used here: the reference does the same work, slower."""


class Engine(Protocol):
    """All that the loop asks for."""

    def run(self, turns: Turns) -> bool:
        """Make these steps, one after the other; False if a number stopped being finite."""

    def loss(self) -> float:
        """E_total over all examples that are learnt from, without dropout, at the present parameters."""

    def validation_loss(self) -> float:
        """The same over those set aside, without the penalty."""

    def gradient_norm(self) -> float:
        """The Euclidean norm of ∂(loss)/∂(all that is trained)."""

    def snapshot(self) -> Snapshot:
        """The present parameters, and what the optimizer remembers."""


def engine_for(
    problem: Problem, start: Snapshot | None = None, *, name: EngineName = "compiled", threads: int | None = None
) -> Engine:
    """The engine of that name for a problem, in the precision that its settings ask for.

    Raises:
        InvalidArgument: there is no such engine, or not so many threads.
    """
    if name not in ("compiled", "reference"):
        raise InvalidArgument(f'engine: expected "compiled" or "reference", found {name!r}')
    require_threads(threads)
    if name == "compiled":
        missing = unusable()
        if missing is None:
            from clearprop.training.compiled_engine import Compiled

            return Compiled(problem, start, threads)
        warnings.warn(f"{missing}; training continues in NumPy, slower", SlowerEngine, stacklevel=2)
    return Reference(problem, problem.settings.dtype, start)


def require_threads(threads: Any) -> None:
    """Refuse a number of threads that makes no sense."""
    if threads is not None and not (isinstance(threads, Integral) and 1 <= int(threads) <= MOST_THREADS):
        raise InvalidArgument(f"threads: expected a whole number from 1 to {MOST_THREADS}, found {threads!r}")


MOST_THREADS = 256
