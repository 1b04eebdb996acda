"""PDF: made by Typst, else by pdflatex, refused with what to do where neither is installed."""

from __future__ import annotations

import importlib.util
import shutil
import time
from pathlib import Path

import pytest
from tests.rendering.explained import explained

from clearprop.cli import run
from clearprop.rendering import pdf as room
from clearprop.rendering.pdf import MissingProgram, NotSet, pdf, require_pdf, set_latex, set_typst

with_typst = pytest.mark.skipif(importlib.util.find_spec("typst") is None, reason="typst is not installed")
with_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


@pytest.fixture
def no_typst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "has_typst", lambda: False)


@with_typst
@pytest.mark.parametrize("command", [["explain", "lecture", "w5"], ["verify", "lecture"], ["engine", "lecture"]])
def test_results_as_pdf_without_pdflatex(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run([*command, "--output", str(tmp_path / "w5.PDF")]) == 0
    assert (tmp_path / "w5.PDF").read_bytes().startswith(b"%PDF-")


@with_typst
def test_the_same_result_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = pdf(explained("lecture", "w5"))
    monkeypatch.setattr(time, "time", lambda: 2e9)
    assert pdf(explained("lecture", "w5")) == before
    assert b"CreationDate" not in before
    assert b"xmp:CreateDate" not in before


@with_typst
def test_what_typst_cannot_set_is_said() -> None:
    with pytest.raises(NotSet, match=r"^typst: unknown variable: nosuchthing; write .html or .tex instead$"):
        set_typst("#nosuchthing")


@with_typst
def test_a_document_reads_no_file_and_fetches_no_package(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    for source in (f'#read("{tmp_path}/secret.txt")', '#read("/../secret.txt")'):
        with pytest.raises(NotSet, match=r"^typst: "):
            set_typst(source)
    assert "import" not in room.typst_source(explained("lecture"))


@with_latex
@pytest.mark.usefixtures("no_typst")
def test_pdflatex_in_its_place(tmp_path: Path) -> None:
    assert run(["explain", "lecture", "w5", "--output", str(tmp_path / "w5.pdf")]) == 0
    assert b"pdfTeX" in (tmp_path / "w5.pdf").read_bytes()


@with_latex
def test_what_pdflatex_cannot_set_is_said() -> None:
    with pytest.raises(NotSet, match=r"^pdflatex: Undefined control sequence.; write .tex to see the document$"):
        set_latex(r"\documentclass{article}\begin{document}\nosuchthing\end{document}")


@pytest.mark.usefixtures("no_typst")
def test_without_both_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgram, match=r"^PDF needs typst \(extra “pdf”\): pip install typst; or pdflatex"):
        require_pdf()
    assert run(["explain", "lecture", "w5", "--output", str(tmp_path / "w5.pdf")]) == 1
    assert "write a page, .html, and print it from the browser" in capsys.readouterr().err
    assert not (tmp_path / "w5.pdf").exists()
