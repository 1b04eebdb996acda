"""The product of activations and weights: C[s][u] = start[u] + Σ_k A[s][k] · W[k][u].

The forward pass uses a panel of weights and starts from the biases; the backward pass uses a panel of the
transposed weights and starts from zero. Rows of C are examples, columns the units of one panel. Vectors of
inputs are filled up with zeros, and so are the rows of weights: some of these zeros are added up too.

A tile of C, some examples by the vectors of a panel, stays in registers while k runs. For each k the
weights of the panel's row are loaded once, and each example's activation is spread over a vector. A single
example fills its registers with the vectors of some panels at once. Every sum adds in the order of k: its bits
depend neither on the tile nor on the width of a vector.
"""

from __future__ import annotations

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.module import Module
from clearprop.engine.numbers import arguments
from clearprop.engine.panels import Panel

UNROLLED = 4
"""The most steps of k without a jump between them."""

TOGETHER = 4
"""The panels that a single example takes at once: the sums of one would wait for one another."""

CHUNK = 256
"""The number of inputs whose weights fit the innermost cache; all examples use them before the next come."""

LINE, LINES = 64, 32
"""The bytes of a cache line, and the number of lines that a tile fetches ahead."""

Values = list[ir.Value]


def product(module: Module, shape: Panel, rows: int, vectors: int, panels: int = 1) -> ir.Function:
    """Return the kernel for ``panels`` panels of ``vectors`` vectors, ``rows`` examples at a time.

    Arguments: a (a panel's first row), the bytes from panel to panel of a and c, the number of inputs, w, start, c,
    and the number of examples, in whole tiles; for several panels, the bytes from panel to panel of w and of start.
    """
    several = " w_panel start_panel" if panels > 1 else ""
    return module.function(
        product_name(rows, vectors, panels),
        arguments(f"a panel inputs w start c examples{several}"),
        lambda block: _Product(block, shape, rows, vectors, panels).build(),
    )


def product_name(rows: int, vectors: int, panels: int = 1) -> str:
    """Return the name of that kernel."""
    return f"product_{rows}_{vectors}" + (f"_{panels}" if panels > 1 else "")


class _Product:
    def __init__(self, block: Block, shape: Panel, rows: int, vectors: int, panels: int) -> None:
        self.b, self.shape, self.rows, self.vectors, self.panels = block, shape, rows, vectors, panels
        self.row, self.width = shape.row, shape.width
        self.step = shape.numbers.lanes * shape.numbers.bytes

    def build(self) -> None:
        b, n = self.b, self.b.named
        per_chunk = max(1, CHUNK // self.width)
        panels = b.quotient(b.add(n["inputs"], self.width - 1), self.width)

        def chunk(first: ir.Value) -> None:
            stop = b.smaller(b.add(first, per_chunk), panels)
            # Later chunks continue from C.
            fresh = b.builder.icmp_signed("==", first, b.integer(0))

            ahead, lines = self._ahead(first, stop, per_chunk)

            def tile(s: ir.Value) -> None:
                here = b.at(ahead, b.times(s, LINES * LINE // self.rows))
                b.loop(0, lines, lambda line: b.prefetch(b.at(here, b.times(line, LINE))))
                self._tile(s, first, stop, fresh)

            b.loop(0, n["examples"], tile, by=self.rows)

        b.loop(0, panels, chunk, by=per_chunk)

    def _ahead(self, first: ir.Value, stop: ir.Value, per_chunk: int) -> tuple[ir.Value, ir.Value]:
        """Return the weights used after this chunk, and the number of their lines that each tile fetches ahead.

        Weights of wide layers are far away; the arithmetic of a whole chunk is time enough to bring the next.
        """
        b = self.b
        whole = b.builder.icmp_signed("==", b.builder.sub(stop, first), b.integer(per_chunk))
        lines = b.builder.select(whole, b.integer(LINES), b.integer(0))
        return b.at(self.b.named["w"], b.times(stop, self.width * self.row)), lines

    def _tile(self, s: ir.Value, first: ir.Value, stop: ir.Value, fresh: ir.Value) -> None:
        # for s in tile:
        #     for u in panel:
        #         for k in inputs:
        #             C[s][u] += A[s][k] * W[k][u]
        #
        # with k outermost, u in the lanes of vectors, and all C[s][u] of the tile in registers.
        b, n, size = self.b, self.b.named, self.rows
        a, c = b.at(n["a"], b.times(s, self.row)), b.at(n["c"], b.times(s, self.row))
        stride = b.builder.select(fresh, b.integer(0), b.integer(self.row))
        places = [self._of_panel(j, c, n["panel"]) for j in range(self.panels)]
        sums: Values = []
        for r in range(size):
            for j, place in enumerate(places):
                start = b.builder.select(fresh, self._of_panel(j, n["start"], n.get("start_panel")), place)
                line = b.at(start, b.times(stride, r))
                sums += [b.load(b.at(line, v * self.step)) for v in range(self.vectors)]
        unrolled = min(UNROLLED, self.shape.numbers.lanes)

        def steps(a: ir.Value, w: ir.Value, sums: Values) -> Values:
            lines = [self._of_panel(j, w, n.get("w_panel")) for j in range(self.panels)]
            for u in range(unrolled):
                weights = [
                    b.load(b.at(line, u * self.row + v * self.step)) for line in lines for v in range(self.vectors)
                ]
                for r in range(size):
                    x = b.spread(b.load_number(b.at(a, r * self.row + u * self.shape.numbers.bytes)))
                    for v, weight in enumerate(weights):
                        at = r * len(weights) + v
                        sums[at] = b.multiply_add(x, weight, sums[at])
            return sums

        def panel(p: ir.Value, *sums: ir.Value) -> Values:
            in_a, in_w = b.at(a, b.times(p, n["panel"])), b.at(n["w"], b.times(p, self.width * self.row))

            def body(k: ir.Value, *sums: ir.Value) -> Values:
                at = b.at(in_a, b.times(k, self.shape.numbers.bytes)), b.at(in_w, b.times(k, self.row))
                return steps(*at, list(sums))

            left = b.builder.sub(n["inputs"], b.times(p, self.width))
            return b.loop(0, b.smaller(left, self.width), body, sums, by=unrolled)

        totals = iter(b.loop(first, stop, panel, sums))
        for r in range(size):
            for place in places:
                for v in range(self.vectors):
                    b.store(next(totals), b.at(place, r * self.row + v * self.step))

    def _of_panel(self, number: int, pointer: ir.Value, stride: ir.Value | None) -> ir.Value:
        return self.b.at(pointer, self.b.times(stride, number)) if number and stride is not None else pointer
