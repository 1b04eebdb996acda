"""No test writes into the user's cache, and none is given code that another one left there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clearprop.engine import build


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the cache, not there yet. Child processes find it as well."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", str(folder))
    build.forget()
    yield folder
    build.forget()
