"""Grids as LaTeX: parts that fit a page, each with the head and the first column."""

from __future__ import annotations

import re

from tests.rendering.compiling import compiled, too_wide
from tests.rendering.quantities import LECTURE

from clearprop.expressions import Number
from clearprop.rendering.document import Grid
from clearprop.rendering.latex import latex
from clearprop.rendering.latex_symbols import Formula
from clearprop.rendering.latex_tables import ROWS, grid_tables

FORMULA = Formula(LECTURE)


def test_numbers_are_flush_right_and_every_row_is_there_once() -> None:
    (shown,) = grid_tables(Grid(("name", "n"), (("a", Number(0.5)), ("b", Number(-2.0)))), FORMULA)
    assert shown.split("\n") == [
        r"\begin{tabular}{lr}", r"name & n \\ \hline", r"a & $0.5$ \\", r"b & $-2$ \\", r"\end{tabular}",
    ]  # fmt: skip


def test_long_grids_are_cut_after_a_page_and_wide_ones_repeat_the_first_column() -> None:
    rows = tuple((str(k), Number(float(k))) for k in range(2 * ROWS + 1))
    tables = list(grid_tables(Grid(("k", "n"), rows), FORMULA))
    assert [len(re.findall(r"^\d+ & ", table, re.MULTILINE)) for table in tables] == [ROWS, ROWS, 1]
    wide = Grid(("k", *(f"column {k}" for k in range(20))), (("one", *(Number(0.12345),) * 20),))
    tables = list(grid_tables(wide, FORMULA))
    assert len(tables) > 1
    assert all("\none & " in table for table in tables)
    assert sum(table.count("0.12345") for table in tables) == 20
    assert too_wide(compiled(latex((wide,), LECTURE))) == 0


def test_long_text_becomes_a_paragraph_and_an_empty_grid_nothing() -> None:
    (shown,) = grid_tables(Grid(("path", "n"), (("w1 → " * 60, Number(0.5)),)), FORMULA)
    assert re.match(r"\\begin\{tabular\}\{p\{\d+pt\}r\}", shown)
    assert list(grid_tables(Grid((), ()), FORMULA)) == []
