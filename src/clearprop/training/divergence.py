"""Find where a training diverged: repeat its last epoch and check every number."""

from __future__ import annotations

import numpy as np

from clearprop.errors import NotFinite
from clearprop.expressions import evaluate
from clearprop.messages import brief
from clearprop.models.snapshot import Snapshot
from clearprop.network import names as q
from clearprop.network.description import Network
from clearprop.network.problem import Problem
from clearprop.propagation.finite import require_finite, require_finite_update
from clearprop.propagation.forward import output_errors
from clearprop.rules.fused import FUSED
from clearprop.rules.losses import LOSSES
from clearprop.rules.roles import Role
from clearprop.training.planned_steps import PlannedStep, PlannedSteps
from clearprop.training.reference import Reference
from clearprop.training.stopping import Ending, Status, ending

REMEDY = "try a smaller learning rate, or clip_norm under [optimizer]"
AT_ONCE = "try inputs scaled to about -1 to 1, or smaller weights"
UNDEFINED = "try a formula that has a value there"
LARGE_TARGETS = "try targets scaled to about -1 to 1"


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
        failing: PlannedStep | None
        for failing in steps:
            place, number = f"in epoch {epoch}, step {failing.number}", failing.number
            _examined(engine, failing)
        place, failing = f"in epoch {epoch}, after its last step", None
        _whole(engine)
    except NotFinite as error:
        fault = _single_precision(engine, failing, str(error)) or _with_remedy(str(error), REMEDY)
        return ending(Status.DIVERGED, place=place, fault=fault), number
    # The engine rounds in another order and may overflow a little sooner.
    return ending(Status.DIVERGED, place=place, fault=f"the loss is not a finite number; {REMEDY}"), number


def at_once(problem: Problem, dtype: str) -> Ending:
    """Return the end of a training whose initial weights already give a loss that is not finite."""
    place = "before the first step"
    engine, remedy = Reference(problem, dtype), AT_ONCE
    if np.abs(engine.targets).max() > max(np.abs(trace.outputs[-1]).max() for _, trace in engine.traces(engine.learnt)):
        remedy = LARGE_TARGETS
    try:
        _whole(engine)
    except NotFinite as error:
        if (name := _computed_from_the_sum(problem.network)) is not None:
            remedy += f"; or {_instead(problem, name)}"
        elif error.undefined:
            remedy = UNDEFINED
        return ending(Status.DIVERGED, place=place, fault=_with_remedy(str(error), remedy))
    return ending(Status.DIVERGED, place=place, fault=f"the loss is not a finite number; {remedy}")


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


def _single_precision(engine: Reference, step: PlannedStep | None, fault: str) -> str | None:
    """Return the fault and what to do, if it comes from an output that only single precision rounds to 0 or 1 and the
    same weights give no fault in float64; else None."""
    if engine.inputs.dtype == np.float64:
        return None
    present, network = engine.snapshot(), engine.problem.network
    state = {name: values.astype(float) for name, values in present.state.items()}
    start = Snapshot.of(present.parameters.with_vector(present.parameters.vector.astype(float)), state)
    double = Reference(engine.problem, "float64", start)
    rounded = _rounded(engine, double)
    try:
        _whole(double) if step is None else _examined(double, step)
    except NotFinite:
        return None
    if rounded is None:
        return None
    remedy = 'try dtype = "float64" under [training]'
    if (name := _computed_from_the_sum(network)) is not None:
        remedy += f", or {_instead(engine.problem, name)}"
    return f"{fault}; {rounded} only in float32; {remedy}"


def _instead(problem: Problem, name: str) -> str:
    """Return the built-in loss to use, and why."""
    computed = problem.names.text(q.Sum(problem.network.depth - 1, 0))
    return f"the loss {name}, which is computed from {computed}"


def _rounded(engine: Reference, double: Reference) -> str | None:
    """Return the first output that is 0 or 1 in single precision and not in double, in words; None without one."""
    last = engine.problem.network.depth - 1
    for (_, single), (_, other) in zip(engine.traces(engine.learnt), double.traces(double.learnt), strict=True):
        found = single.outputs[-1]
        for row, unit in np.argwhere(((found == 0) | (found == 1)) & (found != other.outputs[-1]))[:1].tolist():
            return f"{engine.problem.names.text(q.Output(last, unit))} is {brief(found[row, unit])}"
    return None


def _computed_from_the_sum(network: Network) -> str | None:
    """Return the built-in loss of the same numbers that is fused with the last activation, if the loss is not that."""
    y, t = np.meshgrid(np.linspace(0.1, 0.9, 5), np.linspace(0.0, 1.0, 5))
    values = {Role.OUTPUT: y, Role.TARGET: t}
    for name, activation in FUSED:
        if network.layers[-1].rule.name == activation and network.loss.rule.name != name:
            given, usual = (evaluate(rule.formula, values) for rule in (network.loss.rule, LOSSES[name]))
            if np.allclose(given, usual, rtol=1e-9, atol=1e-12):
                return name
    return None


def _with_remedy(fault: str, remedy: str) -> str:
    return fault if "; try " in fault else f"{fault}; {remedy}"
