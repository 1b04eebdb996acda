"""What pdflatex says of a document."""

from __future__ import annotations

import atexit
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest
from tests.support import HANG

BEGIN = r"\begin{document}"
SEEN: set[str] = set()


def compiled(source: str) -> str:
    """Return the log of pdflatex, which found no error.

    It takes as long to read a preamble as to set a page: one that comes again is remembered.
    """
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed: LaTeX documents are not compiled")
    preamble, _, body = source.partition(BEGIN)
    known = remembered(preamble) if preamble in SEEN else None
    SEEN.add(preamble)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "paper.tex").write_text(source if known is None else BEGIN + body, encoding="utf-8")
        run = pdflatex(folder, *([] if known is None else [f"-fmt={known}"]), "-halt-on-error", "paper.tex")
    assert run.returncode == 0, run.stdout[-2000:]
    return run.stdout


@cache
def remembered(preamble: str) -> Path | None:
    """What pdflatex has made of a preamble; None where it cannot keep it."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "known.tex").write_text(preamble + r"\dump", encoding="utf-8")
    pdflatex(folder, "-ini", "&pdflatex", "known.tex")
    return found if (found := folder / "known.fmt").exists() else None


def pdflatex(folder: str | Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = ["pdflatex", "-interaction=nonstopmode", "-no-shell-escape", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, encoding="latin-1", timeout=HANG, check=False)


def too_wide(log: str) -> float:
    """Return by how many points the widest line sticks out."""
    return max(map(float, re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)), default=0.0)


def balanced(shown: str) -> bool:
    """Return whether every brace is closed."""
    depth = 0
    for token in re.findall(r"\\.|[{}]", shown, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(token, 0)
        if depth < 0:
            return False
    return depth == 0


# Text that must never become markup.
HOSTILE = [
    r"\input{/etc/passwd}", r"\end{document}", r"\\[1cm]", "[1]", "*", "$x$ & % # _ ^ ~ {", "}", "%", "\\", "^^M", "~",
    "''--``?`!`", "-- --- ---", '"quotes"', "|a|", "\u202eabc", "🙂 é ∂ ½ 漢字", "\x00\x07\n\n\t", "ﬁ\u0301\u0301",
    "\u0301",
]  # fmt: skip
