"""The network drawn as text: layers in columns, units in rows, the connections of each unit below."""

from __future__ import annotations

import textwrap

from clearprop.network import names as q
from clearprop.network.layout import Place
from clearprop.rendering.document import Diagram, View

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
    network = diagram.network
    columns = [_inputs(diagram, view), *(_units(diagram, layer) for layer in range(network.depth))]
    targets = [q.Target(k) for k in range(network.sizes[-1])]
    height = max(len(column) for column in columns)
    lines = _drawn(columns, height)
    if all(target in diagram.values for target in targets):
        known = [f"{view.names.text(t)} = {view.number(diagram.values[t])}" for t in targets]
        rows = _rows(len(columns[-1]), height)
        for row, shown in zip(rows, _folded(known), strict=True):
            lines[row] += f"  →  {shown}" if shown != "⋮" else ""
    captions = ["inputs", *(layer.rule.name for layer in network.layers)]
    head = " → ".join(f"{size} {name}" for size, name in zip(network.sizes, captions, strict=True))
    if max(map(len, lines)) > width:
        return head
    listed = connections(diagram, view) if network.layout.size <= LISTED else []
    listed = [part for line in listed for part in textwrap.wrap(line, width, subsequent_indent="    ")]
    return "\n".join([head, "", *(line.rstrip() for line in lines), *([""] if listed else []), *listed])


def _folded(items: list[str]) -> list[str]:
    return items if len(items) <= MAX_ROWS else [*items[: MAX_ROWS - 2], "⋮", items[-1]]


def _inputs(diagram: Diagram, view: View) -> list[str]:
    shown = []
    for index, name in enumerate(diagram.network.input_names):
        value = diagram.values.get(q.Input(index))
        shown.append(name if value is None else f"{name} = {view.number(value)}")
    return _folded(shown)


def _units(diagram: Diagram, layer: int) -> list[str]:
    return _folded([f"({name})" for name in diagram.network.unit_names[layer]])


def _rows(count: int, height: int) -> list[int]:
    """Return every other line, centred."""
    first = height - count
    return [first + 2 * k for k in range(count)]


def _drawn(columns: list[list[str]], height: int) -> list[str]:
    lines = [""] * (2 * height - 1)
    previous: list[int] = []
    for number, column in enumerate(columns):
        rows = _rows(len(column), height)
        if number:
            _connect(lines, previous, rows)
        width = max(map(len, column))
        cells = dict(zip(rows, column, strict=True))
        for row in range(len(lines)):
            lines[row] += cells.get(row, "").center(width)
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
    """Return ``h1 ← i1 by w1 = 0.1, …`` for every unit."""
    network = diagram.network
    layout = network.layout
    lines = []
    for layer, names in enumerate(network.unit_names):
        sources = network.unit_names[layer - 1] if layer else network.input_names
        for unit, name in enumerate(names):
            fed = [
                f"{source} by {_with_value(diagram, view, layout.index(Place(layer, unit, i)))}"
                for i, source in enumerate(sources)
            ]
            policy = network.layers[layer].bias
            if policy != "none":
                index = layout.index(Place(layer, 0 if policy == "shared" else unit, None))
                fed.append(f"bias {_with_value(diagram, view, index)}")
            lines.append(f"{name} ← {', '.join(fed)}")
    return lines


def _with_value(diagram: Diagram, view: View, index: int) -> str:
    name = view.names.text(q.Parameter(index))
    value = diagram.values.get(q.Parameter(index))
    return name if value is None else f"{name} = {view.number(value)}"
