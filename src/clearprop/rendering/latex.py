"""Documents as LaTeX: complete, compiled by a plain installation, or as a fragment to include."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from clearprop.expressions import Apply, Expression, Operator, Symbol
from clearprop.expressions.printing import POWER, PRODUCT, SIGN, SUM
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
    View,
)
from clearprop.rendering.latex_symbols import LATEX, Formula, escaped, prose
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
ROOM = 450.0
"""How wide, in points, a line on the page may be by the estimate of ``width``."""
ROWS = 40


def latex(document: Document, view: View, *, fragment: bool = False) -> str:
    """The document, complete or as a fragment."""
    body = "\n".join(_block(block, view) for block in document) + "\n"
    return FRAGMENT + body if fragment else PREAMBLE + body + "\\end{document}\n"


def _block(block: Block, view: View) -> str:
    match block:
        case Heading(level, text):
            command = {1: "section", 2: "subsection", 3: "subsubsection"}.get(level, "paragraph")
            return rf"\{command}*{{{prose(text)}}}" + (r"\mbox{}" if level > 3 else "")
        case Paragraph(text):
            return prose(text) + "\n"
        case Lines(lines):
            return " \\\\\n".join(map(prose, lines)) + "\n"
        case Equation():
            return "\\begin{align*}\n" + equation(block, Formula(view)) + "\n\\end{align*}"
        case MatrixEquation():
            return "\\[\n" + matrix_equation(block, Formula(view)) + "\n\\]"
        case Grid():
            return "\n\n\\medskip\n".join(_tables(block, Formula(view))) + "\n"
        case Diagram():
            return tikz(block, view)
        case Curve():
            return tikz_curve(block)
    raise TypeError(f"not a block: {block!r}")


# --- how wide a formula is ----------------------------------------------------------------

TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|.", re.DOTALL)
WIDTHS = {
    "+": 12.2, "-": 12.2, "=": 13.4, "<": 13.4, ">": 13.4, r"\le": 13.4, r"\ge": 13.4, r"\cdot": 7.3, r"\times": 12.2,
    ".": 2.8, ",": 4.5, "(": 4.4, ")": 4.4, "|": 3.5, "'": 3.0, "m": 8.8, "w": 7.2, "M": 9.5, "W": 9.5, "i": 3.5,
    "l": 3.2, r"\quad": 10, r"\qquad": 20, r"\sqrt": 10, r"\ln": 10, r"\exp": 17, r"\tanh": 24, r"\max": 22,
    r"\min": 20, r"\circ": 9.5, r"\partial": 6, r"\ldots": 14, r"\begin": 20,
    **dict.fromkeys(["{", "}", "&", " ", "\n"], 0.0),
    **dict.fromkeys([r"\mathrm", r"\text", r"\operatorname", r"\mathbf", r"\hat", r"\bar", r"\small"], 0.0),
    **dict.fromkeys([r"\ensuremath", r"\left", r"\right", r"\end", r"\boldsymbol", r"\bigl", r"\bigr"], 1.0),
}  # fmt: skip


def width(shown: str) -> float:
    """About how wide a formula is set, in points."""
    tokens = TOKEN.findall(shown)
    return _width(tokens, 0, len(tokens), in_text=False)


def _width(tokens: list[str], start: int, end: int, *, in_text: bool) -> float:
    total, k = 0.0, start
    while k < end:
        token = tokens[k]
        after = _group(tokens, k + 1, end)
        if token == r"\frac":
            below = _group(tokens, after, end)
            halves = ((k + 1, after), (after, below))
            total += 2.4 + max(_width(tokens, a, b, in_text=False) for a, b in halves)
            k = below
        elif token in ("_", "^"):
            total += 0.5 + 0.78 * _width(tokens, k + 1, after, in_text=False)
            k = after
        elif token == r"\text":
            total += _width(tokens, k + 1, after, in_text=True)
            k = after
        else:
            total += (3.4 if token == " " else 5.2) if in_text and token not in "{}" else WIDTHS.get(token, 5.2)
            k += 1
    return total


def _group(tokens: list[str], start: int, end: int) -> int:
    """Where the group, or the single token, that begins here ends."""
    depth = 0
    for k in range(start, end):
        depth += {"{": 1, "}": -1}.get(tokens[k], 0)
        if depth <= 0:
            return k + 1
    return end


# --- equations ----------------------------------------------------------------------------


def equation(block: Equation, formula: Formula) -> str:
    """The lines of an equation, aligned at their equals signs."""
    left = formula.write(block.left)
    indent = width(left)
    rows: list[str] = []
    if indent > 0.5 * ROOM:
        rows.append("&" + _long_left(block.left, left, formula))
        indent = 20.0
    for line, _ in block.distinct(formula.write):
        first, *more = parts = pieces(line.side, formula, ROOM - indent - 30)
        rows.append(f"{'' if rows else left + ' '}&= {first}")
        rows += [rf"&\quad {part}" for part in more]
        _remark(rows, line, formula, ROOM - indent - width(parts[-1]))
    return " \\\\\n".join(rows or [left])


def _long_left(tree: Expression, shown: str, formula: Formula) -> str:
    """A left side on a line of its own; words are wrapped there."""
    if formula.web or width(shown) <= ROOM:
        return shown
    return _paragraph(tree.key) if isinstance(tree, Symbol) and isinstance(tree.key, str) else _shrunk(shown, ROOM)


def _paragraph(text: str) -> str:
    return rf"\parbox[t]{{{ROOM - 60:.0f}pt}}{{\raggedright {prose(text)}}}"


def _remark(rows: list[str], line: Line, formula: Formula, room: float) -> None:
    """The words beside a line, or below it where there is no room."""
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


def pieces(tree: Expression, formula: Formula, room: float) -> list[str]:
    """A formula in lines that fit, broken between the terms of sums and the factors of products."""
    lines: list[str] = []
    used = math.inf
    for chunk in _chunks(tree, formula, room):
        wide = width(chunk)
        if used + wide + 4 <= room:
            lines[-1] += " " + chunk
            used += wide + 4
        else:
            lines.append(_shrunk(chunk, room) if wide > room and not formula.web else chunk)
            used = wide
    return lines


def _shrunk(shown: str, room: float) -> str:
    return rf"\resizebox{{{room:.0f}pt}}{{!}}{{$\displaystyle {shown}$}}"


def _chunks(tree: Expression, formula: Formula, room: float) -> list[str]:
    """What a line may be broken between."""
    whole = formula.write(tree)
    if width(whole) <= room or not isinstance(tree, Apply):
        return [whole]

    def parts(part: Expression, at_least: int, leading: bool = True, sign: str = "") -> list[str]:
        return _glued(sign, _enclosed(part, formula, room - 20, at_least, leading))

    match tree:
        case Apply(Operator.ADD, (first, *rest)):
            return parts(first, SUM) + [chunk for term in rest for chunk in parts(term, PRODUCT, False, "+ ")]
        case Apply(Operator.SUBTRACT, (u, v)):
            return parts(u, SUM) + parts(v, PRODUCT, False, "- ")
        case Apply(Operator.MULTIPLY, (first, *rest)):
            return parts(first, PRODUCT) + [chunk for f in rest for chunk in parts(f, SIGN, False, r"\cdot ")]
        case Apply(Operator.NEGATE, (u,)):
            return parts(u, PRODUCT, False, "-")
        case Apply(Operator.DIVIDE, (u, v)):
            return parts(u, PRODUCT) + parts(v, POWER, False, "/ ")
        case Apply(Operator.POWER, (u, v)):
            *chunks, last = _bracketed(u, formula, room)
            return [*chunks, f"{last}^{{{formula.write(v)}}}"]
        case Apply(Operator.EXP, (u,)):
            return _glued(r"\exp", _bracketed(u, formula, room))
    return [whole]


def _enclosed(tree: Expression, formula: Formula, room: float, at_least: int, leading: bool) -> list[str]:
    shown, strength = formula.piece(tree)
    if width(shown) <= room:
        return [formula.wrapped(tree, at_least, leading)]
    divided = isinstance(tree, Apply) and tree.operator is Operator.DIVIDE and at_least > PRODUCT
    if divided or strength < at_least or (strength == SIGN and not leading):
        return _bracketed(tree, formula, room)
    return _chunks(tree, formula, room)


def _bracketed(tree: Expression, formula: Formula, room: float) -> list[str]:
    chunks = _glued(r"\bigl(", _chunks(tree, formula, room))
    return [*chunks[:-1], chunks[-1] + r"\bigr)"]


def _glued(sign: str, chunks: list[str]) -> list[str]:
    return [sign + chunks[0], *chunks[1:]]


# --- matrices -----------------------------------------------------------------------------

OPERATORS = {"∘": r"\circ", "·": r"\cdot", "−": "-", "=": "=", "+": "+", "-": "-"}
Matrices = tuple[Matrix | Letter | str, ...]


def matrix_equation(block: MatrixEquation, formula: Formula) -> str:
    """Symbols and matrices side by side; where they do not fit, broken at the equals signs."""
    whole = _matrices(block.pieces, formula)
    if formula.web or _matrices_width(block.pieces, formula) <= ROOM:
        return whole
    sides = [_matrices(side, formula) for side in _sides(block.pieces)]
    wide = max(_matrices_width(side, formula) for side in _sides(block.pieces))
    left, *rest = sides
    rows = [f"{left} &= {rest[0]}", *(f"&= {side}" for side in rest[1:])] if rest else [left]
    shown = "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"
    return shown if wide + _matrices_width(_sides(block.pieces)[0], formula) <= ROOM else _shrunk(shown, ROOM)


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


# --- tables -------------------------------------------------------------------------------


def cell(item: Cell, formula: Formula) -> str:
    """A cell of a table."""
    if isinstance(item, str):
        return prose(item)
    shown = formula.write(item)
    return f"${shown}$" + (r"\rule[-1.5ex]{0pt}{4ex}" if r"\frac" in shown else "")


def _tables(grid: Grid, formula: Formula) -> Iterator[str]:
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
    """Columns of long text in a table that is too wide, and how wide they are then set."""
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
