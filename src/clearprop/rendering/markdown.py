"""Documents as GitHub-flavoured markdown, with mathematics in LaTeX."""

from __future__ import annotations

import re

from clearprop.expressions import Expression
from clearprop.rendering.diagram import diagram_text
from clearprop.rendering.document import (
    Block,
    Diagram,
    Document,
    Equation,
    Heading,
    MatrixEquation,
    Paragraph,
    Table,
    View,
)
from clearprop.rendering.latex import Formula, equation, matrix_equation


def markdown(document: Document, view: View) -> str:
    """The whole document."""
    return "\n\n".join(_block(block, view) for block in document) + "\n"


def escaped(text: str) -> str:
    """Any text as markdown text: nothing in it is markup."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|>~$])", r"\\\1", safe).replace("\n", " ")


def _block(block: Block, view: View) -> str:
    match block:
        case Heading(level, text):
            return "#" * level + " " + escaped(text)
        case Paragraph(text):
            return escaped(text)
        case Equation():
            return "$$\n\\begin{aligned}\n" + equation(block, view) + "\n\\end{aligned}\n$$"
        case MatrixEquation():
            return "$$\n" + matrix_equation(block, view) + "\n$$"
        case Table():
            return _table(block, view)
        case Diagram():
            return "```text\n" + diagram_text(block, view) + "\n```"
    raise TypeError(f"not a block: {block!r}")


def _table(table: Table, view: View) -> str:
    formula = Formula(view)

    def cell(item: str | Expression) -> str:
        return escaped(item) if isinstance(item, str) else f"${formula.write(item)}$".replace("|", r"\vert ")

    rows = [table.header, *table.rows]
    lines = ["| " + " | ".join(cell(item) for item in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(table.header))
    return "\n".join(lines)
