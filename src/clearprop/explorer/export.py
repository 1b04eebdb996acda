"""A problem as JSON: everything that the page knows."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.explorer import library
from clearprop.messages import abridged
from clearprop.network import names as q
from clearprop.network.data import NA, Column, shown_label
from clearprop.network.layout import Layout
from clearprop.network.problem import Problem
from clearprop.network.write import structure
from clearprop.prediction.classes import class_labels
from clearprop.propagation.cycle import without_target
from clearprop.propagation.update import clipped_together
from clearprop.rules.schedules import IMPROVEMENT
from clearprop.training.batching import batch_size
from clearprop.types import Array

PLAIN = 1_000
"""Arrays of more numbers than this are written as the bytes of their float64s."""
MAX_NUMBERS = 60_000
"""The most numbers of examples that travel with the page; the others are counted."""
MAX_EXAMPLES = 2_000
LIMIT = 10_000
"""The most cycles that the page computes, unless the file says otherwise; as ``train`` does."""


def exported(problem: Problem) -> dict[str, Any]:
    """Return everything about a problem, as dictionaries, lists, numbers and strings.

    Raises:
        InvalidArgument: there is no example to show.
    """
    network = problem.network
    activations, losses = library.rules_of(network)
    return {
        "format": 1,
        "name": problem.heading,
        "remarks": list(problem.remarks),
        "notation": problem.notation,
        "seed": problem.settings.seed,
        **library.language(),
        "latex": library.characters(network),
        "activations": [library.activation(rule) for rule in activations],
        "losses": library.losses(losses, activations, network.loss, network.sizes[-1]),
        "network": {
            "inputs": {"size": network.sizes[0], "names": list(network.input_names)},
            "layers": [
                _layer(problem.parameters.layout, index, activations.index(layer.rule))
                for index, layer in enumerate(network.layers)
            ],
            "loss": losses.index(network.loss.rule),
            "over_outputs": network.loss.over_outputs,
            "over_examples": network.loss.over_examples,
        },
        "called": _called(problem),
        "parameters": numbers(problem.parameters.vector),
        "optimizer": {**library.optimizer(problem.optimizer), "together": _together(problem)},
        "penalty": library.penalty(problem.penalty),
        "stopping": _stopping(problem),
        "examples": _examples(problem),
        "batch_size": batch_size(problem),
        "isClassifier": class_labels(problem) is not None,
        "table": _table(problem),
        "columns": _columns(problem),
        "target_columns": _target_columns(problem),
        "file": _file(problem),
    }


def _called(problem: Problem) -> dict[str, str]:
    """Return the names of hyperparameters that are not called as they are because an input is."""
    constants = [*problem.optimizer.constants, *problem.optimizer.schedule.numbers, "base", "epoch", "l1", "l2"]
    clipping = [name for norm, factor, *_ in _together(problem) for name in (norm, factor)]
    keys = [*constants, "step", "weight", *clipping, "examples"]
    return {key: name for key in keys if (name := problem.names.text(q.Named(key))) != key}


def _together(problem: Problem) -> list[list[Any]]:
    """Return what is clipped by one norm: its names, and the first of the parameters and the one after the last."""
    found = clipped_together(problem.optimizer, problem.parameters.layout)
    return [[norm, factor, span.start, span.stop] for norm, factor, span in found]


def numbers(values: Array) -> Any:
    """Return a list of numbers or, for a long array, the bytes of its float64s, little-endian, in base 64."""
    flat = np.ascontiguousarray(values, dtype="<f8").ravel()
    if flat.size <= PLAIN:
        return flat.tolist()
    return {"float64": base64.b64encode(flat.tobytes()).decode("ascii")}


def escaped(content: dict[str, Any]) -> str:
    """Return JSON that is safe inside a ``script`` element, whatever its texts are."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")


def _layer(layout: Layout, index: int, activation: int) -> dict[str, Any]:
    """A layer with all its names, except those of weights that are numbered: there may be very many."""
    layer = layout.layers[index]
    return {
        "size": layer.size,
        "names": list(layout.columns[index + 1]),
        "activation": activation,
        "bias": layer.bias,
        "weight_names": layer.weight_names,
        "weights_before": sum(weights.stop - weights.start for weights in layout.weights[:index]),
        "bias_names": list(layout.bias_names(index)),
        "train_bias": layer.train_bias,
        "dropout": layer.dropout,
    }


def _stopping(problem: Problem) -> dict[str, Any]:
    settings, names = problem.settings, ("tolerance", "patience", "target_loss", "gradient_tolerance")
    relative = problem.examples is not None and not problem.examples.own
    return {
        "cycles": settings.epochs or LIMIT,
        "relative": relative and settings.convergence == "change",
        "improvement": library.watch(IMPROVEMENT) if settings.convergence == "improvement" else None,
        **{name: getattr(settings, name) for name in names},
    }


def _examples(problem: Problem) -> dict[str, Any]:
    """Return the examples to train on, as many as fit, with their numbers in the file."""
    examples = problem.examples
    if examples is not None and examples.without_target is not None and not len(examples.learnt):
        raise InvalidArgument(f"{problem.name}: {without_target(problem)}, and the page shows both; add it to the rows")
    if examples is None or not len(examples.learnt):
        raise InvalidArgument(
            f"{problem.name}: there is no example to show; add one under [[examples]], or name a table with --data"
        )
    sizes = problem.network.sizes
    room = max(1, min(MAX_EXAMPLES, MAX_NUMBERS // (sizes[0] + sizes[-1])))
    positions = examples.learnt[:room]
    weights = None if examples.weights is None else examples.weights[positions]
    return {
        "inputs": numbers(examples.inputs[positions]),
        "targets": numbers(examples.targets[positions]),
        "weights": None if weights is None else weights.tolist(),
        "numbers": (positions + 1).tolist(),
        "left_out": len(examples.learnt) - len(positions),
    }


def _table(problem: Problem) -> dict[str, Any] | None:
    """Return what was fitted on the table, by which the page makes inputs and targets of a person's own rows."""
    fitted, data = problem.fitted, problem.data
    if fitted is None:
        return None
    kept = ("name", "categories", "mean", "scale", "fill", "unit")
    targets, units = fitted.standardized or tuple(map(Column, fitted.targets)), dict(fitted.target_units)
    return {
        "columns": [{key: getattr(each, key) for key in kept} for each in fitted.columns],
        "order": fitted.in_table,
        "targets": [
            {"name": each.name, "mean": each.mean, "scale": each.scale, "unit": units.get(each.name, "")}
            for each in targets
        ],
        "classes": None if fitted.classes is None else list(map(shown_label, fitted.classes)),
        "numbers": fitted.classes is not None and not isinstance(fitted.classes[0], str),
        "class_weights": fitted.class_weights,
        "weight_column": None if data is None else data.weight_column,
        "na": NA if data is None else data.na,
        "decimal": None if data is None else data.decimal,
    }


def _columns(problem: Problem) -> list[dict[str, Any]] | None:
    """Return the column of the table behind each input, and how it was prepared."""
    if problem.fitted is None:
        return None
    return [_column(*problem.fitted.source(index)) for index in range(problem.network.sizes[0])]


def _target_columns(problem: Problem) -> list[dict[str, Any]] | None:
    """Return the column of the table behind each target, where targets are standardized or classes."""
    fitted = problem.fitted
    if fitted is not None and fitted.classes is not None:
        classes = fitted.classes if problem.network.sizes[-1] > 1 else fitted.classes[1:]
        return [_column(Column(fitted.targets[0]), shown_label(label)) for label in classes]
    return None if fitted is None or not fitted.standardized else [_column(each) for each in fitted.standardized]


def _column(column: Column, category: str | None = None) -> dict[str, Any]:
    return {
        "name": abridged(column.name),
        "category": None if category is None else abridged(category),
        "mean": column.mean,
        "scale": column.scale,
    }


def _file(problem: Problem) -> dict[str, Any] | None:
    """Return the tables of the network file without its numbers, which the page fills in, and without its data:
    the page writes the examples themselves. None if no file can describe a rule."""
    try:
        content = structure(problem, numbers=False)
    except InvalidArgument:
        return None
    content.pop("data", None)
    return content
