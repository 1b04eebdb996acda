"""Documents as LaTeX: complete, compiled by a plain installation, or as a fragment to include."""

from __future__ import annotations

from clearprop.rendering.document import (
    Block,
    Curve,
    Diagram,
    Document,
    Equation,
    Grid,
    Heading,
    Lines,
    MatrixEquation,
    Paragraph,
    View,
    with_minus,
)
from clearprop.rendering.latex_equations import equation
from clearprop.rendering.latex_matrices import matrix_equation
from clearprop.rendering.latex_symbols import Formula, prose
from clearprop.rendering.latex_tables import grid_tables
from clearprop.rendering.latex_width import width
from clearprop.rendering.tikz import tikz, tikz_curve

PREAMBLE = r"""\documentclass[a4paper,10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb}
\usepackage[margin=2cm]{geometry}
\usepackage{xcolor}
\usepackage{tikz}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\emergencystretch=3em
\allowdisplaybreaks
\begin{document}
"""
FRAGMENT = "% Needs \\usepackage{amsmath,amssymb,xcolor,tikz} in the document around it.\n"
FRAME = 300.0
"""The width of a formula that fills a frame of Beamer, by the estimate of ``width``."""
# In such a frame a derivation alone, or else what is wider, is set in a box as wide as a page, which is then made as
# small as the frame.
FRAMED = (
    r"""\ifcsname ver@beamer.cls\endcsname
\setbox0\vbox\bgroup\hsize=460pt\linewidth=\hsize\columnwidth=\hsize\textwidth=\hsize\fontsize{10}{12}\selectfont
\abovedisplayskip=2pt\belowdisplayskip=2pt\abovedisplayshortskip=2pt\belowdisplayshortskip=2pt\jot=1pt
\fi
""",
    r"""\ifcsname ver@beamer.cls\endcsname\egroup
\ifdim\wd0>\linewidth\setbox0\hbox{\resizebox{\linewidth}{!}{\box0}}\fi
\ifdim\dimexpr\ht0+\dp0\relax>.75\textheight\setbox0\hbox{\resizebox*{!}{.75\textheight}{\box0}}\fi
\noindent\hbox to\linewidth{\hss\box0\hss}\fi
""",
)


def latex(document: Document, view: View, *, fragment: bool = False) -> str:
    """Return the document, complete or as a fragment."""
    blocks = [_block(block, view, fragment) for block in document]
    if not fragment:
        return PREAMBLE + "\n".join(blocks) + "\n\\end{document}\n"
    alone = sum(isinstance(block, Heading) for block in document) == 1 and not any(
        isinstance(block, Diagram | Curve | Grid) for block in document
    )
    if alone:
        return FRAGMENT + ("\n".join(blocks) + "\n").join(FRAMED)
    fitted = [_fitted(block, shown) for block, shown in zip(document, blocks, strict=True)]
    return FRAGMENT + "\n".join(fitted) + "\n"


def _fitted(block: Block, shown: str) -> str:
    """Return a block of a longer fragment so that it is no wider than a frame of Beamer."""
    drawn = isinstance(block, Diagram | Curve | Grid) and shown.strip()
    wide = isinstance(block, Equation | MatrixEquation) and max(map(width, shown.split("\\\\\n"))) > FRAME
    return f"{shown}\n".join(FRAMED) if drawn or wide else shown


def _block(block: Block, view: View, fragment: bool) -> str:
    match block:
        case Heading(level, text):
            if fragment or level > 3:  # Beamer prints no sections within its frames, and has no paragraphs
                size = {1: r"\Large", 2: r"\large"}.get(level, "")
                return rf"\par\medskip\noindent{{{size}\bfseries {prose(text)}}}\par"
            command = {1: "section", 2: "subsection", 3: "subsubsection"}[level]
            return rf"\{command}*{{{prose(text)}}}"
        case Paragraph(text):
            return with_minus(prose(text), "$-$") + "\n"
        case Lines(lines):
            return " \\\\\n".join(with_minus(prose(line), "$-$") for line in lines) + "\n"
        case Equation():
            return "\\begin{align*}\n" + equation(block, Formula(view)) + "\n\\end{align*}"
        case MatrixEquation():
            return "\\[\n" + matrix_equation(block, Formula(view)) + "\n\\]"
        case Grid():
            return "\n\n\\medskip\n".join(grid_tables(block, Formula(view))) + "\n"
        case Diagram():
            return tikz(block, view)
        case Curve():
            return tikz_curve(block)
    raise TypeError(f"not a block: {block!r}")
