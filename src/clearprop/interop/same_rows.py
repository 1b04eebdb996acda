"""The same rows for two networks of which one scales its columns or targets, or each scales them otherwise; by name,
where both name them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.interop.scaling import of_columns, of_outputs, scaled_rows, scales, with_scaling, without_scaling
from clearprop.messages import abridged
from clearprop.network.data import Fitted, shown_label
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem

SCALED = "{0} scales rows before its first layer, {1} inside its weights; both are compared on scaled rows"
OTHERWISE = "the networks scale rows differently; the second's weights are converted to the first's scaling"
FOLDED = (
    "the first network's scaling is folded into its weights, so both networks take and give the table's own numbers"
)
AS_THEY_ARE = "{1} has no scaling, so it is given rows as {0} scales them"
CLOSER = "; on the table's own numbers it differs more"


class Pair(NamedTuple):
    """Two networks, the first with the rows for both, and what was done for that; ``other`` may be alive. ``unit`` is
    how large a difference of 1 between its outputs is beside those of another pair."""

    problem: Problem
    other: Any
    notes: tuple[str, ...] = ()
    unit: float = 1.0


def pairs(problem: Problem, other: Any) -> list[Pair]:
    """Return the ways in which two may be given the same rows: one, unless only one of them scales its own.

    A network without scaling may have it within its weights, and take the table's own numbers, or belong to a program
    that scales them elsewhere: then both are given scaled rows.
    """
    notes: tuple[str, ...] = ()
    if isinstance(other, Problem):
        if ends(problem) != ends(other):
            return [Pair(problem, other)]
        other, notes = by_name(problem, other)
    fitted = other.fitted if isinstance(other, Problem) else None
    mine, theirs = (each if scales(each) else None for each in (problem.fitted, fitted))
    scaled = mine or theirs
    if scaled is None or (mine and theirs and _same_scaling(mine, theirs)):
        return [Pair(problem, other, notes)]
    if mine and theirs:
        if _targets(mine) == _targets(theirs):  # outputs stay as they are
            other, mine = replace(other, fitted=replace(theirs, standardized=())), replace(mine, standardized=())
        return [Pair(problem, with_scaling(without_scaling(other), mine), (*notes, OTHERWISE))]
    which = ("the first network", "the second network")
    which = which if mine else which[::-1]
    rows = problem.examples if mine else problem.examples and scaled_rows(problem.examples, scaled)
    given = AS_THEY_ARE.format(*which)
    found = [Pair(replace(problem, examples=rows), other, (*notes, given))]
    closer = Pair(found[0].problem, other, (*notes, given + CLOSER))
    with suppress(InvalidArgument):  # outputs in the other unit are no layer's
        if not isinstance(other, Problem):
            outputs = of_outputs(scaled)
            unit = 1.0 if outputs is None else float(outputs.factor.mean())
            return [Pair(without_scaling(problem), other, (*notes, FOLDED), unit), closer]
        one, two = (with_scaling(each, scaled) if own else _with_biases(each, scaled)
                    for each, own in ((problem, not mine), (other, mine)))  # fmt: skip
        plain = other if mine else problem
        names = plain.fitted is not None and plain.fitted.features != plain.network.input_names
        known = plain.of_others and names  # a file that names its columns takes these
        return [Pair(one, two, (*notes, SCALED.format(*which))), *([] if known else [closer])]
    return found


def ends(problem: Problem) -> tuple[int, int]:
    """Return how many inputs and outputs a network has."""
    return problem.network.sizes[0], problem.network.sizes[-1]


def _with_biases(problem: Problem, scaled: Fitted) -> Problem:
    """Return a problem with a bias per unit in the layers that a scaling within them gives one."""
    biases = {problem.network.layers[k].bias for k in ([0] if not scaled.standardized else [0, -1])}
    return problem if biases == {"unit"} else with_scaling(without_scaling(problem), scaled)


def _same_scaling(one: Fitted, two: Fitted) -> bool:
    return all(map(np.array_equal, of_columns(one), of_columns(two))) and _targets(one) == _targets(two)


def _targets(fitted: Fitted) -> list[tuple[float, float]]:
    """Return the mean and scale of each standardized target."""
    return [(each.mean, each.scale) for each in fitted.standardized]


def by_name(problem: Problem, other: Problem) -> tuple[Problem, tuple[str, ...]]:
    """Return the other network with its inputs and outputs in the first one's order, where both name them and in
    another; and what was done. Names that are not the same are taken in their order, which is said."""
    one, two = problem.fitted, other.fitted
    if one is None or two is None or problem.network.sizes[0] != other.network.sizes[0]:
        return other, ()
    notes: list[str] = []
    outputs: list[int] | None = None
    inputs = _order(one.features, two.features, _numbered("x", one.features), "inputs", notes)
    if one.classes is not None and two.classes is not None and len(one.classes) == len(two.classes):
        labels = [[shown_label(each) for each in fitted.classes or ()] for fitted in (one, two)]
        numbers = [str(k) for k in range(len(labels[0]))]
        if other.network.sizes[-1] == len(numbers):
            outputs = _order(labels[0], labels[1], numbers, "classes", notes)
        elif labels[0] != labels[1] and (numbers not in labels or labels[0] == labels[1][::-1]):
            first, second = (abridged(each[1], 40) for each in labels)
            notes.append(f"an output near 1 means {first} in the first network and {second} in the second")
    elif one.classes is None and two.classes is None and len(one.targets) == len(two.targets):
        outputs = _order(one.targets, two.targets, _numbered("y", one.targets), "targets", notes)
    return _turned(other, two, inputs, outputs), tuple(notes)


def _numbered(letter: str, names: Sequence[str]) -> list[str]:
    """Return what inputs or targets are called where nobody named them."""
    return [f"{letter}{k + 1}" for k in range(len(names))]


def _order(
    mine: Sequence[str], theirs: Sequence[str], numbered: Sequence[str], what: str, notes: list[str]
) -> list[int] | None:
    """Return the places of the first one's names among the other's; None where the order is the same, or not known."""
    if list(mine) == list(theirs):
        return None
    same = sorted(mine) == sorted(theirs) and len({*mine}) == len(mine)
    if not same and list(numbered) in (list(mine), list(theirs)):
        return None
    few = " and ".join(", ".join(abridged(each, 20) for each in names[:6]) + (", …" if len(names) > 6 else "")
                       for names in (mine, theirs))  # fmt: skip
    if len(mine) == 1:
        notes.append(f"their {what[:-1]} has two names: {few}")
        return None
    if not same:
        notes.append(f"their {what} have different names and are compared in order: {few}")
        return None
    notes.append(f"their {what} are in different orders and are compared by name: {few}")
    return [theirs.index(name) for name in mine]


def _turned(problem: Problem, fitted: Fitted, inputs: list[int] | None, outputs: list[int] | None) -> Problem:
    """Return the problem with its inputs and outputs in another order, and what was fitted to them."""
    network = problem.network
    new = Parameters(network.layout, problem.parameters.vector.copy())
    if inputs is not None:
        new.weights(0)[:] = new.weights(0)[:, inputs]
        columns = fitted.as_inputs.columns
        fitted = replace(fitted, columns=tuple(columns[k] for k in inputs), order=())
    if outputs is not None:
        last = network.depth - 1
        new.weights(last)[:] = new.weights(last)[outputs]
        if network.layers[last].bias == "unit":
            new.biases(last)[:] = new.biases(last)[outputs]
        fitted = _with_outputs(fitted, outputs)
    return replace(problem, parameters=new, fitted=fitted)


def _with_outputs(fitted: Fitted, order: list[int]) -> Fitted:
    """Return what was fitted, with its classes or targets in another order."""
    if fitted.classes is not None:
        return replace(fitted, classes=tuple(fitted.classes[k] for k in order), class_weights=())
    standardized = tuple(fitted.standardized[k] for k in order) if fitted.standardized else ()
    return replace(fitted, targets=tuple(fitted.targets[k] for k in order), standardized=standardized)
