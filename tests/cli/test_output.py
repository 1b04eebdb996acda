"""Where results go."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import command


def test_output_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    there = tmp_path / "paper.tex"
    there.write_text("mine")
    run = command("explain", "lecture", "w55", "--output", str(there))
    assert (run.returncode, there.read_text()) == (2, "mine")
    run = command("explain", "lecture", "--output", str(tmp_path / "none" / "x"))
    assert run.returncode == 1
    assert run.stderr.startswith(f"clearprop: {tmp_path}/none/x: there is no folder {tmp_path}/none; make it first")
    run = command("explain", "lecture", "--output", str(tmp_path))
    assert (run.returncode, "found a folder" in run.stderr) == (1, True)


def test_a_closed_pipe_and_a_full_disk() -> None:
    script = f"{shlex.quote(sys.executable)} -m clearprop explain lecture | head -1; exit ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == "lecture: one cycle\n"
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "clearprop", "explain", "lecture"], stdout=full, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
    assert (run.returncode, run.stderr) == (1, "clearprop: standard output: No space left on device\n")
