"""Gradients: G[k][u] = Σ_s A[s][k] · δ[s][u], the sum over the examples of a batch.

A tile of G, some inputs by the vectors of a panel, stays in registers while s runs. There is nothing to
add up across lanes or threads: whoever computes a tile sees all examples, in their order, and so the
bits do not depend on the number of threads.
"""

from __future__ import annotations

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.module import Module
from clearprop.engine.numbers import arguments
from clearprop.engine.panels import Panel

BLOCK = 128
"""Examples whose activations and error signals fit the innermost cache together."""

UNROLLED = 4
"""Examples that follow each other without a jump."""

Values = list[ir.Value]


def gradient(module: Module, shape: Panel, inputs: int, vectors: int) -> ir.Function:
    """Return the kernel for a panel of inputs and a panel of units of ``vectors`` vectors, ``inputs`` at a time.

    Arguments: a and d (panels of activations and of signals), the number of examples, g (rows of a panel, one
    per input), the number of inputs, and whether to continue from g. Rows of g up to the next
    multiple of ``inputs`` are written as well.
    """

    def build(b: Block) -> None:
        n, row, step = b.named, shape.row, shape.numbers.lanes * shape.numbers.bytes

        def block(low: ir.Value) -> None:
            high = b.smaller(b.add(low, BLOCK), n["examples"])
            fresh = b.builder.icmp_signed("==", b.builder.or_(low, n["going_on"]), b.integer(0))

            def tile(k: ir.Value) -> None:
                a, g = b.at(n["a"], b.times(k, shape.numbers.bytes)), b.at(n["g"], b.times(k, row))
                sums = starting(b, shape, g, fresh, inputs, vectors)

                def example(s: ir.Value, *sums: ir.Value) -> Values:
                    here = b.times(s, row)
                    at, signals = b.at(a, here), b.at(n["d"], here)
                    d = [b.load(b.at(signals, v * step)) for v in range(vectors)]
                    following = []
                    for r in range(inputs):
                        x = b.spread(b.load_number(b.at(at, r * shape.numbers.bytes)))
                        following += [b.multiply_add(x, d[v], sums[r * vectors + v]) for v in range(vectors)]
                    return following

                even = b.builder.sub(high, b.builder.and_(b.builder.sub(high, low), b.integer(UNROLLED - 1)))

                def examples(s: ir.Value, *sums: ir.Value) -> Values:
                    for u in range(UNROLLED):
                        sums = tuple(example(b.add(s, u), *sums))
                    return list(sums)

                sums = b.loop(low, even, examples, sums, by=UNROLLED)
                sums = b.loop(even, high, example, sums)
                for position, total in enumerate(sums):
                    r, v = divmod(position, vectors)
                    b.store(total, b.at(g, r * row + v * step))

            b.loop(0, n["inputs"], tile, by=inputs)

        b.loop(0, n["examples"], block, by=BLOCK)

    return module.function(f"gradient_{vectors}", arguments("a d examples g inputs going_on"), build)


def starting(b: Block, shape: Panel, g: ir.Value, fresh: ir.Value, rows: int, vectors: int) -> Values:
    """The sums to begin with: zeros, or what stands in g."""
    zeros = b.zeros(shape.row)
    source = b.builder.select(fresh, zeros, g)
    stride = b.builder.select(fresh, b.integer(0), b.integer(shape.row))
    step = shape.numbers.lanes * shape.numbers.bytes
    return [b.load(b.at(source, b.times(stride, r), v * step)) for r in range(rows) for v in range(vectors)]


def bias_gradient(module: Module, shape: Panel) -> ir.Function:
    """G[u] = Σ_s δ[s][u] for a panel of units: arguments d, the number of examples, g (one row), and whether
    to continue from g."""

    def build(b: Block) -> None:
        n, step = b.named, shape.numbers.lanes * shape.numbers.bytes
        fresh = b.builder.icmp_signed("==", n["going_on"], b.integer(0))
        sums = starting(b, shape, n["g"], fresh, 1, shape.vectors)

        def example(s: ir.Value, *sums: ir.Value) -> Values:
            d = b.at(n["d"], b.times(s, shape.row))
            return [b.builder.fadd(total, b.load(b.at(d, v * step))) for v, total in enumerate(sums)]

        for v, total in enumerate(b.loop(0, n["examples"], example, sums)):
            b.store(total, b.at(n["g"], v * step))

    return module.function("bias_gradient", arguments("d examples g going_on"), build)
