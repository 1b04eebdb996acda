"""Documents as GitHub-flavoured markdown, with mathematics in LaTeX."""

from __future__ import annotations

import re

from clearprop.expressions import Symbol
from clearprop.rendering.curves import curve
from clearprop.rendering.diagram import diagram_text
from clearprop.rendering.document import (
    Block,
    Cell,
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
)
from clearprop.rendering.latex_equations import equation
from clearprop.rendering.latex_matrices import matrix_equation
from clearprop.rendering.latex_symbols import Formula


def markdown(document: Document, view: View) -> str:
    """Return the document."""
    shown = (_block(block, view) for block in document)
    return "\n\n".join(block for block in shown if block) + "\n"


def escaped(text: str) -> str:
    """Return any text as markdown text: nothing in it is markup."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    safe = re.sub(r"([\\`*_\[\]#|>~$@]|:(?=//|[\w+-]+:))", r"\\\1", words.replace("&", "&amp;").replace("<", "&lt;"))
    safe = re.sub(r"(?i)\bwww\.", r"www\\.", safe)
    # Characters that would begin a list, a rule or an underlined heading.
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", safe)


def _block(block: Block, view: View) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * min(level, 6)} {escaped(text)}"
        case Paragraph(text):
            return escaped(text)
        case Lines(lines):
            return "\\\n".join(escaped(line) for line in lines)
        case Equation():
            return "$$\n\\begin{aligned}\n" + equation(block, Formula(view, web=True)) + "\n\\end{aligned}\n$$"
        case MatrixEquation():
            return "$$\n" + matrix_equation(block, Formula(view, web=True)) + "\n$$"
        case Grid():
            return _grid(block, Formula(view, web=True))
        case Diagram():
            return "```text\n" + diagram_text(block, view) + "\n```"
        case Curve():
            drawn = "\n".join(curve(block.losses, block.validation))
            return f"```text\n{drawn}\n```" if drawn else ""
    raise TypeError(f"not a block: {block!r}")


def _grid(grid: Grid, formula: Formula) -> str:
    if not grid.header:
        return ""
    rows = [" | ".join(_cell(item, formula) for item in row) for row in (grid.header, *grid.rows)]
    lines = [f"| {row} |" for row in rows]
    lines.insert(1, "|" + "".join(" ---: |" if numeric else " --- |" for numeric in grid.numeric))
    return "\n".join(lines)


def _cell(item: Cell, formula: Formula) -> str:
    if isinstance(item, str):
        return escaped(item)
    if isinstance(item, Symbol) and isinstance(item.key, str):
        return escaped(item.key)
    return f"${formula.write(item)}$".replace("|", r"\vert ")
