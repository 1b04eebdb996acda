from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.errors import ClearpropError, UnreadableFile
from clearprop.interop.files import FILES
from clearprop.loading import reader_of

NAMES = {"a/models/model.json": 1, "a/data.pkl": 1, "config.json": 1, "schema.json": 1}


@pytest.mark.parametrize("part", NAMES)
def test_an_archive_is_told_by_its_parts_not_its_name(part: str, tmp_path: Path) -> None:
    """Whatever the file is called, the same reader finds the same fault."""
    said = set()
    for name in ("m.pt", "m.keras", "m", "m.toml"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(part, b"")
        with pytest.raises(ClearpropError) as caught:
            cp.load(path)
        assert caught.value.exit_code == NAMES[part]
        said.add(str(caught.value).replace(str(path), "FILE"))
    assert len(said) == 1


def test_an_archive_of_something_else_says_so(tmp_path: Path) -> None:
    path = tmp_path / "m.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("table.csv", "a,b\n")
    with pytest.raises(UnreadableFile, match="expected a model, found a zip archive that no known framework writes"):
        cp.load(path)


def test_a_spreadsheet_is_no_model(tmp_path: Path) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as file:
        file.writestr("[Content_Types].xml", "")
    assert not any(each.recognises(raw.getvalue()) for each in FILES)
    (tmp_path / "x.xlsx").write_bytes(raw.getvalue())
    with pytest.raises(UnreadableFile, match="a workbook of a spreadsheet"):
        reader_of(tmp_path / "x.xlsx")
