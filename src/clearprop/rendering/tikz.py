"""The network drawn with TikZ: inputs on the left, layers in columns, targets on the right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from clearprop.network import names as q
from clearprop.network.parameters import Layout, Place
from clearprop.rendering.document import Diagram, View
from clearprop.rendering.latex_symbols import LATEX, Symbols, escaped, number

MAX_UNITS = 7
MAX_COLUMNS = 11
"""The inputs and ten layers."""
NAMED = 60
VALUED = 24
"""Networks with more parameters than these have no names, or no values, at their connections."""
ROW = 1.6
Point = tuple[float, float]
Box = tuple[float, float, float, float]


def tikz(diagram: Diagram, view: View) -> str:
    """The picture. Wide layers are folded: the first units, dots, the last one; deep networks too."""
    picture = Picture(diagram, view)
    lines = [
        r"\begin{center}",
        r"\begin{tikzpicture}[unit/.style={circle,draw,fill=white,minimum size=9mm,inner sep=0.5pt},",
        r"  edge/.style={->,gray!70,very thin},",
        r"  weight/.style={font=\scriptsize,fill=white,inner sep=0.7pt}]",
        *picture.edges(),
        *picture.units(),
        *picture.labels(),
        *picture.ends(),
        r"\end{tikzpicture}",
        "",
        rf"\small {_caption(diagram)}",
        r"\end{center}",
    ]
    return "\n".join(lines)


def _caption(diagram: Diagram) -> str:
    network = diagram.network
    parts = [f"{network.sizes[0]} inputs"]
    for shown, alike in groupby(f"{layer.size} {layer.rule.name}" for layer in network.layers):
        count = len(list(alike))
        parts.append(f"{count} × ({shown})" if count > 3 else " → ".join([shown] * count))
    return escaped(" → ".join(parts))


def folded(size: int, most: int, last: int = 1) -> list[int | None]:
    """Which are drawn, None where some are left out."""
    if size <= most:
        return list(range(size))
    return [*range(most - 1 - last), None, *range(size - last, size)]


@dataclass
class Picture:
    """Where everything stands, in centimetres."""

    diagram: Diagram
    view: View
    layout: Layout = field(init=False)
    symbols: Symbols = field(init=False)
    columns: list[int | None] = field(init=False)
    rows: dict[int, list[int | None]] = field(init=False)

    def __post_init__(self) -> None:
        network = self.diagram.network
        self.layout, self.symbols = Layout(network), Symbols(self.view.names)
        self.columns = folded(len(network.sizes), MAX_COLUMNS, last=4)
        self.rows = {c: folded(network.sizes[c], MAX_UNITS) for c in self.columns if c is not None}
        self.across = min(4.6, 12.5 / (len(self.columns) - 1))
        self.lowest = -(max(map(len, self.rows.values())) - 1) / 2 * ROW - 1.1

    # --- units and edges --------------------------------------------------------------------

    def place(self, column: int, row: int) -> Point:
        """Where a drawn unit stands: by its position, not its number."""
        x = self.columns.index(column) * self.across
        return x, ((len(self.rows[column]) - 1) / 2 - row) * ROW

    def drawn(self, column: int) -> list[tuple[int, int]]:
        """The rows that hold units, and which."""
        return [(row, unit) for row, unit in enumerate(self.rows[column]) if unit is not None]

    def units(self) -> Iterator[str]:
        """Circles with names, and dots for what is left out."""
        network = self.diagram.network
        for column, rows in self.rows.items():
            for row, unit in enumerate(rows):
                at = _at(self.place(column, row))
                if unit is None:
                    yield rf"\node at {at} {{$\vdots$}};"
                    continue
                name = network.unit_names[column - 1][unit] if column else network.input_names[unit]
                yield rf"\node[unit] (u{column}-{unit}) at {at} {{{_short(name)}}};"
        if None in self.columns:
            yield rf"\node at {_at((self.columns.index(None) * self.across, 0))} {{$\cdots$}};"

    def gaps(self) -> Iterator[int]:
        """The columns that stand right beside the one before them."""
        return (c for c in self.rows if c and c - 1 in self.rows)

    def edges(self) -> Iterator[str]:
        """Drawn first: circles and labels then cover them."""
        for column in self.gaps():
            for row, _ in self.drawn(column):
                for source, _ in self.drawn(column - 1):
                    start, end = self.place(column - 1, source), self.place(column, row)
                    yield rf"\draw[edge,shorten >=4.5mm] {_at(start)} -- {_at(end)};"

    # --- labels ------------------------------------------------------------------------------

    def labels(self) -> list[str]:
        """The names of weights and biases, with values if the network is small: as much as finds room."""
        size = self.layout.size
        for valued, limit in ((True, VALUED), (False, NAMED)):
            if size <= limit and (not valued or self.diagram.values):
                found = self._weights(valued)
                if found is not None:
                    return [*self._biases(valued), *found]
        return []

    def _label(self, index: int, valued: bool) -> str:
        name = self.symbols.quantity(q.Parameter(index))
        value = self.diagram.values.get(q.Parameter(index))
        return name if value is None or not valued else f"{name} = {number(self.view.number(value))}"

    def _extent(self, index: int, valued: bool) -> Point:
        """About half the width and half the height of a label."""
        shown = len(self.view.names.text(q.Parameter(index)))
        value = self.diagram.values.get(q.Parameter(index))
        shown += 0 if value is None or not valued else len(self.view.number(value)) + 2
        return 0.075 * shown + 0.06, 0.17

    def _weights(self, valued: bool) -> list[str] | None:
        """Each near where its edge begins, further along where that place is taken; None if one has no place."""
        lines = []
        for column in self.gaps():
            taken = [self._circle(c, row) for c in (column - 1, column) for row, _ in self.drawn(c)]
            for row, unit in self.drawn(column):
                for source, before in self.drawn(column - 1):
                    index = self.layout.index(Place(column - 1, unit, before))
                    ends = self.place(column - 1, source), self.place(column, row)
                    found = _free(*ends, self._extent(index, valued), taken)
                    if found is None:
                        return None
                    taken.append(_box(found, self._extent(index, valued)))
                    lines.append(rf"\node[weight] at {_at(found)} {{${self._label(index, valued)}$}};")
        return lines

    def _circle(self, column: int, row: int) -> Box:
        bias = 0.0 if column == 0 or self.diagram.network.layers[column - 1].bias != "unit" else 0.3
        x, y = self.place(column, row)
        return x - 0.5, y - 0.5, x + 0.5, y + 0.5 + bias

    def _biases(self, valued: bool) -> Iterator[str]:
        """A shared bias is a small node below its layer; one per unit stands above each unit."""
        for column in self.gaps():
            policy = self.diagram.network.layers[column - 1].bias
            if policy == "shared":
                label = self._label(self.layout.index(Place(column - 1, 0, None)), valued)
                at = ((self.columns.index(column) - 0.5) * self.across, self.lowest)
                yield (
                    rf"\node[draw,rounded corners=2pt,font=\scriptsize,inner sep=2pt] (b{column}) at {_at(at)} "
                    rf"{{${label}$}};"
                )
                for _, unit in self.drawn(column):
                    yield rf"\draw[edge,dashed] (b{column}) -- (u{column}-{unit});"
            for row, unit in self.drawn(column) if policy == "unit" else ():
                x, y = self.place(column, row)
                label = self._label(self.layout.index(Place(column - 1, unit, None)), valued)
                yield rf"\node[weight] at {_at((x, y + 0.63))} {{${label}$}};"

    # --- the example -------------------------------------------------------------------------

    def ends(self) -> Iterator[str]:
        """Values of inputs on the left, targets on the right."""
        values, last = self.diagram.values, self.diagram.network.depth
        for _, unit in self.drawn(0):
            if (value := values.get(q.Input(unit))) is not None:
                shown = number(self.view.number(value))
                yield rf"\node[left,font=\small] at (u0-{unit}.west) {{${shown}$}};"
        for _, unit in self.drawn(last):
            value = values.get(q.Target(unit))
            shown = self.symbols.quantity(q.Target(unit))
            shown += "" if value is None else f" = {number(self.view.number(value))}"
            yield rf"\node[right,font=\small] at (u{last}-{unit}.east) {{${shown}$}};"


def _short(name: str) -> str:
    """A name that fits its circle."""
    shown = LATEX.subscripted(name)
    if len(name) <= 5:
        return rf"\small ${shown}$"
    if len(name) <= 8 and "mathrm" not in shown:
        return rf"\scriptsize ${shown}$"
    return rf"\tiny {escaped(name if len(name) <= 8 else name[:7] + '…')}"


def _at(point: Point) -> str:
    return f"({point[0]:.2f},{point[1]:.2f})"


def _box(centre: Point, half: Point) -> Box:
    return centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]


def _free(start: Point, end: Point, half: Point, taken: list[Box]) -> Point | None:
    """The first place along an edge where a label overlaps nothing."""
    for step in range(20, 84, 2):
        along = step / 100
        centre = start[0] + along * (end[0] - start[0]), start[1] + along * (end[1] - start[1])
        box = _box(centre, half)
        if not any(_overlap(box, other) for other in taken):
            return centre
    return None


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
