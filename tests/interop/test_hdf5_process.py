"""The process that reads HDF5 files, called in this one."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import numpy as np
import pytest

from clearprop.interop import hdf5_process
from clearprop.interop.hdf5_process import serve


def answers(monkeypatch: pytest.MonkeyPatch, raw: bytes, *requests: Any) -> list[bytes]:
    """What it answers to these requests about the bytes of a file; this process keeps its limits."""
    monkeypatch.setattr(hdf5_process, "_bound", lambda *_: None)
    about = {"path": None, "size": len(raw), "most": 100, "seconds": 8}
    lines = [json.dumps(each).encode() + b"\n" for each in requests]
    serve(io.BytesIO(json.dumps(about).encode() + b"\n" + raw + b"".join(lines)), written := io.BytesIO())
    return written.getvalue().split(b"\n")


def file(**arrays: Any) -> bytes:
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    with h5py.File(raw := io.BytesIO(), "w") as made:
        for name, values in arrays.items():
            made[name] = h5py.SoftLink(values) if isinstance(values, str) else values
    return raw.getvalue()


def test_one_request_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = file(a=np.array([1.0]), link="/a", whole=np.arange(3), many=np.zeros(101))
    found = answers(
        monkeypatch, raw, ["array", ["a"]], ["group", ["b"]], ["array", ["link"]], ["array", ["whole"]],
        ["array", ["many"]], ["group", ["a", "c"]], ["group", [".."]],
    )  # fmt: skip
    numbers = np.float64(1).tobytes(), np.arange(3.0).tobytes()
    for each in numbers:
        found = [line.removeprefix(each) for line in found]
    assert found == [
        b"{}", b'{"found": true, "dtype": "<f8", "shape": [1]}', b'{"found": false}',
        b'{"refused": ["link", "is a link, which no model has"]}',
        b'{"found": true, "dtype": "<f8", "shape": [3]}',
        b'{"refused": ["many", "is no array of a model\'s numbers"]}', b'{"found": false}', b'{"found": false}', b"",
    ]  # fmt: skip


def test_what_is_no_file_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    file()
    assert answers(monkeypatch, b"nothing", ["group", ["a"]]) == [b'{"broken": "OSError"}', b""]


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert answers(monkeypatch, b"nothing") == [b'{"missing": "h5py"}', b""]
