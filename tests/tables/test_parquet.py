"""Parquet files: what they are known by, and damaged ones, which may end the process that reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from clearprop.errors import UnreadableFile
from clearprop.tables import parquet, storage
from clearprop.tables.parquet import is_parquet, read_parquet
from clearprop.tables.storage import Stored
from clearprop.tables.table import Numbers, TableNotice, Text, Wanted

ALL = Wanted(lambda header, source: header, {})
EVERYTHING = Wanted(lambda header, source: header, {}, others=True)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    polars = pytest.importorskip("polars", reason="polars is not installed: no Parquet file can be read")
    path = tmp_path / "t.parquet"
    polars.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}).write_parquet(path)
    return path


def test_a_file_is_known_by_both_its_ends(table: Path, tmp_path: Path) -> None:
    content = table.read_bytes()
    assert is_parquet(table)
    for other in (content[:-1], content[1:], b"PAR1", b""):
        (tmp_path / "other").write_bytes(other)
        assert not is_parquet(tmp_path / "other")


def test_a_table_is_read(table: Path) -> None:
    assert list(read_parquet(table, ALL).columns) == ["a", "b"]


def test_columns_wait_in_a_file_as_those_of_csv_do(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one of them is in memory at a time."""
    monkeypatch.setattr(storage, "MOST", 1)
    columns = read_parquet(table, ALL).columns
    assert all(isinstance(each.held, Stored) and each.held.places and not each.held.blocks for each in columns.values())
    numbers, text = columns["a"], columns["b"]
    assert isinstance(numbers, Numbers)
    assert isinstance(text, Text)
    assert numbers.values.tolist() == [1.0, 2.0]
    assert [text.labels[code] for code in text.codes] == ["x", "y"]


@pytest.mark.parametrize("end", ["import os; os.abort()", "raise MemoryError('panicked at polars')"])
def test_a_file_that_would_end_the_process_is_refused(
    end: str, table: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is tried in another process, whose own words nobody sees."""
    monkeypatch.setattr(parquet, "TRIAL", end)
    with pytest.raises(UnreadableFile) as caught:
        read_parquet(table, ALL)
    expected = f"{table}: a damaged Parquet file: reading it fails; use another copy of it"
    assert str(caught.value) == expected
    assert capfd.readouterr() == ("", "")


def test_an_index_of_pandas_is_left_out(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars", reason="polars writes the file")
    path = tmp_path / "t.parquet"
    polars.DataFrame({"a": [1.0, 2.0], "__index_level_0__": [3, 7]}).write_parquet(path)
    with pytest.warns(TableNotice, match=r"left out as the index of a pandas data frame: __index_level_0__"):
        assert list(read_parquet(path, EVERYTHING).columns) == ["a"]
    assert list(read_parquet(path, ALL).columns) == ["a", "__index_level_0__"]


def test_what_lies_in_the_folder_at_hand_is_not_run(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (table.parent / "polars.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(table.parent)
    assert list(read_parquet(table, ALL).columns) == ["a", "b"]


def test_bytes_that_change_are_a_table_or_one_message(table: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content = table.read_bytes()
    for place in (5, len(content) // 2, len(content) - 30):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        table.write_bytes(changed)
        try:
            read_parquet(table, ALL)
        except UnreadableFile as error:
            assert "Parquet file" in str(error)  # noqa: PT017
    assert capfd.readouterr() == ("", "")
