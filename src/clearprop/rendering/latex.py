"""Documents as LaTeX: complete, compiled by a plain installation, or as a fragment to include."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from clearprop.expressions import Alphabet, Apply, Expression, Number, Operator
from clearprop.expressions.printing import ATOM, POWER, PRODUCT, SUM, Piece
from clearprop.rendering.document import (
    Block,
    Diagram,
    Document,
    Equation,
    Heading,
    Letter,
    Line,
    Matrix,
    MatrixEquation,
    Paragraph,
    Table,
    View,
)
from clearprop.rendering.latex_symbols import Symbols, escaped, letter
from clearprop.rendering.tikz import tikz

PREAMBLE = r"""\documentclass[a4paper,10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb}
\usepackage[margin=2cm]{geometry}
\usepackage{xcolor}
\usepackage{tikz}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\allowdisplaybreaks
\begin{document}
"""
FRAGMENT = "% Needs \\usepackage{amsmath,amssymb,xcolor,tikz} in the document around it.\n"
ROOM = 84
"""About how many characters of a formula fit on a line of the page."""
ROWS = 40


class Formula(Alphabet):
    """Expressions as LaTeX mathematics."""

    def __init__(self, view: View) -> None:
        self.symbols = Symbols(view.names)
        super().__init__(self.symbols.latex, lambda value: number(view.number(value)))
        self.sign = r" \cdot "

    def symbol(self, key: Hashable) -> Piece:
        shown = self.symbols.latex(key)
        return shown, POWER if shown.startswith(("\\frac", "{")) or "^" in shown else ATOM

    def times(self) -> str:
        return self.sign

    def parenthesised(self, shown: str) -> str:
        return rf"\left({shown}\right)"

    def quotient(self, above: Expression, below: Expression) -> Piece:
        return rf"\frac{{{self.write(above)}}}{{{self.write(below)}}}", POWER

    def power(self, base: Expression, exponent: Expression) -> Piece:
        return f"{self.wrapped(base, ATOM)}^{{{self.write(exponent)}}}", POWER

    def choice(self, condition: Expression, then: Expression, otherwise: Expression) -> Piece:
        cases = rf"{self.write(then)} & \text{{if }} {self.write(condition)} \\ {self.write(otherwise)} & \text{{else}}"
        return rf"\begin{{cases}} {cases} \end{{cases}}", SUM

    def relation(self, operator: Operator) -> str:
        return {"<=": r"\le", ">=": r"\ge"}.get(operator.value, operator.value)

    def function(self, operator: Operator, arguments: tuple[Expression, ...]) -> Piece:
        inside = ", ".join(self.write(argument) for argument in arguments)
        match operator:
            case Operator.EXP:
                return f"e^{{{inside}}}", POWER
            case Operator.SQRT:
                return rf"\sqrt{{{inside}}}", ATOM
            case Operator.ABS:
                return rf"\left|{inside}\right|", ATOM
        name = {"log": r"\ln", "tanh": r"\tanh", "max": r"\max", "min": r"\min"}.get(
            operator.value, rf"\operatorname{{{operator.value}}}"
        )
        return rf"{name}\left({inside}\right)", ATOM


def number(shown: str) -> str:
    """1.2e-8 → 1.2 \\cdot 10^{-8}"""
    mantissa, e, exponent = shown.partition("e")
    return rf"{mantissa} \cdot 10^{{{exponent}}}" if e else shown


def latex(document: Document, view: View, *, fragment: bool = False) -> str:
    """The document, complete or as a fragment."""
    body = "\n".join(_block(block, view) for block in document) + "\n"
    return FRAGMENT + body if fragment else PREAMBLE + body + "\\end{document}\n"


def _block(block: Block, view: View) -> str:
    match block:
        case Heading(level, text):
            command = {1: "section", 2: "subsection", 3: "subsubsection"}.get(level, "paragraph")
            return rf"\{command}*{{{escaped(text)}}}" + (r"\mbox{}" if level > 3 else "")
        case Paragraph(text):
            return escaped(text) + "\n"
        case Equation():
            return "\\begin{align*}\n" + equation(block, view) + "\n\\end{align*}"
        case MatrixEquation():
            return "\\[\n" + matrix_equation(block, view) + "\n\\]"
        case Table():
            return _table(block, view)
        case Diagram():
            return tikz(block, view)
    raise TypeError(f"not a block: {block!r}")


def equation(block: Equation, view: View) -> str:
    """The lines of an equation, aligned at their equals signs."""
    formula = Formula(view)
    left = formula.write(block.left)
    rows: list[str] = []
    shown_before = ""
    for line in block.lines:
        pieces = list(broken(line, formula))
        shown = "".join(pieces)
        if shown == shown_before and not line.remark:
            continue
        shown_before = shown
        start = f"{left} &= " if not rows else "&= "
        first, *more = pieces
        rows.append(start + first)
        rows += [rf"&\quad {piece}" for piece in more]
        if line.remark:
            remark = rf"{{\color{{gray}}\text{{({escaped(line.remark)})}}}}"
            if length(left) + length(pieces[-1]) + len(line.remark) > ROOM:
                rows.append(rf"&\quad {remark}")
            else:
                rows[-1] += rf" \qquad {remark}"
    return " \\\\\n".join(rows)


def broken(line: Line, formula: Formula) -> Iterator[str]:
    """A side in pieces that fit the page, broken between the terms of a sum or the factors of a product."""
    tree = line.side
    whole = formula.write(tree)
    if length(whole) <= ROOM or not isinstance(tree, Apply):
        yield whole
        return
    if tree.operator is Operator.ADD:
        parts = [
            formula.wrapped(part, SUM if k == 0 else PRODUCT, leading=k == 0) for k, part in enumerate(tree.arguments)
        ]
        sign = "+ "
    elif tree.operator is Operator.MULTIPLY:
        parts = [formula.wrapped(part, PRODUCT, leading=k == 0) for k, part in enumerate(tree.arguments)]
        sign = r"\cdot "
    else:
        yield whole
        return
    current = parts[0]
    for part in parts[1:]:
        joined = f"{current} {sign}{part}"
        if length(joined) <= ROOM:
            current = joined
        else:
            yield current
            current = sign + part
    yield current


def length(shown: str) -> int:
    """About how wide a formula is set, in characters: a fraction is as wide as its wider half."""
    width, position = 0, 0
    while position < len(shown):
        if shown.startswith(r"\frac{", position):
            end = _close(shown, position + 5)
            below = _close(shown, end + 1)
            width += max(length(shown[position + 6 : end]), length(shown[end + 2 : below])) + 1
            position = below + 1
        elif shown[position] == "\\":
            position += 1
            while position < len(shown) and shown[position].isalpha():
                position += 1
            width += 1
        else:
            width += shown[position] not in "{}_^& "
            position += 1
    return width


def _close(shown: str, start: int) -> int:
    depth = 0
    for position in range(start, len(shown)):
        escape = position > 0 and shown[position - 1] == "\\"
        depth += 0 if escape else {"{": 1, "}": -1}.get(shown[position], 0)
        if depth == 0:
            return position
    return len(shown) - 1


def matrix_equation(block: MatrixEquation, view: View) -> str:
    """Symbols and matrices side by side."""
    return " ".join(_piece(piece, view) for piece in block.pieces)


def _piece(piece: Matrix | Letter | str, view: View) -> str:
    if isinstance(piece, Letter):
        return letter(piece)
    if isinstance(piece, str):
        return {"∘": r"\circ", "·": r"\cdot", "(": r"\left(", ")": r"\right)"}.get(piece, piece)
    rows = [" & ".join(number(view.number(value)) for value in row) for row in piece.rows]
    if piece.elided:
        rows.append(r"\vdots")
    return "\\begin{bmatrix} " + r" \\ ".join(rows) + " \\end{bmatrix}"


def _table(table: Table, view: View) -> str:
    """Tables of at most 40 rows, scaled down where they are too wide."""
    formula = Formula(view)

    def cell(item: str | Expression) -> str:
        return escaped(item) if isinstance(item, str) else f"${formula.write(item)}$"

    numeric = [
        bool(table.rows) and all(isinstance(row[c], Number) for row in table.rows) for c in range(len(table.header))
    ]
    prose = not any(numeric) and len(table.header) == 2
    columns = r"lp{12cm}" if prose else "".join("r" if right else "l" for right in numeric)
    head = " & ".join(cell(item) for item in table.header) + r" \\ \hline" if any(table.header) else ""
    parts = []
    for start in range(0, max(1, len(table.rows)), ROWS):
        rows = [" & ".join(cell(item) for item in row) + r" \\" for row in table.rows[start : start + ROWS]]
        inside = "\n".join(line for line in (head, *rows) if line)
        tabular = f"\\begin{{tabular}}{{{columns}}}\n{inside}\n\\end{{tabular}}"
        parts.append(tabular if len(table.header) <= 8 else f"\\resizebox{{\\textwidth}}{{!}}{{{tabular}}}")
    return "\n\n\\medskip\n".join(parts) + "\n"
