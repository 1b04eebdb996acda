"""The layout of a drawn network; TikZ and SVG draw it.

Inputs on the left, layers in columns, targets on the right. Wide layers are folded: the first units,
dots, the last one; deep networks too. Lengths are centimetres, and y points up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from clearprop.messages import abridged, counted
from clearprop.network import names as q
from clearprop.network.description import Network
from clearprop.network.layout import Place
from clearprop.rendering.document import Diagram, View

MAX_UNITS = 7
MAX_COLUMNS = 11
"""The inputs and ten layers."""
NAMED = 60
VALUED = 24
"""Networks with more parameters than these have no names, or no values, at their connections."""
LABEL = 16
"""The most letters of a name in a label."""
ROW, LABELLED_ROW = 1.6, 2.1
Point = tuple[float, float]
Box = tuple[float, float, float, float]


def caption(network: Network) -> str:
    """Return the layers in one line: ``2 inputs → 2 logistic → 2 logistic``."""
    parts = [counted(network.sizes[0], "input")]
    for shown, alike in groupby(f"{layer.size} {layer.rule.name}" for layer in network.layers):
        count = len(list(alike))
        parts.append(f"{count} × ({shown})" if count > 3 else " → ".join([shown] * count))
    return " → ".join(parts)


def folded(size: int, most: int, last: int = 1) -> list[int | None]:
    """Return the indices that are drawn, None where some are left out."""
    if size <= most:
        return list(range(size))
    return [*range(most - 1 - last), None, *range(size - last, size)]


class Edge(NamedTuple):
    """A connection that is drawn: its parameter, its start and its end."""

    parameter: int
    start: Point
    end: Point


class Bias(NamedTuple):
    """A bias that is drawn, and the units of its column that it feeds: one, or all that are drawn."""

    parameter: int
    column: int
    rows: tuple[int, ...]
    shared: bool
    at: Point


@dataclass(frozen=True)
class Labels:
    """The labels that found room, with the places of those of weights: names, ``valued`` with their numbers."""

    valued: bool
    weights: tuple[tuple[int, Point], ...]


class Picture:
    """The network laid out."""

    def __init__(self, diagram: Diagram, view: View) -> None:
        sizes = diagram.network.sizes
        self.diagram, self.view, self.layout = diagram, view, diagram.network.layout
        self.columns = folded(len(sizes), MAX_COLUMNS, last=4)
        self.rows = {c: folded(sizes[c], MAX_UNITS) for c in self.columns if c is not None}
        self.across = min(5.8, 12.5 / (len(self.columns) - 1))
        self.row = LABELLED_ROW if self.layout.size <= VALUED else ROW
        self.top = (max(map(len, self.rows.values())) - 1) / 2 * self.row

    # --- units and edges --------------------------------------------------------------------

    def place(self, column: int, row: int) -> Point:
        """Return the place of a drawn unit, by its row, not its number."""
        x = self.columns.index(column) * self.across
        return x, ((len(self.rows[column]) - 1) / 2 - row) * self.row

    def drawn(self, column: int) -> list[tuple[int, int]]:
        """Return the rows that hold units, with their units."""
        return [(row, unit) for row, unit in enumerate(self.rows[column]) if unit is not None]

    def left_out(self, column: int) -> int:
        """Return the number of units of a column that are not drawn."""
        return self.diagram.network.sizes[column] - len(self.drawn(column))

    def beginning(self, quantity: q.Quantity) -> str | None:
        """Return the beginning of a name that is too long for a label; None for one that is not."""
        name = self.view.names.text(quantity)
        return abridged(name, LABEL) if len(name) > LABEL else None

    def name(self, column: int, unit: int) -> str:
        """Return the name of a unit or an input."""
        network = self.diagram.network
        return network.unit_names[column - 1][unit] if column else network.input_names[unit]

    def gaps(self) -> Iterator[int]:
        """Return the columns drawn next to the one before them."""
        return (c for c in self.rows if c and c - 1 in self.rows)

    def edges(self) -> Iterator[Edge]:
        """Yield every connection between units that are drawn."""
        for column in self.gaps():
            for row, unit in self.drawn(column):
                for source, before in self.drawn(column - 1):
                    index = self.layout.index(Place(column - 1, unit, before))
                    yield Edge(index, self.place(column - 1, source), self.place(column, row))

    # --- labels ------------------------------------------------------------------------------

    def labels(self) -> Labels | None:
        """Return the names of weights and biases, with values if there is room for them."""
        size = self.layout.size
        for valued, limit in ((True, VALUED), (False, NAMED)):
            if size <= limit and (not valued or self.diagram.values):
                for careful in (True, False):
                    found = self._weights(valued, careful)
                    if found is not None:
                        return Labels(valued, tuple(found))
        return None

    def value(self, quantity: q.Quantity) -> str | None:
        """Return the value of a quantity as it is shown, or None if it is not known."""
        value = self.diagram.values.get(quantity)
        return None if value is None else self.view.number(value)

    def _extent(self, index: int, valued: bool) -> Point:
        """Return about half the width and half the height of a label."""
        shown = min(LABEL, len(self.view.names.text(q.Parameter(index))))
        value = self.value(q.Parameter(index))
        shown += 0 if value is None or not valued else len(value) + 2
        return 0.075 * shown + 0.06, 0.17

    def _weights(self, valued: bool, careful: bool) -> list[tuple[int, Point]] | None:
        """Return each label on its edge, where it covers nothing else; None if one finds no place. A ``careful``
        choice also covers as few other edges as possible."""
        labels = []
        for column, group in groupby(self.edges(), lambda edge: self.layout.place(edge.parameter).layer + 1):
            edges = list(group)
            taken = [self._circle(c, row) for c in (column - 1, column) for row, _ in self.drawn(c)]
            # Here the edges of a column pass evenly below one another.
            best = 1 / (1 + len(self.drawn(column)))
            for edge in edges:
                half = self._extent(edge.parameter, valued)
                others = [other for other in edges if other != edge] if careful else []
                found = _free(edge, half, taken, others, best)
                if found is None:
                    return None
                taken.append(_box(found, half))
                labels.append((edge.parameter, found))
        return labels

    def _circle(self, column: int, row: int) -> Box:
        bias = 0.0 if column == 0 or self.diagram.network.layers[column - 1].bias != "unit" else 0.3
        x, y = self.place(column, row)
        return x - 0.65, y - 0.5, x + 0.65, y + 0.5 + bias

    def biases(self) -> Iterator[Bias]:
        """Yield the biases: a shared one below its layer, one per unit above the unit."""
        for column in self.gaps():
            policy = self.diagram.network.layers[column - 1].bias
            rows = tuple(row for row, _ in self.drawn(column))
            if policy == "shared":
                at = ((self.columns.index(column) - 0.5) * self.across, -self.top - 1.1)
                yield Bias(self.layout.index(Place(column - 1, 0, None)), column, rows, True, at)
            for row, unit in self.drawn(column) if policy == "unit" else ():
                x, y = self.place(column, row)
                yield Bias(self.layout.index(Place(column - 1, unit, None)), column, (row,), False, (x, y + 0.63))


def _box(centre: Point, half: Point) -> Box:
    return centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]


def _free(edge: Edge, half: Point, taken: list[Box], others: list[Edge], best: float) -> Point | None:
    """Return the place along an edge where a label overlaps nothing that is taken, covers the fewest other edges, and
    is nearest to ``best``."""
    (x1, y1), (x2, y2) = edge.start, edge.end
    found: list[tuple[int, float, Point]] = []
    for step in range(10, 85):
        along = step / 100
        centre = x1 + along * (x2 - x1), y1 + along * (y2 - y1)
        box = _box(centre, half)
        if not any(_overlap(box, other) for other in taken):
            found.append((sum(_crosses(other, box) for other in others), abs(along - best), centre))
    return min(found)[2] if found else None


def _crosses(edge: Edge, box: Box) -> bool:
    """Return whether an edge, which runs from left to right, passes through a box."""
    (x1, y1), (x2, y2) = edge.start, edge.end
    heights = [y1 + (min(max(x, x1), x2) - x1) / (x2 - x1) * (y2 - y1) for x in (box[0], box[2])]
    return min(heights) < box[3] and box[1] < max(heights)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
