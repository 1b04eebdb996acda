"""Transposing: new weights, written once more for the backward pass."""

from __future__ import annotations

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.module import Module
from clearprop.engine.numbers import arguments
from clearprop.engine.panels import Panel

SIDE = 8
"""The side of a square that is turned at a time, if a vector is that wide: the shuffles of larger ones save a
little time, and cost LLVM a lot of it."""


def transpose(module: Module, shape: Panel) -> ir.Function:
    """A square of weights, w (rows are inputs) to wt (rows are units): arguments w, wt, and the
    numbers of inputs and units, both in whole vectors."""
    side = min(SIDE, shape.numbers.lanes)
    kind = ir.VectorType(shape.numbers.scalar, side)

    def build(b: Block) -> None:
        n, size, row = b.named, shape.numbers.bytes, shape.row

        def inputs(k: ir.Value) -> None:
            def units(u: ir.Value) -> None:
                w = b.at(n["w"], b.times(k, row), b.times(u, size))
                wt = b.at(n["wt"], b.times(u, row), b.times(k, size))
                rows = [b.builder.load(b.at(w, r * row), typ=kind, align=size) for r in range(side)]
                for r, vector in enumerate(turned(b, rows)):
                    b.builder.store(vector, b.at(wt, r * row), align=size)

            b.loop(0, n["units"], units, by=side)

        b.loop(0, n["inputs"], inputs, by=side)

    return module.function("transpose", arguments("w wt inputs units"), build)


def turned(b: Block, rows: list[ir.Value]) -> list[ir.Value]:
    """The transpose of a square of vectors: halves change places, then quarters, and so on."""
    lanes, span = len(rows), len(rows) // 2
    while span:
        low = [lane if not lane & span else lane - span + lanes for lane in range(lanes)]
        high = [lane + span if not lane & span else lane + lanes for lane in range(lanes)]
        following = list(rows)
        for r in range(lanes):
            if not r & span:
                following[r] = _shuffled(b, rows[r], rows[r + span], low)
                following[r + span] = _shuffled(b, rows[r], rows[r + span], high)
        rows, span = following, span // 2
    return rows


def _shuffled(b: Block, one: ir.Value, other: ir.Value, lanes: list[int]) -> ir.Value:
    kind = ir.VectorType(ir.IntType(32), len(lanes))
    return b.builder.shuffle_vector(one, other, ir.Constant(kind, lanes))
