"""Notes on a training that has ended: what was not learnt, and why.

They follow from its history, and from the weights that are kept, on all training rows, or on an even sample of very
many.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

import numpy as np

from clearprop.derivation.symptoms import THRESHOLDS, Blocked, about_units, blocked, symptom
from clearprop.expressions import evaluate
from clearprop.messages import abridged, brief, every, listing
from clearprop.models.history import History
from clearprop.network.data import shown_label
from clearprop.network.problem import Problem
from clearprop.prediction.classes import class_labels, most_likely
from clearprop.propagation.backward import backward
from clearprop.propagation.forward import batch_errors, error_share, example_share, forward, penalty_error
from clearprop.rules.losses import LOSSES
from clearprop.rules.roles import Role
from clearprop.tables.apply import in_own_unit
from clearprop.training.stopping import Status
from clearprop.training.too_early import Ended, too_early
from clearprop.types import Array

ROWS, NUMBERS = 2_000, 1_000_000_000
"""The largest sample: rows, and rows times parameters."""
UNFINISHED = (Status.EPOCH_LIMIT, Status.TIME_LIMIT, Status.STOPPED, Status.INTERRUPTED)
"""Where a training was cut short, outputs may still be on their way to the targets."""


def notes(problem: Problem, status: Status, history: History) -> tuple[str, ...]:
    """Return what a person should know of a training that ended so, a sentence or two each."""
    if problem.examples is None or status is Status.DIVERGED:
        return ()
    with np.errstate(all="ignore"):
        seen = _Seen(problem)
        if not np.isfinite(seen.outputs).all():
            return ()
        early = too_early(seen.ended(history, status))
        # Where hardly a step was made, weights say nothing of the training.
        return tuple(_notes(seen, status)) if early is None else (early,)


class _Seen:
    """Training rows, and what the network makes of them."""

    def __init__(self, problem: Problem) -> None:
        assert problem.examples is not None
        self.problem, self.network = problem, problem.network
        learnt = problem.examples.learnt
        count = min(len(learnt), ROWS, max(2, NUMBERS // self.network.parameter_count))
        chosen = problem.examples.take(learnt[np.linspace(0, len(learnt) - 1, count).astype(int)])
        self.trace = forward(problem.network, problem.parameters, chosen.inputs, weights=chosen.weights)
        self.targets, self.outputs = chosen.targets, self.trace.outputs[-1]
        kind = (
            "examples" if problem.examples.own else "rows" if problem.examples.validation is None else "training rows"
        )
        many = every(count, kind[:-1]) if count == len(learnt) else f"all of {count:,} {kind} looked at"
        self.rows = f"the one {kind[:-1]}" if len(learnt) == 1 else many
        self.error = float(batch_errors(self.trace, self.targets).sum())
        """Without the penalty, which a constant answer has none of."""

    @property
    def error_name(self) -> str:
        """The name of ``error``."""
        total = self.problem.names.notation.total_error
        return f"{total} without the penalty" if self.problem.penalty else total

    @cached_property
    def gradients(self) -> Array:
        """The gradient of E_total by each parameter that is trained."""
        gradients = backward(self.trace, self.targets, self.problem.penalty).of.vector
        return np.asarray(gradients[self.problem.parameters.layout.trainable])

    def ended(self, history: History, status: Status) -> Ended:
        """Return the end of a training with this history."""
        assert self.problem.examples is not None
        slope = float(self.gradients @ self.gradients)
        total = self.error + float(penalty_error(self.problem.penalty.over(self.trace.count), self.problem.parameters))
        rate = 0.01 * total / slope if slope else np.inf
        name, relative = self.problem.names.notation.total_error, not self.problem.examples.own
        relative = relative and self.problem.settings.convergence == "change"
        return Ended(history, status, self.problem.settings, relative, name, rate)

    @cached_property
    def blocked(self) -> list[Blocked]:
        return list(blocked(self.trace))

    @cached_property
    def constant(self) -> tuple[float, str]:
        """The error of the best constant answer, and which it is."""
        weights = self.trace.weights
        counts = np.ones(len(self.targets)) if weights is None else weights
        mean = counts @ self.targets / counts.sum()
        answers = {"mean": mean, "median": np.median(self.targets, axis=0)}
        return min((self._error_of(answer), which) for which, answer in answers.items())

    def _error_of(self, answer: Array) -> float:
        rule = self.network.loss.rule
        errors = evaluate(
            rule.formula, {Role.OUTPUT: np.broadcast_to(answer, self.targets.shape), Role.TARGET: self.targets}
        )
        # A class that no row has: 0 · ln 0. An own formula that is undefined says nothing.
        errors = np.nan_to_num(errors, nan=0.0 if rule.name in LOSSES else np.inf)
        shares = error_share(self.trace) * example_share(self.network, self.trace.count)
        return float((np.broadcast_to(errors, self.targets.shape) * shares).sum())

    @cached_property
    def learnable(self) -> Array:
        """Which outputs have targets that differ from row to row."""
        return np.asarray(np.ptp(self.targets, axis=0) > 0)

    @cached_property
    def same(self) -> list[int]:
        """The outputs that are the same for all rows although their targets are not."""
        spread, deviation = np.ptp(self.outputs, axis=0), self.targets.std(axis=0)
        return np.flatnonzero(self.learnable & (spread <= THRESHOLDS["same"] * deviation)).tolist()

    @property
    def learnt(self) -> bool:
        """Whether the answers are better than the best constant's."""
        return not self.learnable.any() or self.error < THRESHOLDS["constant"] * self.constant[0]


def _notes(seen: _Seen, status: Status) -> Iterator[str]:
    if seen.same:
        yield _about_same(seen)
    elif note := _about_targets(seen):
        yield note
    elif not seen.learnt:
        value, which = seen.constant
        yield symptom("constant", error=seen.error_name, after=_shown(seen.error), best=which, constant=_shown(value))
    nothing = bool(seen.same) or not seen.learnt
    if not nothing and (label := _only_class(seen)) is not None:
        yield symptom("one_class", rows=seen.rows, label=abridged(label))
    unreached = [*_out_of_reach(seen), *_far(seen, nothing, status)]
    yield from unreached
    yield from _causes(seen, nothing, bool(unreached), status)
    if seen.error > 0 and not seen.gradients.any():
        yield symptom("flat", error=seen.error_name, after=_shown(seen.error))


def _about_same(seen: _Seen) -> str:
    names = [seen.network.unit_names[-1][k] for k in seen.same]
    one = len(names) == 1
    answers, means = seen.outputs[:, seen.same].mean(axis=0), seen.targets[:, seen.same].mean(axis=0)
    close = np.abs(answers - means) <= 0.01 * seen.targets[:, seen.same].std(axis=0)
    own, own_mean = (in_own_unit(seen.problem.fitted, rows.mean(axis=0)) for rows in (seen.outputs, seen.targets))
    what = f", {_shown(own[seen.same[0]])}" if one else ""
    if close.all():
        what += f", the mean{'' if one else 's'} of the targets"
    elif one:
        what += f" (the mean of the targets is {_shown(own_mean[seen.same[0]])})"
    outputs = f"the output{'' if one else 's'} {listing(names, 4)} {'is' if one else 'are'}"
    return symptom("same", outputs=outputs, rows=seen.rows, what=what)


def _about_targets(seen: _Seen) -> str | None:
    """Return a note on targets that do not differ; one example of a network file has no need to."""
    fitted = seen.problem.fitted
    if not seen.learnable.any():
        alone = len(seen.targets) == 1 and fitted is None
        return None if alone else symptom("constant_targets", of="", rows=seen.rows)
    if fitted is None or fitted.classes is not None or seen.learnable.all():
        return None
    constant = [name for name, learnable in zip(fitted.targets, seen.learnable, strict=True) if not learnable]
    return symptom("constant_targets", of=f" {listing(constant, 4)}", rows=seen.rows)


def _only_class(seen: _Seen) -> str | None:
    """Return the class that all rows of several classes are predicted as, or None."""
    labels = class_labels(seen.problem)
    if labels is None:
        return None
    predicted = np.unique(most_likely(seen.outputs))
    there = np.unique(most_likely(seen.targets))
    return shown_label(labels[predicted[0]]) if len(predicted) == 1 < len(there) else None


def _out_of_reach(seen: _Seen) -> Iterator[str]:
    rule = seen.network.layers[-1].rule
    if rule.bounds is None:
        return
    (low, high), least, most = rule.bounds, seen.targets.min(), seen.targets.max()
    if least < low or most > high:
        limits = f"between {brief(low)} and {brief(high)}" if np.isfinite(high) else f"at or above {brief(low)}"
        yield symptom("out_of_reach", activation=rule.name, limits=limits, least=_shown(least), most=_shown(most))


def _far(seen: _Seen, nothing: bool, status: Status) -> Iterator[str]:
    """Yield a note for an output whose targets are too far from it, or too widely spread, for steps of its size."""
    for k in np.flatnonzero(seen.learnable):
        targets, outputs = seen.targets[:, k], seen.outputs[:, k]
        (mean, deviation), (own, spread) = ((each.mean(), each.std()) for each in (targets, outputs))
        large = max(abs(mean), deviation) > THRESHOLDS["large"]
        narrow = status in UNFINISHED and spread < deviation / 2
        if large and (abs(mean - own) > deviation / 2 or narrow or (nothing and k not in seen.same)):
            remedy = "Scale the targets to about -1 to 1, or use a larger learning rate"
            if seen.problem.data is not None and seen.problem.data.standardize_target is False:
                remedy = "Leave out standardize_target = false"
            numbers = {"mean": mean, "deviation": deviation, "output_mean": own, "output_deviation": spread}
            name = seen.network.unit_names[-1][k]
            shown = {key: _shown(number) for key, number in numbers.items()}
            yield symptom("far", output=name, remedy=remedy, **shown)
            return


def _causes(seen: _Seen, nothing: bool, known: bool, status: Status) -> Iterator[str]:
    """Yield why units learn nothing, and what to do unless that is ``known``; saturated ones and such are worth a
    word only where nothing was learnt."""
    if len(seen.targets) == 1 and not nothing:
        return
    spread = float(np.ptp(seen.trace.inputs, axis=0).max())
    if nothing and not spread:
        yield symptom("constant_inputs", rows=seen.rows)
        return
    if nothing and spread < THRESHOLDS["narrow"]:
        yield symptom(
            "narrow_inputs",
            spread=_shown(spread),
            remedy=_standardize(seen).rstrip(".") or "Scale them to about -1 to 1",
        )
        known = True
    found, causes = [each for each in seen.blocked if nothing or each.kind == "dead"], False
    told = ""
    for each in found:
        note = f"Layer {each.layer + 1}: {about_units(seen.trace, each, seen.rows)}"
        if len(each.units) == seen.network.layers[each.layer].size and each.kind == "dead":
            note += " " + symptom("cut_off")
        elif each.kind == "dead" and not nothing:
            rest = seen.network.layers[each.layer].size - len(each.units)
            more = "The other unit" if rest == 1 else f"The other {rest:,} units"
            note += f" {more} of the layer {'works' if rest == 1 else 'work'}."
        cause = nothing and 2 * len(each.units) > seen.network.layers[each.layer].size  # fewer leave a way
        causes |= cause
        remedy = _remedy(seen, each) if cause and not known else ""
        yield note if remedy == told else f"{note} {remedy}".rstrip()
        told = remedy
    if not nothing:
        return
    others = []
    for layer, (into, out) in enumerate(pairwise(map(seen.problem.parameters.weights, range(seen.network.depth)))):
        if len(into) > 1 and (into == into[0]).all() and (out[:, 0] == out.T).all():
            others.append(symptom("alike", layer=layer + 1))
    yield from others
    penalty = seen.problem.penalty
    if penalty and not (causes or others or known):
        given = " and ".join(
            f"{name} = {brief(getattr(penalty, name))}" for name in ("l2", "l1") if getattr(penalty, name)
        )
        yield symptom("penalized", penalty=given)
    elif not (causes or others or known):
        first = "more epochs" if status in UNFINISHED else "other initial weights (another seed)"
        yield f"Try {first}, another learning rate, or scaled inputs."


def _remedy(seen: _Seen, found: Blocked) -> str:
    if found.kind == "dead":
        rule = seen.network.layers[found.layer].rule.name
        other = ", or leaky_relu" if rule == "relu" else ", or another activation"
        return f"Try other initial weights (another seed), a smaller learning rate{other}."
    if remedy := _standardize(seen):
        return f"{remedy[:-1]}: the inputs are too large for these weights."
    if np.abs(seen.trace.inputs).max() > THRESHOLDS["large"]:
        return "Try inputs scaled to about -1 to 1."
    return "Try smaller initial weights or a smaller learning rate."


def _standardize(seen: _Seen) -> str:
    """Return how to standardize the inputs of a table, if they are not."""
    data, fitted = seen.problem.data, seen.problem.fitted
    return (
        "Try standardize = true under [data]."
        if fitted is not None and data is not None and not data.standardize
        else ""
    )


def _shown(number: float) -> str:
    return f"{number:,.6g}"
