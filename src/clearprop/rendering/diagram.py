"""The network drawn as text: layers in columns, units in rows, the connections of each unit below."""

from __future__ import annotations

import textwrap

from clearprop.network import names as q
from clearprop.network.layout import Place
from clearprop.rendering.document import Diagram, View
from clearprop.rendering.layout import caption

MAX_ROWS = 8
LISTED = 60
"""Networks with more parameters than this are drawn without the list of weights."""

# Box characters by the sides they touch: left, right, up, down.
BOX = {
    "lr": "─", "ud": "│", "ld": "┐", "lu": "┘", "rd": "┌", "ru": "└",
    "lud": "┤", "rud": "├", "lrd": "┬", "lru": "┴", "lrud": "┼", "l": "─", "r": "─",
}  # fmt: skip


def diagram_text(diagram: Diagram, view: View, width: int = 76) -> str:
    """Return the drawing; a network that is too wide is named in one line instead."""
    from rich.cells import cell_len

    network = diagram.network
    inputs = [_valued(diagram, view, name, q.Input(index)) for index, name in enumerate(network.input_names)]
    units = [[f"({name})" for name in names] for names in network.unit_names]
    columns = [*map(_folded, (inputs, *units))]
    targets = [q.Target(k) for k in range(network.sizes[-1])]
    height = max(len(column) for column in columns)
    lines = _drawn(columns, height)
    if all(target in diagram.values for target in targets):
        known = [_valued(diagram, view, view.names.text(target), target) for target in targets]
        rows = _rows(len(columns[-1]), height)
        for row, shown in zip(rows, _folded(known), strict=True):
            lines[row] += f"  →  {shown}" if shown != "⋮" else ""
    head = caption(network)
    if max(map(cell_len, lines)) > width:
        return head
    listed = connections(diagram, view) if network.layout.size <= LISTED else []
    kept = (line.replace(" = ", "\xa0=\xa0") for line in listed)  # A value stays on the line of its name.
    listed = [
        part.replace("\xa0", " ") for line in kept for part in textwrap.wrap(line, width, subsequent_indent="    ")
    ]
    return "\n".join([head, "", *(line.rstrip() for line in lines), *([""] if listed else []), *listed])


def _folded(items: list[str]) -> list[str]:
    return items if len(items) <= MAX_ROWS else [*items[: MAX_ROWS - 2], "⋮", items[-1]]


def _rows(count: int, height: int) -> list[int]:
    """Return every other line, centred."""
    return [height - count + 2 * k for k in range(count)]


def _drawn(columns: list[list[str]], height: int) -> list[str]:
    from rich.cells import cell_len  # letters of some scripts take two columns of a terminal, signs over others none

    lines = [""] * (2 * height - 1)
    previous: list[int] = []
    for number, column in enumerate(columns):
        rows = _rows(len(column), height)
        if number:
            _connect(lines, previous, rows)
        width = max(map(cell_len, column))
        cells = dict(zip(rows, column, strict=True))
        for row in range(len(lines)):
            cell = cells.get(row, "")
            lines[row] += cell.center(width - cell_len(cell) + len(cell))
        previous = rows
    return lines


def _connect(lines: list[str], left: list[int], right: list[int]) -> None:
    """Draw a bus between two columns: every unit on the left feeds every unit on the right."""
    top, bottom = min(*left, *right), max(*left, *right)
    for row in range(len(lines)):
        sides = "l" if row in left else ""
        sides += "r" if row in right else ""
        if top <= row <= bottom:
            sides += "u" if row > top else ""
            sides += "d" if row < bottom else ""
        before, after = ("──" if row in left else "  "), ("──" if row in right else "  ")
        lines[row] += f" {before}{BOX.get(sides, ' ')}{after} "


def connections(diagram: Diagram, view: View) -> list[str]:
    """Return ``sum_h1 = i1 * w1 + b1, with w1 = 0.1, b1 = 0.25`` for every unit."""
    network = diagram.network
    layout, name, times = network.layout, view.names.text, view.names.notation.times
    lines = []
    for layer, names in enumerate(network.unit_names):
        policy = network.layers[layer].bias
        for unit in range(len(names)):
            sources = [q.Output(layer - 1, i) if layer else q.Input(i) for i in range(network.sizes[layer])]
            weights = [q.Parameter(layout.index(Place(layer, unit, i))) for i in range(len(sources))]
            terms = [f"{name(source)} {times} {name(weight)}" for source, weight in zip(sources, weights, strict=True)]
            if policy != "none":
                weights.append(q.Parameter(layout.index(Place(layer, 0 if policy == "shared" else unit, None))))
                terms.append(name(weights[-1]))
            known = [_valued(diagram, view, name(each), each) for each in weights if each in diagram.values]
            given = f", with {', '.join(known)}" if known else ""
            lines.append(f"{name(q.Sum(layer, unit))} = {' + '.join(terms)}{given}")
    return lines


def _valued(diagram: Diagram, view: View, name: str, quantity: q.Quantity) -> str:
    value = diagram.values.get(quantity)
    return name if value is None else f"{name} = {view.number(value)}"
