"""The rules as JSON: everything that the page needs to compute, derive and print with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from clearprop.derivation.chain import PATH_LIMIT, SIGNAL_LIMIT, WIDTH_LIMIT
from clearprop.derivation.shares import SHOWN_COLLAPSE, SHOWN_TERMS, shared, shared_fused, shared_slope
from clearprop.derivation.symptoms import SYMPTOMS, THRESHOLDS, steepest
from clearprop.derivation.words import WORDS
from clearprop.explorer.trees import slope, tree
from clearprop.expressions import Operator, Symbol, numeric, simplify
from clearprop.messages import brief
from clearprop.network.description import Network, Objective
from clearprop.network.examples import NOT_WHOLE, OUTSIDE
from clearprop.network.layout import WEIGHT
from clearprop.network.notation import ACCENTED, GREEK, NOTATIONS, STATE_WORDS
from clearprop.propagation.dropout import KEPT
from clearprop.propagation.finite import SENTENCES as NOT_FINITE
from clearprop.rendering.compose import SHOWN_EXAMPLES
from clearprop.rendering.latex_symbols import ESCAPES, escaped
from clearprop.rendering.text import COLUMNS
from clearprop.rules.activations import ACTIVATIONS, Activation, AnyActivation
from clearprop.rules.fused import FUSED, AnyFused, Fused
from clearprop.rules.losses import LOSSES, REDUCTIONS, Loss
from clearprop.rules.optimizers import Optimizer
from clearprop.rules.penalties import Penalty
from clearprop.rules.schedules import SCHEDULES, UNWATCHED, Schedule, Watch
from clearprop.rules.standardize import ORIGINAL, STANDARDIZED
from clearprop.tables.apply import OTHER_UNIT
from clearprop.tables.cells import COMMA, POINT, Form
from clearprop.training.stopping import AT_THE_LEAST, FLAT, NO_BETTER, RELATIVE, STILL, Status

SENTENCES: Mapping[str, str] = {
    **WORDS,
    **NOT_FINITE,
    "outside": OUTSIDE,
    "not_whole": NOT_WHOLE,
    "other_unit": OTHER_UNIT,
    "still": STILL,
    "relative": RELATIVE,
    "flat": FLAT,
    "no_better": NO_BETTER,
    "least_rate": NO_BETTER + AT_THE_LEAST,
    "target_loss": Status.TARGET_LOSS.sentence,
    "epoch_limit": Status.EPOCH_LIMIT.sentence,
}
"""The sentences that the page and Python share."""


def language() -> dict[str, Any]:
    """Return what every page needs, whatever its network: primitives, words, notations, standardizing."""
    return {
        "erf": {
            "small": numeric.ERF_SMALL,
            "middle": numeric.ERFC_MIDDLE,
            "large": numeric.ERFC_LARGE,
            "small_below": numeric.ERF_SMALL_BELOW,
            "middle_below": numeric.ERFC_MIDDLE_BELOW,
        },
        "words": SENTENCES,
        "symptoms": dict(SYMPTOMS),
        "thresholds": dict(THRESHOLDS),
        "limits": {
            "paths": PATH_LIMIT,
            "signals": SIGNAL_LIMIT,
            "width": WIDTH_LIMIT,
            "terms": SHOWN_TERMS,
            "examples": SHOWN_EXAMPLES,
            "collapse": SHOWN_COLLAPSE,
            "columns": COLUMNS,
        },
        "definitions": {o.value: tree(o.meaning(Symbol("u"))) for o in Operator if o.meaning is not None},
        "notations": {name: vars(notation) for name, notation in NOTATIONS.items()},
        "weight": WEIGHT,
        "greek": GREEK,
        "accented": ACCENTED,
        "state_words": STATE_WORDS,
        "reductions": {name: tree(total) for name, total in REDUCTIONS.items()},
        "kept": tree(KEPT),
        "standardized": tree(STANDARDIZED),
        "original": tree(ORIGINAL),
        "written": [_javascript(POINT), _javascript(COMMA)],
    }


def _javascript(form: Form) -> str:
    """Return a regular expression as the page writes it."""
    return form.pattern.replace("(?P<", "(?<").replace("(?P=group)", r"\k<group>")


def characters(network: Network) -> dict[str, str]:
    """Return the characters that LaTeX text cannot hold as they are, those of the network's names included."""
    named = set().union(*network.layout.aliases.values())
    return ESCAPES | {character: escaped(character) for character in sorted(named) if not character.isascii()}


def rules_of(network: Network) -> tuple[list[AnyActivation], list[Loss]]:
    """Return the activations and losses to choose from: those of the tables, and those of the network."""
    activations, losses = list(ACTIVATIONS.values()), list(LOSSES.values())
    for layer in network.layers:
        if layer.rule not in activations:
            activations.append(layer.rule)
    return activations, losses if network.loss.rule in losses else [*losses, network.loss.rule]


def activation(rule: AnyActivation) -> dict[str, Any]:
    """Return one activation: the function of a single sum, or softmax with its parts."""
    common = {"name": rule.name, "label": label(rule), "bounds": _bounds(rule.bounds)}
    if not isinstance(rule, Activation):
        parts = ("term", "output", "diagonal", "off_diagonal", "share", "signal")
        return {**common, "kind": "softmax", **{part: tree(getattr(rule, part)) for part in parts}}
    return {
        **common,
        "kind": "scalar",
        "steepest": steepest(rule),
        "formula": tree(rule.formula),
        "slope": slope(rule.slope),
        "printed_slope": tree(rule.printed_slope),
    }


def label(rule: Any) -> str:
    """Return the rule's name, with those constants that differ from the usual ones."""
    known: Mapping[str, Any] = {**ACTIVATIONS, **LOSSES}
    usual = known[rule.name].constants if rule.name in known else {}
    changed = [f"{key} {brief(value)}" for key, value in rule.constants.items() if value != usual.get(key)]
    return f"{rule.name} ({', '.join(changed)})" if changed else str(rule.name)


def losses(
    chosen: Sequence[Loss], activations: Sequence[AnyActivation], objective: Objective, outputs: int
) -> list[dict[str, Any]]:
    """Return the losses, each with its share of the outputs, without and with an example's weight."""
    return [
        {
            "name": rule.name,
            "label": label(rule),
            "formula": tree(rule.formula),
            "slope": tree(rule.slope.simplified),
            "written_slope": tree(rule.slope.written),
            "targets": _bounds(rule.targets),
            "sums_to_one": rule.sums_to_one,
            "misfits": [rule.misfit(activation) for activation in activations],
            "fused": _fused(rule, objective, outputs),
            **_weighted(partial(_shared, replace(objective, rule=rule), outputs)),
        }
        for rule in chosen
    ]


def _weighted(make: Callable[[bool], Any]) -> dict[str, Any]:
    """Return something without and with an example's weight."""
    return {"plain": make(False), "counted": make(True)}


def _shared(objective: Objective, outputs: int, counted: bool) -> dict[str, Any]:
    error = tree(shared(objective.rule.formula, objective, outputs, counted))
    return {"error": error, **slope(shared_slope(objective, outputs, counted))}


def _fused(rule: Loss, objective: Objective, outputs: int) -> dict[str, Any]:
    """Per activation that this loss is fused with."""
    pairs = {name: pair for (loss, name), pair in FUSED.items() if loss == rule.name}
    shown = {name: _weighted(partial(shared_fused, pair, objective, outputs)) for name, pair in pairs.items()}
    return {
        name: {
            "shown": {key: tree(each) for key, each in shown[name].items()},
            **_pair(pairs[name]),
            **_steps(pairs[name], objective, outputs),
        }
        for name in pairs
    }


def _steps(pair: AnyFused, objective: Objective, outputs: int) -> dict[str, Any]:
    """Return what stands between the products of softmax and its loss and the error signal, with its share."""
    if isinstance(pair, Fused):
        return {}

    def made(part: str, counted: bool) -> Any:
        found = shared(getattr(pair, part), objective, outputs, counted)
        return tree(found if part == "signal" else simplify(found))

    return {"shared": {part: _weighted(partial(made, part)) for part in ("diagonal", "off_diagonal", "signal")}}


def _pair(pair: AnyFused) -> dict[str, Any]:
    """Return the trees of a pair: the error and its signal, or for softmax the error and its parts."""
    if isinstance(pair, Fused):
        return {"kind": "scalar", "error": tree(pair.error), "signal": tree(pair.slope.simplified)}
    parts = ("output", "error", "signal", "diagonal", "off_diagonal")
    return {"kind": "softmax", **{part: tree(getattr(pair, part)) for part in parts}}


def optimizer(chosen: Optimizer) -> dict[str, Any]:
    """The assignments, in order, and the numbers behind their symbols."""
    return {
        "name": chosen.name,
        "rate": chosen.learning_rate,
        "assignments": [[str(symbol.key), tree(expression)] for symbol, expression in chosen.assignments],
        "constants": chosen.constants,
        "state": chosen.state,
        "clip_value": chosen.clip_value,
        "bounded": tree(chosen.bounded),
        "clip_factor": tree(chosen.clip_factor),
        "schedule": _schedule(chosen.schedule),
    }


def watch(assignments: Watch) -> list[Any]:
    """Return the assignments that note the loss after each epoch."""
    return [[str(symbol.key), tree(expression)] for symbol, expression in assignments]


def _schedule(chosen: Schedule) -> dict[str, Any]:
    """The rate as an expression, and the rules by which its scale follows from the losses."""
    return {
        "name": chosen.name,
        "constants": chosen.numbers,
        "rate": tree(chosen.rate),
        "watch": watch(SCHEDULES[chosen.name].watch),
        "unwatched": {name: value if math.isfinite(value) else None for name, value in UNWATCHED.items()},
    }


def penalty(chosen: Penalty) -> dict[str, Any] | None:
    """The penalty of one weight, divided by ``examples`` if that is how it is, and ``alone``."""
    if not chosen:
        return None
    divided = chosen.over(Symbol("examples"))
    return {
        "l1": chosen.l1,
        "l2": chosen.l2,
        "divide_by_examples": chosen.divide_by_examples,
        "slope": tree(divided.slope.simplified),
        **_of_penalty(divided),
        "alone": _of_penalty(chosen),
    }


def _of_penalty(chosen: Penalty) -> dict[str, Any]:
    """The penalty and its slope, the latter with its constants as symbols."""
    return {"formula": tree(chosen.formula), "symbolic_slope": slope(chosen.symbolic_slope)}


def _bounds(bounds: tuple[float, float] | None) -> list[float | None] | None:
    """An interval; None at an end that is infinite."""
    return None if bounds is None else [end if math.isfinite(end) else None for end in bounds]
