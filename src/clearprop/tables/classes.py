"""Classes: which a target column holds, in the order of the outputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from clearprop.errors import Fault, UnfitTable
from clearprop.messages import abridged, counted
from clearprop.network.blocks import slices
from clearprop.network.data import Data, Label, shown_label
from clearprop.network.description import is_share
from clearprop.network.problem import Problem
from clearprop.tables.cells import moments, number_otherwise, reading, truth
from clearprop.tables.table import Numbers, Table, Text, column, not_finite
from clearprop.types import Array

NUMERIC = frozenset("0123456789+-−.,$€£¥~<>≈(")
"""Signs with which a number may begin, however it is written."""


def classes_of(table: Table, data: Data, problem: Problem, rows: Array) -> tuple[Label, ...] | None:
    """Return the classes of the target in the order of the outputs, or None where targets are numbers."""
    outputs, source = problem.network.sizes[-1], table.source
    if len(data.target) > 1:
        message = "is one of several targets: expected numbers, found text; classes take one column"
        faults = [Fault(column(name), message) for name in data.target if isinstance(table.columns[name], Text)]
        if not faults and len(data.target) != outputs:
            faults = [Fault("target", f"{len(data.target)} columns, but the network has {counted(outputs, 'output')}")]
        if faults:
            raise UnfitTable(faults, source)
        return None
    name = data.target[0]
    given = table.columns[name]
    found = _labels(given, rows)
    if not _is_class(given, found, problem):
        return None
    if isinstance(given, Numbers) and (infinite := list(not_finite(name, given.values, rows))):
        raise UnfitTable(infinite, source)
    if len(found) == 1:
        only = abridged(shown_label(found[0]), 40)
        raise UnfitTable([Fault(column(name), f'contains a single class, "{only}"; expected at least 2')], source)
    # Two classes may share an output, but not one whose only share is all of it.
    shared = len(found) == 2 and not problem.network.loss.rule.sums_to_one
    if isinstance(given, Text) and outputs == 1 and (written := _written(name, given, problem)):
        raise UnfitTable([written], source)
    if outputs != len(found) and not (outputs == 1 and shared):
        needed = f"{len(found)} outputs" + (", or 1," if shared else "")
        held = f"holds {len(found):,} classes ({listed(found, 6)}), which take {needed}"
        remedy = f"but the network has {counted(outputs, 'output')}; change the units of its last layer"
        raise UnfitTable([Fault(column(name), f"{held} {remedy}")], source)
    return found


def _written(name: str, given: Text, problem: Problem) -> Fault | None:
    """Return what is wrong with a target of text that cannot be classes where one number is wanted."""
    labels = given.labels
    if problem.network.loss.rule.task == "classes":
        return None
    begins = 2 * sum(label[:1] in NUMERIC or reading(label) is not None for label in labels) >= len(labels)
    return no_classes(name, given, begins)


def no_classes(name: str, given: Text, otherwise: bool = False) -> Fault | None:
    """Return what is wrong with a target of text that is probably no class: dates, or numbers written ``otherwise``."""
    labels = given.labels
    kind = moments(labels)
    if len(labels) < 3 or not (kind or otherwise or number_otherwise(labels)):
        return None
    looks = kind or "numbers in another form"
    remedy = "write plain numbers, such as 1234.5"
    if kind:
        remedy = "turn them into numbers first, such as days since the first"
    row = int(np.flatnonzero(given.codes >= 0)[0]) + 1
    shown = abridged(labels[given.codes[row - 1]], 40)
    return Fault(column(name, row), f'expected a number, found "{shown}" (they look like {looks}); {remedy}')


def _labels(given: Numbers | Text, rows: Array) -> tuple[Label, ...]:
    if isinstance(given, Text):
        return tuple(sorted({given.labels[code] for code in np.unique(given.codes[rows])}))
    return tuple(float(value) for value in np.unique(given.values[rows]))


def _is_class(given: Numbers | Text, found: Sequence[Label], problem: Problem) -> bool:
    """Return whether a target column holds classes: text does, and numbers where several outputs share it, or
    where the loss is one of probabilities and they are two that cannot be such; or 0 and 1 of a share without
    a loss."""
    network, loss = problem.network, problem.network.loss.rule
    if isinstance(given, Text) or network.sizes[-1] > 1 or loss.sums_to_one:
        return True
    if not network.loss.named and is_share(network.layers):
        return set(found) == {0.0, 1.0}
    shares = all(0 <= label <= 1 for label in found if isinstance(label, float))
    return loss.task == "classes" and len(found) <= 2 and (not shares or set(found) <= {0.0, 1.0})


def class_codes(table: Table, name: str, classes: Sequence[Label]) -> Array:
    """Return the position of each row's class in ``classes``; -1 for another, or none."""
    given = table.columns[name]
    if isinstance(given, Text):
        # The last entry answers for a missing value, whose code is -1.
        return np.array([*positions(given.labels, classes), -1], dtype=np.int32)[given.codes]
    known, values = np.array(classes, dtype=float), given.values
    order, found = np.argsort(known), np.empty(len(values), np.int32)
    for block in slices(len(values)):
        nearest = order[np.minimum(np.searchsorted(known, values[block], sorter=order), len(known) - 1)]
        found[block] = np.where(known[nearest] == values[block], nearest, -1)
    return found


def positions(labels: Iterable[str], known: Sequence[Label]) -> list[int]:
    """Return the position of each label among the known ones, -1 for others; truth values are the same in upper and
    lower case."""
    place = {truth(label) if isinstance(label, str) else label: position for position, label in enumerate(known)}
    place |= {label: position for position, label in enumerate(known)}
    return [place.get(label, place.get(truth(label), -1)) for label in labels]


def listed(classes: Sequence[Label], limit: int) -> str:
    """Return the first few classes or categories, for a message."""
    few = ", ".join(abridged(shown_label(label), 20) for label in classes[:limit])
    return few + (", …" if len(classes) > limit else "")
