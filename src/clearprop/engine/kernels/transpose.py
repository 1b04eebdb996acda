"""Transposing: new weights, written once more for the backward pass."""

from __future__ import annotations

from llvmlite import ir

from clearprop.engine.block import INDEX, POINTER, Block, Module
from clearprop.engine.panels import Panels


def transpose(module: Module, panels: Panels) -> ir.Function:
    """A square of weights, w (rows are inputs) to wt (rows are units): arguments w, wt, and how many
    inputs and units, both in whole vectors."""

    def build(b: Block) -> None:
        n, lanes, size, row = b.named, panels.numbers.lanes, panels.numbers.bytes, panels.row

        def inputs(k: ir.Value) -> None:
            def units(u: ir.Value) -> None:
                w = b.at(n["w"], b.times(k, row), b.times(u, size))
                wt = b.at(n["wt"], b.times(u, row), b.times(k, size))
                for r, vector in enumerate(turned(b, [b.load(b.at(w, r * row)) for r in range(lanes)])):
                    b.store(vector, b.at(wt, r * row))

            b.loop(0, n["units"], units, by=lanes)

        b.loop(0, n["inputs"], inputs, by=lanes)

    return module.function("transpose", [("w", POINTER), ("wt", POINTER), ("inputs", INDEX), ("units", INDEX)], build)


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
