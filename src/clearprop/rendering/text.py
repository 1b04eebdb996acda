"""Documents as text for a terminal or a pipe, 80 columns unless there is more room."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence

from clearprop.expressions import Expression, Number, Operator, Text
from clearprop.expressions.printing import ATOM, CONDITION, POWER, SUM, Piece
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
    Letter,
    Line,
    Lines,
    Matrix,
    MatrixEquation,
    Paragraph,
    Side,
    View,
)
from clearprop.rendering.line_breaks import Breakable

COLUMNS = 80
"""Width of a document where there is no more room."""
GAP = "  "
"""Between two columns of a table."""
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Formula(Breakable, Text):
    """Expressions for reading: raised powers, the notation's sign for times."""

    def __init__(self, view: View) -> None:
        super().__init__(view.name, view.written)
        self.words = view.names.notation

    def times(self) -> str:
        return f" {self.words.times} "

    def power(self, base: Expression, exponent: Expression) -> Piece:
        return self.raised(self.wrapped(base, ATOM), exponent), POWER

    def choice(self, condition: Expression, then: Expression, otherwise: Expression) -> Piece:
        return f"{self.wrapped(then, SUM)} if {self.write(condition)} else {self.write(otherwise)}", CONDITION

    # --- line breaks ----------------------------------------------------------------------

    slack = 4

    def length(self, shown: str) -> float:
        return len(shown)

    def applied(self, operator: Operator) -> str | None:
        return str(operator.value)

    def raised(self, shown: str, exponent: Expression) -> str:
        if isinstance(exponent, Number) and exponent.value == int(exponent.value) and exponent.value > 0:
            return shown + str(int(exponent.value)).translate(SUPERSCRIPTS)
        return f"{shown}{self.words.power}{self.wrapped(exponent, ATOM)}"


def text(document: Document, view: View, *, width: int = COLUMNS, colour: bool = False) -> str:
    """Return the document; with ``colour``, headings are styled for a terminal."""
    lines = (line.rstrip() for block in document for line in _lines(block, view, width, bold if colour else str))
    return "\n".join(lines).strip("\n") + "\n"


def bold(line: str) -> str:
    """Return a line as terminals show it in bold."""
    return f"\x1b[1m{line}\x1b[0m"


def _lines(block: Block, view: View, width: int, styled: Callable[[str], str]) -> Iterator[str]:
    """Yield a block line by line; headings are styled."""
    match block:
        case Heading(level, title):
            lines = textwrap.wrap(title, width) or [title]
            yield ""
            yield from map(styled, lines)
            if level <= 2:
                yield styled(("═" if level == 1 else "─") * max(map(len, lines)))
        case Paragraph(prose):
            yield from textwrap.wrap(prose, width)
        case Lines(lines):
            yield ""
            yield from lines
        case Equation():
            yield from (f"  {line}" for line in equation_lines(block, view, width - 2))
        case MatrixEquation():
            yield from (f"  {line}" for line in _matrix_lines(block.pieces, view, width - 2))
            yield ""
        case Grid():
            yield from _grid_lines(block, view, width)
        case Diagram():
            yield diagram_text(block, view, width - 2)
        case Curve():
            yield ""
            yield from curve(block.losses, block.validation, width=min(64, width - 12))


def equation_lines(equation: Equation, view: View, width: int) -> list[str]:
    """Return ``left = side = …`` on one line if it fits, else one side to a line, long ones broken."""
    formula = Formula(view)
    left = formula.write(equation.left)
    lines = equation.distinct(formula.write)
    remarks = [line.remark for line, _ in lines if line.remark]
    one = " = ".join([left, *(shown for _, shown in lines)])
    if len(remarks) <= 1 and (not remarks or lines[-1][0].remark):
        remark = f"   ({remarks[0]})" if remarks else ""
        if len(one) + len(remark) <= width:
            return [one + remark]
    return _one_side_to_a_line(left, lines, formula, width)


def _one_side_to_a_line(left: str, lines: list[tuple[Line, str]], formula: Formula, width: int) -> list[str]:
    indent = " " * min(len(left), 24)
    shown: list[str] = []
    for number, (line, side) in enumerate(lines):
        start = f"{left} = " if number == 0 else f"{indent} = "
        room = width - len(start)
        first, *more = [side] if len(side) <= room else formula.lines(line.side, width - len(indent) - 4)
        if number == 0 and len(first) > room:
            shown.append(left)
            start = f"{indent} = "
        shown += [start + first, *(f"{indent}   {part}" for part in more)]
        if line.remark:
            note = f"   ({line.remark})"
            if len(shown[-1]) + len(note) <= width:
                shown[-1] += note
            else:
                spare = width - len(note.strip())
                place = len(indent) + 3 if spare < 0 else min(len(indent) + 3, spare)
                parts = textwrap.wrap(note.strip(), width - place, break_on_hyphens=False)
                shown += [" " * place + part for part in parts]
    return shown


def _cell(cell: Cell, view: View) -> str:
    return cell if isinstance(cell, str) else Formula(view).write(cell)


def aligned(header: str, *cells: str) -> list[str]:
    """Return a column set flush right, the decimal points of its numbers in line.

    >>> aligned("new", "0.25", "-1", "3.5e-7")
    ['    new', ' 0.25  ', '-1     ', ' 3.5e-7']
    """
    after = [len(cell) - len(re.split(r"[.e]", cell, maxsplit=1)[0]) for cell in cells]
    shown = [cell + " " * (max(after) - n) for cell, n in zip(cells, after, strict=True)]
    width = max(map(len, (header, *shown)))
    return [each.rjust(width) for each in (header, *shown)]


def _grid_lines(grid: Grid, view: View, width: int) -> list[str]:
    """Return the columns side by side; cells of a table that is too wide are folded."""
    from rich.cells import cell_len

    cells = zip(*([_cell(cell, view) for cell in row] for row in (grid.header, *grid.rows)), strict=True)
    columns = [aligned(*column) if numeric else [*column] for column, numeric in zip(cells, grid.numeric, strict=True)]
    widths = [max(map(cell_len, column)) for column in columns]
    plain = all(cell.isprintable() for column in columns for cell in column)
    if not plain or sum(widths) + len(GAP) * (len(widths) - 1) > width:
        lines = _folded(columns, width)
    else:
        filled = [
            [cell + " " * (most - cell_len(cell)) for cell in each] for each, most in zip(columns, widths, strict=True)
        ]
        lines = [GAP.join(row) for row in zip(*filled, strict=True)]
    return lines if any(grid.header) else lines[1:]


def _folded(columns: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return columns, their headers first, in no more than this width, as rich sets them."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Plain

    shown = Table(box=None, pad_edge=False, show_edge=False)
    longest = [
        0 if any(" " in cell for cell in cells) else max(map(len, (header, *cells))) for header, *cells in columns
    ]
    # Names stay whole, to be copied, while they leave half of the width to the other columns.
    whole = sum(longest) <= width // 2
    for (header, *_), name in zip(columns, longest, strict=True):
        shown.add_column(Plain(header), overflow="fold", no_wrap=whole and name > 0)
    for row in list(zip(*columns, strict=True))[1:]:
        shown.add_row(*map(Plain, row))
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(shown)
    return capture.get().rstrip("\n").split("\n")


def _matrix_lines(pieces: Side, view: View, width: int) -> list[str]:
    """Return symbols and bracketed matrices side by side, continued below at an equals sign if too wide."""
    blocks = [_piece(piece, view) for piece in pieces]
    height = max(len(block) for block in blocks)
    lines = [""] * height
    for block in blocks:
        top = (height - len(block)) // 2
        span = max(map(len, block))
        for row in range(height):
            inside = block[row - top] if top <= row < top + len(block) else ""
            lines[row] += inside.ljust(span) + " "
    cut = max((k for k, piece in enumerate(pieces) if piece == "=" and k > 0), default=0)
    if max(map(len, lines)) > width and cut:
        return [*_matrix_lines(pieces[:cut], view, width), *_matrix_lines(pieces[cut:], view, width)]
    return [line.rstrip() for line in lines]


def _piece(piece: Matrix | Letter | str, view: View) -> list[str]:
    if isinstance(piece, str):
        return [piece]
    if isinstance(piece, Letter):
        return [letter(piece)]
    columns = [aligned("", *map(view.number, column))[1:] for column in zip(*piece.rows, strict=True)]
    rows = [" ".join(row) for row in zip(*columns, strict=True)]
    if piece.elided:
        rows = [row + " …" for row in rows] + ["⋮"]
    span = max(map(len, rows))
    rows = [row.ljust(span) for row in rows]
    if len(rows) == 1:
        return [f"[{rows[0]}]"]
    ends = [("⎡", "⎤"), *[("⎢", "⎥")] * (len(rows) - 2), ("⎣", "⎦")]
    return [a + row + b for (a, b), row in zip(ends, rows, strict=True)]


def letter(piece: Letter) -> str:
    """Return the letter of a matrix: W1, W2ᵀ, f′(z1), ∂L/∂W1."""
    shown = f"{piece.letter}{piece.layer or ''}"
    shown += {"T": "ᵀ", "′": "′", "": ""}[piece.mark]
    if piece.mark == "′":
        shown = f"{piece.letter}′"
    if piece.argument is not None:
        shown += f"({letter(piece.argument)})"
    return f"∂{piece.gradient_of}/∂{shown}" if piece.gradient_of else shown
