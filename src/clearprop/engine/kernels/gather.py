"""Gathering: the inputs of a batch's examples, row by row, into panels; and outputs back into rows."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from clearprop.engine.block import INDEX, POINTER, Block, Module
from clearprop.engine.panels import Panel

Copy = Callable[[ir.Value, ir.Value, ir.Value | None], None]


def each_place(b: Block, shape: Panel, row: ir.Value, a: ir.Value, copy: Copy) -> None:
    """All vectors of an example's layer: ``copy`` is given the place in a plain row, the place among panels,
    and which lanes there are (None for all)."""
    lanes, step = shape.numbers.lanes, shape.numbers.lanes * shape.numbers.bytes
    units = b.named["units"]

    def vector(number: ir.Value, there: ir.Value | None) -> None:
        panel = b.times(b.quotient(number, shape.vectors), b.named["panel"])
        inside = b.times(b.remainder(number, shape.vectors), step)
        copy(b.at(row, b.times(number, step)), b.at(a, panel, inside), there)

    full, left = b.quotient(units, lanes), b.remainder(units, lanes)
    b.loop(0, full, lambda number: vector(number, None))
    with b.builder.if_then(b.builder.icmp_signed(">", left, b.integer(0))):
        vector(full, b.first_lanes(left))


def gather(module: Module, shape: Panel) -> ir.Function:
    """Arguments: x (all inputs), order (the numbers of the batch's examples), how many there are, the
    first and the last to gather, a (the first panel), the bytes from panel to panel of a, and how many inputs
    an example has.

    Beyond the last example, it is repeated: a tile may be wider than what is left of the batch.
    """

    def build(b: Block) -> None:
        n = b.named
        bytes_of_row = b.times(n["units"], shape.numbers.bytes)

        def example(s: ir.Value) -> None:
            number = b.smaller(s, b.builder.sub(n["examples"], b.integer(1)))
            row = b.load_integer(b.at(n["order"], b.times(number, 8)))

            def copy(plain: ir.Value, paneled: ir.Value, lanes: ir.Value | None) -> None:
                b.store(b.load_only(plain, lanes), paneled)

            each_place(b, shape, b.at(n["x"], b.times(row, bytes_of_row)), b.at(n["a"], b.times(s, shape.row)), copy)

        b.loop(n["first"], n["last"], example)

    arguments: list[tuple[str, ir.Type]] = [("x", POINTER), ("order", POINTER), ("examples", INDEX), ("first", INDEX)]
    return module.function(
        "gather", [*arguments, ("last", INDEX), ("a", POINTER), ("panel", INDEX), ("units", INDEX)], build
    )


def scatter(module: Module, shape: Panel) -> ir.Function:
    """Outputs from panels into plain rows: arguments y (the rows), a (the first panel of the last layer),
    the bytes from panel to panel, how many examples, and how many units the layer has."""

    def build(b: Block) -> None:
        n = b.named
        bytes_of_row = b.times(n["units"], shape.numbers.bytes)

        def example(s: ir.Value) -> None:
            def copy(plain: ir.Value, paneled: ir.Value, lanes: ir.Value | None) -> None:
                b.store_only(b.load(paneled), plain, lanes)

            each_place(b, shape, b.at(n["y"], b.times(s, bytes_of_row)), b.at(n["a"], b.times(s, shape.row)), copy)

        b.loop(0, n["examples"], example)

    arguments: list[tuple[str, ir.Type]] = [("y", POINTER), ("a", POINTER), ("panel", INDEX), ("examples", INDEX)]
    return module.function("scatter", [*arguments, ("units", INDEX)], build)
