"""Documents as text for a terminal or a pipe, 80 columns unless there is more room."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from clearprop.expressions import Expression, Number, Text
from clearprop.expressions.printing import ATOM, POWER, Piece
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
    Lines,
    Matrix,
    MatrixEquation,
    Paragraph,
    View,
)

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Formula(Text):
    """Expressions as a person reads them: powers raised, the notation's sign for times."""

    def __init__(self, view: View) -> None:
        super().__init__(view.name, view.number)
        self.words = view.names.notation

    def times(self) -> str:
        return f" {self.words.times} "

    def power(self, base: Expression, exponent: Expression) -> Piece:
        if isinstance(exponent, Number) and exponent.value == int(exponent.value) and exponent.value > 0:
            raised = str(int(exponent.value)).translate(SUPERSCRIPTS)
            return f"{self.wrapped(base, ATOM)}{raised}", POWER
        return f"{self.wrapped(base, ATOM)}{self.words.power}{self.wrapped(exponent, ATOM)}", POWER


def text(document: Document, view: View, *, width: int = 80, colour: bool = False) -> str:
    """The whole document."""
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for block in document:
        for line in _lines(block, view, width):
            if isinstance(line, str) or not colour:
                buffer.write(f"{line}\n")
            else:
                console.print(line, soft_wrap=True)
    lines = (line.rstrip() for line in buffer.getvalue().split("\n"))
    return "\n".join(lines).strip("\n") + "\n"


def _lines(block: Block, view: View, width: int) -> Iterator[str | Styled]:
    """A block, line by line; what is to stand out is styled."""
    match block:
        case Heading(level, title):
            yield ""
            yield Styled(title, style="bold")
            if level <= 2:
                yield Styled(("═" if level == 1 else "─") * min(len(title), width), style="bold")
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
    """``left = side = …`` on one line if it fits, else one side to a line, long ones wrapped."""
    formula = Formula(view)
    left = formula.write(equation.left)
    sides = [(shown, line.remark) for line, shown in equation.distinct(formula.write)]
    remarks = [remark for _, remark in sides if remark]
    one = " = ".join([left, *(side for side, _ in sides)])
    if len(remarks) <= 1 and (not remarks or sides[-1][1]):
        remark = f"   ({remarks[0]})" if remarks else ""
        if len(one) + len(remark) <= width:
            return [one + remark]
    indent = " " * min(len(left), 24)
    lines = []
    for number, (side, remark) in enumerate(sides):
        start = f"{left} = " if number == 0 else f"{indent} = "
        room = width - len(start)
        parts = [side] if len(side) <= room else _broken(side, formula.words.times, width - len(indent) - 4)
        if number == 0 and len(parts[0]) > room:
            lines.append(left)
            start = f"{indent} = "
        for part_number, part in enumerate(parts):
            lines.append((start if part_number == 0 else f"{indent}   ") + part)
        if remark:
            note = f"   ({remark})"
            if len(lines[-1]) + len(note) <= width:
                lines[-1] += note
            else:
                lines.append(" " * max(0, min(len(indent) + 3, width - len(remark) - 2)) + f"({remark})")
    return lines


def _broken(shown: str, times: str, room: int) -> list[str]:
    """A long side in pieces of at most ``room`` characters, broken before + - / and the sign for
    times, outside parentheses where that is possible."""
    words = _words(shown, times, 0)
    if any(len(word) > room for word in words):
        words = _words(shown, times, 99)
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _words(shown: str, times: str, deepest: int) -> list[str]:
    words, depth, start = [], 0, 0
    for match in re.finditer(rf"[()]| (?=[+\-/{re.escape(times)}] )", shown):
        if match[0] == " ":
            if depth <= deepest:
                words.append(shown[start : match.start()])
                start = match.end()
        else:
            depth += 1 if match[0] == "(" else -1
    return [*words, shown[start:]]


def _cell(cell: Cell, view: View) -> Styled:
    return Styled(cell if isinstance(cell, str) else Formula(view).write(cell))


def _grid_lines(grid: Grid, view: View, width: int) -> Iterator[str]:
    """Columns set by rich, which folds what is too long for its column."""
    shown = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for cell, numeric in zip(grid.header, grid.numeric, strict=True):
        shown.add_column(_cell(cell, view), justify="right" if numeric else "left", overflow="fold")
    for row in grid.rows:
        shown.add_row(*(_cell(cell, view) for cell in row))
    plain = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    with plain.capture() as capture:
        plain.print(shown)
    lines = capture.get().rstrip("\n").split("\n")
    return iter(lines if any(grid.header) else lines[1:])


def _matrix_lines(pieces: tuple[Matrix | Letter | str, ...], view: View, width: int) -> list[str]:
    """Symbols and bracketed matrices side by side, continued below at an equals sign if too wide."""
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
    cells = [[view.number(value) for value in row] for row in piece.rows]
    widths = [max(len(row[c]) for row in cells) for c in range(len(cells[0]))]
    rows = [" ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in cells]
    if piece.elided:
        rows = [row + " …" for row in rows] + ["⋮"]
    span = max(map(len, rows))
    rows = [row.ljust(span) for row in rows]
    if len(rows) == 1:
        return [f"[{rows[0]}]"]
    ends = [("⎡", "⎤"), *[("⎢", "⎥")] * (len(rows) - 2), ("⎣", "⎦")]
    return [a + row + b for (a, b), row in zip(ends, rows, strict=True)]


def letter(piece: Letter) -> str:
    """A matrix's letter: W1, W2ᵀ, f′(z1), ∂L/∂W1."""
    shown = f"{piece.letter}{piece.layer or ''}"
    shown += {"T": "ᵀ", "′": "′", "": ""}[piece.mark]
    if piece.mark == "′":
        shown = f"{piece.letter}′"
    if piece.argument is not None:
        shown += f"({letter(piece.argument)})"
    return f"∂{piece.gradient_of}/∂{shown}" if piece.gradient_of else shown
