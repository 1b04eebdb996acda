"""Model files: a network, its parameters, what was fitted on its data, and the progress of its training.

One safetensors file that any reader of such files opens. Its tensors are ``layers.N.weights``, one row per
unit, and ``layers.N.biases``; those of ``training.`` are for resuming. Its metadata has one key, ``clearprop``,
with JSON: ``network`` is the network file without its numbers, ``preprocessing`` what was fitted on the
training rows, ``training`` how far it is and what it started from, ``remarks`` what was assumed where it was made of
another framework's file, ``checksum`` a hash of all the rest. It holds no
clock time: the same run writes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from clearprop.atomic_write import write_atomically
from clearprop.errors import InvalidArgument, InvalidNetwork
from clearprop.models.history import History
from clearprop.models.preprocessing import fitted_as_json
from clearprop.models.snapshot import Position, Snapshot
from clearprop.network.examples import Examples
from clearprop.network.problem import Problem
from clearprop.network.read import read_structure
from clearprop.network.write import structure
from clearprop.types import Array

FORMAT = 2
"""Since 2, targets may be standardized. A model without is written as 1, which earlier versions read too."""
KEY = "clearprop"
CHECKSUM = "checksum"
MAX_DESCRIPTION = 90_000_000
"""Bytes: readers of safetensors files refuse a header of more than 100 million."""


@dataclass(frozen=True)
class Progress:
    """The progress of a training: ``origin`` is what it started from, ``status`` how it ended, if it has."""

    position: Position
    history: History
    origin: Mapping[str, Any]
    status: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Model:
    """The content of a model file; ``progress`` is None if it was saved without its training."""

    problem: Problem
    progress: Progress | None = None


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model file, whole or not at all."""
    require_savable(model.problem)
    write_atomically(path, content(model))


def require_savable(problem: Problem, origin: Mapping[str, Any] | None = None) -> None:
    """Check that a model of the problem can be written and read again, before the work that it is to keep.

    ``origin`` is what its training starts from, where that is to be saved with it.
    """
    text = as_json({**describe(Model(problem)), "training": origin, CHECKSUM: "0" * 32})
    # Every quotation mark in it takes a backslash more in the header, which is JSON itself.
    size = len(text) + text.count('"') + text.count("\\")
    if size > MAX_DESCRIPTION:
        raise InvalidArgument(f"{problem.name}: its names take {size / 1e6:,.0f} MB, too much for a model file")
    problem.parameters.require_finite("; a model file holds finite ones only")
    try:
        read_structure(json.loads(text)["network"], problem.name, lambda blank: None)
    except InvalidNetwork as error:
        raise InvalidArgument(f"this cannot be saved as a model: {error}") from None


def content(model: Model) -> bytes:
    """Return the bytes of a model file."""
    from safetensors.numpy import save

    tensors = {name: np.ascontiguousarray(array) for name, array in _tensors(model)}
    described = describe(model)
    digests = {name: digest(array) for name, array in tensors.items()}
    return bytes(save(tensors, {KEY: as_json({**described, CHECKSUM: checksum(described, digests)})}))


def digest(array: Array) -> str:
    """Return a hash of an array's numbers and type."""
    return hashlib.blake2b(np.ascontiguousarray(array).data, key=str(array.dtype).encode(), digest_size=16).hexdigest()


def checksum(description: Mapping[str, Any], digests: Mapping[str, str]) -> str:
    """Return a hash of all that a model file holds: its description, and the digests of its tensors."""
    whole = as_json({"description": description, "tensors": dict(sorted(digests.items()))})
    return hashlib.blake2b(whole.encode(), digest_size=16).hexdigest()


def as_json(value: Any) -> str:
    """Return JSON in ASCII, which holds even a file name that is not valid text; NumPy's numbers become Python's."""
    return json.dumps(_with_plain_keys(value), separators=(",", ":"), default=lambda number: number.item())


def _with_plain_keys(value: Any) -> Any:
    """Return the value with keys that are NumPy's numbers, as classes may be, as Python's."""
    if isinstance(value, Mapping):
        return {
            key.item() if isinstance(key, np.generic) else key: _with_plain_keys(item) for key, item in value.items()
        }
    return [_with_plain_keys(item) for item in value] if isinstance(value, (list, tuple)) else value


def describe(model: Model) -> dict[str, Any]:
    """Return all of a model but its numbers, as JSON."""
    fitted, progress = model.problem.fitted, model.progress
    return {
        "format": FORMAT if fitted is not None and fitted.standardized else 1,
        "network": structure(model.problem, numbers=False),
        "preprocessing": fitted and fitted_as_json(fitted),
        **({"remarks": _made_of(model.problem.remarks)} if model.problem.remarks else {}),
        "training": progress
        and {
            "epochs": progress.position.epochs,
            "steps": progress.position.steps,
            **({"met": asdict(progress.position.met)} if progress.position.met.examples else {}),
            "status": progress.status,
            "reason": progress.reason,
            "origin": progress.origin,
        },
    }


def _made_of(remarks: Sequence[str]) -> list[str]:
    """Return what was assumed and folded when another framework's file was read, as the model made of it says it."""
    return [each.replace("from: ", "made from: ", 1) if each.startswith("from: ") else each for each in remarks]


def _tensors(model: Model) -> Iterator[tuple[str, Array]]:
    problem, progress = model.problem, model.progress
    dtype = problem.settings.dtype
    for layer in range(problem.network.depth):
        yield f"layers.{layer + 1}.weights", _in(dtype, problem.parameters.weights(layer))
        if problem.network.layers[layer].bias != "none":
            yield f"layers.{layer + 1}.biases", _in(dtype, problem.parameters.biases(layer))
    if problem.examples is not None and problem.examples.own:
        yield from _examples(problem.examples)
    if progress is not None:
        position, history = progress.position, progress.history
        yield "training.best", position.best.parameters.vector
        yield from _snapshot("training.present", position.present)
        if position.present is not position.whole:
            yield from _snapshot("training.whole", position.whole)
        for name in ("loss", "rate", "validation"):
            yield f"training.history.{name}", np.array(getattr(history, name))


def _examples(examples: Examples) -> Iterator[tuple[str, Array]]:
    kinds = {"inputs": float, "targets": float, "weights": float, "training": np.int64, "validation": np.int64}
    kinds["without_target"] = np.int64
    examples = replace(examples, targets=np.nan_to_num(examples.targets))  # a file holds finite numbers only
    for name, kind in kinds.items():
        if (values := getattr(examples, name)) is not None:
            yield f"examples.{name}", np.asarray(values, dtype=kind)


def _snapshot(place: str, snapshot: Snapshot) -> Iterator[tuple[str, Array]]:
    yield f"{place}.parameters", snapshot.parameters.vector
    for name, values in snapshot.state.items():
        yield f"{place}.{name}", values


def _in(dtype: str, values: Array) -> Array:
    """Return the values in the precision of the training, unless that loses digits, as for frozen ones."""
    with np.errstate(over="ignore"):
        smaller = values.astype(dtype)
    return smaller if np.array_equal(smaller, values) else values
