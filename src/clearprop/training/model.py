"""Model files: a network, its numbers, what was fitted on its data, and where its training stands.

One safetensors file that anyone's reader opens. Its tensors are ``layers.N.weights``, one row per
unit, and ``layers.N.biases``; those of ``training.`` are what going on needs. Its metadata has one
key, ``clearprop``, with JSON: ``network`` is the network file without its numbers,
``preprocessing`` what was fitted on the training rows, ``training`` how far it is and what it
started from. It holds no clock time: the same run writes the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import ClearpropError, DamagedModel, UnreadableFile, abridged
from clearprop.files import write_atomically
from clearprop.network.data import Column, Fitted
from clearprop.network.examples import Examples
from clearprop.network.file import read_structure
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.network.write import structure
from clearprop.training.history import History
from clearprop.training.standing import Snapshot, Standing

FORMAT = 1
KEY = "clearprop"
DTYPES = {"F32": "float32", "F64": "float64"}


@dataclass(frozen=True)
class Progress:
    """How far a training is: ``origin`` is what it started from, ``status`` how it ended, if it has."""

    standing: Standing
    history: History
    origin: Mapping[str, Any]
    status: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Model:
    """What a model file holds; ``progress`` is None if it was saved without its training."""

    problem: Problem
    progress: Progress | None = None


def is_model(path: Path) -> bool:
    """Whether a file is meant as a model: by its name, or by how safetensors files begin."""
    if path.suffix == ".safetensors":
        return True
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except (OSError, ValueError):
        return False
    # Eight bytes of length, little-endian, then the header's brace. A text has no zero bytes.
    return len(head) == 9 and head[8:] == b"{" and 0 in head[:8]


# --- writing ------------------------------------------------------------------------------------------


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model file, whole or not at all.

    Raises:
        Unwritable: the file cannot be written; what was there is untouched.
        InvalidArgument: a rule made in Python that nothing in a file describes.
    """
    write_atomically(path, content(model))


def content(model: Model) -> bytes:
    """The bytes of a model file."""
    from safetensors.numpy import save

    description = json.dumps(describe(model), ensure_ascii=False, separators=(",", ":"))
    tensors = {name: np.ascontiguousarray(array) for name, array in _tensors(model)}
    return bytes(save(tensors, {KEY: description}))


def describe(model: Model) -> dict[str, Any]:
    """All of a model but its numbers, as JSON."""
    problem, progress = model.problem, model.progress
    return {
        "format": FORMAT,
        "network": structure(problem, numbers=False),
        "preprocessing": None if problem.fitted is None else _preprocessing(problem.fitted),
        "training": None
        if progress is None
        else {
            "epochs": progress.standing.epochs,
            "steps": progress.standing.steps,
            "status": progress.status,
            "reason": progress.reason,
            "origin": progress.origin,
        },
    }


def _preprocessing(fitted: Fitted) -> dict[str, Any]:
    columns = [
        {"name": each.name, "mean": each.mean, "scale": each.scale, "fill": each.fill}
        if each.categories is None
        else {"name": each.name, "categories": list(each.categories), "fill": each.fill}
        for each in fitted.columns
    ]
    classes = None if fitted.classes is None else list(fitted.classes)
    return {"columns": columns, "targets": list(fitted.targets), "classes": classes}


def _tensors(model: Model) -> Iterator[tuple[str, Array]]:
    problem, progress = model.problem, model.progress
    dtype = problem.settings.dtype
    for layer in range(problem.network.depth):
        yield f"layers.{layer + 1}.weights", _in(dtype, problem.parameters.weights(layer))
        if problem.network.layers[layer].bias != "none":
            yield f"layers.{layer + 1}.biases", _in(dtype, problem.parameters.biases(layer))
    if problem.examples is not None and problem.examples.own:
        yield "examples.inputs", problem.examples.inputs
        yield "examples.targets", problem.examples.targets
    if progress is not None:
        standing, history = progress.standing, progress.history
        yield "training.best", standing.best.vector
        yield from _snapshot("training.present", standing.present)
        if standing.present is not standing.whole:
            yield from _snapshot("training.whole", standing.whole)
        yield "training.history.loss", np.array(history.loss)
        yield "training.history.rate", np.array(history.rate)
        yield "training.history.validation", np.array(history.validation)


def _snapshot(place: str, snapshot: Snapshot) -> Iterator[tuple[str, Array]]:
    yield f"{place}.parameters", snapshot.parameters.vector
    for name, values in snapshot.state.items():
        yield f"{place}.{name}", values


def _in(dtype: str, values: Array) -> Array:
    """The values in the precision of the training, unless that loses digits: frozen ones keep theirs."""
    smaller = values.astype(dtype)
    return smaller if np.array_equal(smaller, values) else values


# --- reading ------------------------------------------------------------------------------------------


def load_model(path: str | os.PathLike[str]) -> Model:
    """The model in a file.

    Raises:
        UnreadableFile: missing, a folder, or it may not be read.
        DamagedModel: not a safetensors file or not a whole one, not clearprop's, or contradicting itself.
    """
    from safetensors import SafetensorError, safe_open

    shown = abridged(str(path), 200)
    if Path(path).is_dir():
        raise UnreadableFile(f"{shown}: expected a model file, found a folder")
    try:
        with safe_open(path, framework="numpy") as file:
            return _Reader(file, shown).model()
    except FileNotFoundError:
        raise UnreadableFile(f"{shown}: no such file") from None
    except OSError as error:
        raise UnreadableFile(f"{shown}: cannot be read: {error.strerror or error}") from None
    except SafetensorError as error:
        raise DamagedModel(
            f"{shown}: not a whole safetensors file ({abridged(str(error))}); use another copy, or train it again"
        ) from None


class _Reader:
    """A safetensors file: everything it says is checked before it is believed."""

    def __init__(self, file: Any, shown: str) -> None:
        self.file, self.shown = file, shown
        self.names = set(file.keys())
        self.taken: set[str] = set()

    def damaged(self, what: str) -> DamagedModel:
        return DamagedModel(f"{self.shown}: a damaged model file: {what}; use another copy, or train it again")

    def model(self) -> Model:
        description = self._description()
        network = self._part(description, "network", dict)
        try:
            problem = read_structure(network, self.shown, self._parameters)
        except DamagedModel:
            raise
        except ClearpropError as error:
            raise self.damaged(f"its network does not make sense: {error}") from None
        problem = replace(problem, fitted=self._fitted(problem, description.get("preprocessing")))
        problem = replace(problem, examples=self._examples(problem))
        training = description.get("training")
        progress = None if training is None else self._progress(problem, training)
        if left := sorted(self.names - self.taken):
            raise self.damaged(f'its description knows no tensor "{abridged(left[0])}"')
        return Model(problem, progress)

    def _description(self) -> dict[str, Any]:
        metadata = self.file.metadata() or {}
        if KEY not in metadata:
            raise DamagedModel(
                f"{self.shown}: a safetensors file, but not a model of clearprop: its metadata has no key "
                f'"{KEY}"; train one with: clearprop train NET --output {abridged(Path(self.shown).name)}'
            )
        try:
            description = json.loads(metadata[KEY])
        except (ValueError, RecursionError) as error:
            raise self.damaged(f"its metadata is not JSON: {abridged(str(error))}") from None
        if not isinstance(description, dict):
            raise self.damaged("its metadata is no JSON object")
        version = description.get("format")
        if isinstance(version, int) and version > FORMAT:
            raise DamagedModel(
                f"{self.shown}: this model has format {version}, this clearprop reads up to {FORMAT}; upgrade: "
                "pip install --upgrade clearprop"
            )
        if version != FORMAT:
            raise self.damaged(f"expected format {FORMAT}, found {abridged(repr(version))}")
        return description

    def _part(self, table: Any, key: str, kind: type | tuple[type, ...]) -> Any:
        value = table.get(key) if isinstance(table, dict) else None
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.damaged(f'its metadata has no sound "{key}"')
        return value

    # --- numbers ----------------------------------------------------------------------------

    def _tensor(self, name: str, shape: tuple[int | None, ...], dtypes: Mapping[str, str] = DTYPES) -> Array:
        """A tensor of that shape (None: any length) and one of these types, all finite."""
        if name not in self.names:
            raise self.damaged(f"the tensor {name} is missing")
        self.taken.add(name)
        part = self.file.get_slice(name)
        found, dtype = tuple(part.get_shape()), part.get_dtype()
        if len(found) != len(shape) or any(want not in (None, have) for want, have in zip(shape, found, strict=True)):
            wanted = " x ".join("any" if want is None else str(want) for want in shape)
            raise self.damaged(f"{name}: expected shape {wanted}, found {' x '.join(map(str, found)) or 'none'}")
        if dtype not in dtypes:
            raise self.damaged(f"{name}: expected type {' or '.join(dtypes)}, found {dtype}")
        return np.array(self.file.get_tensor(name))

    def _finite(self, name: str, shape: tuple[int | None, ...], dtypes: Mapping[str, str] = DTYPES) -> Array:
        values = self._tensor(name, shape, dtypes)
        if not np.isfinite(values).all():
            raise self.damaged(f"{name}: a number is not finite")
        return values

    def _parameters(self, blank: Parameters) -> None:
        """Fill in the numbers of the network, once its shape is known."""
        for layer, dense in enumerate(blank.layout.network.layers):
            matrix = blank.weights(layer)
            matrix[:] = self._finite(f"layers.{layer + 1}.weights", matrix.shape)
            if dense.bias != "none":
                biases = blank.biases(layer)
                biases[:] = self._finite(f"layers.{layer + 1}.biases", biases.shape)

    def _examples(self, problem: Problem) -> Examples | None:
        if "examples.inputs" not in self.names:
            return None
        sizes = problem.network.sizes
        inputs = self._finite("examples.inputs", (None, sizes[0]), {"F64": "float64"})
        return Examples(inputs, self._finite("examples.targets", (len(inputs), sizes[-1]), {"F64": "float64"}))

    # --- preprocessing -------------------------------------------------------------------------

    def _fitted(self, problem: Problem, table: Any) -> Fitted | None:
        if table is None:
            return None
        try:
            columns = tuple(_column(each) for each in table["columns"])
            classes = table["classes"]
            fitted = Fitted(
                columns,
                tuple(_text(name) for name in table["targets"]),
                None if classes is None else tuple(_label(label) for label in classes),
            )
        except (KeyError, TypeError, ValueError):
            raise self.damaged("its preprocessing does not make sense") from None
        sizes = problem.network.sizes
        if fitted.width != sizes[0]:
            raise self.damaged(f"its columns make {fitted.width} inputs, its network has {sizes[0]}")
        targets = len(fitted.targets) if fitted.classes is None else len(fitted.classes)
        if targets != sizes[-1] and not (sizes[-1] == 1 and fitted.classes is not None and targets == 2):
            raise self.damaged(f"its targets take {targets} outputs, its network has {sizes[-1]}")
        return fitted

    # --- training -------------------------------------------------------------------------------

    def _progress(self, problem: Problem, table: Any) -> Progress:
        epochs, steps = self._part(table, "epochs", int), self._part(table, "steps", int)
        origin = self._part(table, "origin", dict)
        status, reason = (self._part(table, key, (str, type(None))) for key in ("status", "reason"))
        dtype = problem.settings.dtype
        own = {kind: name for kind, name in DTYPES.items() if name == dtype}
        size = (len(problem.parameters),)

        def snapshot(place: str) -> Snapshot:
            vector = self._finite(f"{place}.parameters", size, own)
            state = {name: self._tensor(f"{place}.{name}", size, own) for name in problem.optimizer.state}
            return Snapshot(problem.parameters.with_vector(vector), state)

        present = snapshot("training.present")
        whole = snapshot("training.whole") if "training.whole.parameters" in self.names else present
        best = problem.parameters.with_vector(self._finite("training.best", size, own))
        float64 = {"F64": "float64"}
        history = History(
            self._tensor("training.history.loss", (epochs + 1,), float64).tolist(),
            self._tensor("training.history.rate", (epochs,), float64).tolist(),
            self._tensor("training.history.validation", (None,), float64).tolist(),
        )
        if epochs < 0 or steps < 0 or len(history.validation) not in (0, epochs + 1):
            raise self.damaged("its history is not as long as its training")
        return Progress(Standing(epochs, steps, present, whole, best), history, origin, status, reason)


def _column(table: Mapping[str, Any]) -> Column:
    fill = None if table["fill"] is None else _label(table["fill"])
    if "categories" in table:
        categories = tuple(_text(name) for name in table["categories"])
        if fill is not None and fill not in categories:
            raise ValueError
        return Column(_text(table["name"]), categories, fill=fill)
    mean, scale = (_number(table[key]) for key in ("mean", "scale"))
    if scale <= 0 or isinstance(fill, str):
        raise ValueError
    return Column(_text(table["name"]), None, mean, scale, fill)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise ValueError
    return float(value)


def _label(value: Any) -> str | float:
    return value if isinstance(value, str) else _number(value)
