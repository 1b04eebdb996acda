"""Dropout: the same hash of (seed, step, layer, unit, example) as everywhere, in vectors of integers."""

from __future__ import annotations

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.kernels.gather import position
from clearprop.engine.module import Module
from clearprop.engine.numbers import arguments
from clearprop.engine.panels import Panel
from clearprop.propagation.dropout import FIRST, MULTIPLIERS, SHIFTS

BITS = ir.IntType(64)


def drop(module: Module, shape: Panel) -> ir.Function:
    """Dropped units become zero, the others are scaled up, in two places at once: the outputs
    and their slopes (which may be the same place).

    Arguments: key (the hash of seed, step and layer), hashes (of the units), least (of a unit's 53 bits, to be
    kept), what is kept is multiplied with, order (the numbers of the batch's examples), how many, the first and
    the last to look at, a, d, the bytes from panel to panel of both, and how many units the layer has.
    """
    lanes = shape.numbers.lanes
    kind = ir.VectorType(BITS, lanes)

    def constant(value: int) -> ir.Constant:
        return ir.Constant(kind, [value] * lanes)

    def build(b: Block) -> None:
        n = b.named

        def mix(value: ir.Value) -> ir.Value:
            i = b.builder
            value = i.add(value, constant(FIRST))
            for shift, factor in zip(SHIFTS, MULTIPLIERS, strict=False):
                value = i.mul(i.xor(value, i.lshr(value, constant(shift))), constant(factor))
            return i.xor(value, i.lshr(value, constant(SHIFTS[-1])))

        least, scale = b.spread_as(kind, n["least"]), b.spread(n["kept"])

        def example(s: ir.Value) -> None:
            of_example = mix(b.spread_as(kind, b.builder.xor(n["key"], position(b, s))))

            def vector(number: ir.Value) -> None:
                hashed = b.builder.load(b.at(n["hashes"], b.times(number, lanes * 8)), typ=kind, align=8)
                cell = b.builder.lshr(mix(b.builder.xor(of_example, hashed)), constant(11))
                factor = b.only(scale, b.builder.icmp_unsigned(">=", cell, least))
                panel = b.times(b.quotient(number, shape.vectors), n["panel"])
                inside = b.times(b.remainder(number, shape.vectors), lanes * shape.numbers.bytes)
                places = [b.at(n[name], panel, b.times(s, shape.row), inside) for name in ("a", "d")]
                for place, value in [(place, b.builder.fmul(b.load(place), factor)) for place in places]:
                    b.store(value, place)

            b.loop(0, b.quotient(b.add(n["units"], lanes - 1), lanes), vector)

        b.loop(n["first"], n["last"], example)

    names = "key hashes least kept order examples first last a d panel units"
    return module.function("drop", arguments(names, kept=shape.numbers.scalar), build)
