"""Where results go."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import command

import clearprop as cp
from clearprop.cli import run
from clearprop.cli.output import deliver_text
from clearprop.errors import InvalidArgument


def test_output_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    there = tmp_path / "paper.tex"
    there.write_text("mine")
    done = command("explain", "lecture", "w55", "--output", str(there))
    assert (done.returncode, there.read_text()) == (2, "mine")
    done = command("explain", "lecture", "--output", str(tmp_path / "none" / "x"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"clearprop: {tmp_path}/none/x: there is no folder {tmp_path}/none; make it first")
    done = command("explain", "lecture", "--output", str(tmp_path))
    assert (done.returncode, "found a folder" in done.stderr) == (1, True)


def test_a_closed_pipe_and_a_full_disk() -> None:
    script = f"{shlex.quote(sys.executable)} -m clearprop explain lecture | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "lecture: one cycle\n"
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "clearprop", "explain", "lecture"], stdout=full, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "clearprop: standard output: No space left on device\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_labels_of_a_table_do_not_steer_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a file or a pipe they are what they are."""
    text, shown = "class\n\x1b[2Jred\n", Terminal()
    monkeypatch.setattr(sys, "stdout", shown)
    deliver_text(text)
    assert shown.getvalue() == "class\n�[2Jred\n"
    deliver_text(text, str(tmp_path / "a.csv"))
    assert (tmp_path / "a.csv").read_text() == text
    monkeypatch.setattr(sys, "stdout", pipe := io.StringIO())
    deliver_text(text)
    assert pipe.getvalue() == text


@pytest.mark.parametrize(
    "layer", ['bias_names = "\\u001b[2J"', 'activation = {name = "relu", "\\u001b[2J" = 3}', '"\\u001b[2J" = 1']
)
def test_messages_do_not_steer_a_terminal(
    layer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = tmp_path / "net.toml"
    net.write_text(f"[inputs]\ncount = 1\n[[layers]]\nunits = 1\n{layer}\n")
    with pytest.raises(cp.ClearpropError) as caught:
        cp.load(net)
    assert "�[2J" in str(caught.value)
    assert run(["explain", str(net)]) == 2
    assert "\x1b" not in capsys.readouterr().err
    # Whatever a message holds, the command line does not print it as it is.
    monkeypatch.setattr("clearprop.cli.explain.run_explain", lambda *_, **__: refuse("\x1b[2J"))
    assert run(["explain", "lecture"]) == 2
    assert capsys.readouterr().err == "clearprop: �[2J\n"


def refuse(message: str) -> None:
    raise InvalidArgument(message)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.htm", "<!DOCTYPE html>"),
        ("a.MD", "### "),
        ("a.tex", "\\documentclass"),
        ("a.json", "{"),
        ("a", "∂E"),
        ("a.txt", "∂E"),
    ],
)
def test_the_suffix_of_a_file_names_its_format(
    name: str, start: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", "lecture", "w5", "--output", str(tmp_path / name)]) == 0
    assert (tmp_path / name).read_text(encoding="utf-8").lstrip().startswith(start)
    assert capsys.readouterr().err == ""


def test_a_suffix_that_names_no_format_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "lecture", "--output", str(tmp_path / "a.out")]) == 0
    assert (tmp_path / "a.out").read_text(encoding="utf-8").startswith("gradients against")
    assert capsys.readouterr().err.endswith(
        "a.out: written as text; known are .txt, .md, .markdown, .tex, .html, .htm, .json, .pdf\n"
    )


def test_a_dash_is_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["explain", "lecture", "w5", "--output", "-"]) == 0
    assert capsys.readouterr().out.startswith("∂E_total/∂w5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".html", ".pdf", ".tex", ".json", ".md"])
def test_what_is_no_document_is_not_written_as_one(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "xor", "--output", str(tmp_path / f"a{suffix}")]) == 2
    assert f"or a network file (.toml), found a file that ends in {suffix}" in capsys.readouterr().err
    assert run(["predict", "xor", "--data", "a.csv", "--output", f"a{suffix}"]) == 2
    assert f"predict writes CSV, found a file that ends in {suffix}; name it .csv" in capsys.readouterr().err
