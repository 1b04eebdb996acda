"""Documents as HTML: mathematics in MathML Core, the network as SVG, no script.

The browser breaks long formulas between their terms and factors where the page is narrow; what cannot be
broken scrolls in a box that the keyboard reaches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from clearprop.expressions import Expression, Number, Symbol
from clearprop.network import names as q
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
from clearprop.rendering.line_breaks import Chunk
from clearprop.rendering.markup import element, escaped
from clearprop.rendering.mathml import TAG, Formula, math, matrices, mo, visible
from clearprop.rendering.svg import legend, svg
from clearprop.rendering.svg_curve import svg_curve

LONG = 26
"""A longer formula is broken where possible; a phone shows about this many characters."""
UNBROKEN = 22
"""A longer chunk may be too wide for a small screen or a large magnification."""
ROW = 76
"""A shorter equation stands on one line where the page is wide."""


class Html:
    """The blocks of a document as HTML. ``top`` is the level of the highest heading; ``prefix`` begins every id."""

    def __init__(self, document: Document, view: View, *, top: int = 1, prefix: str = "") -> None:
        self.document, self.view, self.prefix = document, view, prefix
        self.formula = Formula(view)
        self.anchors = Anchors(document, view, prefix)
        self._labels: Counter[str] = Counter()
        self._section = ""
        levels = sorted({block.level for block in document if isinstance(block, Heading)})
        self.levels = {level: min(top + rank, 6) for rank, level in enumerate(levels)}

    # --- sections ---------------------------------------------------------------------------

    def body(self) -> str:
        """Return all blocks; each heading opens a section."""
        shown: list[str] = []
        open_levels: list[int] = []
        for position, block in enumerate(self.document):
            if isinstance(block, Heading):
                while open_levels and open_levels[-1] >= block.level:
                    open_levels.pop()
                    shown.append("</section>")
                open_levels.append(block.level)
                self._section = block.text
                kind = "" if block.quantity is None else ' class="derivation"'
                shown.append(f"<section{kind}>")
            shown.append(self._block(position, block))
        return "\n".join([*shown, *["</section>"] * len(open_levels)])

    def contents(self) -> str:
        """Return links to all headings below the title."""
        below = [(p, b) for p, b in enumerate(self.document) if isinstance(b, Heading) and self.levels[b.level] > 1]
        return f"<ul>{''.join(self._entries(below))}</ul>" if below else ""

    def _entries(self, headings: list[tuple[int, Heading]]) -> Iterator[str]:
        while headings:
            (position, heading), *headings = headings
            deeper = 0
            while deeper < len(headings) and headings[deeper][1].level > heading.level:
                deeper += 1
            inner = "".join(self._entries(headings[:deeper]))
            few = ' class="few"' if all(b.quantity is not None for _, b in headings[:deeper]) else ""
            link = element("a", self._entry(heading), href=f"#{self.anchors.ids[position]}")
            yield f"<li>{link}{f'<ul{few}>{inner}</ul>' if inner else ''}</li>"
            headings = headings[deeper:]

    def _entry(self, heading: Heading) -> str:
        """Return a heading for the contents; a gradient is listed by its parameter."""
        match heading.quantity:
            case None:
                return escaped(heading.text)
            case q.Derivative(q.TotalError(), by):
                return math(self.formula.write(Symbol(by)), self.view.name(by))
            case quantity:
                return math(self.formula.write(Symbol(quantity)), heading.text)

    # --- blocks -----------------------------------------------------------------------------

    def _block(self, position: int, block: Block) -> str:
        match block:
            case Heading(level, text, quantity):
                shown = escaped(text) if quantity is None else math(self.formula.write(Symbol(quantity)), text)
                return element(f"h{self.levels[level]}", shown, id=self.anchors.ids[position])
            case Paragraph(text):
                return element("p", escaped(with_minus(text, "−")))
            case Lines(lines):
                return element("p", "<br/>\n".join(escaped(with_minus(line, "−")) for line in lines))
            case Equation():
                return self._equation(position, block)
            case MatrixEquation():
                return self._matrix_equation(block)
            case Grid():
                return self._grid(block)
            case Diagram():
                return self._figure(position, block)
            case Curve():
                if not (drawn := svg_curve(block, ids=self._picture(position))):
                    return ""
                return element("figure", self._scrolling(drawn, self._here("the loss curve")), class_="curve")
        raise TypeError(f"not a block: {block!r}")

    def _picture(self, position: int) -> str:
        """Return a prefix for the ids within a picture that no anchor begins with."""
        return f"{self.prefix}picture:{position}"

    def _figure(self, position: int, block: Diagram) -> str:
        picture = self._scrolling(svg(block, self.view, ids=self._picture(position)), self._here("the network"))
        words = filter(None, map(escaped, (caption(block.network), legend(block, self.view))))
        return element("figure", picture + element("figcaption", "<br/>".join(words)), class_="network")

    def _scrolling(self, content: str, label: str) -> str:
        """Return a box that scrolls if its content is too wide, by keyboard too."""
        return element("div", content, class_="scroll", **self._reached(label))

    def _here(self, what: str) -> str:
        """Return a label: the heading above, and what it is."""
        return f"{self._section}, {what}" if self._section else what

    def _reached(self, label: str | None) -> dict[str, str]:
        """Return the attributes that let the keyboard reach a box that may scroll, each with a unique label; none
        without a label."""
        if label is None:
            return {}
        self._labels[label] += 1
        count = self._labels[label]
        return {"tabindex": "0", "role": "region", "aria_label": label if count == 1 else f"{label} ({count})"}

    # --- equations --------------------------------------------------------------------------

    def _equation(self, position: int, block: Equation) -> str:
        lines = [(line, self.formula.linked(line.side, LONG)) for line, _ in block.distinct(self.formula.write)]
        shown = [self._line(position, *line) for line in lines]
        unbroken = any(visible(chunk.shown) > UNBROKEN for _, chunks in lines for chunk in chunks)
        remarked = any(line.remark for line, _ in lines[:-1])
        short = not remarked and sum(_length(chunks) for _, chunks in lines) <= ROW
        return element(
            "div",
            "\n".join([f'<span class="left">{self._left(block.left)}</span>', *shown]),
            class_="equation short" if short else "equation",
            id=self.anchors.ids.get(position),
            **self._reached(f"{self._called(block)}, a long formula" if unbroken else None),
        )

    def _called(self, block: Equation) -> str:
        """Return the left side in plain words."""
        return self.view.name(block.left.key) if isinstance(block.left, Symbol) else "an equation"

    def _left(self, tree: Expression) -> str:
        if isinstance(tree, Symbol) and isinstance(tree.key, str):
            return escaped(tree.key)
        return math(self.formula.write(tree))

    def _line(self, position: int, line: Line, chunks: list[Chunk]) -> str:
        links = [self.anchors.of_chunk(chunk.key, position, alone=len(chunks) == 1) for chunk in chunks]
        chunks = [chunks[0]._replace(sign="="), *chunks[1:]]
        if any(links) or _length(chunks) > LONG:
            shown = "<wbr/>".join(self._chunk(chunk, link) for chunk, link in zip(chunks, links, strict=True))
        else:
            shown = math("".join(mo(chunk.sign) + chunk.shown for chunk in chunks))
        return f'<span class="line">{shown}{self._remark(position, line)}</span>'

    def _chunk(self, chunk: Chunk, link: str | None) -> str:
        """Return a chunk after its sign, which stands alone there and must be marked as infix."""
        sign = mo(chunk.sign, "infix")
        if link is None:
            return math(sign + chunk.shown)
        factor = element("a", math(chunk.shown, self.view.name(chunk.key)), href=f"#{link}")
        return f'<span class="part">{math(sign)}{factor}</span>'

    def _remark(self, position: int, line: Line) -> str:
        if not line.remark:
            return ""
        where = None if line.source is None else self.anchors.computed(line.source, position)
        words = escaped(line.remark)
        shown = words if where is None else element("a", words, href=f"#{where}")
        return f' <span class="remark">({shown})</span>'

    def _matrix_equation(self, block: MatrixEquation) -> str:
        """Return one side after the other; each may start a new line."""
        left, *rest = block.sides
        shown = [math(matrices(side, self.formula)) for side in (left, *(("=", *side) for side in rest))]
        label = f"{TAG.sub('', shown[0])}, matrices"
        return element("div", "<wbr/>".join(shown), class_="equation matrices", **self._reached(label))

    # --- tables -----------------------------------------------------------------------------

    def _grid(self, grid: Grid) -> str:
        if not grid.header:
            return ""
        numeric = grid.numeric
        head = "".join(self._cell("th", cell, numeric[c], scope="col") for c, cell in enumerate(grid.header))
        lines = []
        for row in grid.rows:
            cells = [self._cell("th", row[0], numeric[0], scope="row")]
            cells += [self._cell("td", cell, numeric[c]) for c, cell in enumerate(row) if c]
            lines.append(f"<tr>{''.join(cells)}</tr>")
        top = f"<thead><tr>{head}</tr></thead>" if any(grid.header) else ""
        shown = f"<table>{top}<tbody>\n{chr(10).join(lines)}\n</tbody></table>"
        return self._scrolling(shown, self._here("table"))

    def _said(self, item: Cell) -> str | None:
        """Return how a symbol or a number is read aloud."""
        match item:
            case Symbol(key):
                return self.view.name(key)
            case Number(value):
                return self.view.number(value)
        return None

    def _cell(self, name: str, item: Cell, numeric: bool, scope: str | None = None) -> str:
        if isinstance(item, Symbol) and isinstance(item.key, str):
            item = item.key
        said = self._said(item) if scope else None
        shown = escaped(item) if isinstance(item, str) else math(self.formula.write(item), said)
        if not shown:
            return "<td></td>"
        return element(name, shown, class_="number" if numeric else None, scope=scope)


def _length(chunks: list[Chunk]) -> int:
    """Return about how many characters a line has, with its operators and the spaces around them."""
    return sum(visible(chunk.shown) + 3 for chunk in chunks)
