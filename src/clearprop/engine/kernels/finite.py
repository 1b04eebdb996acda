"""Looking for numbers that are none: of what was gathered, and of what came out."""

from __future__ import annotations

from llvmlite import ir

from clearprop.engine.block import Block, reduced
from clearprop.engine.module import Module
from clearprop.engine.numbers import arguments
from clearprop.engine.panels import Panel


def require_finite(module: Module, shape: Panel) -> ir.Function:
    """Put a 1 at ``unfit`` if NaN or infinity stands among the activations of a layer.

    Arguments: a (the first panel), the bytes from panel to panel, the numbers of units and examples, and unfit.
    """

    def build(b: Block) -> None:
        n, i, numbers = b.named, b.builder, shape.numbers
        bits = ir.VectorType(ir.IntType(8 * numbers.bytes), numbers.lanes)

        def vector(number: ir.Value, seen: ir.Value) -> list[ir.Value]:
            inside = b.times(b.remainder(number, shape.vectors), numbers.lanes * numbers.bytes)
            a = b.at(n["a"], b.times(b.quotient(number, shape.vectors), n["panel"]), inside)

            def example(s: ir.Value, seen: ir.Value) -> list[ir.Value]:
                # Zero times a number is zero, but for NaN and infinity. Bits are combined faster than
                # numbers are added, and those of a NaN with others are still a NaN's.
                zero = i.fmul(b.load(b.at(a, b.times(s, shape.row))), b.constant(0.0))
                return [i.or_(seen, i.bitcast(zero, bits))]

            return b.loop(0, n["examples"], example, [seen])

        vectors = b.quotient(b.add(n["units"], numbers.lanes - 1), numbers.lanes)
        (seen,) = b.loop(0, vectors, vector, [ir.Constant(bits, [0] * numbers.lanes)])
        total = reduced(b, "fadd", i.bitcast(seen, numbers.vector))
        with i.if_then(i.fcmp_unordered("uno", total, total)):
            i.store(b.integer(1), n["unfit"], align=8)

    return module.function("require_finite", arguments("a panel units examples unfit"), build)
