"""Steps of training: forward, backward and the update of all weights; and both halves of a step alone.

In a step every worker takes some of the batch's examples through all layers, forward and back; then,
when all have done so, some tiles of the gradient, and updates their weights at once. No number is ever
added up across workers: the bits do not depend on the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import NamedTuple

from llvmlite import ir

from clearprop.engine.block import SUM, Block
from clearprop.engine.calling import COUNTS, LOSSES
from clearprop.engine.kernels.activate import times
from clearprop.engine.kernels.dropout import drop
from clearprop.engine.kernels.errors import Output
from clearprop.engine.kernels.gather import gather
from clearprop.engine.kernels.softmax import pull_back
from clearprop.engine.kernels.subnormal import flushed
from clearprop.engine.kernels.update import added_up
from clearprop.engine.module import Module
from clearprop.engine.numbers import INDEX
from clearprop.engine.program import Program
from clearprop.engine.update_phase import Weights
from clearprop.rules.activations import Softmax
from clearprop.rules.optimizers import SGD
from clearprop.rules.penalties import Penalty

LANES = SUM // 8


class Part(NamedTuple):
    """A worker's part of a batch: the order and the number of all its examples, and the first and the last to take."""

    order: ir.Value
    count: ir.Value
    low: ir.Value
    high: ir.Value


class Steps(Weights):
    """Builds the function ``train``."""

    def build(self) -> None:
        """Build all steps."""
        b = self.b
        self.activations, self.parameters = self.field("activations"), self.field("parameters")
        self.panel = b.times(self.field("rows", pointer=False), self.row)
        self.transposed, self.inputs = self.field("transposed"), self.field("inputs")
        self.targets, self.weights = self.field("targets"), self.field("weights")
        own = b.times(b.add(self.examples_at_a_time, self.shape.width), self.row)
        self.scratch = b.at(self.field("scratch"), b.times(own, b.named["worker"]))
        self.remembered = self.field("remembered", pointer=False)
        self.rows = 1 if self.program.alone else self.program.tile.rows
        self.clip = (ir.Constant(self.shape.numbers.scalar, 1.0),) * 2
        self.arrived = b.builder.alloca(INDEX)
        b.builder.store(b.integer(0), self.arrived)
        bounds, keys, parts, order = (self.field(name) for name in ("bounds", "keys", "parts", "order"))
        part_bytes, key_bytes = self.field("part_bytes", pointer=False), self.field("key_bytes", pointer=False)
        losses, counts = self.field("losses"), self.field("counts")

        steps = self.field("steps", pointer=False)

        def step(number: ir.Value) -> None:
            here = b.at(bounds, b.times(number, 8))
            first, end = b.load_integer(here), b.load_integer(b.at(here, 8))
            # Behind the last step's bounds is nothing.
            after = b.smaller(b.add(number, 2), steps)
            self.following = (
                b.builder.sub(b.load_integer(b.at(bounds, b.times(after, 8))), end),
                b.at(order, b.times(end, 8)),
            )
            self.keys, self.parts = b.at(keys, b.times(number, key_bytes)), b.at(parts, b.times(number, part_bytes))
            self.losses, self.counts = (
                b.at(losses, b.times(number, LOSSES * 8)),
                b.at(counts, b.times(number, COUNTS * 8)),
            )
            self.step(b.at(order, b.times(first, 8)), b.builder.sub(end, first))

        with flushed(b, self.module, x86=self.program.x86):
            b.loop(0, steps, step)

    @property
    def leaves_sums(self) -> bool:
        """Whether the last layer's sums are left alone."""
        return self.program.fused_in_training is not None

    def share_of_each(self) -> ir.Value:
        """Return the factor of the signal of an output in this step's batch."""
        b, double = self.b, ir.DoubleType()
        divisor = b.builder.load(self.counts, typ=double, align=8)
        return b.narrowed(b.builder.fdiv(b.builder.load(self.share, typ=double, align=8), divisor))

    def step(self, order: ir.Value, count: ir.Value) -> None:
        """Build one step: first the examples, then the weights."""
        if not self.program.whole_gradient:
            self.examples(order, count, self.share_of_each(), self.field("errors"))
            self.barrier()
            self.note_errors(count)
            self.tiles(count, self.b.integer(0))
        else:
            self.sum_up(order, count)
            self.note_errors(count)
            self.finish()
        self.barrier()
        self.note_penalty()

    def note_errors(self, count: ir.Value) -> None:
        """Let one worker add up the errors of the step's examples, in their order."""
        b, errors = self.b, self.field("errors")
        with b.builder.if_then(self.is_(b.named["worker"], 0)):
            whole = b.builder.and_(count, b.integer(-LANES))

            def add(s: ir.Value, total: ir.Value) -> list[ir.Value]:
                error = b.builder.load(b.at(errors, b.times(s, 8)), typ=ir.DoubleType(), align=8)
                return [b.builder.fadd(total, error)]

            (total,) = b.loop(whole, count, add, [added_up(b, errors, whole)])
            b.builder.store(total, self.losses, align=8)

    def note_penalty(self) -> None:
        """Let one worker add up the penalties of the weights before the step; the others may go on."""
        if not self.program.penalty:
            return
        b = self.b
        with b.builder.if_then(self.is_(b.named["worker"], 0)):
            total = added_up(b, self.field("penalties"), self.field("sums", pointer=False))
            b.builder.store(total, b.at(self.losses, 8), align=8)

    def sum_up(self, order: ir.Value, count: ir.Value) -> None:
        """Add up the whole gradient; if there is no room for all examples, in parts."""
        b, rows, share = self.b, self.field("rows", pointer=False), self.share_of_each()
        errors = self.field("errors")

        def some(first: ir.Value) -> None:
            examples, place = b.smaller(b.builder.sub(count, first), rows), b.times(first, 8)
            self.examples(b.at(order, place), examples, share, b.at(errors, place))
            self.barrier()
            self.tiles(examples, first)
            self.barrier()

        b.loop(0, count, some, by=rows)

    # --- examples ---------------------------------------------------------------------------------

    def examples(self, order: ir.Value, count: ir.Value, share: ir.Value, errors: ir.Value) -> None:
        """Forward and back, for this worker's examples, whose errors are noted."""
        b, last, zero = self.b, self.depth, self.b.integer(0)
        low, high = self.share_of_examples(count)
        part = Part(order, count, low, high)
        kernel = gather(self.module, self.shape)
        self.call(kernel, self.inputs, *part, self.a(zero), self.panel, self.of(zero, "units"))

        def forward(layer: ir.Value) -> None:
            self.layer(layer, low, high, self.rows, training=True)
            if self.program.dropped:
                a, d, whole = self.a(layer), self.d(layer), self.if_softmax(layer)
                # A softmax keeps its outputs whole beside, for its Jacobian.
                self.drop(layer, part, a, d if whole is None else b.builder.select(whole, a, d))

        self.each_layer(forward)
        program, whole = self.program, self.if_softmax(last)
        sloped = not isinstance(program.last, Softmax)
        output = Output(self.module, self.shape, program.loss, program.fused_in_training, sloped, program.weighted)
        # The signals of a softmax that is not fused stand aside: its outputs are needed again.
        d = self.d(last) if whole is None else b.builder.select(whole, self.u(), self.d(last))
        given = order, self.targets, self.weights, self.number(self.share), errors, share
        units = self.of(last, "units")
        self.call(output.signals(), self.a(last), d, self.panel, units, low, high, count, *given)
        self.through_softmax(last, part)
        b.loop(1, last, lambda k: self.back(b.builder.sub(b.add(last, 1), k), part))

    def share_of_examples(self, count: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Return this worker's first and last example: whole tiles, whose bits are the same on any worker."""
        b, rows = self.b, self.rows
        low, high = self.worker_share(b.quotient(b.add(count, rows - 1), rows))
        return b.times(low, rows), b.times(high, rows)

    def drop(self, layer: ir.Value, part: Part, a: ir.Value, d: ir.Value) -> None:
        """Dropout in one or two places, if the layer has any."""
        b, number = self.b, self.of(layer, "dropped")
        with b.builder.if_then(b.builder.icmp_signed(">=", number, b.integer(0))):
            key = b.load_integer(b.at(self.keys, b.times(number, 8)))
            hashes = b.at(self.field("hashes"), self.of(layer, "hashes"))
            drawn = key, hashes, self.of(layer, "least"), self.number(self.word(layer, "kept"))
            units = self.of(layer, "units")
            self.call(drop(self.module, self.shape), *drawn, *part, a, d, self.panel, units)

    def u(self) -> ir.Value:
        """Return the address of ∂E/∂output of a softmax layer."""
        return self.b.at(self.activations, self.b.times(self.panel, self.field("aside", pointer=False)))

    def through_softmax(self, layer: ir.Value, part: Part) -> None:
        """Compute ∂E/∂sum from ∂E/∂output, if this is a softmax layer."""
        whole = self.if_softmax(layer)
        if whole is None:
            return
        with self.b.builder.if_then(whole):
            if self.program.dropped:
                self.drop(layer, part, self.u(), self.u())
            kernel, units = pull_back(self.module, self.shape), self.of(layer, "units")
            self.call(kernel, self.d(layer), self.u(), self.panel, units, part.low, part.high)

    def back(self, layer: ir.Value, part: Part) -> None:
        """Compute the error signals of the layer before: δ W, times the local derivative."""
        b, before, whole = self.b, self.before(layer), self.if_softmax(self.before(layer))
        inputs = self.of(layer, "units")
        turned = b.at(self.transposed, self.of(layer, "transposed"))
        bytes_of_panel = b.times(self.of(layer, "turned"), self.row)
        zeros = b.zeros(self.row)

        def block(s: ir.Value, examples: ir.Value) -> None:
            d = b.at(self.d(layer), s)

            def group(first: ir.Value, count: ir.Value, units: ir.Value) -> None:
                here, w = b.times(first, self.panel), b.at(turned, b.times(first, bytes_of_panel))
                u = self.scratch if whole is None else b.builder.select(whole, b.at(self.u(), here, s), self.scratch)
                given = d, self.panel, inputs, w, zeros, u, examples
                self.product(self.rows, count, units, (bytes_of_panel, b.integer(0)), *given)

                def panel(p: ir.Value) -> None:
                    product = b.at(u, b.times(b.builder.sub(p, first), self.panel))
                    there = b.at(self.d(before), b.times(p, self.panel), s)
                    self.call(times(self.module, self.shape), there, product, examples, self.units_of(before, p))

                with nullcontext() if whole is None else b.builder.if_then(b.builder.not_(whole)):
                    b.loop(first, b.add(first, count), panel)

            self.each_group(before, self.rows, group)

        self.each_block(part.low, part.high, block)
        self.through_softmax(before, part)

    def each_panel(self, layer: ir.Value, body: Callable[[ir.Value, ir.Value], None]) -> None:
        """Build a loop over all panels of a layer, which does nothing once the work is stopped."""

        def panel(p: ir.Value, units: ir.Value) -> None:
            with self.unless_stopped():
                body(p, units)

        super().each_panel(layer, panel)


class Gradient(Steps):
    """Builds the function ``gradient``: a step without the update, its whole gradient with the penalty's in memory."""

    def __init__(self, program: Program, module: Module, b: Block) -> None:
        super().__init__(replace(program, optimizer=SGD(), whole_gradient=True), module, b)

    def step(self, order: ir.Value, count: ir.Value) -> None:
        """Build the gradient of these examples."""
        self.sum_up(order, count)
        # The pass that takes the squares also adds the penalty, and adds up what is shared.
        self.each_layer(self.squares)
        self.barrier()


class Apply(Steps):
    """Builds the function ``apply``: the second half of a step, from a whole gradient with the penalty's in it."""

    def __init__(self, program: Program, module: Module, b: Block) -> None:
        super().__init__(replace(program, penalty=Penalty(), whole_gradient=True), module, b)

    def step(self, order: ir.Value, count: ir.Value) -> None:
        """Build the update of all weights."""
        self.finish()
        self.barrier()
