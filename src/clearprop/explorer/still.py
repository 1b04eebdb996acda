"""A still picture of the network, for where no script runs: its units, weights and one example's numbers."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from clearprop.errors import NotFinite, abridged
from clearprop.network import names as q
from clearprop.network.parameters import Layout, Place
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle, cycle
from clearprop.rendering.document import shown_number

MOST = 8
"""Of wider layers the first units are drawn."""
ACROSS, DOWN, WIDE, HIGH = 190, 84, 104, 40


def still(problem: Problem, example: int | None = None) -> str:
    """The picture as an SVG element, with words for who cannot see it."""
    assert problem.examples is not None
    number = int(problem.examples.learnt[0]) + 1 if example is None else example
    try:
        done = cycle(problem, number)
    except NotFinite as error:
        return f"<p>{escape(str(error))}</p>"
    sizes = problem.network.sizes
    rows = max(min(size, MOST) for size in sizes)
    width, height = (len(sizes) - 1) * ACROSS + WIDE + 40, rows * DOWN + 40
    words = escape(f"{abridged(problem.name)}, example {number}: {_words(done)}")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{words}" font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *_weights(done, rows),
        *_units(done, rows),
        "</svg>",
        f"<p>{words}</p>",
    ]
    return "".join(parts)


def _words(done: Cycle) -> str:
    names = done.names
    outputs = range(min(MOST, done.problem.network.sizes[-1]))
    last = done.problem.network.depth - 1
    shown: list[q.Quantity] = [*(q.Output(last, k) for k in outputs), q.TotalError()]
    return ", ".join(f"{names.text(quantity)} = {shown_number(done.value(quantity))}" for quantity in shown)


def _centre(column: int, row: int, count: int, rows: int) -> tuple[float, float]:
    return 20 + column * ACROSS + WIDE / 2, 20 + (row + 0.5 + (rows - count) / 2) * DOWN


def _units(done: Cycle, rows: int) -> Iterator[str]:
    network = done.problem.network
    for column, size in enumerate(network.sizes):
        count = min(size, MOST)
        for unit in range(count):
            x, y = _centre(column, unit, count, rows)
            name = network.unit_names[column - 1][unit] if column else network.input_names[unit]
            value = done.value(q.Output(column - 1, unit))
            yield f'<rect x="{x - WIDE / 2:g}" y="{y - HIGH / 2:g}" width="{WIDE}" height="{HIGH}" rx="7"'
            yield ' fill="#f5f7fa" stroke="#59636e"/>'
            yield _text(x, y - 3, escape(abridged(name, 14)), "font-weight='650'")
            yield _text(x, y + 13, shown_number(value))
        if size > count:
            x, y = _centre(column, count - 1, count, rows)
            yield _text(x, y + HIGH / 2 + 14, f"… {size - count:,} more")


def _weights(done: Cycle, rows: int) -> Iterator[str]:
    network, layout = done.problem.network, Layout(done.problem.network)
    vector = done.parameters.vector
    for layer in range(network.depth):
        counts = [min(size, MOST) for size in network.sizes[layer : layer + 2]]
        for unit in range(counts[1]):
            for source in range(counts[0]):
                weight = float(vector[layout.index(Place(layer, unit, source))])
                x1, y1 = _centre(layer, source, counts[0], rows)
                x2, y2 = _centre(layer + 1, unit, counts[1], rows)
                style = 'stroke="#1d63c0"' if weight >= 0 else 'stroke="#b8450f" stroke-dasharray="6 4"'
                yield f'<path d="M{x1 + WIDE / 2:g} {y1:g}L{x2 - WIDE / 2:g} {y2:g}" {style} opacity="0.5"/>'


def _text(x: float, y: float, content: str, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle" {more}>{content}</text>'
