"""What pdflatex says of a document."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from tests.support import HANG


def compiled(source: str) -> str:
    """Return the log of pdflatex, which found no error."""
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("pdflatex is not installed: LaTeX documents are not compiled")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "paper.tex").write_text(source, encoding="utf-8")
        run = subprocess.run(
            [program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"],
            cwd=folder, capture_output=True, encoding="latin-1", timeout=HANG, check=False,
        )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:]
    return run.stdout


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
