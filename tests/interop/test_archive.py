from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import pytest

from clearprop.errors import DamagedModel
from clearprop.interop.archive import Archive, parsed


def zipped(path: Path, parts: dict[str, bytes], packed: bool = False) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


def test_parts_are_found_and_read(tmp_path: Path) -> None:
    with Archive(zipped(tmp_path / "a.pt", {"a/data.pkl": b"x", "config.json": b'{"a": 1}'})) as archive:
        assert archive.inside("data.pkl") == "a/data.pkl"
        assert archive.inside("data") is None
        assert archive.read("a/data.pkl") == b"x"
        assert archive.json("config.json") == {"a": 1}


def test_a_part_that_would_swell_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.pt", {"big": bytes(50_000_000)}, packed=True)
    with Archive(path) as archive, pytest.raises(DamagedModel, match="its part big would swell from"):
        archive.read("big")


def test_a_cut_off_archive_and_two_parts_of_one_name_are_damaged(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.pt", {"a": bytes(1000)})
    (tmp_path / "b.pt").write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DamagedModel, match="its zip archive is not whole"):
        Archive(tmp_path / "b.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "a") as file:
            file.writestr("a", b"other")
    with pytest.raises(DamagedModel, match="two parts of one name"):
        Archive(path)


def test_json_nested_too_deeply_is_damaged() -> None:
    with pytest.raises(DamagedModel, match=r"m.keras: a damaged file: config is nested too deeply"):
        parsed("[" * 100_000, "m.keras", "config")
    with pytest.raises(DamagedModel, match="config is not JSON"):
        parsed("{", "m.keras", "config")


@pytest.mark.parametrize("text", ["[" + "[]," * 3_000_000 + "[]]", b"[" + b"[]," * 3_000_000 + b"[]]"])
def test_json_of_more_values_than_fit_into_memory_is_not_read(text: str | bytes) -> None:
    with pytest.raises(DamagedModel, match=r"m.keras: a damaged file: config has more than 5,000,000 values;"):
        parsed(text, "m.keras", "config")
