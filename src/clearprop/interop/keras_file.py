"""Keras's files: ``.keras``, a zip archive of JSON and HDF5, and ``.h5``. Keras is not needed; nothing is executed."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from clearprop.errors import UnreadableFile
from clearprop.interop.archive import Archive, parsed
from clearprop.interop.hdf5 import Hdf5, opened
from clearprop.interop.keras_layers import Place, from_layers
from clearprop.interop.problem import Told, damaged, made, shown_path
from clearprop.interop.table_names import MOST, PART, read_names
from clearprop.messages import abridged
from clearprop.network.problem import Problem
from clearprop.types import Array


def read_archive(archive: Archive, told: Told) -> Problem:
    """Return the problem in a ``.keras`` file."""
    config = archive.json("config.json")
    if not isinstance(config, dict):
        raise damaged(archive.shown, "config.json is not a JSON object")
    if "model.weights.h5" not in archive.parts:
        raise damaged(archive.shown, "its archive has no part model.weights.h5")
    with opened(archive.read("model.weights.h5"), archive.shown) as file:
        begun = _is_begun(file, ("optimizer", "vars", "0"))
        found = from_layers(config, config.get("compile_config"), _Numbered(file), archive.shown, begun)
    if PART in archive.parts:
        found.names = read_names(archive.read(PART, MOST), archive.shown)
    return made(found, archive.shown, told)


def read_hdf5(path: str | os.PathLike[str], told: Told) -> Problem:
    """Return the problem in an ``.h5`` file."""
    shown = shown_path(path)
    with opened(path, shown) as file:
        text = file.text((), "model_config")
        if text is None:
            raise UnreadableFile(
                f"{shown}: an HDF5 file without a Keras model: it has no model_config; save the whole model, "
                "model.save(FILE.keras)"
            )
        config = parsed(text, shown, "model_config")
        training = file.text((), "training_config")
        compiled = None if training is None else parsed(training, shown, "training_config")
        names = file.texts(("optimizer_weights",), "weight_names") if file.has("optimizer_weights") else []
        count = next((each for each in names if "iteration" in each), "")
        begun = _is_begun(file, ("optimizer_weights", *count.split("/")))
        found = from_layers(config, compiled, _Named(file), shown, begun)
    return made(found, shown, told)


def _is_begun(file: Hdf5, path: Sequence[str]) -> bool:
    """Return whether an optimizer that counts its steps there has made any."""
    counted = file.array(path) if file.has(*path) else None
    return counted is not None and counted.size == 1 and bool(counted.any())


def snake(kind: str) -> str:
    """Return a class's name as Keras calls its groups.

    >>> snake("BatchNormalization"), snake("PReLU")
    ('batch_normalization', 'p_re_lu')
    """
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _counted(place: Place) -> str:
    return f"{snake(place.kind)}_{place.number}" if place.number else snake(place.kind)


class _Numbered:
    """Weights of ``.keras``: groups by class and counter, arrays by number."""

    def __init__(self, file: Hdf5) -> None:
        self.file = file
        self.root = self._layers(()) or ()

    def _first(self, *paths: Sequence[str]) -> Sequence[str] | None:
        return next((path for path in paths if self.file.has(*path)), None)

    def _layers(self, model: Sequence[str]) -> Sequence[str] | None:
        return self._first((*model, "layers"), (*model, "_layer_checkpoint_dependencies"))

    def _group(self, place: Place) -> Sequence[str] | None:
        """Return the group of a layer, which is called by its class and counter, or else by its name."""
        model = None if place.within is None else self._group(place.within)
        layers = self.root if place.within is None else self._layers(model) if model is not None else None
        return None if layers is None else self._first((*layers, _counted(place)), (*layers, *place.name.split("/")))

    def __call__(self, place: Place) -> Sequence[Array]:
        group, called = self._group(place), _counted(place)
        if group is None or not self.file.has(*group, "vars"):
            shown = abridged(place.name, 40)
            raise damaged(self.file.shown, f"the weights of layer {shown} are missing ({called})")
        found = list[Array]()
        while (each := self.file.array((*group, "vars", str(len(found))))) is not None:
            found.append(each)
        return found


class _Named:
    """Weights of ``.h5``: groups by layer, arrays by the names that the group lists."""

    def __init__(self, file: Hdf5) -> None:
        self.file = file
        self.root: tuple[str, ...] = ("model_weights",) if file.has("model_weights") else ()

    def __call__(self, place: Place) -> Sequence[Array]:
        outer, inside = place, list[str]()
        while outer.within is not None:
            inside, outer = [outer.name, *inside], outer.within
        group = (*self.root, outer.name)
        if not self.file.has(*group):
            raise damaged(self.file.shown, f"the weights of layer {abridged(outer.name, 40)} are missing")
        names = self.file.texts(group, "weight_names")
        if inside:  # the group of a model within the model lists those of all its layers
            names = [each for each in names if each.split("/")[:-1][-len(inside) :] == inside]
        return [self._array((*group, *each.split("/")), each) for each in names]

    def _array(self, path: Sequence[str], name: str) -> Array:
        found = self.file.array(path)
        if found is None:
            raise damaged(self.file.shown, f"{abridged(name, 60)} is no plain array in the file")
        return found
