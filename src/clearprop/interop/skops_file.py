"""skops files: a tree of JSON and arrays, read by hand; nothing of it is imported or called."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from clearprop.interop.archive import Archive, parsed
from clearprop.interop.problem import Told, damaged, made
from clearprop.interop.sklearn_mlp import from_estimator
from clearprop.network.problem import Problem
from clearprop.types import Array

MAX_NODES = 200_000


def read_skops(archive: Archive, told: Told) -> Problem:
    """Return the problem in a skops file."""
    try:
        found = _Tree(archive).value(archive.json("schema.json"))
    except RecursionError:
        raise damaged(archive.shown, "its schema is nested too deeply") from None
    if not isinstance(found, Object):
        raise damaged(archive.shown, "its schema describes no estimator")
    return made(from_estimator(found, archive.shown), archive.shown, told)


class Object:
    """An object that the file describes: its class's name and attributes, nothing of its class."""

    def __init__(self, kind: str, attributes: dict[str, Any]) -> None:
        self.kind, self.attributes = kind, attributes

    def get(self, name: str, usual: Any = None) -> Any:
        """Return an attribute."""
        return self.attributes.get(name, usual)


class _Tree:
    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.known: dict[Any, Any] = {}
        self.count = 0

    def value(self, node: Any) -> Any:
        """Return the value of a node; None for what a model does not need."""
        self.count += 1
        if not isinstance(node, dict) or self.count > MAX_NODES:
            raise damaged(self.archive.shown, "its schema has a node that is none")
        content, loader = node.get("content"), node.get("__loader__")
        found: Any = None
        match loader:
            case "CachedNode":
                return self.known.get(node.get("__id__"))
            case "JsonNode":
                found = parsed(str(content), self.archive.shown, "a value of its schema")
            case "DictNode" | "DefaultDictNode" | "OrderedDictNode" if isinstance(content, dict):
                found = {key: self.value(each) for key, each in content.items()}
            case "ListNode" | "TupleNode" if isinstance(content, list):
                found = [self.value(each) for each in content]
            case "NdArrayNode" | "ScalarNode" | "NumpyNode" if isinstance(node.get("file"), str):
                found = self.array(node["file"])
            case "NdArrayNode" if isinstance(content, (dict, list)):
                inner = self.value(content) if isinstance(content, dict) else [self.value(each) for each in content]
                found = np.array(inner, dtype=object)
            case "ObjectNode" | "SklearnNode":
                inner = self.value(content) if isinstance(content, dict) else {}
                found = Object(str(node.get("__class__")), inner if isinstance(inner, dict) else {})
        self.known[node.get("__id__")] = found
        return found

    def array(self, name: str) -> Array:
        """Return the array in a part, whose header must announce the bytes that are there."""
        raw = self.archive.read(name)
        file = io.BytesIO(raw)
        try:
            version = np.lib.format.read_magic(file)
            read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}[version[0]]
            shape, _, kind = read(file, max_header_size=10_000)
            if kind.hasobject or math.prod(shape) * kind.itemsize != len(raw) - file.tell():
                raise ValueError
            return np.load(io.BytesIO(raw), allow_pickle=False)  # type: ignore[no-any-return]
        except (ValueError, KeyError, TypeError, EOFError, SyntaxError, RecursionError, MemoryError):
            raise damaged(self.archive.shown, f"its array {name} is not whole") from None
