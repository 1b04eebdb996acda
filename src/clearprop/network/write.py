"""The network file, written: what is written reads back equal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from clearprop.errors import InvalidArgument
from clearprop.files import write_atomically
from clearprop.network.description import Dense, Network
from clearprop.network.problem import Data, Problem, Settings
from clearprop.rules.activations import ACTIVATIONS, activation
from clearprop.rules.losses import LOSSES
from clearprop.rules.optimizers import OPTIMIZERS, Optimizer
from clearprop.rules.schedules import Schedule


def write(problem: Problem) -> str:
    """The problem as TOML text, with every weight and bias.

    Raises:
        InvalidArgument: a rule made in Python that no name or expression of the file describes.

    >>> from clearprop.network.file import load, read
    >>> read(write(load("lecture"))) == load("lecture")
    True
    """
    import tomlkit

    return tomlkit.dumps(structure(problem))


def save(problem: Problem, path: str | os.PathLike[str]) -> None:
    """Write the network file, whole or not at all.

    Raises:
        Unwritable: the file cannot be written; what was there is untouched.
    """
    write_atomically(path, write(problem))


def structure(problem: Problem) -> dict[str, Any]:
    """The tables of the file."""
    network = problem.network
    content: dict[str, Any] = {"notation": problem.notation}
    named = not isinstance(network.inputs, int)
    content["inputs"] = {"names": list(network.input_names)} if named else {"count": network.inputs}
    content["layers"] = [_layer(problem, index, layer) for index, layer in enumerate(network.layers)]
    content["loss"] = _loss(network)
    content["optimizer"] = _optimizer(problem.optimizer)
    if problem.penalty:
        content["penalty"] = {"l2": problem.penalty.l2, "l1": problem.penalty.l1}
    content["training"] = _changed(problem.settings, Settings())
    if problem.data is not None:
        content["data"] = _data(problem.data)
    if problem.examples is not None:
        rows = zip(problem.examples.inputs.tolist(), problem.examples.targets.tolist(), strict=True)
        content["examples"] = [{"inputs": inputs, "targets": targets} for inputs, targets in rows]
    return {key: value for key, value in content.items() if value != {}}


def _layer(problem: Problem, index: int, layer: Dense) -> dict[str, Any]:
    biases = problem.parameters.biases(index).tolist()
    table: dict[str, Any] = {"units": layer.units if isinstance(layer.units, int) else list(layer.units)}
    table["activation"] = _activation(layer)
    table["weights"] = problem.parameters.weights(index).tolist()
    if layer.weight_names is not None:
        table["weight_names"] = [list(row) for row in layer.weight_names]
    table["bias"] = {"none": False, "shared": biases[0] if biases else 0.0, "unit": biases}[str(layer.bias)]
    if layer.bias_names is not None:
        table["bias_names"] = layer.bias_names if isinstance(layer.bias_names, str) else list(layer.bias_names)
    if not layer.train_bias:
        table["train_bias"] = False
    if layer.init != layer.rule.init:
        table["init"] = layer.init
    if layer.dropout:
        table["dropout"] = layer.dropout
    return table


def _activation(layer: Dense) -> str | dict[str, Any]:
    rule = layer.rule
    usual = ACTIVATIONS.get(rule.name)
    if usual is None:
        if activation(rule.name) != rule:
            raise InvalidArgument(f'the activation "{rule.name}" was made in Python; a file can only hold expressions')
        return rule.name
    changed = {key: value for key, value in rule.constants.items() if value != usual.constants[key]}
    return {"name": rule.name, **changed} if changed else rule.name


def _loss(network: Network) -> dict[str, Any]:
    rule = network.loss.rule
    usual = LOSSES[rule.name].constants if rule.name in LOSSES else {}
    changed = {key: value for key, value in rule.constants.items() if value != usual.get(key)}
    reductions = {"over_outputs": network.loss.over_outputs, "over_examples": network.loss.over_examples}
    return {"name": rule.name, **reductions, **changed}


def _optimizer(optimizer: Optimizer) -> dict[str, Any]:
    usual = OPTIMIZERS[optimizer.name]().hyperparameters
    table: dict[str, Any] = {"name": optimizer.name, "learning_rate": optimizer.learning_rate}
    for key, value in optimizer.hyperparameters.items():
        if value != usual[key]:
            table[key] = list(value) if isinstance(value, tuple) else value
    if optimizer.schedule != Schedule():
        constants = dict(optimizer.schedule.constants)
        warmup = {"warmup": optimizer.schedule.warmup} if optimizer.schedule.warmup else {}
        table["schedule"] = {"name": optimizer.schedule.name, **constants, **warmup}
    for key in ("clip_norm", "clip_value"):
        if getattr(optimizer, key) is not None:
            table[key] = getattr(optimizer, key)
    return table


def _data(data: Data) -> dict[str, Any]:
    table = _changed(data, Data("", ()))
    return {key: list(value) if isinstance(value, tuple) else _plain(value) for key, value in table.items()}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _changed(settings: Any, usual: Any) -> dict[str, Any]:
    """The fields that differ from the usual ones and can be written."""
    pairs = ((field.name, getattr(settings, field.name), getattr(usual, field.name)) for field in fields(settings))
    return {name: value for name, value, default in pairs if value != default and value is not None}
