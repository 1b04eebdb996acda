"""The command check: files, standard input, exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from tests.support import command

from clearprop.cli.check import run_check
from clearprop.errors import UnreadableFile

OPTIONS: dict[str, Any] = {
    "digits": None, "significant": None, "rounding": "nearest", "tolerance": None, "example": "1", "steps": 1,
    "notation": None, "format": None, "output": None,
}  # fmt: skip


def sheet(folder: Path, text: str) -> str:
    path = folder / "sheet.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("quantity,value\nsum_h1,0.41\n", 0),
        ("quantity,value\nsum_h1,0.42\n", 1),
        ("quantity,value\nsum_h1,\n", 1),
        ("name,sum_h1\nAna,0.41\nBo,0.16\n", 1),
    ],
)
def test_the_exit_code_says_whether_all_is_right(text: str, code: int, tmp_path: Path) -> None:
    assert run_check("lecture", sheet(tmp_path, text), **OPTIONS) == code


def test_a_later_cycle_and_another_notation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = sheet(tmp_path, "quantity;value\nE_total;0,24072\n")
    assert run_check("lecture", answers, **{**OPTIONS, "steps": 2, "notation": "standard", "format": "json"}) == 0
    assert json.loads(capsys.readouterr().out)["lines"][0]["quantity"] == "L"


def test_output_goes_to_a_file_in_the_format_of_its_suffix(tmp_path: Path) -> None:
    answers = sheet(tmp_path, "quantity,value\nsum_h1,0.41\n")
    for name, begins in (("a.csv", "quantity,given"), ("a.html", "<!DOCTYPE html>"), ("a.md", "# lecture")):
        assert run_check("lecture", answers, **{**OPTIONS, "output": str(tmp_path / name)}) == 0
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"cannot be read: No such file or directory"):
        run_check("lecture", str(tmp_path / "nothing.csv"), **OPTIONS)


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"quantity,value\nsum_h1,0.41\n")))
    assert run_check("lecture", "-", **{**OPTIONS, "format": "csv"}) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("sum_h1,0.41,")


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    path = sheet(tmp_path, "quantity,value\nsum_h3,1\n")
    run = command("check", "lecture", path)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f'clearprop: {path}: unknown quantity "sum_h3"; did you mean "sum_h2"?\n'
