"""Documents as Typst, from which PDF is made without any other file.

Typst breaks lines between the terms and factors of a long formula, as it breaks prose; what cannot be broken
and is too wide is made smaller.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from clearprop.expressions import Expression, Symbol
from clearprop.rendering.anchors import Anchors
from clearprop.rendering.document import (
    Block,
    Cell,
    Curve,
    Diagram,
    Document,
    Equation,
    Grid,
    Heading,
    Line,
    Lines,
    MatrixEquation,
    Paragraph,
    View,
    with_minus,
)
from clearprop.rendering.layout import caption
from clearprop.rendering.svg import FONT, description, legend, svg
from clearprop.rendering.svg_curve import svg_curve
from clearprop.rendering.typst_symbols import Formula, matrices, string

ROOM, LEAST = 72, 30
"""The characters of a formula that fit on a line with its left side; a longer one is broken, but no further than
into these."""
TABLE, WORDS = 96, 24
"""The characters of a table's row; a wider table is set in parts, each with its first column. So many characters of
a cell of words count, the rest is wrapped."""
RELATION = 'class("relation", =)'
EQUALS = f"${RELATION}$"
SERIF = "New Computer Modern"

PREAMBLE = (
    f"""\
#set page(paper: "a4", margin: 2cm, numbering: "1")
#set text(font: "{SERIF}", size: 10pt, lang: "en")
#set par(spacing: 0.9em, leading: 0.6em)
#show heading: set block(above: 1.6em, below: 1em, sticky: true)
#show math.equation: set par(leading: 0pt)  // lines with fractions get their whole height
#set table(stroke: none, inset: (x: 0.55em, y: 0.35em))
"""
    """\
#let full = 17cm
#let fit(body, room: full - 2.5cm) = context {
  let wide = measure(body).width
  if wide <= room { body } else { box(scale(room / wide * 100%, reflow: true, body)) }
}
#let keep = 8  // an equation of no more lines stays on one page
#let equation(left, ..lines) = block(inset: (left: 1.5em), breakable: lines.pos().len() > keep, context {
  let alone = measure(left).width > 0.45 * full
  let indent = if alone { 2em } else { measure(left).width + 0.3em }
  if alone { par(left) }
  for (k, line) in lines.pos().enumerate() {
    let before = if alone or k > 0 { h(indent) } else { left + h(0.3em) }
    par(hanging-indent: indent + 1.3em, before + line)
  }
})
#let remark(words) = { h(1.2em); text(fill: luma(40%), size: 0.9em, words) }
#let picture(drawn, said, words) = align(center, block(breakable: false, {
  fit(room: full, image(bytes(drawn), format: "svg", alt: said))
  par(text(size: 0.9em, words))
}))
"""
)


def typst(document: Document, view: View, *, title: str) -> str:
    """Return the document. ``title`` is its title if it has none."""
    titles = [block.text for block in document if isinstance(block, Heading) and block.level == 1]
    about = f"#set document(title: {string(titles[0] if titles else title)}, date: none)\n"
    heading = "" if titles else f"#heading({_prose(title)})\n\n"
    return about + PREAMBLE + heading + Typst(document, view).body()


def _prose(text: str) -> str:
    """Return text in which a line may also break inside a very long word."""
    parts = re.findall(r"\s+|\S{1,20}", with_minus(text, "−"))
    return '"' + "".join(string(part)[1:-1] + (r"\u{200b}" if len(part) == 20 else "") for part in parts) + '"'


def _lines(lines: Iterable[str]) -> str:
    return " + linebreak() + ".join(map(_prose, lines))


def _mathematics(shown: str) -> str:
    return f"$display({shown})$"


def _box(shown: str) -> str:
    return f"box(fit({_mathematics(shown)}))"


def _linked(where: str | None, shown: str) -> str:
    return shown if where is None else f"link(label({string(where)}), {shown})"


def _picture(drawn: str, said: str, words: str) -> str:
    drawn = drawn.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1).replace(FONT, SERIF, 1)
    return f"#picture({string(drawn)}, {string(said)}, {words})"


class Typst:
    """The blocks of a document as Typst."""

    def __init__(self, document: Document, view: View) -> None:
        self.document, self.view = document, view
        self.formula, self.anchors = Formula(view), Anchors(document, view)

    def body(self) -> str:
        """Return all blocks."""
        return "\n\n".join(self._block(*placed) for placed in enumerate(self.document)) + "\n"

    def _block(self, position: int, block: Block) -> str:
        match block:
            case Heading(level, text):
                return f"#heading(level: {level}, {_prose(text)})"
            case Paragraph(text):
                return f"#par({_prose(text)})"
            case Lines(lines):
                return f"#par({_lines(lines)})"
            case Equation():
                return self._equation(position, block)
            case MatrixEquation():
                return self._matrix_equation(block)
            case Grid():
                return "\n\n".join(self._tables(block)) if block.header else ""
            case Diagram():
                words = _lines(filter(None, (caption(block.network), legend(block, self.view))))
                return _picture(svg(block, self.view), description(block, self.view), words)
            case Curve():
                drawn = svg_curve(block)
                said = f"{block.name} after each epoch" + ("; dashed: validation" if block.validation else "")
                return _picture(drawn, said, string(said)) if drawn else ""
        raise TypeError(f"not a block: {block!r}")

    # --- equations --------------------------------------------------------------------------

    def _equation(self, position: int, block: Equation) -> str:
        room = max(LEAST, ROOM - self.formula.length(self._left(block.left)))
        lines = [self._line(position, line, room) for line, _ in block.distinct(self.formula.write)]
        here = self.anchors.ids.get(position)
        target = "" if here is None else f"#metadata(none)#label({string(here)})\n"
        return target + _equation(self._left(block.left), lines)

    def _matrix_equation(self, block: MatrixEquation) -> str:
        """Return one side after the other; a side that does not fit starts a new line."""
        left, *sides = (matrices(side, self.formula) for side in block.sides)
        shown = (f"#{_box(f'{RELATION} {side}')};" for side in sides)
        return _equation(_mathematics(left), [" ".join(shown)] if sides else [])

    def _left(self, tree: Expression) -> str:
        if isinstance(tree, Symbol) and isinstance(tree.key, str):
            return _prose(tree.key)
        return f"fit({_mathematics(self.formula.write(tree))})"

    def _line(self, position: int, line: Line, room: float) -> str:
        """Return a side: in one piece if it fits, else lines break between its terms and factors."""
        chunks = self.formula.linked(line.side, room)
        links = [self.anchors.of_chunk(chunk.key, position, alone=len(chunks) == 1) for chunk in chunks]
        parts = [_linked(link, _mathematics(chunk.shown)) for link, chunk in zip(links, chunks, strict=True)]
        whole = self.formula.write(line.side)
        if self.formula.length(whole) > room:
            shown = [_box(f"{chunk.sign} #{part};") for chunk, part in zip(chunks, parts, strict=True)]
        elif any(links):
            shown = [_box(" ".join(f"{chunk.sign} #{part};" for chunk, part in zip(chunks, parts, strict=True)))]
        else:
            shown = [_box(whole)]
        if line.remark:
            source = None if line.source is None else self.anchors.computed(line.source, position)
            shown.append(_linked(source, f"remark({_prose(f'({line.remark})')})"))
        return " ".join(f"#{each};" for each in (EQUALS, *shown))

    # --- tables -----------------------------------------------------------------------------

    def _tables(self, grid: Grid) -> Iterator[str]:
        """Yield a table, or its parts where it is very wide; each repeats the first column."""
        for columns in self._parts(grid):
            lines = [f"  columns: {len(columns)},"]
            lines.append(f"  align: ({', '.join('right' if grid.numeric[c] else 'left' for c in columns)},),")
            if any(grid.header):
                head = ", ".join(self._cell(grid.header[c]) for c in columns)
                lines.append(f"  table.header({head}), table.hline(stroke: 0.5pt),")
            lines += ["  " + ", ".join(self._cell(row[c]) for c in columns) + "," for row in grid.rows]
            wrapped = any(not grid.numeric[c] for c in columns)
            yield f"#{'block(' if wrapped else 'fit(room: full, '}table(\n" + "\n".join(lines) + "\n))"

    def _parts(self, grid: Grid) -> Iterator[list[int]]:
        part, used = [0], 0.0
        widths = [max(map(self._width, column)) for column in zip(grid.header, *grid.rows, strict=True)]
        for c, width in enumerate(widths[1:], 1):
            if used + width > TABLE - widths[0] and len(part) > 1:
                yield part
                part, used = [0], 0.0
            part.append(c)
            used += width
        yield part

    def _width(self, item: Cell) -> float:
        return 3 + (min(WORDS, len(item)) if isinstance(item, str) else self.formula.length(self.formula.write(item)))

    def _cell(self, item: Cell) -> str:
        return _prose(item) if isinstance(item, str) else f"${self.formula.write(item)}$"


def _equation(left: str, lines: list[str]) -> str:
    return "#equation(\n  " + ",\n  ".join([left, *(f"[{line}]" for line in lines)]) + ",\n)"
