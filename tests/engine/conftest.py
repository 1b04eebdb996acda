"""No test writes into the user's cache, and none is given code that another one left there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clearprop.engine import build, machine


@pytest.fixture(scope="session")
def folder_of_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of those that share their code."""
    return tmp_path_factory.mktemp("shared") / "cache"


@pytest.fixture
def shared_code(kept: Path, folder_of_all: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what code does, not of where it comes from: it is compiled once for all of them."""
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", str(folder_of_all))


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the cache, not there yet. Child processes find it as well."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", str(folder))
    build._kept.clear()
    yield folder
    build._kept.clear()


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of all that LLVM was given to compile: each time a part."""
    lengths: list[int] = []
    real = machine.compiled

    def counted(source: str, target: machine.Target) -> bytes:
        lengths.append(len(source))
        return real(source, target)

    monkeypatch.setattr(machine, "compiled", counted)
    return lengths
