"""Inference: outputs, or errors, for any number of examples."""

from __future__ import annotations

from abc import abstractmethod

from llvmlite import ir

from clearprop.engine.forward import Forward
from clearprop.engine.kernels.errors import Output
from clearprop.engine.kernels.finite import require_finite
from clearprop.engine.kernels.gather import gather, scatter


class Inference(Forward):
    """The common part of ``predict`` and ``errors``: the forward pass, block by block."""

    def build(self) -> None:
        """Build all blocks of this worker."""
        b = self.b
        rows, worker, workers = self.field("rows", pointer=False), b.named["worker"], b.named["workers"]
        self.parameters = self.field("parameters")
        self.panel = b.times(rows, self.row)
        # Inference needs no signals: their place is never touched.
        own = b.times(b.times(worker, self.panel), self.field("panels", pointer=False))
        self.activations = b.at(self.field("activations"), own)
        self.count, self.order = self.field("examples", pointer=False), self.field("order")
        self.inputs = self.field("inputs")

        def block(first: ir.Value) -> None:
            self.block(first, b.smaller(b.builder.sub(self.count, first), rows))

        b.loop(b.times(rows, worker), self.count, block, by=b.times(rows, workers))

    @abstractmethod
    def block(self, first: ir.Value, examples: ir.Value) -> None:
        """Compute this number of examples, from the first one on."""

    def forward(self, first: ir.Value, examples: ir.Value, rows: int) -> None:
        """The forward pass of these examples, in whole tiles of rows."""
        b, zero = self.b, self.b.integer(0)
        whole = b.times(b.quotient(b.add(examples, rows - 1), rows), rows)
        here = b.at(self.order, b.times(first, 8))
        kernel = gather(self.module, self.shape)
        self.call(kernel, self.inputs, here, examples, zero, whole, self.a(zero), self.panel, self.of(zero, "units"))
        self.each_layer(lambda layer: self.layer(layer, zero, whole, rows, training=False))


class Errors(Inference):
    """Builds the function ``errors``: the error of each example."""

    @property
    def leaves_sums(self) -> bool:
        """Whether the last layer's sums are left alone."""
        return self.program.fused is not None

    def block(self, first: ir.Value, examples: ir.Value) -> None:
        """The errors of these examples."""
        b, program = self.b, self.program
        self.forward(first, examples, program.tile.rows)
        output = Output(self.module, self.shape, program.loss, program.fused, True, program.weighted)
        a, there = self.a(self.depth), b.at(self.field("outputs"), b.times(first, 8))
        given = b.at(self.order, b.times(first, 8)), self.field("targets"), self.field("weights")
        units, share = self.of(self.depth, "units"), self.number(self.share)
        self.call(output.errors(), a, a, self.panel, units, 0, examples, examples, *given, share, there)


class Predict(Inference):
    """Builds the function ``predict``: the outputs."""

    def block(self, first: ir.Value, examples: ir.Value) -> None:
        """Compute the outputs of these examples, and whether all are finite; a few examples are computed one by one."""
        b, rows, units = self.b, self.program.tile.rows, self.of(self.depth, "units")
        with b.builder.if_else(b.builder.icmp_signed("<", examples, b.integer(rows // 2))) as (few, many):
            with few:
                self.forward(first, examples, 1)
            with many:
                self.forward(first, examples, rows)
        for layer in (b.integer(0), self.depth):
            check, seen = require_finite(self.module, self.shape), (self.of(layer, "units"), examples)
            self.call(check, self.a(layer), self.panel, *seen, self.field("unfit"))
        there = b.at(self.field("outputs"), b.times(b.times(first, units), self.shape.numbers.bytes))
        self.call(scatter(self.module, self.shape), there, self.a(self.depth), self.panel, examples, units)
