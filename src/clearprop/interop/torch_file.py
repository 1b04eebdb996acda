"""PyTorch's files: the zip archives of today, and the older ones of five pickles and raw bytes."""

from __future__ import annotations

import io
import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import UnreadableFile
from clearprop.interop.archive import Archive
from clearprop.interop.chain import Chain
from clearprop.interop.numbers import numbers
from clearprop.interop.problem import Found, Told, damaged, made, shown_path
from clearprop.interop.state_dict import from_tensors, tensors_in
from clearprop.interop.table_names import MOST, PART, read_names
from clearprop.interop.torch_modules import from_module
from clearprop.interop.torch_pickle import KINDS, MAX_BYTES, MODULES, TENSORS, Made, Named, loads
from clearprop.messages import abridged
from clearprop.network.problem import Problem
from clearprop.types import Array

LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How a file of PyTorch before 1.6 begins."""
REMEDY = (
    "in Python, save the weights alone, torch.save(model.state_dict(), FILE), and give --activations; or "
    "cp.from_torch(model)"
)
SCRIPT = (
    "a TorchScript program, whose code is not read; save the weights, torch.save(model.state_dict(), FILE), or export "
    "the model, torch.export.save(torch.export.export(model, (inputs,)), FILE.pt2)"
)


class Storages:
    """The bytes of the storages of a file, by their keys; each tensor is checked against those that are there."""

    def __init__(self, shown: str, big: bool = False) -> None:
        self.shown, self.big = shown, big
        self.read: Mapping[str, bytes] | Any = {}

    def tensor(self, made: Made) -> Array:
        """Return the numbers of a tensor."""
        try:
            storage, offset, size, stride = made.arguments[:4]
            _, kind, key, _, count = storage.arguments[:5]
            size, stride = tuple(size), tuple(stride)
            whole = [offset, count, *size, *stride]
        except (TypeError, ValueError, IndexError, AttributeError):
            raise damaged(self.shown, "a tensor without a storage") from None
        if len(size) != len(stride) or not all(type(each) is int and each >= 0 for each in whole):
            raise damaged(self.shown, "a tensor of impossible sizes")
        name = KINDS.get(kind.name.rpartition(".")[2]) if isinstance(kind, Named) else None
        if name is None:
            raise UnreadableFile(f"{self.shown}: a tensor of a type that is no number's; {REMEDY}")
        width = 2 if name == "bf16" else np.dtype(name).itemsize
        raw = self.bytes(str(key))
        if count * width != len(raw):
            raise damaged(
                self.shown, f"storage {abridged(str(key))} has {len(raw):,} bytes, expected {count * width:,}"
            )
        amount = math.prod(size)
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) if amount else -1
        if last >= count or amount > count:
            raise damaged(self.shown, f"a tensor of shape {size} reaches beyond its storage of {count:,} numbers")
        flat = numbers(raw, name, self.big)
        steps = tuple(step * flat.itemsize for step in stride)
        return np.array(np.lib.stride_tricks.as_strided(flat[offset:] if amount else flat[:0], size, steps))

    def bytes(self, key: str) -> bytes:
        """Return the bytes of a storage."""
        found = self.read(key) if callable(self.read) else self.read.get(key)
        if found is None:
            raise damaged(self.shown, f"storage {abridged(key)} is missing")
        return bytes(found)


def is_legacy(head: bytes) -> bool:
    return head.startswith(LEGACY)


def read_legacy(path: str | os.PathLike[str], told: Told) -> Problem:
    """Return the problem in a file of the older kind."""
    shown = shown_path(path)
    file = io.BytesIO(Path(path).read_bytes())
    _, _, system, content = (loads(file, shown, REMEDY) for _ in range(4))
    storages = Storages(shown, isinstance(system, dict) and system.get("little_endian") is False)
    keys = loads(file, shown, REMEDY)
    kinds = _kinds(content)
    found: dict[str, bytes] = {}
    for key in keys if isinstance(keys, list) else ():
        head = file.read(8)
        count = struct.unpack(">q" if storages.big else "<q", head)[0] if len(head) == 8 else -1
        if count < 0 or str(key) not in kinds:
            raise damaged(shown, "its storages do not match its tensors")
        found[str(key)] = file.read(count * kinds[str(key)])
    storages.read = found
    return made(_found(content, storages, told), shown, told)


def _kinds(content: Any) -> dict[str, int]:
    """Return the bytes that a number of each storage has."""
    kinds: dict[str, int] = {}
    stack, seen = [content], set[int]()
    while stack:
        each = stack.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Made):
            if each.name == "storage" and len(each.arguments) > 2 and isinstance(each.arguments[1], Named):
                kind = KINDS.get(each.arguments[1].name.rpartition(".")[2], "<f4")
                kinds[str(each.arguments[2])] = 2 if kind == "bf16" else np.dtype(kind).itemsize
            stack += [*each.arguments, *each.attributes.values(), *each.items.values()]
        elif isinstance(each, dict):
            stack += each.values()
        elif isinstance(each, (list, tuple)):
            stack += each
    return kinds


def read_archive(archive: Archive, told: Told) -> Problem:
    """Return the problem in a zip archive of PyTorch."""
    shown = archive.shown
    place = archive.inside("data.pkl")
    assert place is not None
    folder = place.removesuffix("data.pkl")
    if archive.inside("constants.pkl") or any(name.startswith(f"{folder}code/") for name in archive.parts):
        raise UnreadableFile(f"{shown}: {SCRIPT}")
    order = archive.read(f"{folder}byteorder", 16) if f"{folder}byteorder" in archive.parts else b"little"
    storages = Storages(shown, order.strip() == b"big")
    storages.read = lambda key: archive.read(f"{folder}data/{key}") if f"{folder}data/{key}" in archive.parts else None
    content = loads(io.BytesIO(archive.read(place, MAX_BYTES)), shown, REMEDY)
    found = _found(content, storages, told)
    if f"{folder}{PART}" in archive.parts:
        found.names = read_names(archive.read(f"{folder}{PART}", MOST), shown)
    return made(found, shown, told)


def _found(content: Any, storages: Storages, told: Told) -> Found:
    shown = storages.shown
    if isinstance(content, Made) and content.name.startswith(MODULES):
        return from_module(_Module(content, storages), shown)
    tensors = {
        name: storages.tensor(_bare(each)) for name, each in tensors_in(plain(content), is_tensor, shown).items()
    }
    return from_tensors(tensors, Chain(), shown, told.activations, ordered=True)


def is_tensor(value: Any) -> bool:
    return isinstance(value, Made) and value.name in TENSORS


def _bare(value: Made) -> Made:
    """Return the tensor in a parameter."""
    for _ in range(4):
        if value.name in TENSORS[2:] and value.arguments and is_tensor(value.arguments[0]):
            value = value.arguments[0]
    return value


def plain(value: Any) -> Any:
    """Return the dictionary that an ordered one stands for, or the value."""
    if isinstance(value, Made) and value.kind in ("OrderedDict", "dict", "defaultdict"):
        return value.items
    return value


class _Module:
    """A module that a file holds, as ``from_module`` looks at one."""

    def __init__(self, made: Made, storages: Storages) -> None:
        self.made, self.storages = made, storages
        self.kind = made.kind

    @property
    def children(self) -> list[tuple[str, _Module]]:
        found = plain(self.made.attributes.get("_modules"))
        items = found.items() if isinstance(found, Mapping) else ()
        return [(str(name), _Module(each, self.storages)) for name, each in items if isinstance(each, Made)]

    def get(self, name: str, usual: Any = None) -> Any:
        """Return a setting."""
        return self.made.attributes.get(name, usual)

    def tensor(self, name: str) -> Array | None:
        """Return a parameter or buffer."""
        for kind in ("_parameters", "_buffers"):
            found = plain(self.made.attributes.get(kind))
            if isinstance(found, Mapping) and is_tensor(found.get(name)):
                return self.storages.tensor(_bare(found[name]))
        return None
