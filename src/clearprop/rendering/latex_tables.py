"""Grids as LaTeX tables, in parts that fit a page."""

from __future__ import annotations

import math
from collections.abc import Iterator

from clearprop.rendering.document import Cell, Grid
from clearprop.rendering.latex_symbols import Formula, prose
from clearprop.rendering.latex_width import ROOM, width

ROWS = 40
"""The most lines of a table."""


def cell(item: Cell, formula: Formula) -> str:
    """Return a cell of a table."""
    if isinstance(item, str):
        return prose(item)
    shown = formula.write(item)
    return f"${shown}$" + (r"\rule[-1.5ex]{0pt}{4ex}" if r"\frac" in shown else "")


def grid_tables(grid: Grid, formula: Formula) -> Iterator[str]:
    """Yield tables of at most 40 lines and no more columns than fit; each repeats the first column."""
    header, rows = grid.header, list(grid.rows)
    if not header:
        return
    count, numeric = len(header), grid.numeric
    widths = [max(_cell_width(row[c], formula) for row in (header, *rows)) for c in range(count)]
    paragraphs = _paragraph_columns(widths, [any(isinstance(row[c], str) for row in rows) for c in range(count)])
    widths = [paragraphs.get(c, wide) for c, wide in enumerate(widths)]
    for columns in _column_groups(widths):
        kinds = "".join(_kind(numeric[c], paragraphs.get(c)) for c in columns)
        fits = sum(widths[c] + 12 for c in columns) <= ROOM + 20
        head = " & ".join(cell(header[c], formula) for c in columns) + r" \\ \hline"
        for some in _row_groups(rows, columns, paragraphs, formula):
            lines = [head] if any(header) else []
            lines += [" & ".join(cell(row[c], formula) for c in columns) + r" \\" for row in some]
            tabular = f"\\begin{{tabular}}{{{kinds}}}\n" + "\n".join(lines) + "\n\\end{tabular}"
            yield tabular if fits else f"\\resizebox{{\\textwidth}}{{!}}{{{tabular}}}"


def _cell_width(item: Cell, formula: Formula) -> float:
    return 5.2 * len(item) if isinstance(item, str) else width(formula.write(item))


def _paragraph_columns(widths: list[float], words: list[bool]) -> dict[int, float]:
    """Return the columns of long text in a table that is too wide, with the width they get."""
    long = [c for c, wide in enumerate(widths) if words[c] and wide > 150]
    if not long or sum(widths) + 12 * len(widths) <= ROOM + 20:
        return {}
    others = sum(wide + 12 for c, wide in enumerate(widths) if c not in long)
    share = max(120.0, (ROOM - others) / len(long) - 12)
    return {c: min(widths[c], share) for c in long}


def _column_groups(widths: list[float]) -> Iterator[list[int]]:
    group, used = [0], widths[0] + 12
    for c in range(1, len(widths)):
        if used + widths[c] + 12 > ROOM + 20 and len(group) > 1:
            yield group
            group, used = [0], widths[0] + 12
        group.append(c)
        used += widths[c] + 12
    yield group


def _kind(numeric: bool, paragraph: float | None) -> str:
    if paragraph is not None:
        return rf"p{{{paragraph:.0f}pt}}"
    return "r" if numeric else "l"


def _row_groups(
    rows: list[tuple[Cell, ...]], columns: list[int], paragraphs: dict[int, float], formula: Formula
) -> Iterator[list[tuple[Cell, ...]]]:
    group: list[tuple[Cell, ...]] = []
    used = 0
    for row in rows:
        lines = max([1, *(math.ceil(_cell_width(row[c], formula) / paragraphs[c]) for c in columns if c in paragraphs)])
        if group and used + lines > ROWS:
            yield group
            group, used = [], 0
        group.append(row)
        used += lines
    yield group
