"""The kinds of files of other frameworks, told by their content. Each is read by a file of its own, without the
framework, and nothing in it is executed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from clearprop.errors import ClearpropError, UnreadableFile
from clearprop.interop.problem import Told, damaged, shown_path
from clearprop.network.problem import Problem
from clearprop.tables.foreign import starts

Path = str | os.PathLike[str]
SPREADSHEET = (b"[Content_Types].xml", b"xl/", b"opendocument.spreadsheet")

PROGRAMS = ("models/model.json", "serialized_exported_program.json")
"""Parts that an exported program of PyTorch has, the first since 2.8."""


class File(NamedTuple):
    """A kind of file: the usual end of its name, how its first bytes show it, and how it is read."""

    suffix: str
    recognises: Callable[[bytes], bool]
    read: Callable[[Path, Told], Problem]


def _is_archive(head: bytes) -> bool:
    return head.startswith(b"PK\x03\x04") and not any(part in head for part in SPREADSHEET)


def _read_archive(path: Path, told: Told) -> Problem:
    """Return the problem in a zip archive; which framework wrote it, the names of its parts say."""
    from clearprop.interop.archive import Archive

    with Archive(path) as archive:
        if any(map(archive.inside, PROGRAMS)):
            from clearprop.interop.exported_program import read_program

            return read_program(archive, told)
        if archive.inside("data.pkl"):
            from clearprop.interop import torch_file

            return torch_file.read_archive(archive, told)
        if "config.json" in archive.parts:
            from clearprop.interop import keras_file

            return keras_file.read_archive(archive, told)
        if "schema.json" in archive.parts:
            from clearprop.interop.skops_file import read_skops

            return read_skops(archive, told)
        raise UnreadableFile(
            f"{archive.shown}: expected a model, found a zip archive that no known framework writes (PyTorch, Keras "
            "and skops do); unpack it first"
        )


def _is_legacy_torch(head: bytes) -> bool:
    if not head.startswith(b"\x80\x02"):
        return False
    from clearprop.interop.torch_file import is_legacy

    return is_legacy(head)


def _read_legacy_torch(path: Path, told: Told) -> Problem:
    from clearprop.interop.torch_file import read_legacy

    return read_legacy(path, told)


def _read_keras(path: Path, told: Told) -> Problem:
    from clearprop.interop.keras_file import read_hdf5

    return read_hdf5(path, told)


def _is_onnx(head: bytes) -> bool:
    return head[:1] == b"\x08" and head[2:3] in (b"\x12", b"\x1a", b"\x22", b"\x3a")


def _read_onnx(path: Path, told: Told) -> Problem:
    from clearprop.interop.onnx_file import read_onnx

    return read_onnx(path, told)


def whole(read: Callable[[Path, Told], Problem]) -> Callable[[Path, Told], Problem]:
    """Say that a file is damaged where its bytes contradict themselves in a way that no check foresaw."""

    def call(path: Path, told: Told) -> Problem:
        try:
            return read(path, told)
        except (ClearpropError, OSError):
            raise
        except Exception as error:
            raise damaged(shown_path(path), f"its content makes no sense ({type(error).__name__})") from error

    return call


FILES = (
    File(".pt", _is_archive, whole(_read_archive)),
    File(".pth", _is_legacy_torch, whole(_read_legacy_torch)),
    File(".h5", starts(b"\x89HDF\r\n\x1a\n"), whole(_read_keras)),
    File(".onnx", _is_onnx, whole(_read_onnx)),
)
