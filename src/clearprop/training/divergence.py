"""Where a training stopped being finite: the epoch is made again, looking at every number."""

from __future__ import annotations

from clearprop.errors import NotFinite
from clearprop.models.snapshot import Snapshot
from clearprop.network.problem import Problem
from clearprop.propagation.finite import require_finite, require_finite_update
from clearprop.propagation.forward import output_errors
from clearprop.propagation.turns import Turn, Turns
from clearprop.training.reference import Reference
from clearprop.training.stopping import Ending, Status, ending

REMEDY = "try a smaller learning rate, or clip_norm under [optimizer]"
AT_ONCE = "try inputs scaled to about -1 to 1, or smaller weights"


def diverged(problem: Problem, dtype: str, start: Snapshot, epoch: int, turns: Turns) -> tuple[Ending, int | None]:
    """The end of a training that diverged in an epoch (counted from 1) which began at ``start``; and at
    which step, if that is seen.

    Steps depend on nothing but (settings, epoch), so making them again meets the same numbers.
    """
    engine = Reference(problem, dtype, start)
    place, step = f"in epoch {epoch}", None
    try:
        for turn in turns:
            place, step = f"in epoch {epoch}, step {turn.step}", turn.step
            _examined(engine, turn)
        place = f"in epoch {epoch}, after its last step"
        _whole(engine)
    except NotFinite as error:
        return ending(Status.DIVERGED, place=place, fault=_with_remedy(str(error), REMEDY)), step
    # The engine rounds in another order, and may meet infinity a little sooner.
    return ending(Status.DIVERGED, place=place, fault=f"the loss is not a finite number; {REMEDY}"), step


def at_once(problem: Problem, dtype: str) -> Ending:
    """The end of a training whose initial weights already give no finite loss."""
    place = "before the first step"
    try:
        _whole(Reference(problem, dtype))
    except NotFinite as error:
        return ending(Status.DIVERGED, place=place, fault=_with_remedy(str(error), AT_ONCE))
    return ending(Status.DIVERGED, place=place, fault=f"the loss is not a finite number; {AT_ONCE}")


def _examined(engine: Reference, turn: Turn) -> None:
    worked = engine.work_out(turn.rows, turn.step, turn.rate)
    errors = output_errors(worked.trace, worked.targets)
    require_finite(engine.problem, worked.trace, worked.targets, errors, turn.rows + 1)
    require_finite_update(engine.problem, worked.gradients.of, worked.update)
    engine.take(worked)


def _whole(engine: Reference) -> None:
    for rows, trace in engine.traces(engine.learnt):
        targets = engine.targets[rows]
        require_finite(engine.problem, trace, targets, output_errors(trace, targets), rows + 1)


def _with_remedy(fault: str, remedy: str) -> str:
    return fault if "; try " in fault else f"{fault}; {remedy}"
