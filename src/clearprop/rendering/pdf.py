"""A document as PDF: set by Typst where the extra ``pdf`` is installed, else by pdflatex where that is."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from clearprop.errors import WorkError
from clearprop.rendering.formats import Printable, write

SECONDS = 300
FOREIGN = re.compile("[\u0590-\u1dff\u2e80-\ud7ff\ue000-\ufdff\U0001f000-\U0003ffff]")
"""Scripts that no font within Typst has letters of; only for them the system's fonts are looked through."""


class MissingProgram(WorkError):
    """A program that a format needs is not installed."""


class NotSet(WorkError):
    """A document could not be set."""


def require_pdf() -> None:
    """Check that something can set a PDF.

    Raises:
        MissingProgram: nothing is installed that can; says what to do.
    """
    if not has_typst() and shutil.which("pdflatex") is None:
        raise MissingProgram(
            "PDF needs typst (extra “pdf”): pip install typst; or pdflatex, which comes with TeX Live; or write a "
            "page, .html, and print it from the browser"
        )


def has_typst() -> bool:
    """Return whether the extra ``pdf`` is installed."""
    return importlib.util.find_spec("typst") is not None


def pdf(result: Printable) -> bytes:
    """Return a result as PDF; the same result gives the same bytes.

    Raises:
        MissingProgram: nothing is installed that can set it.
        NotSet: it cannot be set.
    """
    require_pdf()
    if not has_typst():
        return set_latex(write(result, "latex"))
    return set_typst(typst_source(result))


def typst_source(result: Printable) -> str:
    """Return a result as a Typst document."""
    from clearprop.rendering.typst import typst

    return typst(result.document, result.view, title=result.title)


def set_typst(source: str) -> bytes:
    """Return a Typst document as PDF.

    Raises:
        NotSet: it cannot be set.
    """
    import typst

    foreign = FOREIGN.search(source) is not None
    with tempfile.TemporaryDirectory(prefix="clearprop-") as folder:  # a document reads no file outside it
        document = Path(folder) / "document.typ"
        document.write_text(source, encoding="utf-8")
        try:
            return typst.compile(document, root=Path(folder), ignore_system_fonts=not foreign, format="pdf")
        except typst.TypstError as error:
            fault = str(error).partition("\n")[0]
            raise NotSet(f"typst: {fault}; write .html or .tex instead") from error


def set_latex(latex: str) -> bytes:
    """Return a LaTeX document as PDF.

    Raises:
        NotSet: it cannot be set.
    """
    with tempfile.TemporaryDirectory(prefix="clearprop-") as folder:
        (Path(folder) / "document.tex").write_text(latex, encoding="utf-8")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "document.tex"]
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
