"""Gathering: the inputs of a batch's examples, row by row, into panels; and outputs back into rows."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.module import Module
from clearprop.engine.numbers import arguments
from clearprop.engine.panels import Panel

Copy = Callable[[ir.Value, ir.Value, ir.Value | None], None]


class Places:
    """All vectors of a layer, one example after the other."""

    def __init__(self, b: Block, shape: Panel) -> None:
        self.b, self.shape, lanes = b, shape, shape.numbers.lanes
        self.step = lanes * shape.numbers.bytes
        self.full, left = b.quotient(b.named["units"], lanes), b.remainder(b.named["units"], lanes)
        # The same for all examples, so found but once.
        self.some, self.there = b.builder.icmp_signed(">", left, b.integer(0)), b.first_lanes(left)

    def each(self, row: ir.Value, a: ir.Value, copy: Copy) -> None:
        """``copy`` is given the place in a plain row, the place among panels, and which lanes there are (None
        for all)."""
        b, shape = self.b, self.shape

        def vector(number: ir.Value, there: ir.Value | None) -> None:
            panel = b.times(b.quotient(number, shape.vectors), b.named["panel"])
            inside = b.times(b.remainder(number, shape.vectors), self.step)
            copy(b.at(row, b.times(number, self.step)), b.at(a, panel, inside), there)

        b.loop(0, self.full, lambda number: vector(number, None))
        with b.builder.if_then(self.some):
            vector(self.full, self.there)


def position(b: Block, s: ir.Value) -> ir.Value:
    """Return the position of a batch's example among all; beyond the last, that of the last."""
    number = b.smaller(s, b.builder.sub(b.named["examples"], b.integer(1)))
    return b.load_integer(b.at(b.named["order"], b.times(number, 8)))


def gather(module: Module, shape: Panel) -> ir.Function:
    """Arguments: x (all inputs), order (the positions of the batch's examples), their number, the
    first and the last to gather, a (the first panel), the bytes from panel to panel of a, and the number of inputs
    an example has.

    Beyond the last example, it is repeated: a tile may be wider than what is left of the batch.
    """

    def build(b: Block) -> None:
        n, places = b.named, Places(b, shape)
        bytes_of_row = b.times(n["units"], shape.numbers.bytes)

        def example(s: ir.Value) -> None:
            row = position(b, s)

            def copy(plain: ir.Value, paneled: ir.Value, lanes: ir.Value | None) -> None:
                b.store(b.load_only(plain, lanes), paneled)

            places.each(b.at(n["x"], b.times(row, bytes_of_row)), b.at(n["a"], b.times(s, shape.row)), copy)

        b.loop(n["first"], n["last"], example)

    return module.function("gather", arguments("x order examples first last a panel units"), build)


LINE = 64
"""The bytes of a cache line."""


def fetch(module: Module, shape: Panel) -> ir.Function:
    """Bring some inputs of some examples nearer, those of a panel: they are gathered for the next batch.

    Arguments: x (the panel's first input of the first of all examples), order (positions), the first and the last
    example in it, and the number of inputs an example has.
    """

    def build(b: Block) -> None:
        n = b.named
        bytes_of_row = b.times(n["units"], shape.numbers.bytes)

        def example(s: ir.Value) -> None:
            row = b.at(n["x"], b.times(b.load_integer(b.at(n["order"], b.times(s, 8))), bytes_of_row))
            for line in range(0, shape.row, LINE):
                b.prefetch(b.at(row, line))

        b.loop(n["first"], n["last"], example)

    return module.function("fetch", arguments("x order first last units"), build)


def scatter(module: Module, shape: Panel) -> ir.Function:
    """Outputs from panels into plain rows: arguments y (the rows), a (the first panel of the last layer),
    the bytes from panel to panel, the number of examples, and the number of units of the layer."""

    def build(b: Block) -> None:
        n, places = b.named, Places(b, shape)
        bytes_of_row = b.times(n["units"], shape.numbers.bytes)

        def example(s: ir.Value) -> None:
            def copy(plain: ir.Value, paneled: ir.Value, lanes: ir.Value | None) -> None:
                b.store_only(b.load(paneled), plain, lanes)

            places.each(b.at(n["y"], b.times(s, bytes_of_row)), b.at(n["a"], b.times(s, shape.row)), copy)

        b.loop(0, n["examples"], example)

    return module.function("scatter", arguments("y a panel examples units"), build)
