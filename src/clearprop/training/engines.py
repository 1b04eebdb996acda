"""Engines: the compiled one, and the reference in NumPy. An engine makes the steps of a training."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any, Literal, Protocol

from clearprop.engine.availability import unusable
from clearprop.errors import InvalidArgument, Notice
from clearprop.fields import accepted, either, shown
from clearprop.models.snapshot import Snapshot
from clearprop.network.problem import Problem
from clearprop.training.orders import Permutations
from clearprop.training.planned_steps import Epochs, PlannedSteps
from clearprop.training.reference import Reference
from clearprop.types import Array

MOST_THREADS = 256
EngineName = Literal["compiled", "reference"]


class SlowerEngine(Notice):
    """The compiled engine cannot be used here: the reference does the same work, more slowly."""


class Engine(Protocol):
    """An engine with the present parameters and the state of the optimizer.

    A step in two halves, ``apply(gradient(rows, step), step, rate)``, changes the parameters as ``run`` does with
    that step, to the same bits. Between the halves a gradient can be averaged over machines, say.
    """

    @property
    def threads(self) -> int:
        """The number of processors that it keeps busy."""

    def run(self, steps: PlannedSteps) -> Array:
        """Make these steps, one after the other; return for each the sum of its examples' errors and the penalty,
        shape (steps, 2).

        Both are with the weights before the step, and its dropout. The errors are still to be divided by the number of
        examples, also under ``weighted_mean``; a penalty that is divided is so already. From where a number is not
        finite the rest may be NaN.
        """

    def epochs(self, steps: PlannedSteps, count: int) -> Epochs:
        """Make these steps, of ``count`` whole epochs, and look at the validation rows after each of the epochs."""

    @property
    def seconds(self) -> float:
        """An estimate of the seconds of a step."""

    @property
    def permutations(self) -> Permutations | None:
        """A faster way than NumPy's to draw orders, if it has one."""

    @property
    def finite(self) -> bool:
        """Whether every parameter is finite."""

    def restore(self, snapshot: Snapshot) -> None:
        """Make the parameters and the state of a snapshot the present ones."""

    def gradient(self, rows: Array, step: int = 1) -> Array:
        """Return ∂E_total/∂θ of these examples (positions from 0) as one batch, shape (parameters,).

        The penalty's gradient is in it; it is not clipped; it is 0 for parameters that are not trained. ``step``, the
        number of the step (from 1), decides what dropout leaves out. No parameter changes.
        """

    def apply(self, gradient: Array, step: int, rate: float) -> bool:
        """Clip a gradient as the optimizer says and update the parameters; return False if one is no longer finite.

        ``step`` is the number of the step (from 1), ``rate`` its learning rate.
        """

    def put(self, vector: Array) -> None:
        """Make these the present parameters; what the optimizer remembers stays."""

    def loss(self) -> float:
        """Return E_total over all examples that are learnt from, without dropout, at the present parameters."""

    def validation_loss(self) -> float:
        """Return the error over the examples set aside, without the penalty."""

    def gradient_norm(self) -> float:
        """Return the Euclidean norm of ∂E_total/∂(trained parameters), over all examples that are learnt from."""

    def snapshot(self) -> Snapshot:
        """Return the present parameters and the state of the optimizer."""


def engine_for(
    problem: Problem,
    start: Snapshot | None = None,
    *,
    name: EngineName = "compiled",
    threads: int | None = None,
    done: Engine | None = None,
) -> Engine:
    """Return the engine of that name for a problem, in the precision of its settings; one that is ``done`` may be used
    again."""
    accepted(either("compiled", "reference"), name, "engine")
    require_threads(threads)
    if name == "compiled":
        missing = unusable()
        if missing is None:
            from clearprop.training.compiled_engine import Compiled

            return Compiled(problem, start, threads, done)
        warnings.warn(f"{missing}; training continues in NumPy, slower", SlowerEngine, stacklevel=2)
    return Reference(problem, problem.settings.dtype, start)


def require_threads(threads: Any) -> None:
    """Refuse an impossible number of threads."""
    if threads is not None and not (isinstance(threads, Integral) and 1 <= int(threads) <= MOST_THREADS):
        raise InvalidArgument(f"threads: expected a whole number from 1 to {MOST_THREADS}, found {shown(threads)}")
