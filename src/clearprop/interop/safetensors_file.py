"""Safetensors files that are not clearprop's: a ``state_dict``."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.interop.archive import parsed
from clearprop.interop.chain import Chain
from clearprop.interop.numbers import numbers
from clearprop.interop.problem import Told, damaged, made, shown_path
from clearprop.interop.state_dict import from_tensors
from clearprop.messages import abridged
from clearprop.models.model import KEY
from clearprop.network.problem import Problem
from clearprop.types import Array

KINDS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bf16", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U8": "u1", "BOOL": "?",
}  # fmt: skip
MAX_HEADER = 100 * 2**20


def is_of_others(path: str | os.PathLike[str]) -> bool:
    """Return whether a safetensors file is whole as far as its header, and no model of clearprop."""
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            head = file.read(length) if length <= MAX_HEADER else b""
        return f'"{KEY}"'.encode() not in head and b"data_offsets" in head and head[:1] == b"{"
    except OSError:
        return False


def read_tensors(path: str | os.PathLike[str], told: Told) -> Problem:
    """Return the problem in a file of tensors by name."""
    shown = shown_path(path)
    raw = Path(path).read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = parsed(raw[8 : 8 + length], shown, "its header")
    if not isinstance(header, dict):
        raise damaged(shown, "its header is not a JSON object")
    header.pop("__metadata__", None)
    body = memoryview(raw)[8 + length :]
    tensors = {name: _tensor(entry, body, abridged(name), shown) for name, entry in header.items()}
    if sum(each.nbytes for each in tensors.values()) > len(body) * 2:
        raise damaged(shown, "its tensors share their bytes")
    return made(from_tensors(tensors, Chain(), shown, told.activations, ordered=False), shown, told)


def _tensor(entry: Any, body: memoryview, name: str, shown: str) -> Array:
    try:
        kind, shape, (start, end) = KINDS[entry["dtype"]], tuple(entry["shape"]), entry["data_offsets"]
    except (TypeError, KeyError, ValueError):
        raise damaged(shown, f"tensor {name} has no type, shape or place that is known") from None
    if not all(type(each) is int and each >= 0 for each in (start, end, *shape)) or not start <= end <= len(body):
        raise damaged(shown, f"tensor {name} lies beyond the file's {len(body):,} bytes of numbers")
    values = numbers(bytes(body[start:end]), kind) if (end - start) % _width(kind) == 0 else None
    if values is None or values.size != math.prod(shape):
        raise damaged(shown, f"tensor {name} has {end - start:,} bytes, which are not those of shape {shape}")
    return values.reshape(shape)


def _width(kind: str) -> int:
    return 2 if kind == "bf16" else np.dtype(kind).itemsize
