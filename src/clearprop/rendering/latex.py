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


def latex(document: Document, view: View, *, fragment: bool = False) -> str:
    """Return the document, complete or as a fragment."""
    body = "\n".join(_block(block, view) for block in document) + "\n"
    return FRAGMENT + body if fragment else PREAMBLE + body + "\\end{document}\n"


def _block(block: Block, view: View) -> str:
    match block:
        case Heading(level, text):
            command = {1: "section", 2: "subsection", 3: "subsubsection"}.get(level, "paragraph")
            return rf"\{command}*{{{prose(text)}}}" + (r"\mbox{}" if level > 3 else "")
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
