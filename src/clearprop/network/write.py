"""Write a network file: what is written reads back equal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from clearprop.atomic_write import write_atomically
from clearprop.errors import ClearpropError, InvalidArgument
from clearprop.fields import accepted, suggests_options
from clearprop.fields import path as path_of_file
from clearprop.messages import abridged, brief, brief_exponents
from clearprop.network.data import Data
from clearprop.network.examples import Examples
from clearprop.network.layer import Dense
from clearprop.network.problem import Problem, Settings, a_problem
from clearprop.rules.activations import ACTIVATIONS, activation
from clearprop.rules.losses import LOSSES, loss
from clearprop.rules.optimizers import Optimizer, optimizer
from clearprop.rules.penalties import Penalty
from clearprop.rules.schedules import Schedule
from clearprop.types import Array


@suggests_options()
def write(problem: Problem) -> str:
    """Return the problem as TOML text, with every weight and bias.

    Raises:
        InvalidArgument: a rule made in Python that no file can describe, or a parameter
            that is not a finite number.

    >>> from clearprop.network.read import read
    >>> problem = read("[inputs]\\ncount = 2\\n[[layers]]\\nunits = 1\\n")
    >>> read(write(problem)) == problem
    True
    """
    accepted(a_problem, problem, "problem")
    problem.parameters.require_finite("; a file holds finite ones only")
    return _toml(structure(problem))


def outline(problem: Problem) -> str:
    """Return the problem as TOML text without its numbers: weights are drawn anew. What most people change is
    written out, also where it is the default."""
    content = structure(problem, numbers=False)
    if problem.data is not None:
        content["data"] |= {name: getattr(problem.data, name) for name in ("split", "missing")}
        if len(problem.data.target) == 1:
            content["data"]["target"] = problem.data.target[0]
    content["training"] = {"batch_size": problem.settings.batch_size, "seed": problem.settings.seed} | content.get(
        "training", {}
    )
    return _toml({key: _plain(value) for key, value in content.items()})


def _toml(content: dict[str, Any]) -> str:
    import tomlkit
    from tomlkit.items import Float, Trivia

    def shown(value: Any) -> Any:
        match value:
            case dict():
                return {key: shown(item) for key, item in value.items()}
            case list():
                return [shown(item) for item in value]
            case float():
                return Float(value, Trivia(), brief(value, ""))
        return value

    return tomlkit.dumps(shown(content))


@suggests_options()
def save(problem: Problem, path: str | os.PathLike[str]) -> None:
    """Write the network file, whole or not at all.

    Raises:
        Unwritable: the file cannot be written; what was there is untouched.
    """
    write_atomically(accepted(path_of_file, path, "path"), write(problem))


def structure(problem: Problem, *, numbers: bool = True) -> dict[str, Any]:
    """Return the tables of the file; without ``numbers`` all but weights, biases and examples."""
    network, chosen = problem.network, problem.network.loss
    content: dict[str, Any] = {"title": problem.title} if problem.title else {}
    content["notation"] = problem.notation
    named = isinstance(network.inputs, tuple)
    content["inputs"] = {"names": list(network.input_names)} if named else {"count": network.inputs}
    content["layers"] = [_layer(problem, index, layer, numbers) for index, layer in enumerate(network.layers)]
    content["loss"] = {"name": chosen.rule.name, "over_outputs": chosen.over_outputs}
    content["loss"] |= {"over_examples": chosen.over_examples, **_changed_constants("loss", chosen.rule, loss, LOSSES)}
    content["optimizer"] = _optimizer(problem.optimizer)
    if problem.penalty != Penalty():
        content["penalty"] = {"l2": problem.penalty.l2, "l1": problem.penalty.l1}
        content["penalty"] |= {"divide_by_examples": True} if problem.penalty.divide_by_examples else {}
    if isinstance(problem.settings.shuffle, np.random.RandomState):
        raise InvalidArgument(
            'shuffle: a generator given in Python cannot be written; use shuffle = "sklearn" and a seed'
        )
    content["training"] = _changed(problem.settings, Settings())
    if problem.data is not None:
        data = problem.data
        content["data"] = {"file": data.file, "target": data.target, **_changed(data, Data("", ()))}
    if numbers and problem.examples is not None and (problem.examples.own or problem.data is None):
        content["examples"] = list(_examples(problem.examples))
    return {key: _plain(value) for key, value in content.items() if value != {}}


def _examples(examples: Examples) -> Iterator[dict[str, Any]]:
    untold = () if examples.without_target is None else examples.without_target
    for row, (inputs, targets) in enumerate(zip(examples.inputs, examples.targets, strict=True)):
        weight = {} if examples.weights is None else {"weight": examples.weights[row]}
        yield {"inputs": inputs, **({} if row in untold else {"targets": targets}), **weight}


def _layer(problem: Problem, index: int, layer: Dense, numbers: bool) -> dict[str, Any]:
    biases = problem.parameters.biases(index)
    table: dict[str, Any] = {"units": layer.units if isinstance(layer.units, int) else list(layer.units)}
    constants = _changed_constants("activation", layer.rule, activation, ACTIVATIONS)
    table["activation"] = {"name": layer.rule.name, **constants} if constants else layer.rule.name
    if numbers:
        table["weights"] = problem.parameters.weights(index)
    if layer.weight_names is not None:
        table["weight_names"] = [list(row) for row in layer.weight_names]
    if layer.bias == "none":
        table["bias"] = False
    elif layer.bias == "shared":
        # A number says that the layer shares it, even where numbers are elsewhere.
        table["bias"] = biases[0] if numbers else 0.0
    elif numbers:
        table["bias"] = biases
    if layer.bias_names is not None:
        table["bias_names"] = layer.bias_names if isinstance(layer.bias_names, str) else list(layer.bias_names)
    if not layer.train_bias:
        table["train_bias"] = False
    if layer.init != layer.rule.init:
        table["init"] = layer.init
    if layer.dropout:
        table["dropout"] = layer.dropout
    return table


def _changed_constants(kind: str, rule: Any, made: Callable[..., Any], known: Mapping[str, Any]) -> dict[str, Any]:
    _same(kind, rule, lambda: made(rule.name, **rule.constants))
    usual = known[rule.name].constants if rule.name in known else {}
    return {key: value for key, value in rule.constants.items() if value != usual.get(key)}


def _optimizer(chosen: Optimizer) -> dict[str, Any]:
    given = {"learning_rate": chosen.learning_rate, "schedule": chosen.schedule, **chosen.clips}
    given |= chosen.hyperparameters
    _same("optimizer", chosen, lambda: optimizer(chosen.name, **given))
    table: dict[str, Any] = {"name": chosen.name, "learning_rate": chosen.learning_rate, **chosen.changed}
    if chosen.schedule != Schedule():
        warmup = {"warmup": chosen.schedule.warmup} if chosen.schedule.warmup else {}
        by = {"by": chosen.schedule.by} if chosen.schedule.by != "epoch" else {}
        table["schedule"] = {"name": chosen.schedule.name, **chosen.schedule.constants, **warmup, **by}
    return {**table, **chosen.clips}


def _same(kind: str, rule: Any, made: Callable[[], Any]) -> None:
    """Refuse a rule that reading its name and constants would not give back."""
    try:
        same = made() == rule
    except ClearpropError:
        same = False
    if not same:
        raise InvalidArgument(
            f'{kind}: "{abridged(rule.name)}" was made or changed in Python and cannot be written; a file knows '
            "rules by their name and constants, and activations and losses by their expression"
        )


def _plain(value: Any) -> Any:
    """Return the value as lists, tables and Python numbers, which tomlkit knows."""
    match value:
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case np.ndarray():
            return _numbers(value)
        case np.generic():
            return value.item()
    return value


def _numbers(values: Array) -> Any:
    """Return a vector or matrix as one item: one item per number would take seconds for a large network."""
    from tomlkit.items import Item, Trivia

    class Numbers(Item):
        discriminant = 8

        def as_string(self) -> str:
            # Python writes the shortest text that reads back to the same bits.
            return brief_exponents(str(values.tolist()))

        def unwrap(self) -> Any:
            return values.tolist()

    return Numbers(Trivia())


def _changed(settings: Any, usual: Any) -> dict[str, Any]:
    """Return the fields that differ from the usual ones and can be written."""
    pairs = ((field.name, getattr(settings, field.name), getattr(usual, field.name)) for field in fields(settings))
    return {name: value for name, value, default in pairs if value != default and value is not None}
