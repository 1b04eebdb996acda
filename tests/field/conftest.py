"""Files as people have them: a folder for each case, and beside it the test with its right numbers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Copy the files of a case into an empty folder, and make that the current one."""

    def copied(name: str) -> Path:
        folder = tmp_path / name
        shutil.copytree(HERE / name, folder)
        monkeypatch.chdir(folder)
        return folder

    return copied
