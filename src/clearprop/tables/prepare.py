"""A problem prepared for a table: with its rows as examples, and inputs named like its columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from clearprop.errors import Fault, InvalidNetwork, UnfitTable
from clearprop.messages import abridged, counted
from clearprop.network.data import Column, Data, Fitted, Label, class_names
from clearprop.network.description import AUTO, Network, usual_loss
from clearprop.network.examples import Examples
from clearprop.network.layer import Dense
from clearprop.network.name_checks import as_name, free_name
from clearprop.network.parameters import Parameters, grown
from clearprop.network.problem import Problem
from clearprop.tables import apply
from clearprop.tables.by_name import by_name
from clearprop.tables.cells import moments
from clearprop.tables.fit import fit, usable, wanted_to_fit
from clearprop.tables.table import Table, Wanted, notice
from clearprop.types import Array

SHOWN = 5
"""The number of columns with another name that are listed."""

PLENTY = 2**19
"""The most inputs that are kept in float64 for a training in float32."""

Reader = Callable[[Wanted], Table]
"""Reads the wanted columns of a table, from wherever it is."""


def prepared(problem: Problem, data: Data, read: Reader, named: Collection[str] = ()) -> Problem:
    """Return the problem with a table's rows as examples, and what was fitted on its training rows.

    Rows keep their places: example 7 is row 7 of the table, whichever part it is in. ``named`` are
    the columns that the request itself names, rather than the network file.
    """
    table = read(wanted_to_fit(problem, data, named))
    fitted, training, validation = fit(table, data, problem)
    network = _counted(problem.network, fitted, table.source)
    fitted = by_name(network, fitted, table, _input_names(network, fitted.features))
    fitted = replace(fitted, class_weights=apply.class_weights(table, fitted, data, training))
    network = with_names(network, fitted)
    used = np.sort(np.concatenate([training, validation]))
    weights = apply.weights(table, fitted, data.weight_column, used)
    if weights is not None and not weights[training].any():
        raise UnfitTable([Fault("weights", "every training row has weight 0")], table.source)
    everything = len(training) == len(table)
    many = len(table) * fitted.width > PLENTY
    # Of many inputs the training reads these very numbers, which nobody may write to.
    dtype = problem.settings.dtype if many else "float64"
    inputs, targets = (
        apply.inputs(table, fitted, used, dtype),
        apply.targets(table, fitted, network.sizes[-1], used, dtype),
    )
    inputs.flags.writeable = targets.flags.writeable = not many
    examples = Examples(
        inputs,
        targets,
        weights,
        None if everything else training,
        validation if len(validation) else None,
        own=False,
        without_target=_lacking_only_targets(table, fitted, inputs, used),
    )
    if problem.network.inputs == AUTO:
        parameters = grown(problem.parameters, problem.network, network, problem.settings.seed)
    else:
        parameters = Parameters(network.layout, problem.parameters.vector)
    return replace(problem, network=network, parameters=parameters, examples=examples, data=data, fitted=fitted)


def _lacking_only_targets(table: Table, fitted: Fitted, inputs: Array, used: Array) -> Array | None:
    """Return the rows that are not used, since they have no target, but whose inputs are whole."""
    found = np.logical_or.reduce([table.columns[name].missing for name in fitted.targets])
    found[used] = False
    if not found.any():
        return None
    start = 0
    for each in fitted.columns:
        part = inputs[found, start : start + each.width]
        found[found] = np.isfinite(part).all(axis=1) & ((each.categories is None) | (part.sum(axis=1) == 1))
        start += each.width
    return np.flatnonzero(found) if found.any() else None


def with_rows(problem: Problem, read: Reader) -> Problem:
    """Return a trained problem with the rows of another table as its examples; what training applied is applied.

    Rows may lack the target, and the table its column: then nobody knows their error.
    """
    fitted, data = problem.fitted, problem.data
    assert fitted is not None
    weight = None if data is None else data.weight_column
    table = read(apply.wanted_to_apply(fitted, data, [*fitted.targets, *filter(None, [weight])]))
    rows = None
    if data is not None and data.missing == "drop":
        given = {name: each for name, each in table.columns.items() if name not in fitted.targets}
        rows = usable(Table(given, table.source), data, [each.name for each in fitted.columns])
    told, untold = _told(table, fitted, np.arange(len(table)) if rows is None else rows)
    targets = np.full((len(table), problem.network.sizes[-1]), np.nan)
    weights, unweighted = None, ""
    if len(told):
        targets[told] = apply.targets(table, fitted, problem.network.sizes[-1], told)[told]
        fitted, weights, unweighted = _weighted(table, fitted, data, told)
    examples = Examples(
        apply.inputs(table, fitted, rows),
        targets,
        weights,
        rows if len(untold) == 0 else told,
        own=False,
        without_target=untold if len(untold) else None,
        unweighted=unweighted,
    )
    return replace(problem, examples=examples, fitted=fitted)


def _told(table: Table, fitted: Fitted, rows: Array) -> tuple[Array, Array]:
    """Return which of the rows have a target, and which do not."""
    if not table.columns.keys() >= {*fitted.targets}:
        return rows[:0], rows
    missing = np.logical_or.reduce([table.columns[name].missing for name in fitted.targets])[rows]
    if missing.any() and not missing.all():
        count = f"{int(missing.sum()):,} of {len(rows):,} rows have no target"
        notice(f"{table.source}: {count}, the first is row {int(rows[missing.argmax()]) + 1:,}; they have no error")
    return rows[~missing], rows[missing]


def _weighted(table: Table, fitted: Fitted, data: Data | None, told: Array) -> tuple[Fitted, Array | None, str]:
    """Return what was fitted with the weights of classes, those of the rows, and why some are left out."""
    if data is None:
        return fitted, None, ""
    name, unweighted = data.weight_column, ""
    if name is not None and name not in table.columns:
        unweighted, name = f"no column {abridged(name)}", None
    if not fitted.class_weights:  # a model of an earlier version does not say those that were balanced
        fitted = replace(fitted, class_weights=apply.class_weights(table, fitted, data, None))
        if data.class_weights is not None and not fitted.class_weights:
            unweighted = "the model was saved without its balanced class weights"
    return fitted, apply.weights(table, fitted, name, told), unweighted


def inputs_of(fitted: Fitted, read: Reader, data: Data | None = None) -> Array:
    """Return the inputs that the rows of a table make; ``data`` describes the table of the training."""
    return apply.inputs(read(apply.wanted_to_apply(fitted, data)), fitted)


def _counted(network: Network, fitted: Fitted, source: str) -> Network:
    """Return the network with as many inputs as the columns make; refuse one with another number."""
    if network.inputs == AUTO:
        return Network(fitted.width, network.layers, network.loss)
    if fitted.width != network.sizes[0]:
        few = ", ".join(map(_made, fitted.columns[:8])) + (", …" if len(fitted.columns) > 8 else "")
        become = f"{counted(len(fitted.columns), 'column')} become{'s' if len(fitted.columns) == 1 else ''}"
        made = f"{become} {counted(fitted.width, 'input')} ({few}), but the network has {network.sizes[0]:,}"
        remedy = f"leave columns out with exclude under [data], or set count = {fitted.width} under [inputs]"
        raise UnfitTable([Fault("inputs", f"{made}; {remedy}")], source)
    return network


def with_names(network: Network, fitted: Fitted) -> Network:
    """Return the network with its inputs named like the columns and its outputs like the classes, unless they have
    names; with the loss that suits classes, unless it was given one."""
    classes, layers, loss = fitted.classes, network.layers, network.loss
    if classes is not None:
        layers = *layers[:-1], _with_class_names(network, classes)
        if not loss.named:
            loss = replace(loss, rule=usual_loss(layers, classes=True))
    network = Network(network.inputs, layers, loss)
    if isinstance(network.inputs, tuple):
        return network
    names = _input_names(network, fitted.features)
    _say_renamed(network, fitted.features, names)
    return Network(names, layers, loss)


def _with_class_names(network: Network, classes: Sequence[Label]) -> Dense:
    """Return the last layer with its outputs named like the classes (one output like the second of two), unless they
    have names or the classes cannot be told apart as names."""
    last = network.layers[-1]
    names = class_names(classes)
    taken = {name for layer in network.unit_names[:-1] for name in layer}
    distinct = {unicodedata.normalize("NFKC", name) for name in names}
    if not isinstance(last.units, int) or len(distinct) < len(names) or distinct & taken:
        return last
    named = replace(last, units=tuple(names[-last.units :]))
    try:
        Network(network.inputs, (*network.layers[:-1], named), network.loss)
    except InvalidNetwork:  # a weight, bias or input that the file names is called like something of such a unit
        return last
    return named


def _made(column: Column) -> str:
    """Return a column and how many inputs it makes, for a message."""
    name = abridged(column.name, 30)
    if column.categories is None:
        return name
    kind = moments(column.categories)
    return f"{name}: {column.width:,}" + (f" different {kind}" if kind else "")


def _input_names(network: Network, features: tuple[str, ...]) -> list[str]:
    """Return a name for each feature that nothing else has, as close to the feature's as a name can be."""
    taken = {name for layer in network.unit_names for name in layer}
    names, meanings = dict.fromkeys(range(len(features)), ""), network.meanings
    # A feature that is a name already is called so, whichever else comes to the same.
    for place in sorted(names, key=lambda place: as_name(features[place]) != features[place]):
        name = free_name(
            as_name(features[place]),
            lambda each: unicodedata.normalize("NFKC", each) in taken or meanings.of_input(each),
        )
        taken.add(unicodedata.normalize("NFKC", name))
        names[place] = name
    return list(names.values())


def _say_renamed(network: Network, features: tuple[str, ...], names: Sequence[str]) -> None:
    """Say which columns are called otherwise, since their name means something else."""
    meanings = network.meanings
    named = [(feature, name, as_name(feature)) for feature, name in zip(features, names, strict=True)]
    others = [
        f'"{abridged(feature, 30)}" is called {name}, since {plain} is {meaning}'
        for feature, name, plain in named
        if (meaning := meanings.of_input(plain))
    ]
    if others:
        more = f" (and {len(others) - SHOWN:,} more)" if len(others) > SHOWN else ""
        notice(f"column {'; '.join(others[:SHOWN])}{more}")
