"""Inference: outputs, or errors, for as many examples as are asked for."""

from __future__ import annotations

from llvmlite import ir

from clearprop.engine.forward import Forward
from clearprop.engine.kernels.errors import Output
from clearprop.engine.kernels.gather import gather, scatter


class Inference(Forward):
    """Builds the functions ``predict`` and ``errors``."""

    def build(self, name: str) -> None:
        """``predict`` writes outputs, ``errors`` the error of each example."""
        b = self.b
        rows = self.field("rows", pointer=False)
        worker, workers = b.named["worker"], b.named["workers"]
        self.parameters = self.field("parameters")
        self.panel = b.times(rows, self.row)
        # Signals are not needed: what stands in their place is never touched.
        self.activations = b.at(self.field("activations"), b.times(b.times(worker, self.panel), self.starts[-1]))
        count, order, inputs = self.field("examples", pointer=False), self.field("order"), self.field("inputs")
        output = Output(self.module, self.panels, training=False, weighted=self.weighted)
        size = 8 if name == "errors" else self.network.sizes[-1] * self.panels.numbers.bytes
        sums = name == "errors" and output.joined is not None

        def block(first: ir.Value) -> None:
            examples = b.smaller(b.builder.sub(count, first), rows)
            here = b.at(order, b.times(first, 8))
            low = b.integer(0)
            self.call(gather(self.module, self.panels), inputs, here, examples, low, examples, self.a(0), self.panel)
            for layer in range(1, self.depth + 1):
                joined = sums and layer == self.depth
                self.layer(layer, low, examples, training=False, outputs=not joined)
            a, there = self.a(self.depth), b.at(self.field("outputs"), b.times(first, size))
            if name == "predict":
                self.call(scatter(self.module, self.panels), there, a, self.panel, examples)
            else:
                given = self.field("targets"), self.field("weights"), there
                self.call(output.errors(), a, a, self.panel, low, examples, examples, here, *given)

        b.loop(b.times(rows, worker), count, block, by=b.times(rows, workers))
