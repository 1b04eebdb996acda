"""The network drawn as SVG, for a page.

Colours are attributes, so that the picture is complete without a style sheet; where there is one, its
classes are ``input``, ``unit``, ``edge``, ``bias``, ``positive``, ``negative``, ``name``, ``value``,
``label``, ``plate``, ``target`` and ``note``. The sign of a weight is seen without colours too: negative
ones are dashed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from math import hypot

from clearprop.messages import abridged
from clearprop.network import names as q
from clearprop.network.notation import Accent
from clearprop.rendering.diagram import LISTED, connections
from clearprop.rendering.document import Diagram, View
from clearprop.rendering.layout import Edge, Picture, Point, caption
from clearprop.rendering.markup import element, escaped
from clearprop.rendering.symbols import Pieces, Symbols

SCALE = 54.0
"""Points to a centimetre of the picture."""
RADIUS = 0.5
"""Of a unit's circle, in centimetres."""
MOST_DIGITS, WIDEST = 5, 8
"""Of a number in the picture, and the characters of one within a circle."""
INK, MUTED, PAPER, SOFT, POSITIVE, NEGATIVE = "#1c2128", "#5b6470", "#ffffff", "#f4f6f9", "#1d63c0", "#b8450f"
FONT = "STIX Two Text, Cambria, Latin Modern Roman, Georgia, serif"


def svg(diagram: Diagram, view: View, *, ids: str = "network") -> str:
    """Return the picture as an ``svg`` element. Numbers have five decimals at most."""
    view = replace(view, digits=min(view.digits, MOST_DIGITS))
    drawing = Drawing(Picture(diagram, view))
    title = f"The network: {abridged(caption(diagram.network), 200)}"
    content = [*drawing.edges(), *drawing.labels(), *drawing.units(), *drawing.headings(), *drawing.ends()]
    return described(content, title, description(diagram, view), ids, drawing.frame())


def described(
    content: list[str], title: str, said: str, ids: str, frame: tuple[float, ...], xmlns: str | None = None, **more: str
) -> str:
    """Return an ``svg`` element with a title and a description, whose ids begin with ``ids``; ``frame`` is its left,
    top, width and height."""
    left, top, width, height = (f"{length:.0f}" for length in frame)
    named = element("title", escaped(title), id=f"{ids}-title") + element("desc", escaped(said), id=f"{ids}-desc")
    return element(
        "svg",
        named + "".join(content),
        xmlns=xmlns,
        role="img",
        aria_labelledby=f"{ids}-title {ids}-desc",
        viewBox=f"{left} {top} {width} {height}",
        width=width,
        height=height,
        font_family=FONT,
        **more,
    )


def description(diagram: Diagram, view: View) -> str:
    """Return the picture in words: of a small network, every connection."""
    if diagram.network.layout.size > LISTED:
        return f"{caption(diagram.network)}. Every unit is fed by all units of the column before it."
    return "; ".join(connections(diagram, view)) + "."


def legend(diagram: Diagram, view: View) -> str:
    """Return how to read the lines; nothing where they all look alike."""
    if Drawing(Picture(diagram, view)).heaviest is None:
        return ""
    return "Solid lines are positive weights, dashed ones negative; the thicker, the larger."


# --- names ------------------------------------------------------------------------------------------


class Inline(Pieces):
    """Names as text with ``<i>`` and ``<sub>``, which ``spans`` turns into SVG."""

    def italic(self, letter: str) -> str:
        return f"<i>{escaped(letter)}</i>"

    def word(self, word: str) -> str:
        return escaped(word)

    def text(self, text: str) -> str:
        return escaped(text)

    def bold(self, letter: str) -> str:
        return escaped(letter)

    def below(self, base: str, index: str) -> str:
        return f"{base}<sub>{index}</sub>"

    def raised(self, base: str, mark: str) -> str:
        return base + {"+": "⁺", "T": "ᵀ"}.get(mark, mark)

    def accent(self, letter: str, accent: Accent) -> str:
        return f"<i>{letter}</i>" + {"hat": "\u0302", "bar": "\u0304"}[accent]

    def fraction(self, above: str, below: str) -> str:
        return f"{above}/{below}"

    def compound(self, shown: str) -> bool:
        return "/" in shown or "⁺" in shown


INLINE = Inline()


def spans(markup: str, size: float) -> str:
    """Return text with ``<i>`` and ``<sub>`` as ``tspan`` elements; ``size`` is that of the letters."""
    shown, italic, level, at = [], False, 0, 0
    for piece in re.split(r"(</?(?:i|sub)>)", markup):
        match piece:
            case "<i>" | "</i>":
                italic = piece == "<i>"
            case "<sub>" | "</sub>":
                level = 1 if piece == "<sub>" else 0
            case "":
                pass
            case _:
                style = "italic" if italic else None
                smaller = f"{0.74 * size:.1f}" if level else None
                shift = f"{0.24 * size * (level - at):.1f}" if level != at else None
                plain = not (style or smaller or shift)
                shown.append(piece if plain else element("tspan", piece, dy=shift, font_size=smaller, font_style=style))
                at = level
    return "".join(shown)


def wide(markup: str, size: float) -> float:
    """Return about how wide such text is."""
    return 0.53 * size * len(re.sub(r"<[^>]*>", "", markup))


# --- the drawing ------------------------------------------------------------------------------------


class Drawing:
    """The lines, circles and labels of a picture."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.symbols = Symbols(picture.view.names, INLINE)
        self.last = picture.diagram.network.depth
        values = [picture.diagram.values.get(q.Parameter(edge.parameter)) for edge in picture.edges()]
        sizes = [abs(value) for value in values if value is not None]
        self.heaviest = max(sizes) if sizes and len(sizes) == len(values) else None
        """The size of the largest weight that is drawn; None if some are not known."""

    def frame(self) -> tuple[float, float, float, float]:
        """Return left, top, width and height, with room for the names beside the columns."""
        picture = self.picture
        left = max(wide(name, 14) for name in self._beside()) + 40
        right = max(44 + max(wide(text, 14) for text in self._targets().values()), wide(self._heading(self.last), 12))
        top = picture.top * SCALE + 80
        shared = any(bias.shared for bias in picture.biases())
        bottom = top - 40 + (54 if shared else 0)
        across = (len(picture.columns) - 1) * picture.across * SCALE
        return -left, -top, left + across + right, top + bottom

    def _beside(self) -> list[str]:
        return ["", *(name for name in map(self._long, self._units(0)) if name)]

    def _units(self, column: int) -> list[tuple[int, int]]:
        return [(column, unit) for _, unit in self.picture.drawn(column)]

    def _long(self, place: tuple[int, int]) -> str | None:
        """Return the name of an input that does not fit into its box."""
        name = self.picture.name(*place)
        return escaped(abridged(name, 24)) if len(name) > 5 else None

    # --- lines ------------------------------------------------------------------------------

    def edges(self) -> Iterator[str]:
        """Yield the lines, which circles and labels then cover."""
        picture = self.picture
        for bias in picture.biases() if picture.labels() else ():
            for row in bias.rows if bias.shared else ():
                yield self._line(bias.at, picture.place(bias.column, row), class_="bias", stroke_dasharray="1 4")
        for edge in picture.edges():
            yield self._edge(edge)

    def _edge(self, edge: Edge) -> str:
        value = self.picture.diagram.values.get(q.Parameter(edge.parameter))
        if self.heaviest is None or value is None:
            return self._line(edge.start, edge.end, class_="edge")
        share = abs(value) / self.heaviest if self.heaviest else 0.0
        width = f"{0.8 + 2.4 * share:.1f}"
        style = {"class_": "edge positive", "stroke": POSITIVE, "stroke_width": width}
        if value < 0:
            style |= {"class_": "edge negative", "stroke": NEGATIVE, "stroke_dasharray": "7 4"}
        return self._line(edge.start, edge.end, **style)

    def _line(self, start: Point, end: Point, **style: str) -> str:
        """Return a line from the rim of one circle to that of the other."""
        length = hypot(end[0] - start[0], end[1] - start[1]) or 1.0
        x, y = (RADIUS * (b - a) / length for a, b in zip(start, end, strict=True))
        (x1, y1), (x2, y2) = _at((start[0] + x, start[1] + y)), _at((end[0] - x, end[1] - y))
        ends = {"x1": _short(x1), "y1": _short(y1), "x2": _short(x2), "y2": _short(y2)}
        return element("line", **{"stroke": MUTED, **ends, **style})

    # --- units ------------------------------------------------------------------------------

    def units(self) -> Iterator[str]:
        """Yield boxes for inputs and circles for units, with names and values; dots for those left out."""
        picture = self.picture
        for column, rows in picture.rows.items():
            for row, unit in enumerate(rows):
                at = picture.place(column, row)
                if unit is None:
                    yield self._text("⋮", at, 20, dy=-2, class_="note")
                    yield self._text(f"… {picture.left_out(column):,} more", at, 12, dy=20, class_="note")
                else:
                    yield element("g", "".join(self._unit(column, unit, at)), class_="unit" if column else "input")
        if None in picture.columns:
            at = picture.columns.index(None) * picture.across, 0.0
            yield self._text("⋯", at, 20, class_="note")
            hidden = len(picture.diagram.network.sizes) - len(picture.rows)
            yield self._text(f"… {hidden} more", at, 12, dy=20, class_="note")

    def _unit(self, column: int, unit: int, at: Point) -> Iterator[str]:
        (x, y), r = _at(at), RADIUS * SCALE
        name = self.picture.name(column, unit)
        quantity: q.Quantity = q.Output(column - 1, unit) if column else q.Input(unit)
        value = self._brief(quantity)
        yield element("title", escaped(name if value is None else f"{name}: {value}"))
        if column:
            yield element("circle", cx=_short(x), cy=_short(y), r=_short(r), fill=PAPER, stroke=INK, stroke_width="1.4")
        else:
            box = {"x": _short(x - r), "y": _short(y - r), "width": _short(2 * r), "height": _short(2 * r)}
            yield element("rect", fill=SOFT, stroke=INK, rx=9, **box)
        long = self._long((column, unit))
        if column or long is None:
            shown = INLINE.subscripted(name) if len(name) <= 5 else escaped(abridged(name, 8))
            size = min(16.0, 48 / (0.53 * min(len(name), 8)))
            yield self._text(shown, at, size, dy=5 if value is None else -4, class_="name")
        if not column and long is not None:
            yield self._text(long, (at[0] - RADIUS, at[1]), 14, dx=-8, dy=5, text_anchor="end", class_="name")
        if value is not None:
            alone = not column and long is not None
            size = min(12.5, (40 if column else 47) / (0.53 * len(value)))
            yield self._text(minus(value), at, size, dy=4 if alone else 13, class_="value", fill=MUTED)

    def _brief(self, quantity: q.Quantity) -> str | None:
        """Return a number with the digits that a circle has room for."""
        value = self.picture.diagram.values.get(quantity)
        if value is None:
            return None
        view = self.picture.view
        shown = (replace(view, digits=digits).number(value) for digits in reversed(range(view.digits + 1)))
        return next((number for number in shown if len(number) <= WIDEST), None)

    def headings(self) -> Iterator[str]:
        """Yield the heading of each column."""
        picture = self.picture
        for column in picture.rows:
            at = picture.columns.index(column) * picture.across, picture.top
            yield self._text(escaped(self._heading(column)), at, 12, dy=-60, class_="note")

    def _heading(self, column: int) -> str:
        rule = self.picture.diagram.network.layers[column - 1].rule.name if column else "inputs"
        return abridged(rule, max(6, int(self.picture.across * SCALE / 6.4)))

    # --- labels -----------------------------------------------------------------------------

    def labels(self) -> Iterator[str]:
        """Yield the names of weights and biases, with their values where there is room."""
        labels = self.picture.labels()
        if labels is None:
            return
        places = [(bias.parameter, bias.at if bias.shared else _higher(bias.at)) for bias in self.picture.biases()]
        for index, at in (*places, *labels.weights):
            value = self.picture.value(q.Parameter(index)) if labels.valued else None
            shown = self._equal(q.Parameter(index), value)
            yield self._plate(at, wide(shown, 13))
            yield self._text(shown, at, 13, dy=4, class_="label")

    def _equal(self, quantity: q.Quantity, value: str | None) -> str:
        shown = self.picture.beginning(quantity)
        shown = self.symbols.quantity(quantity) if shown is None else escaped(shown)
        if value is None:
            return shown
        # After a name from right to left a mark keeps the number on its right.
        mark = "\u200e" if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in shown) else ""
        return f"{shown}{mark} = {minus(value)}"

    def _targets(self) -> dict[int, str]:
        return {
            unit: self._equal(q.Target(unit), self.picture.value(q.Target(unit)))
            for _, unit in self.picture.drawn(self.last)
        }

    def ends(self) -> Iterator[str]:
        """Yield the targets, right of the outputs."""
        shown = self._targets()
        for row, unit in self.picture.drawn(self.last):
            x, y = self.picture.place(self.last, row)
            yield self._text(shown[unit], (x + RADIUS, y), 14, dx=9, dy=5, text_anchor="start", class_="target")

    @staticmethod
    def _plate(at: Point, width: float) -> str:
        """Return the plate behind a label, so that no line strikes it through."""
        x, y = _at(at)
        box = {"x": _short(x - width / 2 - 2), "y": _short(y - 9), "width": _short(width + 4)}
        return element("rect", class_="plate", height=17, fill=PAPER, rx=3, **box)

    @staticmethod
    def _text(markup: str, at: Point, size: float, *, dx: float = 0, dy: float = 0, **style: str) -> str:
        x, y = _at(at)
        place = {"x": _short(x + dx), "y": _short(y + dy), "font_size": _short(size)}
        return element("text", spans(markup, size), **{"text_anchor": "middle", "fill": INK, **place, **style})


def _higher(at: Point) -> Point:
    """Return a place clear of the circle below."""
    return at[0], at[1] + 0.08


def minus(shown: str) -> str:
    """Return a number with a minus sign as wide as a plus."""
    return shown.replace("-", "−")


def _at(point: Point) -> tuple[float, float]:
    return round(point[0] * SCALE, 1), round(-point[1] * SCALE, 1)


def _short(length: float) -> str:
    return f"{length:.1f}".removesuffix(".0")
