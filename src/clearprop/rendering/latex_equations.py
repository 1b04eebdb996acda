"""Equations as LaTeX, their lines aligned and broken where they are too wide."""

from __future__ import annotations

from clearprop.expressions import Expression, Symbol
from clearprop.rendering.document import Equation, Line
from clearprop.rendering.latex_symbols import Formula, escaped, prose
from clearprop.rendering.latex_width import ROOM, shrunk, width


def equation(block: Equation, formula: Formula) -> str:
    """Return the lines of an equation, aligned at their equals signs."""
    left = formula.write(block.left)
    indent = width(left)
    rows: list[str] = []
    if indent > 0.5 * ROOM:
        rows.append("&" + _long_left(block.left, left, formula))
        indent = 20.0
    for line, _ in block.distinct(formula.write):
        first, *more = parts = formula.lines(line.side, ROOM - indent - 30)
        rows.append(f"{'' if rows else left + ' '}&= {first}")
        rows += [rf"&\quad {part}" for part in more]
        _remark(rows, line, formula, ROOM - indent - width(parts[-1]))
    return " \\\\\n".join(rows or [left])


def _long_left(tree: Expression, shown: str, formula: Formula) -> str:
    """Return a left side that stands alone on a line; words are wrapped."""
    if formula.web or width(shown) <= ROOM:
        return shown
    return _paragraph(tree.key) if isinstance(tree, Symbol) and isinstance(tree.key, str) else shrunk(shown, ROOM)


def _paragraph(text: str) -> str:
    return rf"\parbox[t]{{{ROOM - 60:.0f}pt}}{{\raggedright {prose(text)}}}"


def _remark(rows: list[str], line: Line, formula: Formula, room: float) -> None:
    """Add the remark beside a line, or below it where there is no room."""
    if not line.remark:
        return
    words = f"({line.remark})"
    if formula.web:
        shown = formula.symbols.pieces.text(words)
    elif len(words) * 5 < ROOM - 60:
        shown = rf"\text{{\small {escaped(words)}}}"
    else:
        shown = _paragraph(words)
    shown = rf"{{\color{{gray}}{shown}}}"
    if len(words) * 5 + 30 > room:
        rows.append(rf"&\quad {shown}")
    else:
        rows[-1] += rf" \qquad {shown}"
