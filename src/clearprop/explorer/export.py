"""A problem as JSON: what the page is given, and all that it knows."""

from __future__ import annotations

import json
from typing import Any

from clearprop.errors import InvalidArgument
from clearprop.explorer import library
from clearprop.explorer.numbers import numbers
from clearprop.messages import abridged
from clearprop.network.description import Network
from clearprop.network.examples import Examples
from clearprop.network.layer import Dense
from clearprop.network.problem import Problem
from clearprop.network.write import structure
from clearprop.training.batching import batch_size

MAX_NUMBERS = 60_000
"""At most so many numbers of examples travel with the page; the others are counted."""
MAX_EXAMPLES = 2_000
LIMIT = 10_000
"""Cycles that the page makes at most, unless the file says otherwise; as ``train`` does."""


def exported(problem: Problem) -> dict[str, Any]:
    """Everything about a problem, as dictionaries, lists, numbers and strings.

    Raises:
        InvalidArgument: there is no example to show.
    """
    network = problem.network
    activations, losses = library.rules_of(network)
    return {
        "format": 1,
        "name": problem.name,
        "notation": problem.notation,
        "seed": problem.settings.seed,
        **library.language(),
        "latex": library.characters(network),
        "activations": [library.activation(rule) for rule in activations],
        "losses": library.losses(losses, activations, network.loss, network.sizes[-1]),
        "network": {
            "inputs": {"size": network.sizes[0], "names": _names(network.inputs)},
            "layers": [_layer(layer, activations.index(layer.rule)) for layer in network.layers],
            "loss": losses.index(network.loss.rule),
            "over_outputs": network.loss.over_outputs,
            "over_examples": network.loss.over_examples,
        },
        "parameters": numbers(problem.parameters.vector),
        "optimizer": library.optimizer(problem.optimizer),
        "penalty": library.penalty(problem.penalty),
        "stopping": _stopping(problem),
        "examples": _examples(problem),
        "batch_size": batch_size(problem),
        "columns": _columns(problem),
        "file": _file(problem),
    }


def escaped(content: dict[str, Any]) -> str:
    """JSON that may stand inside a ``script`` element whatever its texts are."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")


def _names(units: int | tuple[str, ...]) -> list[str] | None:
    return None if isinstance(units, int) else list(units)


def _layer(layer: Dense, activation: int) -> dict[str, Any]:
    return {
        "size": layer.size,
        "names": _names(layer.units),
        "activation": activation,
        "bias": layer.bias,
        "weight_names": layer.weight_names,
        "bias_names": layer.bias_names,
        "train_bias": layer.train_bias,
        "dropout": layer.dropout,
    }


def _stopping(problem: Problem) -> dict[str, Any]:
    settings = problem.settings
    return {
        "cycles": settings.epochs or LIMIT,
        "tolerance": settings.tolerance,
        "patience": settings.patience,
        "target_loss": settings.target_loss,
        "gradient_tolerance": settings.gradient_tolerance,
    }


def _examples(problem: Problem) -> dict[str, Any]:
    """The examples that are learnt from, as many as fit, with their numbers in the file."""
    examples = problem.examples
    if examples is None or not len(examples.learnt):
        raise InvalidArgument(
            f"{problem.name}: there is no example to show; add one under [[examples]], or name a table with --data"
        )
    positions = examples.learnt[: _room(problem.network, examples)]
    weights = None if examples.weights is None else examples.weights[positions]
    return {
        "inputs": numbers(examples.inputs[positions]),
        "targets": numbers(examples.targets[positions]),
        "weights": None if weights is None else weights.tolist(),
        "numbers": (positions + 1).tolist(),
        "left_out": len(examples.learnt) - len(positions),
    }


def _room(network: Network, examples: Examples) -> int:
    per_row = network.sizes[0] + network.sizes[-1]
    return max(1, min(MAX_EXAMPLES, MAX_NUMBERS // per_row, len(examples.learnt)))


def _columns(problem: Problem) -> list[dict[str, Any]] | None:
    """Which column of the table each input is made from, and how."""
    if problem.fitted is None:
        return None
    columns = []
    for index in range(problem.network.sizes[0]):
        column, category = problem.fitted.source(index)
        columns.append(
            {
                "name": abridged(column.name),
                "category": None if category is None else abridged(category),
                "mean": column.mean,
                "scale": column.scale,
            }
        )
    return columns


def _file(problem: Problem) -> dict[str, Any] | None:
    """The tables of the network file without its numbers, which the page puts in; examples stand in it
    themselves, whatever table they came from. None for rules that no file describes."""
    try:
        content = structure(problem, numbers=False)
    except InvalidArgument:
        return None
    content.pop("data", None)
    return content
