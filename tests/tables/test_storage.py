"""Columns in memory and in a temporary file: what was put in comes out, and memory stays bounded."""

from __future__ import annotations

import io
import tempfile
from typing import Any

import numpy as np
import pytest

from clearprop.errors import UnreadableFile
from clearprop.tables import storage
from clearprop.tables.storage import Storage


def put(blocks: int = 6, rows: int = 100) -> tuple[Storage, dict[str, np.ndarray]]:
    """A storage of two columns, block by block, and what was put into them."""
    rng, found = np.random.default_rng(0), Storage()
    columns = {"numbers": found.column(float), "codes": found.column(np.int32)}
    given: dict[str, list[np.ndarray]] = {"numbers": [], "codes": []}
    for number in range(blocks):
        given["numbers"].append(rng.normal(size=rows))
        given["codes"].append(rng.integers(-1, 4, rows).astype(np.int8 if number < 2 else np.int16))
        for name, column in columns.items():
            column.append(given[name][-1])
    for name, column in columns.items():
        assert len(column) == blocks * rows
        assert np.array_equal(np.asarray(column), np.concatenate(given[name]))
        assert np.asarray(column).dtype == column.dtype
    looked_up = columns["codes"].looked_up(np.array([5.0, 6, 7, 8, np.nan]))
    expected = np.array([5.0, 6, 7, 8, np.nan])[np.concatenate(given["codes"])]
    assert np.array_equal(np.asarray(looked_up), expected, equal_nan=True)
    return found, {name: np.asarray(column) for name, column in columns.items()}


def test_columns_come_out_as_they_went_in(monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory, expected = put()
    assert in_memory.file is None
    monkeypatch.setattr(storage, "MOST", 1000)
    in_file, found = put()
    assert in_file.file is not None
    assert in_file.bytes <= 1000
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_without_a_file_all_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> Any:
        raise OSError("no space left on device")

    monkeypatch.setattr(storage, "MOST", 1000)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    found, _ = put()
    assert found.full


def test_a_file_that_becomes_full_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Small:
        """A file on a disk with room for 3000 bytes."""

        def __init__(self) -> None:
            self.file, self.end = io.BytesIO(), 0
            self.seek, self.read, self.close = self.file.seek, self.file.read, self.file.close

        def write(self, data: Any) -> int:
            return int(self.file.write(bytes(data)[: max(0, 3000 - self.file.tell())]))

    monkeypatch.setattr(storage, "MOST", 1000)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Small())
    found, _ = put()
    assert found.full
    assert 1500 < found.end <= 3000


def test_a_file_that_was_cut_off_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MOST", 10)
    found = Storage()
    column = found.column(float)
    column.append(np.arange(5.0))
    assert found.file is not None
    found.file.truncate(20)
    with pytest.raises(UnreadableFile, match="has become shorter; read the table again"):
        np.asarray(column)
