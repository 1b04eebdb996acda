"""Equations between matrices as LaTeX."""

from __future__ import annotations

from clearprop.rendering.document import Letter, Matrix, MatrixEquation
from clearprop.rendering.latex_symbols import LATEX, Formula
from clearprop.rendering.latex_width import ROOM, shrunk, width

OPERATORS = {"∘": r"\circ", "·": r"\cdot", "−": "-", "=": "=", "+": "+", "-": "-"}
Matrices = tuple[Matrix | Letter | str, ...]


def matrix_equation(block: MatrixEquation, formula: Formula) -> str:
    """Return symbols and matrices side by side, broken at the equals signs where they do not fit."""
    whole = _matrices(block.pieces, formula)
    if formula.web or _matrices_width(block.pieces, formula) <= ROOM:
        return whole
    sides = [_matrices(side, formula) for side in _sides(block.pieces)]
    wide = max(_matrices_width(side, formula) for side in _sides(block.pieces))
    left, *rest = sides
    rows = [f"{left} &= {rest[0]}", *(f"&= {side}" for side in rest[1:])] if rest else [left]
    shown = "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"
    return shown if wide + _matrices_width(_sides(block.pieces)[0], formula) <= ROOM else shrunk(shown, ROOM)


def _sides(pieces: Matrices) -> list[Matrices]:
    sides: list[Matrices] = [()]
    for piece in pieces:
        if piece == "=":
            sides.append(())
        else:
            sides[-1] = (*sides[-1], piece)
    return sides


def _matrices(pieces: Matrices, formula: Formula) -> str:
    brackets = "".join(piece for piece in pieces if piece in ("(", ")"))
    while "()" in brackets:
        brackets = brackets.replace("()", "")
    growing = {} if brackets else {"(": r"\left(", ")": r"\right)"}
    shown = []
    for piece in pieces:
        if isinstance(piece, Letter):
            shown.append(LATEX.letter(piece))
        elif isinstance(piece, Matrix):
            shown.append(_matrix(piece, formula))
        else:
            shown.append(growing.get(piece) or OPERATORS.get(piece) or _word(piece, formula))
    return " ".join(shown)


def _word(piece: str, formula: Formula) -> str:
    return piece if piece in ("(", ")") else formula.symbols.pieces.text(piece)


def _matrix(matrix: Matrix, formula: Formula) -> str:
    rows = [" & ".join(formula.number(value) for value in row) for row in matrix.rows]
    columns = max((len(row) for row in matrix.rows), default=1)
    if matrix.elided:
        rows.append(" & ".join([r"\vdots"] * columns))
    inside = r" \\ ".join(rows)
    if columns <= 10:  # more columns than amsmath's own matrices have
        return rf"\begin{{bmatrix}} {inside} \end{{bmatrix}}"
    return rf"\left[\begin{{array}}{{{'c' * columns}}} {inside} \end{{array}}\right]"


def _matrices_width(pieces: Matrices, formula: Formula) -> float:
    total = 0.0
    for piece in pieces:
        if isinstance(piece, Matrix):
            columns = list(zip(*piece.rows, strict=False))
            widths = [max(width(formula.number(value)) for value in column) for column in columns]
            total += 16 + sum(widths) + 10 * max(0, len(widths) - 1)
        else:
            total += width(LATEX.letter(piece)) if isinstance(piece, Letter) else 10
    return total
