"""A document as PDF: its LaTeX, set by pdflatex where that is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from clearprop.errors import WorkError

SECONDS = 300


def require_pdf() -> str:
    """Return the path of pdflatex.

    Raises:
        MissingProgram: it is not installed; says what to do.
    """
    found = shutil.which("pdflatex")
    if found is None:
        raise MissingProgram(
            "PDF needs pdflatex, which is not installed (it comes with TeX Live); or write a page, .html, and print it "
            "from the browser"
        )
    return found


class MissingProgram(WorkError):
    """A program that a format needs is not installed."""


class NotSet(WorkError):
    """pdflatex could not set a document."""


def pdf(latex: str) -> bytes:
    """Return a LaTeX document as PDF.

    Raises:
        MissingProgram: pdflatex is not installed.
        NotSet: it cannot set the document.
    """
    program = require_pdf()
    with tempfile.TemporaryDirectory(prefix="clearprop-") as folder:
        (Path(folder) / "document.tex").write_text(latex, encoding="utf-8")
        command = [program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "document.tex"]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, encoding="latin-1", timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise NotSet(f"pdflatex did not end within {SECONDS} s; write .tex or .html instead") from None
        made = Path(folder) / "document.pdf"
        if done.returncode or not made.exists():
            fault = next((line for line in done.stdout.splitlines() if line.startswith("!")), "no PDF was made")
            raise NotSet(f"pdflatex: {fault.lstrip('! ')}; write .tex to see the document")
        return made.read_bytes()
