"""LaTeX: what is set how, and that pdflatex compiles whatever is in a document."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.rendering.compiling import HOSTILE, compiled, too_wide
from tests.rendering.explained import explained
from tests.rendering.quantities import CHAIN, KEYS, LECTURE, PROBLEM, QUANTITIES, TOTAL, VIEWS

from clearprop.expressions import Number, Symbol, parse
from clearprop.network import names as q
from clearprop.network.notation import NOTATIONS
from clearprop.rendering.document import (
    Block,
    Diagram,
    Equation,
    Grid,
    Heading,
    Letter,
    Line,
    Matrix,
    MatrixEquation,
    Paragraph,
    View,
)
from clearprop.rendering.latex import latex

# --- every block compiles -----------------------------------------------------------------


def blocks_of(view: View) -> list[Block]:
    """One document with everything in it."""
    left = Symbol(TOTAL)
    symbols = [Symbol(quantity) for quantity, _, _ in QUANTITIES]
    squares = tuple(Line(symbol**2 + Number(1e-9) ** 2) for symbol in symbols)
    wide = Matrix(((0.12345,) * 14,) * 3, elided=True)
    letters = (
        Letter("δ", 1),
        "=",
        "(",
        Letter("W", 2, "T"),
        Letter("δ", 2),
        ")",
        "∘",
        Letter("f", 0, "′", Letter("z", 1)),
    )
    return [
        *(Heading(level, f"Level {level}: ∂E_total/∂w5, δ, ½ · 2 → 1") for level in range(1, 8)),
        Heading(4, ""), Paragraph(""), Paragraph("− ½ ∂ η δ ′ ∘ · … “quoted” ⁺ – → é ü ß"), Paragraph("x" * 500),
        Diagram(PROBLEM.network, {q.Input(0): 0.1, q.Target(1): 1e-12}),
        Equation(left, squares), Equation(left, ()),
        Equation(left, (Line(Number(float("inf"))), Line(Number(float("nan"))),
                        Line(parse("where(z < 0, 0, z)", KEYS)))),
        MatrixEquation(letters), MatrixEquation((Letter("W", 1, gradient_of="L"), "=", wide, "+", wide, "=", wide)),
        MatrixEquation((Letter("x"), "(", "·", "}{$&")), MatrixEquation((Matrix(((0.5,), (1.0,)), elided=True),)),
        Grid(("", "n", Symbol(TOTAL)), tuple((symbol, Number(1.0), "[x] *y") for symbol in symbols * 3)),
        Grid(tuple(f"column {k}" for k in range(30)), ((Number(0.12345),) * 30,) * 2),
        Grid(("path", "part"), (("w1 → " * 90, Number(0.5)),) * 45), Grid((), ()), Grid((), (("a",), ("b", "c"))),
        Grid(("x" * 200, "y" * 200, "z"), ((CHAIN, "y", "z"),)), Grid(("a", "b"), ()),
    ]  # fmt: skip


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_block_and_quantity_compiles_and_fits(notation: str) -> None:
    log = compiled(latex(tuple(blocks_of(VIEWS[notation])), VIEWS[notation]))
    assert too_wide(log) < 2
    assert "Font shape" not in log
    assert "Missing character" not in log


def test_a_fragment_compiles_where_its_comment_says() -> None:
    shown = latex((Heading(1, "A"), Diagram(PROBLEM.network)), LECTURE, fragment=True)
    packages = re.match(r"% Needs (\\usepackage\{[a-z,]+\})", shown)
    assert packages is not None
    compiled(f"\\documentclass{{book}}\n{packages[1]}\n\\begin{{document}}\n{shown}\\end{{document}}\n")


BEAMER = r"""\documentclass{beamer}
\usepackage{amsmath,amssymb,xcolor,tikz}
\begin{document}
\begin{frame}[OPTIONS]{Backpropagation}
BODY
\end{frame}
\end{document}
"""


@pytest.mark.parametrize(("net", "name"), [("lecture", "w5"), ("lecture", "w1"), ("xor", "w1"), ("lecture", None)])
def test_a_fragment_compiles_in_beamer_and_a_derivation_fits_its_frame(net: str, name: str | None) -> None:
    fragment = explained(net, *([name] if name else [])).latex(fragment=True)
    # Beamer does not know the first, and prints nothing for the others.
    assert not re.search(r"\\(paragraph|section|subsection|subsubsection)\b", fragment)
    found = shutil.which("kpsewhich")
    if found is None or not subprocess.run([found, "beamer.cls"], check=False, capture_output=True).stdout:
        pytest.skip("beamer.cls is not installed")
    options = "c" if name else "allowframebreaks"
    log = compiled(BEAMER.replace("OPTIONS", options).replace("BODY", fragment))
    assert "Overfull \\hbox" not in log
    if name:
        assert "(1 page," in log
        assert "Overfull" not in log


# --- hostile text -------------------------------------------------------------------------


@settings(max_examples=3)
@given(st.lists(st.text(max_size=25), min_size=60, max_size=60))
@example(HOSTILE)
def test_no_text_breaks_a_document(texts: list[str]) -> None:
    blocks: list[Block] = []
    for text in texts:
        remark = Equation(Symbol(text), (Line(Symbol(text) ** 2, text),))
        blocks += [Heading(len(text) % 6 + 1, text), Paragraph(text), remark]
        blocks += [
            Paragraph(text),
            Grid((text, "n"), ((text, Number(1.0)), (text, Symbol(text)), (Number(1.0), text))),
        ]
    compiled(latex(tuple(blocks), LECTURE))


@pytest.mark.parametrize("name", ["lecture", "xor", "deep"])
@pytest.mark.parametrize("notation", ["lecture", "standard"])
def test_latex_documents_compile(name: str, notation: str) -> None:
    log = compiled(explained(name, notation=notation).latex())
    too_wide = [float(width) for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(too_wide, default=0) < 20


def test_latex_of_batches_tables_and_fragments() -> None:
    compiled(explained("ring", "w1", "b_h1_1", example="all").latex())
    fragment = explained("lecture", "w5").latex(fragment=True)
    assert "\\documentclass" not in fragment
    assert (
        r"\frac{\partial E_{\mathrm{total}}}{\partial w_{5}} &= \frac{\partial E_{\mathrm{total}}}"
        r"{\partial \mathrm{output}_{o1}} \cdot \frac{\partial \mathrm{output}_{o1}}{\partial \mathrm{sum}_{o1}} "
        r"\cdot \frac{\partial \mathrm{sum}_{o1}}{\partial w_{5}}"
    ) in fragment
    assert r"\mathrm{new\_}w_{5} &= w_{5} - n \cdot" in fragment
