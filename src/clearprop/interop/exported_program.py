"""PyTorch's exported programs, ``.pt2``: a graph in JSON and raw tensors. PyTorch is not needed."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from clearprop.errors import UnreadableFile
from clearprop.interop.archive import Archive
from clearprop.interop.aten import from_nodes
from clearprop.interop.numbers import numbers
from clearprop.interop.problem import Found, Told, damaged, made
from clearprop.interop.torch_file import Storages, is_tensor, plain
from clearprop.interop.torch_pickle import MAX_BYTES, Made, loads
from clearprop.messages import abridged, listing
from clearprop.network.problem import Problem
from clearprop.types import Array

KINDS = {1: "u1", 2: "i1", 3: "<i2", 4: "<i4", 5: "<i8", 6: "<f2", 7: "<f4", 8: "<f8", 12: "?", 13: "bf16"}
OLD = "serialized_exported_program.json"


def read_program(archive: Archive, told: Told) -> Problem:
    """Return the problem in an exported program."""
    return made(program(archive), archive.shown, told)


def program(archive: Archive, logarithms: bool = False) -> Found:
    """Return the layers of an exported program; ``logarithms`` as ``from_nodes`` takes it."""
    try:
        return _Program(archive).found(logarithms)
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise damaged(archive.shown, f"its program is not whole ({type(error).__name__})") from None


class _Program:
    def __init__(self, archive: Archive) -> None:
        self.archive, self.shown = archive, archive.shown
        place = archive.inside("models/model.json")
        self.folder = None if place is None else place.removesuffix("models/model.json")
        content = archive.json(place or archive.inside(OLD) or OLD)
        self.graph: Mapping[str, Any] = content["graph_module"]["graph"]
        self.signature: Mapping[str, Any] = content["graph_module"]["signature"]
        self.configs: dict[str, Mapping[str, Any]] = {}

    def found(self, logarithms: bool) -> Found:
        constants: dict[str, Array] = {}
        inputs: list[str] = []
        for spec in self.signature["input_specs"]:
            ((kind, each),) = spec.items()
            if kind == "user_input":
                inputs.append(str(each["arg"].get("as_tensor", {}).get("name", "")))
                continue
            name = each.get("parameter_name") or each.get("buffer_name") or each.get("tensor_constant_name")
            if name is not None:
                constants[each["arg"]["name"]] = self.tensor(str(name))
        outputs = [each["user_output"]["arg"] for each in self.signature["output_specs"] if "user_output" in each]
        if len(inputs) != 1 or len(outputs) != 1 or "as_tensor" not in outputs[0]:
            raise UnreadableFile(
                f"{self.shown}: expected one input and one output, found {len(inputs)} and {len(outputs)}; only a "
                "chain of layers can be taken"
            )
        rank = len(self.graph["tensor_values"][inputs[0]]["sizes"])
        target = outputs[0]["as_tensor"]["name"]
        return from_nodes(self.graph["nodes"], constants, inputs[0], target, rank, self.shown, logarithms)

    def tensor(self, name: str) -> Array:
        """Return a parameter, a buffer or a constant."""
        if self.folder is None:
            return self._old(name)
        for kind, end in (("weights", "model_weights_config.json"), ("constants", "model_constants_config.json")):
            place = f"{self.folder}data/{kind}/"
            if place not in self.configs:
                known = f"{place}{end}" in self.archive.parts
                self.configs[place] = self.archive.json(f"{place}{end}")["config"] if known else {}
            if name in self.configs[place]:
                return self._raw(place, self.configs[place][name], name)
        raise damaged(self.shown, f"tensor {abridged(name, 40)} is missing")

    def _raw(self, place: str, entry: Mapping[str, Any], name: str) -> Array:
        meta = entry["tensor_meta"]
        if entry.get("use_pickle") or meta["dtype"] not in KINDS:
            raise UnreadableFile(f"{self.shown}: tensor {abridged(name, 40)} is no plain array; export the model anew")
        kind = KINDS[meta["dtype"]]
        raw = self.archive.read(f"{place}{entry['path_name']}")
        width = 2 if kind == "bf16" else np.dtype(kind).itemsize
        size, stride = ([each["as_int"] for each in meta[key]] for key in ("sizes", "strides"))
        offset = meta["storage_offset"]["as_int"]
        if not all(type(n) is int and n >= 0 for n in (offset, *size, *stride)) or len(size) != len(stride):
            raise damaged(self.shown, f"tensor {abridged(name, 40)} has impossible sizes")
        amount, count = math.prod(size), len(raw) // width
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) if amount else -1
        if len(raw) % width or last >= count or amount > count:
            raise damaged(
                self.shown, f"tensor {abridged(name, 40)} of shape {size} reaches beyond its {len(raw):,} bytes"
            )
        flat = numbers(raw, kind)
        steps = tuple(step * flat.itemsize for step in stride)
        return np.array(np.lib.stride_tricks.as_strided(flat[offset:] if amount else flat[:0], tuple(size), steps))

    def _old(self, name: str) -> Array:
        """Return a tensor of the older layout, which has files of PyTorch in its archive."""
        for end in ("serialized_state_dict.pt", "serialized_constants.pt"):
            place = self.archive.inside(end) or self.archive.inside(end.replace(".pt", ".json"))
            if place is None:
                continue
            if end not in self.configs:
                with Archive(io.BytesIO(self.archive.read(place)), self.shown) as inner:
                    pickled = inner.inside("data.pkl")
                    if pickled is None:
                        raise damaged(self.shown, f"its part {place} holds no tensors")
                    folder = pickled.removesuffix("data.pkl")
                    storages = Storages(self.shown)
                    storages.read = {
                        part.removeprefix(f"{folder}data/"): inner.read(part)
                        for part in inner.parts
                        if part.startswith(f"{folder}data/")
                    }
                    content = plain(loads(io.BytesIO(inner.read(pickled, MAX_BYTES)), self.shown, "export it anew"))
                    self.configs[end] = {
                        key: storages.tensor(each if not each.arguments or not isinstance(each.arguments[0], Made)
                                             or not is_tensor(each.arguments[0]) else each.arguments[0])
                        for key, each in content.items()
                        if is_tensor(each)
                    }  # fmt: skip
            if name in self.configs[end]:
                return np.asarray(self.configs[end][name])
        names = listing([abridged(each, 30) for config in self.configs.values() for each in config] or ["none"], 6)
        raise damaged(self.shown, f"tensor {abridged(name, 40)} is missing; found {names}")
