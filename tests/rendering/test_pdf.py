"""PDF: made by pdflatex where it is installed, refused with what to do where not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from clearprop.cli import run
from clearprop.rendering.pdf import MissingProgram, NotSet, pdf, require_pdf

installed = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


@installed
def test_a_derivation_as_pdf(tmp_path: Path) -> None:
    assert run(["explain", "lecture", "w5", "--output", str(tmp_path / "w5.PDF")]) == 0
    assert (tmp_path / "w5.PDF").read_bytes().startswith(b"%PDF-")


@installed
def test_what_cannot_be_set_is_said() -> None:
    with pytest.raises(NotSet, match=r"^pdflatex: Undefined control sequence.; write .tex to see the document$"):
        pdf(r"\documentclass{article}\begin{document}\nosuchthing\end{document}")


def test_without_pdflatex_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgram, match=r"^PDF needs pdflatex, which is not installed"):
        require_pdf()
    assert run(["explain", "lecture", "w5", "--output", str(tmp_path / "w5.pdf")]) == 1
    assert "write a page, .html, and print it from the browser" in capsys.readouterr().err
    assert not (tmp_path / "w5.pdf").exists()
