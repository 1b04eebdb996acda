"""Tests of where code comes from have a cache of their own; all others share that of the run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clearprop.engine import build, machine

COMPILED: dict[tuple[str, str], bytes] = {}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the cache, not there yet, for tests of where code comes from. Child processes find it as well.

    LLVM makes the same of the same (``test_machine.py``): what it has made for one of these tests, it gives all others.
    """
    folder, usual = tmp_path / "cache", machine.compiled

    def compiled(source: str, target: machine.Target) -> bytes:
        given = source, str(target)
        if given not in COMPILED:
            COMPILED[given] = usual(source, target)
        return COMPILED[given]

    monkeypatch.setattr(machine, "compiled", compiled)
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", str(folder))
    build._kept.clear()
    yield folder
    build._kept.clear()


@pytest.fixture
def compilations(kept: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of all that LLVM was given to compile: each time a part."""
    lengths: list[int] = []
    real = machine.compiled

    def counted(source: str, target: machine.Target) -> bytes:
        lengths.append(len(source))
        return real(source, target)

    monkeypatch.setattr(machine, "compiled", counted)
    return lengths
