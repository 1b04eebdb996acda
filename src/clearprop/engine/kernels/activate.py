"""Activations: from the weighted sums of a panel to its outputs, and back through the local derivative.

The rule is read from its expression; here are only the loops over rows and vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.emit import Emitter
from clearprop.engine.module import Module
from clearprop.engine.numbers import arguments
from clearprop.engine.panels import Panel
from clearprop.expressions import Expression
from clearprop.rules.roles import Role


def each_vector(
    b: Block, shape: Panel, units: ir.Value, rows: ir.Value, body: Callable[[ir.Value, ir.Value], None]
) -> None:
    """Loop over every vector in rows of a panel; ``body`` receives its place in bytes and the lanes that are units."""
    lanes, step = shape.numbers.lanes, shape.numbers.lanes * shape.numbers.bytes

    def column(v: ir.Value) -> None:
        units_here = b.first_lanes(b.builder.sub(units, b.times(v, lanes)))
        place = b.times(v, step)
        b.loop(0, rows, lambda s: body(b.add(b.times(s, shape.row), place), units_here))

    b.loop(0, b.quotient(b.add(units, lanes - 1), lanes), column)


def activate(module: Module, shape: Panel, number: int, output: Expression, slope: Expression | None) -> ir.Function:
    """z becomes output(z), and d its slope, if it is needed: arguments z, d, the number of examples,
    and the number of units in the panel. The other lanes become zero.

    The slope is computed together with the output: they share common parts.
    """

    def build(b: Block) -> None:
        n = b.named

        def vector(at: ir.Value, lanes: ir.Value) -> None:
            place = b.at(n["z"], at)
            values: dict[Hashable, ir.Value] = {Role.SUM: b.load(place)}
            emitter = Emitter(b.builder, b.numbers.vector, fma=b.numbers.fma)
            b.store(b.only(emitter.emit(output, values), lanes), place)
            if slope is not None:
                b.store(b.only(emitter.emit(slope, values), lanes), b.at(n["d"], at))

        each_vector(b, shape, n["units"], n["examples"], vector)

    kind = "activate" if slope is None else "activate_with_slope"
    return module.function(f"{kind}_{number}", arguments("z d examples units"), build)


def times(module: Module, shape: Panel) -> ir.Function:
    """d becomes d·u, for a panel of signals: arguments d, u, the numbers of examples and of units."""

    def build(b: Block) -> None:
        n = b.named

        def vector(at: ir.Value, lanes: ir.Value) -> None:
            place = b.at(n["d"], at)
            b.store(b.only(b.builder.fmul(b.load(place), b.load(b.at(n["u"], at))), lanes), place)

        each_vector(b, shape, n["units"], n["examples"], vector)

    return module.function("times", arguments("d u examples units"), build)
