"""The bundle is built from the sources, whose imports go in one direction."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.explorer.node import command

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "circles.mjs"
SOURCES = ROOT / "src" / "clearprop" / "explorer" / "source"


def circles(folder: Path) -> tuple[int, str]:
    """How the check for circular imports ends, and what it says."""
    place = command()
    if place is None:
        pytest.skip("needs Node")
    ended = subprocess.run([place, SCRIPT, folder], check=False, capture_output=True, text=True)
    return ended.returncode, ended.stderr


def test_no_import_is_circular() -> None:
    assert circles(SOURCES) == (0, "")


@pytest.mark.parametrize("back", ['import { a } from "./a";', 'import type { A } from "./a";', 'export * from "./a";'])
def test_a_planted_circle_is_found(tmp_path: Path, back: str) -> None:
    (tmp_path / "a.ts").write_text('import { b } from "./b";\n')
    (tmp_path / "b.ts").write_text('import type {\n  C,\n} from "./c";\n')
    (tmp_path / "c.ts").write_text("export interface C {}\n")
    assert circles(tmp_path) == (0, "")
    (tmp_path / "c.ts").write_text(back + "\n")
    assert circles(tmp_path) == (1, f"{tmp_path}: a circular import: a.ts → b.ts → c.ts → a.ts\n")
