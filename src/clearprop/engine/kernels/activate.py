"""Activations: from the weighted sums of a panel to its outputs, and back through the local derivative.

What a rule says is read from its expression; here are only the loops over rows and vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from llvmlite import ir

from clearprop.engine.block import INDEX, POINTER, Block, Module
from clearprop.engine.emit import Emitter
from clearprop.engine.panels import Panels
from clearprop.expressions import Expression
from clearprop.rules.roles import Role


def each_vector(
    b: Block, panels: Panels, units: int, rows: ir.Value, body: Callable[[ir.Value, int, ir.Value | None], None]
) -> None:
    """Every vector of a panel with so many units: ``body`` is given its place in bytes, its number in the
    row, and which of its lanes are units (None for all)."""
    lanes = panels.numbers.lanes

    def line(s: ir.Value) -> None:
        at = b.times(s, panels.row)
        for v in range(-(-units // lanes)):
            body(b.add(at, v * lanes * panels.numbers.bytes), v, b.lanes_below(units - v * lanes))

    b.loop(0, rows, line)


def only(b: Block, value: ir.Value, lanes: ir.Value | None) -> ir.Value:
    """The value where there are units, and zero in what fills up the panel."""
    return value if lanes is None else b.builder.select(lanes, value, b.constant(0.0))


def activate(
    module: Module, panels: Panels, name: str, output: Expression, slope: Expression | None, units: int
) -> ir.Function:
    """z becomes output(z), and d its slope, if one is asked for: arguments z, d, and how many examples.

    The slope is taken while z is at hand: output and slope share what they have in common.
    """

    def build(b: Block) -> None:
        n = b.named

        def vector(at: ir.Value, _: int, lanes: ir.Value | None) -> None:
            place = b.at(n["z"], at)
            values: dict[Hashable, ir.Value] = {Role.SUM: b.load(place)}
            emitter = Emitter(b.builder, b.numbers.vector, fused=b.numbers.fused)
            b.store(only(b, emitter.emit(output, values), lanes), place)
            if slope is not None:
                b.store(only(b, emitter.emit(slope, values), lanes), b.at(n["d"], at))

        each_vector(b, panels, units, n["examples"], vector)

    kind = "activate" if slope is None else "activate_with_slope"
    arguments = [("z", POINTER), ("d", POINTER), ("examples", INDEX)]
    return module.function(f"{kind}_{name}_{units}", arguments, build)


def times(module: Module, panels: Panels, units: int) -> ir.Function:
    """d becomes d·u, for a panel of signals: arguments d, u, and how many examples."""
    vectors = -(-units // panels.numbers.lanes)

    def build(b: Block) -> None:
        def vector(at: ir.Value, *_: object) -> None:
            place = b.at(b.named["d"], at)
            b.store(b.builder.fmul(b.load(place), b.load(b.at(b.named["u"], at))), place)

        each_vector(b, panels, vectors * panels.numbers.lanes, b.named["examples"], vector)

    return module.function(f"times_{vectors}", [("d", POINTER), ("u", POINTER), ("examples", INDEX)], build)
