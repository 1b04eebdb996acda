"""The network and loss curves drawn with TikZ."""

from __future__ import annotations

from collections.abc import Iterator

from clearprop.network import names as q
from clearprop.rendering.curves import loss_curve
from clearprop.rendering.document import Curve, Diagram, View
from clearprop.rendering.latex_symbols import LATEX, escaped, number
from clearprop.rendering.layout import Labels, Picture, Point, caption
from clearprop.rendering.symbols import Symbols


def tikz(diagram: Diagram, view: View) -> str:
    """Return the picture, with its caption."""
    drawing = Tikz(Picture(diagram, view))
    lines = [
        r"\begin{center}",
        r"\begin{tikzpicture}[unit/.style={circle,draw,fill=white,minimum size=9mm,inner sep=0.5pt},",
        r"  edge/.style={->,gray!70,very thin},",
        r"  weight/.style={font=\scriptsize,fill=white,inner sep=0.7pt}]",
        *drawing.edges(),
        *drawing.units(),
        *drawing.labels(),
        *drawing.ends(),
        r"\end{tikzpicture}",
        "",
        rf"\small {escaped(caption(diagram.network))}",
        r"\end{center}",
    ]
    return "\n".join(lines)


class Tikz:
    """The nodes and lines of a picture."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.symbols = Symbols(picture.view.names, LATEX)

    def edges(self) -> Iterator[str]:
        """Yield the lines, which circles and labels then cover."""
        for edge in self.picture.edges():
            yield rf"\draw[edge,shorten >=4.5mm] {_at(edge.start)} -- {_at(edge.end)};"

    def units(self) -> Iterator[str]:
        """Yield circles with names, and dots for those left out."""
        picture = self.picture
        for column, rows in picture.rows.items():
            for row, unit in enumerate(rows):
                at = _at(picture.place(column, row))
                if unit is None:
                    yield rf"\node at {at} {{$\vdots$}};"
                    continue
                yield rf"\node[unit] (u{column}-{unit}) at {at} {{{_short(picture.name(column, unit))}}};"
        if None in picture.columns:
            yield rf"\node at {_at((picture.columns.index(None) * picture.across, 0))} {{$\cdots$}};"

    def labels(self) -> Iterator[str]:
        """Yield the names of weights and biases, with their values where there is room."""
        labels = self.picture.labels()
        if labels is not None:
            yield from self._biases(labels)
            for index, at in labels.weights:
                yield rf"\node[weight] at {_at(at)} {{${self._label(index, labels.valued)}$}};"

    def _label(self, index: int, valued: bool) -> str:
        return self._equal(q.Parameter(index), self.picture.value(q.Parameter(index)) if valued else None)

    def _equal(self, quantity: q.Quantity, value: str | None) -> str:
        shown = self.picture.beginning(quantity)
        shown = self.symbols.quantity(quantity) if shown is None else LATEX.text(shown)
        return shown + ("" if value is None else f" = {number(value)}")

    def _biases(self, labels: Labels) -> Iterator[str]:
        """Yield the biases; a shared one is a small node."""
        for bias in self.picture.biases():
            label = self._label(bias.parameter, labels.valued)
            if not bias.shared:
                yield rf"\node[weight] at {_at(bias.at)} {{${label}$}};"
                continue
            style = r"draw,rounded corners=2pt,font=\scriptsize,inner sep=2pt"
            yield rf"\node[{style}] (b{bias.column}) at {_at(bias.at)} {{${label}$}};"
            for _, unit in self.picture.drawn(bias.column):
                yield rf"\draw[edge,dashed] (b{bias.column}) -- (u{bias.column}-{unit});"

    def ends(self) -> Iterator[str]:
        """Yield the values of inputs on the left, targets on the right."""
        picture, last = self.picture, self.picture.diagram.network.depth
        for _, unit in picture.drawn(0):
            if (value := picture.value(q.Input(unit))) is not None:
                yield rf"\node[left,font=\small] at (u0-{unit}.west) {{${number(value)}$}};"
        for _, unit in picture.drawn(last):
            shown = self._equal(q.Target(unit), picture.value(q.Target(unit)))
            yield rf"\node[right,font=\small] at (u{last}-{unit}.east) {{${shown}$}};"


def tikz_curve(block: Curve) -> str:
    """Return a loss curve: a line for training, a dashed one for validation."""
    drawn = loss_curve(block.losses, block.validation)
    if drawn is None:
        return ""
    across, up = 12, 4.5
    lines = [rf"\draw[gray] (0,0) rectangle ({across},{up});"]
    for power, height in drawn.ticks(8):
        y = up * height
        label = "0" if power is None else f"10^{{{power}}}"
        lines.append(rf"\draw[gray!40] (0,{y:.2f}) -- ({across},{y:.2f}) node[left,at start,black] {{${label}$}};")
    for points, style in ((drawn.losses, "thick"), (drawn.validation, "thick,dashed")):
        path = " -- ".join(f"({across * x:.3f},{up * drawn.height(power):.3f})" for x, power in points)
        lines.append(rf"\draw[{style}] {path};" if points else "")
    lines.append(rf"\node[below] at (0,0) {{0}}; \node[below] at ({across},0) {{{drawn.epochs}}};")
    said = f"{block.name} after each epoch" + ("; dashed: validation" if drawn.validation else "")
    return "\n".join([
        r"\begin{center}", r"\begin{tikzpicture}", *filter(None, lines), r"\end{tikzpicture}", "",
        rf"\small {escaped(said)}", r"\end{center}",
    ])  # fmt: skip


def _short(name: str) -> str:
    """Return a name that fits its circle."""
    shown = LATEX.subscripted(name)
    if len(name) <= 5:
        return rf"\small ${shown}$"
    if len(name) <= 8 and "mathrm" not in shown:
        return rf"\scriptsize ${shown}$"
    return rf"\tiny {escaped(name if len(name) <= 8 else name[:7] + '…')}"


def _at(point: Point) -> str:
    return f"({point[0]:.2f},{point[1]:.2f})"
