"""ONNX files: protobuf, with weights inside or in a file beside; the graph is followed by ``onnx_graph``."""

from __future__ import annotations

import math
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import MissingExtra, UnreadableFile
from clearprop.interop.numbers import numbers
from clearprop.interop.onnx_graph import from_graph
from clearprop.interop.problem import Told, damaged, made
from clearprop.interop.table_names import KEY, read_names
from clearprop.messages import abridged
from clearprop.network.problem import Problem
from clearprop.network.source import readable
from clearprop.types import Array

KINDS = {
    1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8", 12: "<u4",
    13: "<u8", 16: "bf16",
}  # fmt: skip
FIELDS = {1: "float_data", 11: "double_data", 7: "int64_data", 12: "uint64_data", 13: "uint64_data"}
MAX_BYTES = 2 * 2**30


def onnx_module() -> Any:
    """Return the library that parses ONNX."""
    try:
        import onnx
    except ImportError:
        raise MissingExtra("reading and writing ONNX", "onnx", "onnx") from None
    return onnx


def read_onnx(path: str | os.PathLike[str], told: Told) -> Problem:
    """Return the problem in an ONNX file."""
    onnx = onnx_module()
    with readable(Path(path), "an ONNX model") as shown, open(path, "rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise UnreadableFile(f"{shown}: more bytes than an ONNX file can have")
    try:
        model = onnx.load_model_from_string(raw)
    except Exception:  # the parser's own kinds of errors are several
        raise damaged(shown, "it is no whole ONNX model") from None
    return from_model(model, shown, told, Path(path).parent)


def from_model(model: Any, shown: str, told: Told, folder: Path | None = None) -> Problem:
    """Return the problem that a model describes; weights beside it are looked for in ``folder``."""
    if not model.graph.node:
        raise damaged(shown, "it is no whole ONNX model: its graph has no node")
    if model.functions:
        try:
            from onnx.inliner import inline_local_functions

            model = inline_local_functions(model)
        except Exception:
            raise damaged(shown, "its functions cannot be put in their places") from None
    tensors = Tensors(shown, folder)
    found = from_graph(model, tensors.read, shown)
    found.names = next((read_names(each.value, shown) for each in model.metadata_props if each.key == KEY), None)
    return made(found, shown, told)


class Tensors:
    """Reads tensors of a model, each checked against the bytes that are there."""

    def __init__(self, shown: str, folder: Path | None) -> None:
        self.shown, self.folder = shown, folder
        self.files: dict[str, bytes] = {}

    def read(self, tensor: Any) -> Array:
        """Return the numbers of a tensor."""
        name = abridged(tensor.name, 40)
        shape, kind = tuple(tensor.dims), KINDS.get(tensor.data_type)
        if kind is None:
            if tensor.data_type == 8:
                return np.array([bytes(each).decode("utf-8", "replace") for each in tensor.string_data], dtype=object)
            raise UnreadableFile(f"{self.shown}: tensor {name} is of a type that is no number's")
        if any(n < 0 for n in shape):
            raise damaged(self.shown, f"tensor {name} has an impossible shape {shape}")
        count = math.prod(shape)
        if tensor.data_location == 1:
            raw = self._beside(tensor, name)
        elif tensor.raw_data or not count:
            raw = tensor.raw_data
        else:
            values = np.array(getattr(tensor, FIELDS.get(tensor.data_type, "int32_data")))
            if values.size != count:
                raise damaged(
                    self.shown, f"tensor {name} has {values.size:,} numbers, its shape {shape} takes {count:,}"
                )
            if kind in ("<f2", "bf16"):
                return numbers(values.astype("<u2").tobytes(), kind).reshape(shape)
            return values.astype(kind).reshape(shape)
        width = 2 if kind == "bf16" else np.dtype(kind).itemsize
        if len(raw) != count * width:
            raise damaged(
                self.shown, f"tensor {name} has {len(raw):,} bytes, its shape {shape} takes {count * width:,}"
            )
        return numbers(raw, kind).reshape(shape)

    def _beside(self, tensor: Any, name: str) -> bytes:
        """Return the bytes of a tensor in a file beside the model: a plain one in the same folder."""
        given = {each.key: each.value for each in tensor.external_data}
        location = given.get("location", "")
        where = f"{self.shown}: the weights of {name} are in {abridged(location, 80)}"
        if self.folder is None:
            raise UnreadableFile(f"{where}; give the model's path, so that they are found")
        own = location.removeprefix("./")
        if not own or "\0" in own or Path(own).name != own or own in (".", "..") or "\\" in own:
            raise UnreadableFile(f"{where}, which is no file in the same folder; put it beside the model")
        if own not in self.files:
            file = self.folder / own
            try:
                if not stat.S_ISREG(os.lstat(file).st_mode):
                    raise UnreadableFile(f"{where}, which is a link or no file; put the file itself beside the model")
                self.files[own] = file.read_bytes()
            except OSError as error:
                raise UnreadableFile(f"{where}, which cannot be read: {error.strerror or error}; put it beside the "
                                     "model") from None  # fmt: skip
        whole = self.files[own]
        try:
            start = int(given.get("offset") or 0)
            length = int(given["length"]) if given.get("length") else len(whole) - start
        except ValueError:
            raise damaged(self.shown, f"tensor {name} has no place in {abridged(own, 40)}") from None
        if start < 0 or length < 0 or start + length > len(whole):
            raise damaged(self.shown, f"tensor {name} lies beyond the {len(whole):,} bytes of {abridged(own, 40)}")
        return whole[start : start + length]
