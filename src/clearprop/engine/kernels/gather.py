"""Gathering: the inputs of a batch's examples, row by row, into panels; and outputs back into rows."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from clearprop.engine.block import INDEX, POINTER, Block, Module
from clearprop.engine.panels import Panels

Copy = Callable[[ir.Value, ir.Value, ir.Value | None], None]


def each_place(b: Block, panels: Panels, layer: int, row: ir.Value, a: ir.Value, copy: Copy) -> None:
    """All vectors of an example's layer: ``copy`` is given the place in a plain row, the place among panels,
    and which lanes there are."""
    lanes, size = panels.numbers.lanes, panels.numbers.bytes

    def panel(p: ir.Value | int, units: int) -> None:
        plain, paneled = b.at(row, b.times(b.integer(p), panels.row)), b.at(a, b.times(b.integer(p), b.named["panel"]))
        for first in range(0, units, lanes):
            copy(b.at(plain, first * size), b.at(paneled, first * size), b.lanes_below(units - first))

    def full(p: ir.Value) -> None:
        panel(p, panels.width)

    b.loop(0, panels.count(layer) - 1, full)
    panel(panels.count(layer) - 1, panels.tail(layer))


def gather(module: Module, panels: Panels) -> ir.Function:
    """Arguments: x (all inputs), order (the numbers of the batch's examples), how many there are, the
    first and the last to gather, a (the first panel), and the bytes from panel to panel of a.

    Beyond the last example, it is repeated: a tile may be wider than what is left of the batch.
    """

    def build(b: Block) -> None:
        n = b.named

        def example(s: ir.Value) -> None:
            number = b.smaller(s, b.builder.sub(n["examples"], b.integer(1)))
            row = b.load_integer(b.at(n["order"], b.times(number, 8)))
            x = b.at(n["x"], b.times(row, panels.network.sizes[0] * panels.numbers.bytes))

            def copy(plain: ir.Value, paneled: ir.Value, lanes: ir.Value | None) -> None:
                b.store(b.load_only(plain, lanes), paneled)

            each_place(b, panels, 0, x, b.at(n["a"], b.times(s, panels.row)), copy)

        b.loop(n["first"], n["last"], example)

    arguments: list[tuple[str, ir.Type]] = [("x", POINTER), ("order", POINTER), ("examples", INDEX)]
    return module.function(
        "gather", [*arguments, ("first", INDEX), ("last", INDEX), ("a", POINTER), ("panel", INDEX)], build
    )


def scatter(module: Module, panels: Panels) -> ir.Function:
    """Outputs from panels into plain rows: arguments y (the rows), a (the first panel of the last layer),
    the bytes from panel to panel, and how many examples."""
    layer = panels.network.depth

    def build(b: Block) -> None:
        n = b.named

        def example(s: ir.Value) -> None:
            y = b.at(n["y"], b.times(s, panels.network.sizes[-1] * panels.numbers.bytes))

            def copy(plain: ir.Value, paneled: ir.Value, lanes: ir.Value | None) -> None:
                b.store_only(b.load(paneled), plain, lanes)

            each_place(b, panels, layer, y, b.at(n["a"], b.times(s, panels.row)), copy)

        b.loop(0, n["examples"], example)

    arguments: list[tuple[str, ir.Type]] = [("y", POINTER), ("a", POINTER), ("panel", INDEX), ("examples", INDEX)]
    return module.function("scatter", arguments, build)
