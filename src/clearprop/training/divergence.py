"""Find where a training diverged: repeat its last epoch and check every number."""

from __future__ import annotations

from clearprop.errors import NotFinite
from clearprop.models.snapshot import Snapshot
from clearprop.network.problem import Problem
from clearprop.propagation.finite import require_finite, require_finite_update
from clearprop.propagation.forward import output_errors
from clearprop.training.planned_steps import PlannedStep, PlannedSteps
from clearprop.training.reference import Reference
from clearprop.training.stopping import Ending, Status, ending

REMEDY = "try a smaller learning rate, or clip_norm under [optimizer]"
AT_ONCE = "try inputs scaled to about -1 to 1, or smaller weights"


def diverged(
    problem: Problem, dtype: str, start: Snapshot, epoch: int, steps: PlannedSteps
) -> tuple[Ending, int | None]:
    """Return the end of a training that diverged in an epoch (from 1) that began at ``start``, and the number of the
    step in which it did, if that is seen.

    Steps depend on the settings and the epoch alone, so making them again gives the same numbers.
    """
    engine = Reference(problem, dtype, start)
    place, number = f"in epoch {epoch}", None
    try:
        for step in steps:
            place, number = f"in epoch {epoch}, step {step.number}", step.number
            _examined(engine, step)
        place = f"in epoch {epoch}, after its last step"
        _whole(engine)
    except NotFinite as error:
        return ending(Status.DIVERGED, place=place, fault=_with_remedy(str(error), REMEDY)), number
    # The engine rounds in another order and may overflow a little sooner.
    return ending(Status.DIVERGED, place=place, fault=f"the loss is not a finite number; {REMEDY}"), number


def at_once(problem: Problem, dtype: str) -> Ending:
    """Return the end of a training whose initial weights already give a loss that is not finite."""
    place = "before the first step"
    try:
        _whole(Reference(problem, dtype))
    except NotFinite as error:
        return ending(Status.DIVERGED, place=place, fault=_with_remedy(str(error), AT_ONCE))
    return ending(Status.DIVERGED, place=place, fault=f"the loss is not a finite number; {AT_ONCE}")


def _examined(engine: Reference, step: PlannedStep) -> None:
    worked = engine.work_out(step.rows, step.number, step.rate)
    errors = output_errors(worked.trace, worked.targets)
    require_finite(engine.problem, worked.trace, worked.targets, errors, step.rows + 1)
    numbers = step.rows + 1
    require_finite_update(engine.problem, worked.trace, worked.targets, numbers, worked.gradients.of, worked.update)
    engine.take(worked.update)


def _whole(engine: Reference) -> None:
    for rows, trace in engine.traces(engine.learnt):
        targets = engine.targets[rows]
        require_finite(engine.problem, trace, targets, output_errors(trace, targets), rows + 1)


def _with_remedy(fault: str, remedy: str) -> str:
    return fault if "; try " in fault else f"{fault}; {remedy}"
