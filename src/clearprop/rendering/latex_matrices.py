"""Equations between matrices as LaTeX."""

from __future__ import annotations

from clearprop.rendering.document import Letter, Matrix, MatrixEquation, Side
from clearprop.rendering.latex_symbols import LATEX, Formula
from clearprop.rendering.latex_width import ROOM, shrunk, width
from clearprop.rendering.symbols import side_by_side

OPERATORS = {"∘": r"\circ", "·": r"\cdot", "−": "-", **{sign: sign for sign in "=+-()"}}


def matrix_equation(block: MatrixEquation, formula: Formula) -> str:
    """Return symbols and matrices side by side, broken at the equals signs where they do not fit."""
    whole = _matrices(block.pieces, formula)
    if formula.web or _matrices_width(block.pieces, formula) <= ROOM:
        return whole
    left, *rest = (_matrices(side, formula) for side in block.sides)
    widths = [_matrices_width(side, formula) for side in block.sides]
    rows = [f"{left} &= {rest[0]}", *(f"&= {side}" for side in rest[1:])] if rest else [left]
    shown = "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"
    return shown if max(widths) + widths[0] <= ROOM else shrunk(shown, ROOM)


def _matrices(pieces: Side, formula: Formula) -> str:
    brackets = "".join(piece for piece in pieces if piece in ("(", ")"))
    while "()" in brackets:
        brackets = brackets.replace("()", "")
    growing = {} if brackets else {"(": r"\left(", ")": r"\right)"}

    def sign(piece: str) -> str:
        return growing.get(piece) or OPERATORS.get(piece) or formula.symbols.pieces.text(piece)

    return " ".join(side_by_side(pieces, LATEX, lambda piece: _matrix(piece, formula), sign))


def _matrix(matrix: Matrix, formula: Formula) -> str:
    rows = matrix.written(formula.number, r"\vdots")
    columns = max(map(len, rows), default=1)
    inside = r" \\ ".join(map(" & ".join, rows))
    if columns <= 10:  # more columns than amsmath's own matrices have
        return rf"\begin{{bmatrix}} {inside} \end{{bmatrix}}"
    return rf"\left[\begin{{array}}{{{'c' * columns}}} {inside} \end{{array}}\right]"


def _matrices_width(pieces: Side, formula: Formula) -> float:
    total = 0.0
    for piece in pieces:
        if isinstance(piece, Matrix):
            columns = list(zip(*piece.rows, strict=False))
            widths = [max(width(formula.number(value)) for value in column) for column in columns]
            total += 16 + sum(widths) + 10 * max(0, len(widths) - 1)
        else:
            total += width(LATEX.letter(piece)) if isinstance(piece, Letter) else 10
    return total
