"""The network drawn with TikZ: inputs on the left, layers in columns, targets on the right."""

from __future__ import annotations

from clearprop.network import names as q
from clearprop.network.parameters import Layout, Place
from clearprop.rendering.document import Diagram, View
from clearprop.rendering.latex_symbols import Symbols, escaped

MAX_DRAWN = 7
LABELLED = 40
"""Networks with more parameters than this have no labels on their connections."""


def tikz(diagram: Diagram, view: View) -> str:
    """The picture. Wide layers are folded: the first units, dots, the last one."""
    network, symbols = diagram.network, Symbols(view.names)
    layout = Layout(network)
    small = layout.size <= LABELLED
    columns = [_folded(network.sizes[0])] + [_folded(size) for size in network.sizes[1:]]
    across = min(4.0, 14.0 / max(1, network.depth))
    lines = [
        r"\begin{center}",
        r"\begin{tikzpicture}[unit/.style={circle,draw,minimum size=9mm,inner sep=1pt,font=\small},",
        r"  weight/.style={font=\scriptsize,fill=white,inner sep=1pt}]",
    ]
    for c, column in enumerate(columns):
        for position, unit in enumerate(column):
            place = f"({c * across:.2f},{(len(column) - 1) / 2 * 1.5 - position * 1.5:.2f})"
            if unit is None:
                lines.append(rf"\node at {place} {{$\vdots$}};")
                continue
            name = network.input_names[unit] if c == 0 else network.unit_names[c - 1][unit]
            lines.append(rf"\node[unit] (u{c}-{unit}) at {place} {{{_short(name)}}};")
    for c in range(1, len(columns)):
        for to in (unit for unit in columns[c] if unit is not None):
            for order, source in enumerate(unit for unit in columns[c - 1] if unit is not None):
                label = ""
                if small:
                    index = layout.index(Place(c - 1, to, source))
                    at = 0.25 if (order + to) % 2 == 0 else 0.3
                    label = f" node[weight,pos={at}] {{${symbols.quantity(q.Parameter(index))}$}}"
                lines.append(rf"\draw[->,gray] (u{c - 1}-{source}) --{label} (u{c}-{to});")
    lines += _biases(diagram, columns, across, layout, symbols) if small else []
    lines += _ends(diagram, columns, view)
    caption = ", ".join(f"{layer.size} {layer.rule.name}" for layer in network.layers)
    lines += [r"\end{tikzpicture}", "", rf"\small {network.sizes[0]} inputs, {escaped(caption)}", r"\end{center}"]
    return "\n".join(lines)


def _folded(size: int) -> list[int | None]:
    return list(range(size)) if size <= MAX_DRAWN else [*range(MAX_DRAWN - 2), None, size - 1]


def _short(name: str) -> str:
    return escaped(name if len(name) <= 8 else name[:7] + "…")


def _biases(
    diagram: Diagram, columns: list[list[int | None]], across: float, layout: Layout, symbols: Symbols
) -> list[str]:
    """A shared bias stands below its layer; one per unit beside each unit."""
    lines = []
    lowest = -(max(len(column) for column in columns) - 1) / 2 * 1.5 - 1.1
    for layer, dense in enumerate(diagram.network.layers):
        if dense.bias == "shared":
            index = layout.index(Place(layer, 0, None))
            name = symbols.quantity(q.Parameter(index))
            lines.append(
                rf"\node[font=\scriptsize] (b{layer}) at ({(layer + 0.5) * across:.2f},{lowest:.2f}) {{${name}$}};"
            )
            for unit in (unit for unit in columns[layer + 1] if unit is not None):
                lines.append(rf"\draw[->,dashed,gray] (b{layer}) -- (u{layer + 1}-{unit});")
        elif dense.bias == "unit":
            for unit in (unit for unit in columns[layer + 1] if unit is not None):
                index = layout.index(Place(layer, unit, None))
                name = symbols.quantity(q.Parameter(index))
                lines.append(rf"\node[font=\scriptsize,above=0pt] at (u{layer + 1}-{unit}.north) {{${name}$}};")
    return lines


def _ends(diagram: Diagram, columns: list[list[int | None]], view: View) -> list[str]:
    """The values of the example: inputs on the left, targets on the right."""
    lines = []
    symbols, last = Symbols(view.names), len(columns) - 1
    for unit in (unit for unit in columns[0] if unit is not None):
        if q.Input(unit) in diagram.values:
            shown = view.number(diagram.values[q.Input(unit)])
            lines.append(rf"\node[left,font=\small] at (u0-{unit}.west) {{${shown}$}};")
    for unit in (unit for unit in columns[-1] if unit is not None):
        if q.Target(unit) in diagram.values:
            shown = view.number(diagram.values[q.Target(unit)])
            target = symbols.quantity(q.Target(unit))
            lines.append(rf"\node[right,font=\small] at (u{last}-{unit}.east) {{${target} = {shown}$}};")
    return lines
