"""The command that runs all of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from benchmarks.comparison.command import arguments as engine
from benchmarks.everything import PAGE, ROOT, commands, run


@pytest.mark.parametrize("quick", [True, False])
def test_the_commands_are_there_and_take_these_options(
    quick: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for script, *given in commands(tmp_path, PAGE, tmp_path / "plot.png", quick=quick).values():
        source = (ROOT / "benchmarks" / script).read_text(encoding="utf-8")
        if script == "engine.py":
            monkeypatch.setattr(sys, "argv", [script, *given])
            taken = engine("")
            assert taken.resume
            assert taken.json.parent == tmp_path
            assert taken.quick is quick
        else:
            assert all(f'"{option}"' in source for option in given if option.startswith("--"))


def test_what_a_command_prints_is_kept(tmp_path: Path) -> None:
    assert run([sys.executable, "-c", "print('found'); raise SystemExit(3)"], tmp_path / "printed.md") == 3
    assert (tmp_path / "printed.md").read_text(encoding="utf-8") == "found\n"
