"""Dropout: the same hash of (seed, step, layer, unit, example) as everywhere, in vectors of integers."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
from llvmlite import ir

from clearprop.engine.block import INDEX, POINTER, Block, Module
from clearprop.engine.panels import Panels
from clearprop.propagation.dropout import FIRST, MULTIPLIERS, SHIFTS, mixed

BITS = ir.IntType(64)


def drop(module: Module, panels: Panels, layer: int) -> ir.Function:
    """What is dropped of a layer becomes zero, the rest is scaled up, in two places at once: the outputs
    and their slopes (which may be the same place).

    Arguments: key (the hash of seed, step and layer), order (the numbers of the batch's examples), how
    many, the first and the last to look at, a, d, and the bytes from panel to panel of both.
    """
    share = panels.network.layers[layer - 1].dropout
    lanes = panels.numbers.lanes
    kind = ir.VectorType(BITS, lanes)

    def constant(value: int) -> ir.Constant:
        return ir.Constant(kind, [value] * lanes)

    # A unit is kept if its 53 bits, as a number in [0, 1), reach the share; compared as integers.
    least = ceil(Fraction(share) * 2**53)
    units = np.zeros(panels.count(layer) * panels.width, np.uint64)
    units[: panels.network.sizes[layer]] = mixed(np.arange(panels.network.sizes[layer], dtype=np.uint64))
    table = module.constants(f"units_{layer}", BITS, units.tolist())

    def build(b: Block) -> None:
        n = b.named

        def mix(value: ir.Value) -> ir.Value:
            i = b.builder
            value = i.add(value, constant(FIRST))
            for shift, factor in zip(SHIFTS, MULTIPLIERS, strict=False):
                value = i.mul(i.xor(value, i.lshr(value, constant(shift))), constant(factor))
            return i.xor(value, i.lshr(value, constant(SHIFTS[-1])))

        def spread(bits: ir.Value) -> ir.Value:
            first = b.builder.insert_element(ir.Constant(kind, ir.Undefined), bits, ir.Constant(ir.IntType(32), 0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
            return b.builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)

        def example(s: ir.Value) -> None:
            number = b.smaller(s, b.builder.sub(n["examples"], b.integer(1)))
            row = b.load_integer(b.at(n["order"], b.times(number, 8)))
            of_example = mix(spread(b.builder.xor(n["key"], row)))

            def vector(position: ir.Value) -> None:
                hashed = b.builder.load(b.at(table, b.times(position, lanes * 8)), typ=kind, align=8)
                cell = b.builder.lshr(mix(b.builder.xor(of_example, hashed)), constant(11))
                kept = b.builder.icmp_unsigned(">=", cell, constant(least))
                factor = b.builder.select(kept, b.constant(1 / (1 - share)), b.constant(0.0))
                panel = b.times(b.quotient(position, panels.vectors), n["panel"])
                inside = b.times(b.remainder(position, panels.vectors), lanes * panels.numbers.bytes)
                places = [b.at(n[name], panel, b.times(s, panels.row), inside) for name in ("a", "d")]
                for place, value in [(place, b.builder.fmul(b.load(place), factor)) for place in places]:
                    b.store(value, place)

            b.loop(0, panels.padded(layer) // lanes, vector)

        b.loop(n["first"], n["last"], example)

    arguments = [("key", INDEX), ("order", POINTER), ("examples", INDEX), ("first", INDEX), ("last", INDEX)]
    return module.function(f"drop_{layer}", [*arguments, ("a", POINTER), ("d", POINTER), ("panel", INDEX)], build)
