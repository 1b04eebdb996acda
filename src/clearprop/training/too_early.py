"""Trainings that ended before much was learnt, although more could have been: what their history says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from clearprop.messages import brief, counted
from clearprop.models.history import History
from clearprop.network.problem import Settings
from clearprop.training.stopping import RELATIVE, Status

HARDLY = 1e-3
"""A change of the loss below this share of its initial value is hardly one."""
STILL = 5e-3
"""A change in the last epochs above this share is one that goes on."""
STEEP = 100.0
"""A learning rate above this for a hundredth of the loss: the gradient is near 0."""
SMALL = 10
"""A learning rate that is smaller by more than this factor than a plain step would need is too small."""
FEW = 10
"""With fewer epochs nobody expects much."""
USUAL = 1e-8
"""The usual tolerance."""
DECAYED = 1e-3
"""A learning rate below this share of its largest value has decayed."""


class Ended(NamedTuple):
    """A training that has ended. ``error`` is what E_total is called; ``rate`` is the learning rate with which one
    plain step from the weights that are kept would lower it by a hundredth, about. ``relative`` says that the
    tolerance is relative to the loss before training."""

    history: History
    status: Status
    settings: Settings
    relative: bool
    error: str
    rate: float


def too_early(ended: Ended) -> str | None:
    """Return a note on a training that ended although more could have been learnt, and what to change."""
    history, status = ended.history, ended.status
    losses, rates = history.loss, history.rate
    if not history.epochs:
        return _untrained(ended)
    if not any(rates):
        return "Nothing was learnt: the learning rate is 0, so no weight changed. Use one above 0."
    if status is Status.EARLY_STOPPING and not history.best:
        return (
            "Nothing was learnt: the validation loss was never below that of the initial weights, which are kept. Try "
            "a smaller learning rate, or other initial weights (another seed)."
        )
    judged = status is Status.CONVERGED or history.epochs >= FEW
    if judged and _spread(losses) <= HARDLY * losses[0] and ended.rate <= STEEP:
        if status is Status.CONVERGED and _tolerated(ended) > HARDLY * losses[0]:
            return f"{_hardly(ended)} {_tolerance(ended)}"
        if ended.rate > SMALL * max(rates):
            return f"{_hardly(ended)} The learning rate of {brief(max(rates))} is too small; try a larger one."
    recent = losses[-ended.settings.patience - 1 :]
    if status is Status.CONVERGED and _spread(recent) > STILL * losses[0]:
        return f"Training stopped while {_from_to(ended.error, recent)}. {_tolerance(ended)}"
    if status is Status.CONVERGED and rates[-1] < DECAYED * max(rates) and ended.rate <= 1:
        return (
            f"Training stopped because its schedule had lowered the learning rate from {brief(max(rates))} to "
            f"{brief(rates[-1], '.3g')}; the gradient is not near 0. Try a schedule that lowers it more slowly."
        )
    return None


def _untrained(ended: Ended) -> str | None:
    """Return a note on a training without an epoch whose limits were reached at once."""
    settings = ended.settings
    if ended.status is Status.TARGET_LOSS and settings.target_loss is not None:
        limit = f"target_loss = {brief(settings.target_loss)}"
        return f"Nothing was trained: {ended.error} of the initial weights is not above {limit}; set a smaller one."
    if ended.status is Status.CONVERGED:
        limit = f"gradient_tolerance = {brief(settings.gradient_tolerance)}"
        return f"Nothing was trained: the gradient of the initial weights is not above {limit}; set a smaller one."
    return None


def _hardly(ended: Ended) -> str:
    losses = ended.history.loss
    change, epochs = _spread(losses), counted(ended.history.epochs, "epoch")
    how = f"changed by {brief(change, '.2g')} in all" if change else "did not change"
    return f"Hardly anything was learnt: in {epochs} {ended.error} = {brief(losses[0], '.6g')} {how}."


def _from_to(error: str, losses: Sequence[float]) -> str:
    first, last = losses[0], losses[-1]
    how = "falling" if last < first else "changing"
    epochs = f"the last {len(losses) - 1:,} epochs" if len(losses) > 2 else "the last epoch"
    return f"{error} was still {how}: from {brief(first, '.6g')} to {brief(last, '.6g')} in {epochs}"


def _tolerated(ended: Ended) -> float:
    """Return the change that the tolerance allows in all the epochs that it looks at."""
    scale = ended.history.loss[0] if ended.relative else 1.0
    return ended.settings.tolerance * ended.settings.patience * scale


def _tolerance(ended: Ended) -> str:
    tolerance, first = ended.settings.tolerance, ended.history.loss[0]
    of = RELATIVE.format(tolerance=brief(tolerance)) if ended.relative else brief(tolerance)
    smaller = USUAL if ended.relative or first > 0.01 else float(f"{1e-6 * first:.0e}")
    advice = f"set tolerance = {brief(smaller)} under [training], or 0 never to stop early."
    return f"A tolerance of {of} is too large; {advice}"


def _spread(losses: Sequence[float]) -> float:
    return max(losses) - min(losses)
