"""The second half of a step: the gradient, tile by tile, and the update of all weights.

Every worker takes some tiles of all layers. Where it may, a tile is updated as soon as its gradient is found; where
the whole gradient is needed first, for its norm or because it is added up in parts, the update is a separate pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from llvmlite import ir

from clearprop.engine.calling import ALIGNMENT, EACH, FIELDS, SHARED
from clearprop.engine.forward import Forward
from clearprop.engine.kernels.barrier import barrier
from clearprop.engine.kernels.gather import fetch
from clearprop.engine.kernels.gradient import bias_gradient, gradient
from clearprop.engine.kernels.transpose import transpose
from clearprop.engine.kernels.update import (
    SQUARE,
    clip_factor,
    finish,
    penalties,
    shared_bias,
    shared_gradient,
    update,
)
from clearprop.engine.numbers import INDEX

OfTile = Callable[[ir.Value, ir.Value], None]
"""Builds work for a panel of units and a panel of inputs."""


class Weights(Forward):
    """Instructions for the weights of a program, in its function ``train``."""

    transposed: ir.Value
    """The first panel of the second layer's weights, as the way back needs them."""
    scratch: ir.Value
    """This worker's memory: rows for the examples of a block, and a tile's gradient behind them."""
    remembered: ir.Value
    """The bytes from the weights to the first of what the optimizer remembers."""
    parts: ir.Value
    """The parts of the optimizer's rule that depend on the step alone."""
    counts: ir.Value
    """The numbers that the errors and the penalty of this step are divided by."""
    clip: tuple[ir.Value, ir.Value]
    """The factors by which clipping by norm multiplies the gradient of weights, and of biases."""
    following: tuple[ir.Value, ir.Value]
    """The number of examples of the next step, and the address of their positions."""
    arrived: ir.Value
    """The number of arrivals at the barriers so far."""

    def tiles(self, count: ir.Value, going_on: ir.Value) -> None:
        """The gradient by this worker's tiles of all weights; where it need not be whole, their update."""

        def layer(layer: ir.Value) -> None:
            self.tiles_of(layer, lambda p, k: self.tile(layer, p, k, count, going_on))
            self.if_shared(layer, lambda: self.shared(layer, count, going_on))

        self.each_layer(layer)

    def tiles_of(self, layer: ir.Value, body: OfTile) -> None:
        """This worker's tiles of a layer.

        Some panels of inputs, whose activations stay in the cache, meet all panels of units; then the next.
        """
        b, panels, size = self.b, self.of(layer, "panels"), self.field("chunk", pointer=False)
        inputs = self.of(self.before(layer), "panels")

        def chunk(first: ir.Value) -> None:
            count = b.smaller(size, b.builder.sub(inputs, first))
            low, high = self.worker_share(b.times(panels, count))

            def tile(t: ir.Value) -> None:
                with self.unless_stopped():
                    body(b.builder.udiv(t, count), b.add(b.builder.urem(t, count), first))

            b.loop(low, high, tile)

        b.loop(0, inputs, chunk, by=size)

    def worker_share(self, count: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Return this worker's first and last of so much work."""
        b, worker, workers = self.b, self.b.named["worker"], self.b.named["workers"]
        low = b.builder.udiv(b.times(count, worker), workers)
        return low, b.builder.udiv(b.times(count, b.add(worker, 1)), workers)

    def tile(self, layer: ir.Value, p: ir.Value, k: ir.Value, count: ir.Value, going_on: ir.Value) -> None:
        """Some inputs by some units; with the first inputs of a panel its biases."""
        b, size, whole = self.b, self.program.tile.inputs, self.program.whole_gradient
        a, d = b.at(self.a(self.before(layer)), b.times(k, self.panel)), b.at(self.d(layer), b.times(p, self.panel))
        inputs, units, g = self.units_of(self.before(layer), k), self.units_of(layer, p), self.g(layer, p, k)

        def kernel(vectors: int) -> ir.Function:
            return gradient(self.module, self.shape, size, vectors)

        self.fetch(layer, p, k)
        self.by_width(units, kernel, a, d, count, g, inputs, going_on)
        if not whole:
            self.update_tile(layer, p, k, g)
        with b.builder.if_then(self.has_biases(layer, k)):
            place = self.bias_place(layer, p)
            g = b.at(self.field("gradient"), place) if whole else self.g(layer, p, k)
            self.call(bias_gradient(self.module, self.shape), d, count, g, going_on)
            if not whole:
                self.update(layer, p, b.at(self.parameters, place), g, b.integer(1), weights=False)

    def fetch(self, layer: ir.Value, p: ir.Value, k: ir.Value) -> None:
        """With a tile of the first layer, bring the inputs of its panel nearer: a share of the next step's examples."""
        b, (count, order) = self.b, self.following
        with b.builder.if_then(self.is_(layer, 1)):
            panels, zero = self.of(layer, "panels"), b.integer(0)
            first, last = (b.builder.udiv(b.times(count, b.add(p, more)), panels) for more in (0, 1))
            x = b.at(self.field("inputs"), b.times(k, self.row))
            self.call(fetch(self.module, self.shape), x, order, first, last, self.of(zero, "units"))

    def has_biases(self, layer: ir.Value, k: ir.Value) -> ir.Value:
        """Return whether a tile is the first of its panel, in a layer whose units each have a bias that is trained."""
        return self.b.builder.and_(self.is_(k, 0), self.is_(self.of(layer, "bias"), EACH))

    def g(self, layer: ir.Value, p: ir.Value, k: ir.Value) -> ir.Value:
        """Return the address of a tile's gradient."""
        if not self.program.whole_gradient:
            return self.b.at(self.scratch, self.b.times(self.examples_at_a_time, self.row))
        return self.b.at(self.field("gradient"), self.place(layer, p, k))

    def place(self, layer: ir.Value, p: ir.Value, k: ir.Value) -> ir.Value:
        """Return the place of a tile among the weights, in bytes."""
        b = self.b
        panel = b.add(self.of(layer, "weights"), b.times(p, self.panel_of_weights(layer)))
        return b.add(panel, b.times(k, self.shape.width * self.row))

    def bias_place(self, layer: ir.Value, p: ir.Value) -> ir.Value:
        """Return the place of a panel's biases among the weights, in bytes."""
        return self.b.add(self.place(layer, self.b.add(p, 1), self.b.integer(0)), -self.row)

    def update_tile(self, layer: ir.Value, p: ir.Value, k: ir.Value, g: ir.Value) -> None:
        """New weights of a tile, and the same transposed."""
        b, lanes = self.b, self.shape.numbers.lanes
        w, inputs = b.at(self.parameters, self.place(layer, p, k)), self.units_of(self.before(layer), k)
        if self.program.penalty:
            sums = self.sums(self.field("penalties"), layer, p, k)
            self.call(penalties(self.module, self.shape, self.program.penalty), w, inputs, *sums, self.field("penalty"))
        self.update(layer, p, w, g, inputs, weights=True)
        with b.builder.if_then(b.builder.icmp_signed(">", layer, b.integer(1))):
            panel = b.add(self.of(layer, "transposed"), b.times(k, b.times(self.of(layer, "turned"), self.row)))
            wt = b.at(self.transposed, b.add(panel, b.times(p, self.shape.width * self.row)))
            inputs, units = (
                b.times(b.quotient(b.add(each, lanes - 1), lanes), lanes) for each in (inputs, self.units_of(layer, p))
            )
            self.call(transpose(self.module, self.shape), w, wt, inputs, units)

    def update(self, layer: ir.Value, p: ir.Value, w: ir.Value, g: ir.Value, rows: ir.Value, *, weights: bool) -> None:
        """The optimizer's rule, for rows of a panel."""
        program = self.program
        penalty = program.penalty if weights and program.penalty and not program.clips else None
        kernel = update(self.module, self.shape, program.optimizer, penalty, program.rule)
        given = w, g, rows, self.units_of(layer, p), self.remembered, self.parts, self.clip[0 if weights else 1]
        self.call(kernel, *given, self.field("penalty"), self.share_of_penalty())

    def share_of_penalty(self) -> ir.Value:
        """Return the factor of the penalty in this step's batch."""
        b, double = self.b, ir.DoubleType()
        if not self.program.penalty.divide_by_examples:
            return ir.Constant(self.shape.numbers.scalar, 1.0)
        count = b.builder.load(b.at(self.counts, 8), typ=double, align=8)
        return b.narrowed(b.builder.fdiv(ir.Constant(double, 1.0), count))

    # --- a bias that all units of a layer share ------------------------------------------------------------

    def if_shared(self, layer: ir.Value, body: Callable[[], None]) -> None:
        """Let one worker do this, if a layer has a bias that is shared and trained."""
        if not self.program.shared:
            return
        i, first = self.b.builder, self.is_(self.b.named["worker"], 0)
        with i.if_then(i.and_(first, self.is_(self.of(layer, "bias"), SHARED))):
            body()

    def shared(self, layer: ir.Value, count: ir.Value, going_on: ir.Value) -> None:
        """The gradient of a shared bias; where it need not be whole, its update."""
        first = self.b.integer(0)
        g = self.shared_g(layer) if self.program.whole_gradient else self.g(layer, first, first)
        kernel, units = shared_gradient(self.module, self.shape), self.of(layer, "units")
        self.call(kernel, self.d(layer), self.panel, units, count, g, going_on)
        if not self.program.whole_gradient:
            self.update_shared(layer, g, add_up=True)

    def shared_g(self, layer: ir.Value) -> ir.Value:
        """Return the address of a shared bias in the whole gradient."""
        return self.b.at(self.field("gradient"), self.bias_place(layer, self.b.integer(0)))

    def update_shared(self, layer: ir.Value, g: ir.Value, *, add_up: bool) -> None:
        """The same update in all places where a shared bias stands."""
        if add_up:
            self.call(shared_bias(self.module, self.shape, self.program.optimizer), g, self.scratch)

        def panel(p: ir.Value) -> None:
            w = self.b.at(self.parameters, self.bias_place(layer, p))
            self.update(layer, p, w, g, self.b.integer(1), weights=False)

        self.b.loop(0, self.of(layer, "panels"), panel)

    # --- the whole gradient -----------------------------------------------------------------------------

    def finish(self) -> None:
        """Update all weights from a whole gradient, clipped by its norm if the optimizer says so."""
        b, clips = self.b, self.program.clips
        if clips:
            self.each_layer(self.squares)
            self.barrier()
            if not self.program.clips_variables:
                self.clip = (self.factor(self.field("squares"), self.field("sums", pointer=False)),) * 2

        def layer(layer: ir.Value) -> None:
            if self.program.clips_variables:
                self.clip = self.factors(layer)

            def tile(p: ir.Value, k: ir.Value) -> None:
                self.update_tile(layer, p, k, self.g(layer, p, k))
                with b.builder.if_then(self.has_biases(layer, k)):
                    self.update(layer, p, *self.biases(layer, p), b.integer(1), weights=False)

            self.tiles_of(layer, tile)
            self.if_shared(layer, lambda: self.update_shared(layer, self.shared_g(layer), add_up=not clips))

        self.each_layer(layer)

    def factor(self, squares: ir.Value, count: ir.Value) -> ir.Value:
        """Return the factor by which clipping multiplies the gradient with that many sums of squares."""
        return clip_factor(self.b, squares, count, self.program.optimizer)

    def factors(self, layer: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Return the factors of the gradients of a layer's weights, and of its biases."""
        b, first, squares = self.b, self.b.integer(0), self.field("squares")
        panels = self.of(self.before(layer), "panels")
        weights, stride = self.sums(squares, layer, first, first)
        biases, _ = self.sums(squares, layer, first, panels)
        row = b.quotient(stride, 8)
        count = b.times(row, b.times(panels, -(-self.shape.row // SQUARE)))
        # Behind the row of the units' biases stands that of a bias that all share.
        return self.factor(weights, count), self.factor(biases, b.add(row, ALIGNMENT // 8))

    def biases(self, layer: ir.Value, p: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Return the addresses of a panel's biases and of their place in the whole gradient."""
        place = self.bias_place(layer, p)
        return self.b.at(self.parameters, place), self.b.at(self.field("gradient"), place)

    def squares(self, layer: ir.Value) -> None:
        """The squares of a layer's gradient, added up."""
        b, optimizer, squares = self.b, self.program.optimizer, self.field("squares")
        weights = finish(self.module, self.shape, optimizer, self.program.penalty or None)
        biases = finish(self.module, self.shape, optimizer, None)

        def tile(p: ir.Value, k: ir.Value) -> None:
            w, g = b.at(self.parameters, self.place(layer, p, k)), self.g(layer, p, k)
            rows, given = self.units_of(self.before(layer), k), (self.field("penalty"), self.share_of_penalty())
            self.call(weights, w, g, rows, *self.sums(squares, layer, p, k), *given)
            with b.builder.if_then(self.has_biases(layer, k)):
                last = self.of(self.before(layer), "panels")
                self.call(biases, *self.biases(layer, p), 1, *self.sums(squares, layer, p, last), *given)

        def shared() -> None:
            kernel = shared_bias(self.module, self.shape, optimizer)
            biases, stride = self.sums(squares, layer, self.b.integer(0), self.of(self.before(layer), "panels"))
            self.call(kernel, self.shared_g(layer), self.b.at(biases, stride))

        self.tiles_of(layer, tile)
        self.if_shared(layer, shared)

    def sums(self, place: ir.Value, layer: ir.Value, p: ir.Value, k: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Return the address of a tile's first sums, one for each unit, and the bytes to the next; behind the last
        tile come those of the biases."""
        b, of_panel = self.b, 8 * self.shape.width
        squares = -(-self.shape.row // SQUARE)
        stride = b.times(self.of(layer, "panels"), of_panel)
        return b.at(
            place, b.times(self.of(layer, "sums"), 8), b.times(stride, b.times(k, squares)), b.times(p, of_panel)
        ), stride

    # --- workers ------------------------------------------------------------------------------------------

    @contextmanager
    def unless_stopped(self) -> Iterator[None]:
        """Build work that is left undone once the step is stopped. Barriers are still passed."""
        b = self.b
        place = b.at(b.named["context"], 8 * FIELDS.index("stop"))
        word = b.builder.load_atomic(place, "monotonic", 8, typ=INDEX)
        with b.builder.if_then(b.builder.icmp_signed("==", word, b.integer(0)), likely=True):
            yield

    def barrier(self) -> None:
        """Wait until all workers are here."""
        b, kernel = self.b, barrier(self.module, x86=self.program.x86)
        with b.builder.if_then(b.builder.icmp_signed(">", b.named["workers"], b.integer(1))):
            target = b.add(b.builder.load(self.arrived, typ=INDEX, align=8), b.named["workers"])
            b.builder.store(target, self.arrived)
            self.call(kernel, self.field("arrivals"), target)
