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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import ClearpropError, DamagedModel, InvalidArgument, InvalidNetwork, UnreadableFile, abridged
from clearprop.files import write_atomically
from clearprop.network.data import Column, Fitted
from clearprop.network.examples import Examples
from clearprop.network.file import read_structure
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.network.write import structure
from clearprop.training.history import History
from clearprop.training.standing import Snapshot, Standing
from clearprop.training.stopping import keeps_best

FORMAT = 1
KEY = "clearprop"
FLOATS = ("F32", "F64")
OWN = {"float32": ("F32",), "float64": ("F64",)}
MAX_DESCRIPTION = 90_000_000
"""Bytes: readers of safetensors files refuse a header of more than 100 million."""


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
        InvalidArgument: as ``require_savable``.
    """
    require_savable(model.problem)
    write_atomically(path, content(model))


def require_savable(problem: Problem) -> None:
    """See that a model of the problem can be written and read again, before the work whose result it is to keep.

    Raises:
        InvalidArgument: a rule made in Python that nothing in a file describes, a setting that no
            file may hold, more names than fit, or a parameter that is not a finite number.
    """
    text = as_json(describe(Model(problem)))
    if len(text) > MAX_DESCRIPTION:
        raise InvalidArgument(f"{problem.name}: its names take {len(text) / 1e6:,.0f} MB, too much for a model file")
    unfit = np.flatnonzero(~np.isfinite(problem.parameters.vector))
    if unfit.size:
        name = problem.parameters.layout.name(int(unfit[0]))
        raise InvalidArgument(f"the value of {name} is not a finite number; a model file holds finite ones only")
    try:
        read_structure(json.loads(text)["network"], problem.name, lambda blank: None)
    except InvalidNetwork as error:
        raise InvalidArgument(f"this cannot be saved as a model: {error}") from None


def content(model: Model) -> bytes:
    """The bytes of a model file."""
    from safetensors.numpy import save

    tensors = {name: np.ascontiguousarray(array) for name, array in _tensors(model)}
    return bytes(save(tensors, {KEY: as_json(describe(model))}))


def as_json(value: Any) -> str:
    """JSON in ASCII, so that a file's name that is no text can be written too; numbers of NumPy as Python's."""
    return json.dumps(_with_plain_keys(value), separators=(",", ":"), default=lambda number: number.item())


def _with_plain_keys(value: Any) -> Any:
    """The same with keys that are numbers of NumPy, as classes may be, as Python's."""
    if isinstance(value, Mapping):
        return {
            key.item() if isinstance(key, np.generic) else key: _with_plain_keys(item) for key, item in value.items()
        }
    return [_with_plain_keys(item) for item in value] if isinstance(value, (list, tuple)) else value


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
        yield from _examples(problem.examples)
    if progress is not None:
        standing, history = progress.standing, progress.history
        yield "training.best", standing.best.vector
        yield from _snapshot("training.present", standing.present)
        if standing.present is not standing.whole:
            yield from _snapshot("training.whole", standing.whole)
        yield "training.history.loss", np.array(history.loss)
        yield "training.history.rate", np.array(history.rate)
        yield "training.history.validation", np.array(history.validation)


def _examples(examples: Examples) -> Iterator[tuple[str, Array]]:
    for name in ("inputs", "targets", "weights"):
        if (values := getattr(examples, name)) is not None:
            yield f"examples.{name}", np.asarray(values, dtype=float)
    for name in ("training", "validation"):
        if (rows := getattr(examples, name)) is not None:
            yield f"examples.{name}", np.asarray(rows, dtype=np.int64)


def _snapshot(place: str, snapshot: Snapshot) -> Iterator[tuple[str, Array]]:
    yield f"{place}.parameters", snapshot.parameters.vector
    for name, values in snapshot.state.items():
        yield f"{place}.{name}", values


def _in(dtype: str, values: Array) -> Array:
    """The values in the precision of the training, unless that loses digits: frozen ones keep theirs."""
    with np.errstate(over="ignore"):
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
    _require_readable(path, shown)
    try:
        with safe_open(path, framework="numpy") as file:
            return _Reader(file, shown).model()
    except OSError as error:
        raise UnreadableFile(f"{shown}: cannot be read: {error}") from None
    except SafetensorError as error:
        raise DamagedModel(
            f"{shown}: not a whole safetensors file ({abridged(str(error))}); use another copy, or train it again"
        ) from None
    except RecursionError:
        raise damaged(shown, "its metadata is nested too deeply") from None


def _require_readable(path: str | os.PathLike[str], shown: str) -> None:
    """Say why a file cannot be read: to safetensors all that it may not open is missing."""
    if os.path.exists(path) and not os.path.isfile(path):
        found = "folder" if os.path.isdir(path) else "device"
        raise UnreadableFile(f"{shown}: expected a model file, found a {found}")
    try:
        with open(path, "rb"):
            pass
    except FileNotFoundError:
        raise UnreadableFile(f"{shown}: no such file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UnreadableFile(f"{shown}: cannot be read: {reason}") from None


def damaged(shown: str, what: str) -> DamagedModel:
    """The failure of a model file that contradicts itself."""
    return DamagedModel(f"{shown}: a damaged model file: {what}; use another copy, or train it again")


class _Reader:
    """A safetensors file: everything it says is checked before it is believed."""

    def __init__(self, file: Any, shown: str) -> None:
        self.file, self.shown = file, shown
        self.names = set(file.keys())
        self.taken: set[str] = set()

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
            raise self.damaged(f"its network does not make sense: {error}") from None
        problem = replace(problem, fitted=self._fitted(problem, preprocessing))
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
            description = json.loads(metadata[KEY], parse_float=_finite_float, parse_constant=_finite_float)
        except (ValueError, RecursionError) as error:
            raise self.damaged(f"its metadata is not JSON: {abridged(str(error))}") from None
        if not isinstance(description, dict):
            raise self.damaged("its metadata is no JSON object")
        version = description.get("format")
        if type(version) is int and version > FORMAT:
            raise DamagedModel(
                f"{self.shown}: this model has format {version}, this clearprop reads up to {FORMAT}; upgrade: "
                "pip install --upgrade clearprop"
            )
        if type(version) is not int or version != FORMAT:
            raise self.damaged(f"expected format {FORMAT}, found {abridged(repr(version))}")
        return description

    def _part(self, table: Any, key: str, kind: type | tuple[type, ...]) -> Any:
        if not isinstance(table, dict) or not isinstance(table.get(key, ...), kind) or isinstance(table[key], bool):
            raise self.damaged(f'its metadata has no sound "{key}"')
        return table[key]

    def _sizes(self, network: Mapping[str, Any]) -> None:
        """Compare the sizes that are described with the tensors, before anything of such a size is made."""
        inputs, layers = network.get("inputs"), network.get("layers")
        before = _size(inputs.get("names", inputs.get("count"))) if isinstance(inputs, dict) else None
        for number, layer in enumerate(layers if isinstance(layers, list) else (), start=1):
            size = _size(layer.get("units")) if isinstance(layer, dict) else None
            if before is not None and size is not None:
                self._shape(f"layers.{number}.weights", (size, before))
            before = size

    # --- numbers ----------------------------------------------------------------------------

    def _shape(self, name: str, shape: tuple[int | None, ...]) -> Any:
        """A tensor of that shape (None: any length), not yet read."""
        if name not in self.names:
            raise self.damaged(f"the tensor {name} is missing")
        part = self.file.get_slice(name)
        found = tuple(part.get_shape())
        if len(found) != len(shape) or any(want not in (None, have) for want, have in zip(shape, found, strict=True)):
            wanted = " x ".join("any" if want is None else str(want) for want in shape)
            raise self.damaged(f"{name}: expected shape {wanted}, found {' x '.join(map(str, found)) or 'none'}")
        return part

    def _tensor(self, name: str, shape: tuple[int | None, ...], kinds: Sequence[str] = FLOATS) -> Array:
        """A tensor of that shape and one of these types."""
        kind = self._shape(name, shape).get_dtype()
        if kind not in kinds:
            raise self.damaged(f"{name}: expected type {' or '.join(kinds)}, found {kind}")
        self.taken.add(name)
        return np.array(self.file.get_tensor(name))

    def _finite(self, name: str, shape: tuple[int | None, ...], kinds: Sequence[str] = FLOATS) -> Array:
        values = self._tensor(name, shape, kinds)
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

    def _examples(self, sizes: Sequence[int]) -> Examples | None:
        if "examples.inputs" not in self.names:
            return None
        inputs = self._finite("examples.inputs", (None, sizes[0]), ("F64",))
        targets = self._finite("examples.targets", (len(inputs), sizes[-1]), ("F64",))
        weights, training, validation = None, *(self._rows(part, len(inputs)) for part in ("training", "validation"))
        if "examples.weights" in self.names:
            weights = self._finite("examples.weights", (len(inputs),), ("F64",))
            if (weights < 0).any():
                raise self.damaged("examples.weights: a number is below 0")
        return Examples(inputs, targets, weights, training, validation)

    def _rows(self, part: str, count: int) -> Array | None:
        if f"examples.{part}" not in self.names:
            return None
        rows = self._tensor(f"examples.{part}", (None,), ("I64",))
        if ((rows < 0) | (rows >= count)).any():
            raise self.damaged(f"examples.{part}: there are {count} examples, it tells of others")
        return rows

    # --- preprocessing -------------------------------------------------------------------------

    def _fitted(self, problem: Problem, table: Any) -> Fitted | None:
        if table is None:
            return None
        try:
            fitted = _described_fitted(table)
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
        history = History(
            self._tensor("training.history.loss", (epochs + 1,), ("F64",)).tolist(),
            self._tensor("training.history.rate", (epochs,), ("F64",)).tolist(),
            self._tensor("training.history.validation", (None,), ("F64",)).tolist(),
        )
        if not history.tells_of(epochs):
            raise self.damaged("its history is not that of its training")
        standing = self._standing(problem, epochs, steps)
        kept = standing.best if keeps_best(problem.settings, history) else standing.present.parameters
        with np.errstate(over="ignore"):
            same = np.array_equal(problem.parameters.vector.astype(problem.settings.dtype), kept.vector)
        if not same:
            raise self.damaged("its weights are not those that its training ended with")
        return Progress(standing, history, origin, status, reason)

    def _standing(self, problem: Problem, epochs: int, steps: int) -> Standing:
        # Weights too large for float32 are infinite from the start: such a training ends in its first epoch.
        read = self._finite if epochs else self._tensor
        size, own = (len(problem.parameters),), OWN[problem.settings.dtype]

        def snapshot(place: str) -> Snapshot:
            vector = read(f"{place}.parameters", size, own)
            state = {name: self._tensor(f"{place}.{name}", size, own) for name in problem.optimizer.state}
            return Snapshot(problem.parameters.with_vector(vector), state)

        present = snapshot("training.present")
        whole = snapshot("training.whole") if "training.whole.parameters" in self.names else present
        best = problem.parameters.with_vector(read("training.best", size, own))
        if steps < epochs:
            raise self.damaged(f"it tells of {epochs} epochs in {steps} steps")
        return Standing(epochs, steps, present, whole, best)


def _finite_float(text: str) -> float:
    if not np.isfinite(number := float(text)):
        raise ValueError(f"{text} is not a finite number")
    return number


def _size(units: Any) -> int | None:
    """How many units these are, by their names or their number; None if that makes no sense."""
    if isinstance(units, list):
        return len(units)
    return int(units) if isinstance(units, (int, float)) else None


def _described_fitted(table: Mapping[str, Any]) -> Fitted:
    columns = tuple(_column(each) for each in _list(table["columns"]))
    targets = tuple(_text(name) for name in _list(table["targets"]))
    names = [column.name for column in columns]
    if len(set(names)) < len(names) or len(set(targets)) < len(targets):
        raise ValueError
    if table["classes"] is None:
        return Fitted(columns, targets)
    classes = tuple(_label(label) for label in _list(table["classes"]))
    # Numbers are searched for, in order.
    if len(classes) < 2 or len(targets) != 1 or classes != tuple(sorted(set(classes))):
        raise ValueError
    return Fitted(columns, targets, classes)


def _column(table: Mapping[str, Any]) -> Column:
    fill = None if table["fill"] is None else _label(table["fill"])
    if "categories" in table:
        categories = tuple(_text(name) for name in _list(table["categories"]))
        if not categories or len(set(categories)) < len(categories) or fill not in (None, *categories):
            raise ValueError
        return Column(_text(table["name"]), categories, fill=fill)
    mean, scale = (_number(table[key]) for key in ("mean", "scale"))
    if scale <= 0 or isinstance(fill, str):
        raise ValueError
    return Column(_text(table["name"]), None, mean, scale, fill)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


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
