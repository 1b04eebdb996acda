"""Read model files: everything in one is checked before it is used."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import ClearpropError, DamagedModel, UnreadableFile
from clearprop.messages import abridged
from clearprop.models.history import History, keeps_best
from clearprop.models.model import CHECKSUM, FORMAT, KEY, Model, Progress, checksum, digest
from clearprop.models.preprocessing import UNFIT, read_fitted
from clearprop.models.snapshot import Met, Position, Snapshot
from clearprop.network.data import Column, Fitted
from clearprop.network.examples import Examples
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.network.read import read_structure
from clearprop.network.source import readable
from clearprop.types import Array

FLOATS = ("F32", "F64")
OWN = {"float32": ("F32",), "float64": ("F64",)}


def read_model(path: str | os.PathLike[str]) -> Model:
    """Return the model in a file; refuse one that is not whole, not clearprop's, or contradicts itself."""
    from safetensors import SafetensorError, safe_open

    with readable(Path(path), "a model file") as shown:
        if os.path.exists(path) and not os.path.isfile(path):
            raise UnreadableFile(f"{shown}: expected a model file, found a device")
        open(path, "rb").close()  # safetensors calls every file missing that it cannot open
    try:
        with safe_open(path, framework="numpy") as file:
            return _Reader(file, shown).model()
    except OSError as error:
        raise UnreadableFile(f"{shown}: cannot be read: {error}") from None
    except SafetensorError:
        # What the library says is about its own code.
        raise DamagedModel(
            f"{shown}: an incomplete safetensors file: its {os.path.getsize(path):,} bytes do not match its header; "
            "use another copy, or train it again"
        ) from None
    except RecursionError:
        raise damaged(shown, "its metadata is nested too deeply") from None


def damaged(shown: str, what: str) -> DamagedModel:
    """Return the error for a model file that contradicts itself."""
    return DamagedModel(f"{shown}: a damaged model file: {what}; use another copy, or train it again")


class _Reader:
    """A reader of one safetensors file, with the tensors that were taken from it."""

    def __init__(self, file: Any, shown: str) -> None:
        self.file, self.shown = file, shown
        self.names = set(file.keys())
        self.digests: dict[str, str] = {}

    def damaged(self, what: str) -> DamagedModel:
        return damaged(self.shown, what)

    def model(self) -> Model:
        description = self._description()
        network = self._part(description, "network", dict)
        preprocessing, training = (
            self._part(description, key, (dict, type(None))) for key in ("preprocessing", "training")
        )
        self._sizes(network)
        try:
            problem = read_structure(network, self.shown, self._parameters)
            problem = replace(problem, examples=self._examples(problem.network.sizes))
        except DamagedModel:
            raise
        except ClearpropError as error:
            raise self.damaged(f"its network makes no sense: {error}") from None
        fitted = self._fitted(problem, preprocessing)
        if fitted is None and (old := network["inputs"].get("names", [])) != list(problem.network.input_names) and old:
            # Inputs with another name are still found in tables under the old one.
            fitted = Fitted(tuple(map(Column, old)), ())
        problem = replace(problem, fitted=fitted, remarks=self._remarks(description))
        progress = None if training is None else self._progress(problem, training)
        if left := sorted(self.names - self.digests.keys()):
            raise self.damaged(f'its description does not mention the tensor "{abridged(left[0])}"')
        # Last: whatever else is wrong says more. Models of earlier versions have none.
        noted = description.pop(CHECKSUM, None)
        if noted is not None and noted != checksum(description, self.digests):
            raise self.damaged("its content has changed since it was written")
        return Model(problem, progress)

    def _description(self) -> dict[str, Any]:
        metadata = self.file.metadata() or {}
        if KEY not in metadata:
            raise DamagedModel(
                f"{self.shown}: a safetensors file, but not a clearprop model: its metadata has no key "
                f'"{KEY}"; train one with: clearprop train NET --output {abridged(Path(self.shown).name)}'
            )
        try:
            description = json.loads(metadata[KEY], parse_float=_finite_float, parse_constant=_finite_float)
        except (ValueError, RecursionError) as error:
            raise self.damaged(f"its metadata is not JSON: {abridged(str(error))}") from None
        if not isinstance(description, dict):
            raise self.damaged("its metadata is not a JSON object")
        version = description.get("format")
        if type(version) is int and version > FORMAT:
            raise DamagedModel(
                f"{self.shown}: this model has format {version}, this clearprop reads up to {FORMAT}; upgrade: "
                "pip install --upgrade clearprop"
            )
        if type(version) is not int or version < 1:
            raise self.damaged(f"expected a format from 1 to {FORMAT}, found {abridged(repr(version))}")
        return description

    def _part(self, table: Any, key: str, kind: type | tuple[type, ...]) -> Any:
        if not isinstance(table, dict) or not isinstance(table.get(key, ...), kind) or isinstance(table[key], bool):
            raise self.damaged(f'its metadata has no valid "{key}"')
        return table[key]

    def _remarks(self, description: Mapping[str, Any]) -> tuple[str, ...]:
        found = description.get("remarks", [])
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise self.damaged('its metadata has no valid "remarks"')
        return tuple(abridged(each, 200) for each in found)

    def _sizes(self, network: Mapping[str, Any]) -> None:
        """Compare the described sizes with the tensors, before anything of such a size is allocated."""
        inputs, layers = network.get("inputs"), network.get("layers")
        before = _size(inputs.get("names", inputs.get("count"))) if isinstance(inputs, dict) else None
        for number, layer in enumerate(layers if isinstance(layers, list) else (), start=1):
            size = _size(layer.get("units")) if isinstance(layer, dict) else None
            if before is not None and size is not None:
                self._shape(f"layers.{number}.weights", (size, before))
            before = size

    def _shape(self, name: str, shape: tuple[int | None, ...]) -> Any:
        """Return a tensor of that shape (None: any length), not yet read."""
        if name not in self.names:
            raise self.damaged(f"the tensor {name} is missing")
        part = self.file.get_slice(name)
        found = tuple(part.get_shape())
        if len(found) != len(shape) or any(want not in (None, have) for want, have in zip(shape, found, strict=True)):
            wanted = " x ".join("any" if want is None else str(want) for want in shape)
            raise self.damaged(f"{name}: expected shape {wanted}, found {' x '.join(map(str, found)) or 'none'}")
        return part

    def _tensor(self, name: str, shape: tuple[int | None, ...], kinds: Sequence[str] = FLOATS) -> Array:
        """Return a tensor of that shape and one of these types."""
        kind = self._shape(name, shape).get_dtype()
        if kind not in kinds:
            raise self.damaged(f"{name}: expected type {' or '.join(kinds)}, found {kind}")
        values = np.array(self.file.get_tensor(name))
        self.digests[name] = digest(values)
        return values

    def _finite(self, name: str, shape: tuple[int | None, ...], kinds: Sequence[str] = FLOATS) -> Array:
        values = self._tensor(name, shape, kinds)
        if not np.isfinite(values).all():
            raise self.damaged(f"{name}: a number is not finite")
        return values

    def _parameters(self, blank: Parameters) -> None:
        """Fill in the numbers of the network, once its shape is known."""
        for layer, dense in enumerate(blank.layout.layers):
            matrix = blank.weights(layer)
            matrix[:] = self._finite(f"layers.{layer + 1}.weights", matrix.shape)
            if dense.bias != "none":
                biases = blank.biases(layer)
                biases[:] = self._finite(f"layers.{layer + 1}.biases", biases.shape)

    def _examples(self, sizes: Sequence[int]) -> Examples | None:
        if "examples.inputs" not in self.names:
            return None
        inputs = self._finite("examples.inputs", (None, sizes[0]), ("F64",))
        targets = self._finite("examples.targets", (len(inputs), sizes[-1]), ("F64",))
        parts = ("training", "validation", "without_target")
        training, validation, untold = (self._rows(part, len(inputs)) for part in parts)
        weights = None
        if "examples.weights" in self.names:
            weights = self._finite("examples.weights", (len(inputs),), ("F64",))
            if (weights < 0).any():
                raise self.damaged("examples.weights: a number is below 0")
        if untold is not None:
            targets[untold] = np.nan
            if training is None or np.isin(untold, training).any():
                raise self.damaged("examples.without_target: it has examples that are learnt from")
        return Examples(inputs, targets, weights, training, validation, without_target=untold)

    def _rows(self, part: str, count: int) -> Array | None:
        if f"examples.{part}" not in self.names:
            return None
        rows = self._tensor(f"examples.{part}", (None,), ("I64",))
        if ((rows < 0) | (rows >= count)).any():
            raise self.damaged(f"examples.{part}: there are {count} examples, but it refers to others")
        return rows

    def _fitted(self, problem: Problem, table: Any) -> Fitted | None:
        if table is None:
            return None
        try:
            fitted = read_fitted(table)
        except UNFIT:
            raise self.damaged("its preprocessing makes no sense") from None
        sizes = problem.network.sizes
        if fitted.width != sizes[0]:
            raise self.damaged(f"its columns make {fitted.width} inputs, its network has {sizes[0]}")
        targets = len(fitted.targets) if fitted.classes is None else len(fitted.classes)
        if targets != sizes[-1] and not (sizes[-1] == 1 and fitted.classes is not None and targets == 2):
            raise self.damaged(f"its targets take {targets} outputs, its network has {sizes[-1]}")
        return fitted

    def _progress(self, problem: Problem, table: Any) -> Progress:
        epochs, steps = self._part(table, "epochs", int), self._part(table, "steps", int)
        origin = self._part(table, "origin", dict)
        status, reason = (self._part(table, key, (str, type(None))) for key in ("status", "reason"))
        lengths = {"loss": epochs + 1, "rate": epochs, "validation": None}
        series = {name: self._tensor(f"training.history.{name}", (each,), ("F64",)) for name, each in lengths.items()}
        history = History(**{name: values.tolist() for name, values in series.items()})
        if not history.tells_of(epochs):
            raise self.damaged("its history does not match its training")
        position = replace(self._position(problem, epochs, steps), met=self._met(table.get("met", {})))
        kept = (position.best if keeps_best(problem.settings, history) else position.present).parameters
        with np.errstate(over="ignore"):
            same = np.array_equal(problem.parameters.vector.astype(problem.settings.dtype), kept.vector)
        if not same:
            raise self.damaged("its weights are not the ones at the end of its training")
        return Progress(position, history, origin, status, reason)

    def _met(self, table: Any) -> Met:
        try:
            met = Met(**table)
            sound = all(type(each) is float for each in (met.errors, met.penalties)) and type(met.examples) is int
        except TypeError:
            sound = False
        if not sound or met.examples < 0:
            raise self.damaged("the results of its last batches make no sense")
        return met

    def _position(self, problem: Problem, epochs: int, steps: int) -> Position:
        size, own = (len(problem.parameters),), OWN[problem.settings.dtype]
        with np.errstate(over="ignore"):
            kept = problem.parameters.vector.astype(problem.settings.dtype)

        def numbers(name: str) -> Array:
            values = self._tensor(name, size, own)
            # Weights too large for float32 are infinite from the start: such a training ends in its first epoch.
            if not (np.isfinite(values) | (values == kept)).all():
                raise self.damaged(f"{name}: a number is not finite")
            return values

        def snapshot(place: str) -> Snapshot:
            vector = numbers(f"{place}.parameters")
            state = {name: self._tensor(f"{place}.{name}", size, own) for name in problem.optimizer.state}
            return Snapshot.of(problem.parameters.with_vector(vector), state)

        present = snapshot("training.present")
        whole = snapshot("training.whole") if "training.whole.parameters" in self.names else present
        best = Snapshot.of(problem.parameters.with_vector(numbers("training.best")), {})
        if steps < epochs:
            raise self.damaged(f"it claims {epochs} epochs in {steps} steps")
        return Position(epochs, steps, present, whole, best)


def _finite_float(text: str) -> float:
    if not np.isfinite(number := float(text)):
        raise ValueError(f"{text} is not a finite number")
    return number


def _size(units: Any) -> int | None:
    """Return the number of units, from their names or their number; None if it is neither."""
    if isinstance(units, list):
        return len(units)
    return int(units) if isinstance(units, (int, float)) else None
