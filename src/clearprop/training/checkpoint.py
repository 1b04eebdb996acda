"""Checkpoints: a training saved at intervals, so that nothing is lost and it can be resumed exactly."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.atomic_write import require_writable, write_atomically
from clearprop.errors import InvalidArgument
from clearprop.fields import accepted, at_least_zero
from clearprop.messages import abridged
from clearprop.models.history import History
from clearprop.models.model import Model, Progress, as_json, content, require_savable
from clearprop.models.read import damaged, read_model
from clearprop.models.snapshot import Position
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.network.write import structure
from clearprop.training.batching import batch_size
from clearprop.training.stopping import Ending
from clearprop.types import Array

MAX_CHANGES = 10
CONVERTED = (".onnx", ".pt", ".keras")
"""Ends of files of other frameworks that ``convert`` writes."""
OF_OTHERS = (*CONVERTED, ".pth", ".pt2", ".h5", ".hdf5", ".skops", ".pkl", ".joblib", ".csv", ".parquet")
PARTS = {
    "targets": "targets", "weights": "example weights", "training": "training rows", "validation": "validation rows"
}  # fmt: skip
LIMITS = frozenset(
    {
        "epochs",
        "tolerance",
        "patience",
        "target_loss",
        "time_limit",
        "gradient_tolerance",
        "early_stopping",
        "convergence",
    }
)
"""Settings that say when to stop: they may change when a training is resumed."""


def _require_own(path: str | os.PathLike[str]) -> None:
    """Refuse a file whose name says that another framework reads it."""
    suffix = Path(path).suffix.lower()
    if suffix not in OF_OTHERS:
        return
    own = str(Path(path).with_suffix(".safetensors"))
    command = shlex.join(["clearprop", "convert", own, str(path)])
    then = f", then type: {abridged(command, 400)}" if suffix in CONVERTED else ""
    found = f"found a file that ends in {suffix}"
    raise InvalidArgument(
        f"output: a model of clearprop is a .safetensors file, {found}; save it as {abridged(own, 200)}{then}"
    )


class Checkpoints:
    """Writes the model of a running training, at intervals and at the end."""

    def __init__(self, path: str | os.PathLike[str], problem: Problem, seconds: Any) -> None:
        self.path, self.problem = path, problem
        self.seconds = accepted(at_least_zero, seconds, "checkpoint")
        _require_own(path)
        require_writable(path)
        self.origin = origin(problem)
        require_savable(problem, self.origin)
        self.last = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the interval has passed."""
        return time.monotonic() - self.last >= self.seconds

    def save(self, kept: Parameters, position: Position, history: History, end: Ending | None = None) -> None:
        """Write the model file, whole or not at all."""
        status, reason = (end.status.value, end.reason) if end is not None else (None, None)
        progress = Progress(position, history.until(position.epochs), self.origin, status, reason)
        try:
            write_atomically(self.path, content(Model(replace(self.problem, parameters=kept), progress)))
        finally:
            self.last = time.monotonic()


def resumed(checkpoints: Checkpoints) -> Progress | None:
    """Return the progress of the training in its model file; None if there is no file yet."""
    path, problem = checkpoints.path, checkpoints.problem
    if not os.path.exists(path):
        return None
    model = read_model(path)
    shown = abridged(str(path), 200)
    if model.progress is None:
        raise InvalidArgument(f"{shown}: a model without the state of its training cannot be resumed; train it again")
    if not _is_origin(model.progress.origin, model.problem.network.depth):
        raise damaged(shown, "the start of its training makes no sense")
    found = list(changes(model, problem, checkpoints.origin))
    if found:
        more = [f"and {len(found) - MAX_CHANGES} more"] if len(found) > MAX_CHANGES else []
        listed = "\n".join(f"  {change}" for change in [*found[:MAX_CHANGES], *more])
        raise InvalidArgument(
            f"{shown}: cannot be resumed, because the training would differ:\n{listed}\n"
            "Undo the change, or train again without --resume."
        )
    if not _fits(model.progress, problem):
        raise damaged(shown, "its steps do not match its epochs")
    return model.progress


def _fits(progress: Progress, problem: Problem) -> bool:
    """Return whether steps, epochs and history can be those of a training of this problem."""
    assert problem.examples is not None
    position, per_epoch = progress.position, -(-len(problem.examples.learnt) // batch_size(problem))
    within = position.steps - position.epochs * per_epoch
    validates = problem.examples.validation is not None
    return (
        0 <= within < per_epoch
        and (within == 0) == (position.present is position.whole)
        and validates == bool(progress.history.validation)
    )


def origin(problem: Problem) -> dict[str, Any]:
    """Return what a training starts from, besides the network file's text: fingerprints of all numbers."""
    assert problem.examples is not None
    examples, network = problem.examples, problem.network
    features = problem.fitted.features if problem.fitted is not None else network.input_names
    return {
        "rows": len(examples),
        "inputs": {name: _fingerprint(examples.inputs[:, index]) for index, name in enumerate(features)},
        "targets": _fingerprint(examples.targets),
        "weights": _fingerprint(examples.weights),
        "training": _fingerprint(examples.training),
        "validation": _fingerprint(examples.validation),
        "parameters": [
            _fingerprint(np.concatenate([problem.parameters.weights(layer).ravel(), problem.parameters.biases(layer)]))
            for layer in range(network.depth)
        ],
    }


def _fingerprint(values: Array | None) -> str | None:
    """Return the fingerprint of numbers, the same in float32 and float64."""
    if values is None:
        return None
    plain = np.ascontiguousarray(values, float if values.dtype.kind == "f" else None)
    return hashlib.blake2b(plain.data, digest_size=16).hexdigest()


def _is_origin(origin: Mapping[str, Any], layers: int) -> bool:
    """Return whether it has the form of what ``origin`` returns."""
    kinds: dict[str, tuple[type, ...]] = {"rows": (int,), "inputs": (dict,), "targets": (str,), "parameters": (list,)}
    kinds |= dict.fromkeys(("weights", "training", "validation"), (str, type(None)))
    sound = all(isinstance(origin.get(key, ...), kind) for key, kind in kinds.items())
    return sound and len(origin["parameters"]) == layers


def changes(model: Model, problem: Problem, start: Mapping[str, Any]) -> Iterator[str]:
    """Yield what differs from what a model's training started from, a line each; ``start`` is the problem's."""
    assert model.progress is not None
    then, now = (_comparable(each) for each in (model.problem, problem))
    yield from _differences("", then, now)
    before, present = model.progress.origin, json.loads(as_json(start))
    if before["rows"] != present["rows"]:
        yield f"the data: {before['rows']:,} rows then, {present['rows']:,} now"
        return
    if sorted(before["inputs"]) == sorted(present["inputs"]) and list(before["inputs"]) != list(present["inputs"]):
        # Weights belong to columns by their place: the fingerprints alone would all be found.
        yield "the data: its columns are in another order"
    for name, fingerprint in present["inputs"].items():
        if before["inputs"].get(name) != fingerprint:
            yield f'the data: different values in "{abridged(name)}"'
    for key, what in PARTS.items():
        if before[key] != present[key]:
            yield f"the data: different {what}"
    for layer, fingerprint in enumerate(present["parameters"]):
        if layer >= len(before["parameters"]) or before["parameters"][layer] != fingerprint:
            yield f"layers[{layer + 1}]: different initial weights or biases"


def _comparable(problem: Problem) -> dict[str, Any]:
    """Return the network file, as far as it affects the steps."""
    tables = structure(problem, numbers=False)
    tables["training"] = {key: value for key, value in asdict(problem.settings).items() if key not in LIMITS}
    if problem.data is not None:
        # The same table may be in another folder.
        tables["data"] = {key: value for key, value in asdict(problem.data).items() if key != "file"}
    tables.pop("notation")
    tables.pop("title", None)
    comparable: dict[str, Any] = json.loads(as_json(tables))
    return comparable


def _differences(place: str, then: Any, now: Any) -> Iterator[str]:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*then, *now]):
            yield from _differences(f"{place}.{key}" if place else key, then.get(key), now.get(key))
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, (before, after) in enumerate(zip(then, now, strict=True), start=1):
            yield from _differences(f"{place}[{number}]", before, after)
    elif then != now:
        yield f"{place}: {_shown(then)} then, {_shown(now)} now"


def _shown(value: Any) -> str:
    if value is None:
        return "not given"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return abridged(json.dumps(value, ensure_ascii=False), 40)
