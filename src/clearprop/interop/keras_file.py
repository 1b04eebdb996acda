"""Keras's files: ``.keras``, a zip archive of JSON and HDF5, and ``.h5``. Keras is not needed; nothing is executed."""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import ClearpropError, MissingExtra, UnreadableFile
from clearprop.interop.archive import Archive, parsed
from clearprop.interop.keras_layers import Place, from_layers
from clearprop.interop.problem import Told, damaged, made, shown_path
from clearprop.messages import abridged
from clearprop.network.description import MAX_PARAMETERS
from clearprop.network.problem import Problem
from clearprop.types import Array

BIG = 512 * 2**20


def h5py_module() -> Any:
    """Return the library that parses HDF5."""
    try:
        import h5py
    except ImportError:
        raise MissingExtra("reading Keras files", "h5py", "keras") from None
    return h5py


def read_archive(archive: Archive, told: Told) -> Problem:
    """Return the problem in a ``.keras`` file."""
    h5py = h5py_module()
    config = archive.json("config.json")
    if not isinstance(config, dict):
        raise damaged(archive.shown, "config.json is no JSON object")
    if "model.weights.h5" not in archive.parts:
        raise damaged(archive.shown, "its archive has no part model.weights.h5")
    raw = io.BytesIO(archive.read("model.weights.h5"))

    def read(file: Any) -> Problem:
        weights = _Numbered(_Plain(file, archive.shown))
        return made(from_layers(config, config.get("compile_config"), weights, archive.shown), archive.shown, told)

    return _within(h5py, raw, archive.shown, read)


def read_hdf5(path: str | os.PathLike[str], told: Told) -> Problem:
    """Return the problem in an ``.h5`` file."""
    h5py, shown = h5py_module(), shown_path(path)

    def read(file: Any) -> Problem:
        plain = _Plain(file, shown)
        text = plain.attribute(file, "model_config")
        if text is None:
            raise UnreadableFile(
                f"{shown}: an HDF5 file without a Keras model: it has no model_config; save the whole model, "
                "model.save(FILE.keras)"
            )
        config = parsed(text, shown, "model_config")
        training = plain.attribute(file, "training_config")
        compiled = None if training is None else parsed(training, shown, "training_config")
        return made(from_layers(config, compiled, _Named(plain, file), shown), shown, told)

    return _within(h5py, Path(path), shown, read)


@contextmanager
def _bounded(size: int) -> Iterator[None]:
    """Let no more memory be taken than a model of a file of that size needs: libhdf5 takes as much as a damaged file
    states for the length of a text, before it looks for the bytes. Only Linux says how much is taken already."""
    try:
        import resource

        with open("/proc/self/statm") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        yield
        return
    before, most = resource.getrlimit(resource.RLIMIT_AS), taken + BIG + 16 * size
    limits = [each for each in (*before, most) if each != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(limits), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _within(h5py: Any, source: Any, shown: str, read: Callable[[Any], Problem]) -> Problem:
    size = len(source.getbuffer()) if isinstance(source, io.BytesIO) else source.stat().st_size
    try:
        with _bounded(size), h5py.File(source, "r") as file:
            return read(file)
    except ClearpropError:
        raise
    except Exception as error:  # the library's own kinds of errors are many
        raise damaged(shown, f"its HDF5 part is not whole ({type(error).__name__})") from None


class _Plain:
    """Takes groups and arrays from an HDF5 file: no links, no other files, no shape without its bytes."""

    def __init__(self, file: Any, shown: str) -> None:
        self.file, self.shown = file, shown
        self.h5py = h5py_module()

    def child(self, group: Any, name: str) -> Any:
        """Return what a group holds under a name, or None."""
        link = group.get(name, getlink=True) if "/" not in name and name not in (".", "..") else None
        if link is None:
            return None
        if not isinstance(link, self.h5py.HardLink):
            raise damaged(self.shown, f"{abridged(name, 40)} is a link, which no model has")
        return group[name]

    def at(self, group: Any, path: str) -> Any:
        """Return what lies at a path of names, or None."""
        for name in path.split("/"):
            if group is None or not isinstance(group, self.h5py.Group):
                return None
            group = self.child(group, name)
        return group

    def array(self, dataset: Any, name: str) -> Array:
        """Return the numbers of a data set."""
        if not isinstance(dataset, self.h5py.Dataset) or dataset.external or dataset.is_virtual:
            raise damaged(self.shown, f"{abridged(name, 60)} is no plain array in the file")
        count = math.prod(dataset.shape or ())
        if dataset.dtype.kind != "f" or count > MAX_PARAMETERS or count * dataset.dtype.itemsize > BIG * 4:
            raise damaged(self.shown, f"{abridged(name, 60)} is no array of a model's numbers")
        stored = dataset.id.get_storage_size()
        if stored < count * dataset.dtype.itemsize and (dataset.chunks is None or stored * 1100 < count):
            raise damaged(self.shown, f"{abridged(name, 60)} announces shape {dataset.shape} without its bytes")
        return np.asarray(dataset[()])

    def attribute(self, group: Any, name: str) -> str | None:
        """Return an attribute of text."""
        found = group.attrs.get(name)
        if isinstance(found, bytes):
            return found.decode("utf-8", "replace")
        return found if isinstance(found, str) else None

    def names(self, group: Any, name: str) -> list[str]:
        """Return an attribute that lists names, in several where there are many."""
        found = group.attrs.get(name)
        parts = [found] if found is not None else []
        number = 0
        while found is None and f"{name}{number}" in group.attrs:
            parts.append(group.attrs[f"{name}{number}"])
            number += 1
        return [
            each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each)
            for part in parts
            for each in np.ravel(part)
        ]


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

    def __init__(self, plain: _Plain) -> None:
        self.plain = plain
        file = plain.file
        self.root = self._layers(file) or file

    def _layers(self, model: Any) -> Any:
        return self.plain.at(model, "layers") or self.plain.at(model, "_layer_checkpoint_dependencies")

    def _group(self, place: Place) -> Any:
        """Return the group of a layer, which is called by its class and counter, or else by its name."""
        layers = self.root if place.within is None else self._layers(self._group(place.within))
        return self.plain.at(layers, _counted(place)) or self.plain.at(layers, place.name)

    def __call__(self, place: Place) -> Sequence[Array]:
        group = _counted(place)
        variables = self.plain.at(self._group(place), "vars")
        if variables is None:
            raise damaged(self.plain.shown, f"the weights of layer {abridged(place.name, 40)} are missing ({group})")
        found, index = [], 0
        while (each := self.plain.child(variables, str(index))) is not None:
            found.append(self.plain.array(each, f"{group}/{index}"))
            index += 1
        return found


class _Named:
    """Weights of ``.h5``: groups by layer, arrays by the names that the group lists."""

    def __init__(self, plain: _Plain, file: Any) -> None:
        self.plain = plain
        self.root = plain.child(file, "model_weights") or file

    def __call__(self, place: Place) -> Sequence[Array]:
        outer, inside = place, list[str]()
        while outer.within is not None:
            inside, outer = [outer.name, *inside], outer.within
        group = self.plain.child(self.root, outer.name)
        if group is None:
            raise damaged(self.plain.shown, f"the weights of layer {abridged(outer.name, 40)} are missing")
        names = self.plain.names(group, "weight_names")
        if inside:  # the group of a model within the model lists those of all its layers
            names = [each for each in names if each.split("/")[:-1][-len(inside) :] == inside]
        return [self.plain.array(self.plain.at(group, each), each) for each in names]
