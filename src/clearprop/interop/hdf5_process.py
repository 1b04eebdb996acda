"""The process that reads an HDF5 file for another one, which asks for what it needs: no links, no other files, no shape
without its bytes. Libhdf5 may run for ever in it, or out of memory; nothing else does then.

A request is a line of JSON: what is wanted, the names on the way to it, and the name of an attribute. An answer is a
line of JSON, behind which stand the numbers of an array, little endian.

This file is run by itself: importing the package would take longer than reading a small model."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO

BIG = 512 * 2**20


def main() -> None:
    """Answer the process that started this one, and says where libraries are."""
    sys.path[:] = sys.argv[1:]
    serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests about one file until there are no more. The first line says which file, or how many bytes of it
    follow; how many numbers an array may have; and after how many seconds nobody waits."""

    def answer(content: dict[str, Any], raw: bytes | memoryview = b"") -> None:
        answers.write(json.dumps(content).encode() + b"\n")
        answers.write(raw)
        answers.flush()

    told = json.loads(requests.readline())
    source = told["path"] if told["path"] is not None else io.BytesIO(requests.read(told["size"]))
    try:
        import h5py
    except ImportError:
        answer({"missing": "h5py"})
        return
    try:
        _bound(told["size"], told["seconds"])
        with h5py.File(source, "r") as file:
            plain = Plain(file, h5py, told["most"])
            answer({})
            for line in requests:
                try:
                    answer(*plain.answer(*json.loads(line)))
                except Refused as error:
                    answer({"refused": error.args})
    except Exception as error:  # the library's own kinds of errors are many
        answer({"broken": type(error).__name__})


def _bound(size: int, seconds: float) -> None:
    """Let no more memory be taken than a model of a file of that size needs: libhdf5 takes as much as a damaged file
    states for the length of a text, before it looks for the bytes. Only Linux says how much is taken already. Nor may
    this process run on for ever where nobody is left to end it."""
    try:
        import resource
    except ImportError:
        return
    _lower(resource, resource.RLIMIT_CPU, int(seconds) + 2)
    try:
        with open("/proc/self/statm") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return
    _lower(resource, resource.RLIMIT_AS, taken + BIG + 16 * size)


def _lower(resource: Any, which: int, most: int) -> None:
    before = resource.getrlimit(which)
    resource.setrlimit(which, (min(each for each in (*before, most) if each != resource.RLIM_INFINITY), before[1]))


class Refused(Exception):
    """Something in the file that no model has: its name, and what it is."""


class Plain:
    """What an HDF5 file holds at a path of names."""

    def __init__(self, file: Any, h5py: Any, most: int) -> None:
        self.file, self.h5py, self.most = file, h5py, most

    def answer(self, wanted: str, path: Sequence[str], name: str = "") -> tuple[Any, ...]:
        """Return the answer to a request, and the bytes behind it."""
        found = self.at(path)
        match wanted:
            case _ if found is None:
                return ({"found": False},)
            case "array":
                numbers = self.array(found, "/".join(path[-3:]))
                kind = numbers.dtype.newbyteorder("<") if numbers.dtype.kind in "fV" else "<f8"
                plain = numbers.astype(kind, order="C", copy=False)
                header = {"found": True, "dtype": plain.dtype.str, "shape": numbers.shape}
                return header, plain.reshape(-1).view("u1").data
            case "text":
                return ({"found": True, "text": self.text(found, name)},)
            case "texts":
                return ({"found": True, "texts": self.texts(found, name)},)
        return ({"found": True},)

    def at(self, path: Sequence[str]) -> Any:
        """Return what lies at a path, or None."""
        group = self.file
        for name in path:
            if not isinstance(group, self.h5py.Group) or "/" in name or name in ("", ".", ".."):
                return None
            link = group.get(name, getlink=True)
            if link is None:
                return None
            if not isinstance(link, self.h5py.HardLink):
                raise Refused(name, "is a link, which no model has")
            group = group[name]
        return group

    def array(self, dataset: Any, name: str) -> Any:
        """Return the numbers of a data set."""
        if not isinstance(dataset, self.h5py.Dataset) or dataset.external or dataset.is_virtual:
            raise Refused(name, "is no plain array in the file")
        count, each = math.prod(dataset.shape or ()), dataset.dtype.itemsize
        bfloat = dataset.dtype.kind == "V" and dataset.dtype.names is None and each == 2
        if (dataset.dtype.kind not in "fiu" and not bfloat) or count > self.most or count * each > BIG * 4:
            raise Refused(name, "is no array of a model's numbers")
        stored = dataset.id.get_storage_size()
        if stored < count * each and (dataset.chunks is None or stored * 1100 < count):
            raise Refused(name, f"announces shape {dataset.shape} without its bytes")
        return dataset[...]

    def text(self, group: Any, name: str) -> str | None:
        """Return an attribute of text."""
        found = group.attrs.get(name)
        return _decoded(found) if isinstance(found, (bytes, str)) else None

    def texts(self, group: Any, name: str) -> list[str]:
        """Return an attribute that lists texts, in several where there are many."""
        found = group.attrs.get(name)
        parts = [found] if found is not None else []
        number = 0
        while found is None and f"{name}{number}" in group.attrs:
            parts.append(group.attrs[f"{name}{number}"])
            number += 1
        return [_decoded(each) for part in parts for each in (part.ravel() if hasattr(part, "ravel") else (part,))]


def _decoded(text: Any) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


if __name__ == "__main__":
    main()
