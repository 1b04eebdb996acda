from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import DamagedModel, MissingExtra
from clearprop.interop import hdf5

LATE = "a damaged file: its HDF5 part cannot be read within 1 seconds; use another copy"


def plant(monkeypatch: pytest.MonkeyPatch, program: str) -> list[subprocess.Popen[bytes]]:
    """Let another program answer in place of the one that reads; return the processes that were started."""
    processes = []

    def started() -> subprocess.Popen[bytes]:
        line = [sys.executable, "-c", program]
        processes.append(subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return processes[-1]

    monkeypatch.setattr(hdf5, "started", started)
    return processes


def asked(path: Path) -> Any:
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    return cp.load(path)


def endless(path: Path) -> Path:
    """A file in whose heap an object has a size that ends where it begins: libhdf5 reads it again and again."""
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}"
    raw = bytearray(path.read_bytes())
    size = raw.index(b"GCOL") + 24
    raw[size : size + 8] = (2**64 - 16).to_bytes(8, "little")
    path.write_bytes(raw)
    return path


def test_a_file_that_is_read_without_end_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As two files that scripts/fuzz_readers.py found."""
    monkeypatch.setattr(hdf5, "SECONDS", 1.0)
    with pytest.raises(DamagedModel, match=LATE):
        cp.load(endless(tmp_path / "m.h5"))


def test_a_process_that_never_answers_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "SECONDS", 1.0)
    processes = plant(monkeypatch, "import time; time.sleep(600)")
    with pytest.raises(DamagedModel, match=LATE):
        asked(tmp_path / "m.h5")
    assert [each.returncode is not None for each in processes] == [True]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("", "its HDF5 part is not whole"),
        ("print('{}'); print('{\"found\": true', end='')", "its HDF5 part is not whole"),
        ("print('no JSON')", "its content makes no sense"),
        ('print(\'{"refused": ["x", "is a link, which no model has"]}\')', "x is a link, which no model has"),
    ],
)
def test_whatever_ends_without_an_answer_is_damaged(
    program: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, program)
    with pytest.raises(DamagedModel, match=message):
        asked(tmp_path / "m.h5")


def test_without_the_library_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, 'print(\'{"missing": "h5py"}\')')
    with pytest.raises(MissingExtra, match=r"reading Keras files needs h5py \(extra “keras”\): pip install h5py"):
        asked(tmp_path / "m.h5")


@pytest.mark.parametrize("dtype", ["<f4", ">f8"])
def test_numbers_come_as_they_are(dtype: str, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    path, numbers = tmp_path / "m.h5", np.random.default_rng(0).normal(size=(3, 2)).astype(dtype)
    with h5py.File(path, "w") as file:
        file["a/b"], file["empty"] = numbers, np.zeros((0, 4))
        file["a"].attrs["names"], file.attrs["text"] = ["x", "ÿ"], "é"
    with hdf5.opened(path, "m.h5") as file:
        found, empty = file.array(("a", "b")), file.array(("empty",))
        assert found is not None
        assert empty is not None
        assert empty.shape == (0, 4)
        np.testing.assert_array_equal(found, numbers)
        assert (found.dtype.itemsize, file.text((), "text"), file.texts(("a",), "names")) == (
            numbers.dtype.itemsize, "é", ["x", "ÿ"],
        )  # fmt: skip
        assert (file.has("a"), file.has("b"), file.array(("a", "c")), file.text((), "x")) == (True, False, None, None)
    assert file.process.returncode is not None
    with hdf5.opened(path.read_bytes(), "m.h5") as file:
        assert file.has("a", "b")
