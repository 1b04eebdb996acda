"""Names against names: what a network calls its inputs and outputs decides which column or class each stands for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from clearprop.errors import Fault, UnfitTable
from clearprop.messages import unknown
from clearprop.network.data import Fitted, class_names, shown_label
from clearprop.network.description import Network
from clearprop.network.name_checks import as_name
from clearprop.network.notation import in_ascii
from clearprop.tables.table import Table, column

TRUTHS = {**dict.fromkeys(("false", "no", "off", "0"), "false"),
          **dict.fromkeys(("true", "yes", "on", "1"), "true")}  # fmt: skip
"""The names of false and true."""


def by_name(network: Network, fitted: Fitted, table: Table, names: Sequence[str]) -> Fitted:
    """Return what was fitted in the order of the network's inputs and outputs, as far as these are called as columns
    and classes are; ``names`` are what inputs are called after these columns.

    Raises:
        UnfitTable: some names are those of columns or classes, and some are not.
    """
    if isinstance(network.inputs, tuple) and not table.numbered & {each.name for each in fitted.columns}:
        fitted = _inputs(network.inputs, fitted, table.source, names)
    if fitted.classes is not None:
        return _classes(network, fitted, table.source)
    if len(fitted.targets) == 1 or table.numbered & {*fitted.targets}:
        return fitted
    order = of_outputs(network, fitted.targets, "target column", table.source)
    standardized = tuple(fitted.standardized[place] for place in order) if fitted.standardized else ()
    return replace(fitted, targets=tuple(fitted.targets[place] for place in order), standardized=standardized)


def _inputs(inputs: Sequence[str], fitted: Fitted, source: str, names: Sequence[str]) -> Fitted:
    places = _places(inputs, fitted.features, names)
    _require_all(places, inputs, fitted.features, "inputs.names", ("column", "inputs", "columns"), source)
    sources = [fitted.source(position if place is None else place) for position, place in enumerate(places)]
    columns = []
    for each, group in groupby(sources, lambda found: found[0]):
        categories = tuple(category for _, category in group if category is not None)
        columns.append(replace(each, categories=categories or None))
    for name, count in Counter(each.name for each in columns).items():
        if count > 1:
            apart = "its categories are not side by side in inputs.names; list them together"
            raise UnfitTable([Fault(column(name), apart)], source)
    order = tuple(each.name for each in fitted.columns)
    same = order == tuple(each.name for each in columns)
    return replace(fitted, columns=tuple(columns), order=() if same else order)


def _classes(network: Network, fitted: Fitted, source: str) -> Fitted:
    assert fitted.classes is not None
    labels = [shown_label(each) for each in fitted.classes]
    if network.sizes[-1] == 1:
        # One output is near 1 for the second class: for the one that it is called as.
        own, first, second = _same_words(network.unit_names[-1], class_names(fitted.classes))
        return replace(fitted, classes=fitted.classes[::-1]) if own == first != second else fitted
    units, names = network.unit_names[-1], class_names(fitted.classes)
    words = _same_words(units, names)
    if not isinstance(network.layers[-1].units, int) and words != [*map(_alike, (*units, *names))]:
        order = [words[len(units) :].index(word) for word in words[: len(units)]]
    else:
        order = of_outputs(network, labels, "class", source, names)
    return replace(fitted, classes=tuple(fitted.classes[place] for place in order))


def of_outputs(network: Network, found: Sequence[str], what: str, source: str, names: Sequence[str] = ()) -> list[int]:
    """Return which of the names found each output stands for: by its name, or else in their order; ``what`` is one of
    them in a message, ``names`` what outputs are called after them."""
    units = network.unit_names[-1]
    places = _places(units, found, names)
    if isinstance(network.layers[-1].units, int):  # nobody named them
        places = [None if None in places else place for place in places]
    several = what + ("es" if what.endswith("s") else "s")
    _require_all(places, units, found, f"layers[{network.depth}].units", (what, "outputs", several), source)
    return [position if place is None else place for position, place in enumerate(places)]


def _places(own: Sequence[str], found: Sequence[str], names: Sequence[str] = ()) -> list[int | None]:
    """Return the place in ``found`` of each of a network's own names, or None: as it is, as one of ``names`` or, where
    no other is alike, in upper or lower case and with ``_`` for what no name may hold."""
    counts = Counter(map(_alike, found))
    known = {_alike(name): place for place, name in enumerate(found) if counts[_alike(name)] == 1}
    exact = {name: place for each in (names, found) for place, name in enumerate(each)}
    places = [exact.get(name) for name in own]
    return [known.get(_alike(name)) if place is None else place for name, place in zip(own, places, strict=True)]


def _same_words(units: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Return the names of outputs and of two classes as they are compared: ``yes`` and ``1`` as ``true`` where both
    classes, and all outputs, are called as truth values are."""
    words = [*map(_alike, (*units, *classes))]
    truths = [TRUTHS.get(word, "") for word in words]
    pairs = [truths[len(units) :], truths[: len(units)] if len(units) == 2 else ["false", "true"]]
    return truths if all(truths) and all({*pair} == {"false", "true"} for pair in pairs) else words


def _alike(name: str) -> str:
    return in_ascii(as_name(name)).casefold()


def _require_all(
    places: Sequence[int | None],
    own: Sequence[str],
    found: Sequence[str],
    where: str,
    words: tuple[str, str, str],
    source: str,
) -> None:
    """Refuse names of which some were found, and some not or twice."""
    if {*places} == {None}:
        return
    counts, (one, these, several) = Counter(places), words
    rest = [name for place, name in enumerate(found) if not counts[place]]
    wrong = [name for name, place in zip(own, places, strict=True) if place is None or counts[place] > 1]
    remedy = f"other {these} have the names of {several}: give each {these[:-1]} such a name, or none"
    faults = [Fault(where, f"{unknown(one, name, rest)}; {remedy}".replace("?;", "?")) for name in wrong]
    if faults:
        raise UnfitTable(faults, source)
