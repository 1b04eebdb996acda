"""The second half of a step: the gradient, tile by tile, and the update of all weights.

Every worker takes some tiles of all layers. Where it may, a tile is updated as soon as its gradient is found; where
the whole gradient is needed first, for its norm or because it is added up in parts, the update is a separate pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from llvmlite import ir

from clearprop.engine.calling import EACH, FIELDS, SHARED
from clearprop.engine.forward import Forward
from clearprop.engine.kernels.barrier import barrier
from clearprop.engine.kernels.gradient import bias_gradient, gradient
from clearprop.engine.kernels.transpose import transpose
from clearprop.engine.kernels.update import clip_factor, finish, shared_bias, update
from clearprop.engine.numbers import INDEX

Body = Callable[[], None]


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
    clip: ir.Value
    """The factor by which clipping by norm multiplies the gradient."""
    arrived: ir.Value
    """The number of arrivals at the barriers so far."""

    def each_layer(self, body: Callable[[ir.Value], None]) -> None:
        """All layers of weights, one after the other."""
        self.b.loop(1, self.b.add(self.depth, 1), body)

    def tiles(self, count: ir.Value, going_on: ir.Value) -> None:
        """The gradient by this worker's tiles of all weights; where it need not be whole, their update."""

        def layer(layer: ir.Value) -> None:
            self.tiles_of(layer, lambda p, k: self.tile(layer, p, k, count, going_on))
            self.shared(layer, count, going_on)

        self.each_layer(layer)

    def tiles_of(self, layer: ir.Value, body: Callable[[ir.Value, ir.Value], None]) -> None:
        """This worker's tiles of a layer: the panel of units, and of inputs.

        Some panels of inputs, whose activations stay in the cache, meet all panels of units; then the next.
        """
        b, panels, size = self.b, self.of(layer, "panels"), self.field("chunk", pointer=False)
        inputs = self.of(self.before(layer), "panels")
        worker, workers = b.named["worker"], b.named["workers"]

        def chunk(first: ir.Value) -> None:
            count = b.smaller(size, b.builder.sub(inputs, first))
            total = b.times(panels, count)
            low = b.builder.udiv(b.times(total, worker), workers)
            high = b.builder.udiv(b.times(total, b.add(worker, 1)), workers)

            def tile(t: ir.Value) -> None:
                with self.unless_stopped():
                    body(b.builder.udiv(t, count), b.add(b.builder.urem(t, count), first))

            b.loop(low, high, tile)

        b.loop(0, inputs, chunk, by=size)

    def tile(self, layer: ir.Value, p: ir.Value, k: ir.Value, count: ir.Value, going_on: ir.Value) -> None:
        """Some inputs by some units; with the first inputs of a panel its biases."""
        b, size = self.b, self.program.tile.inputs
        a, d = b.at(self.a(self.before(layer)), b.times(k, self.panel)), b.at(self.d(layer), b.times(p, self.panel))
        inputs, units, g = self.units_of(self.before(layer), k), self.units_of(layer, p), self.g(layer, p, k)

        def kernel(vectors: int) -> ir.Function:
            return gradient(self.module, self.shape, size, vectors)

        self.by_width(units, kernel, a, d, count, g, inputs, going_on)
        if not self.program.whole_gradient:
            self.update_tile(layer, p, k, g)

        def biases() -> None:
            place = self.bias_place(layer, p)
            g = b.at(self.field("gradient"), place) if self.program.whole_gradient else self.g(layer, p, k)
            self.call(bias_gradient(self.module, self.shape), d, count, g, going_on)
            if not self.program.whole_gradient:
                self.update(layer, p, b.at(self.parameters, place), g, b.integer(1), weights=False)

        self.if_biases(layer, k, biases)

    def if_biases(self, layer: ir.Value, k: ir.Value, body: Body) -> None:
        """Do this for the biases of a panel, with its first tile, if each unit has a bias that is trained."""
        i = self.b.builder
        with i.if_then(i.and_(self.is_(k, 0), self.is_(self.of(layer, "bias"), EACH))):
            body()

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
        self.call(kernel, w, g, rows, self.units_of(layer, p), self.remembered, self.parts, self.clip)

    def shared(self, layer: ir.Value, count: ir.Value, going_on: ir.Value) -> None:
        """A bias that all units of a layer share: one worker sees them all."""
        b, whole = self.b, self.program.whole_gradient

        def bias() -> None:
            first = b.integer(0)
            g = b.at(self.field("gradient"), self.bias_place(layer, first)) if whole else self.g(layer, first, first)

            def panel(p: ir.Value) -> None:
                d = b.at(self.d(layer), b.times(self.panel, p))
                on = b.builder.select(self.is_(p, 0), going_on, b.integer(1))
                self.call(bias_gradient(self.module, self.shape), d, count, g, on)

            b.loop(0, self.of(layer, "panels"), panel)
            if not whole:
                self.call(shared_bias(self.module, self.shape, self.program.optimizer), g, self.scratch)
                self.update_shared(layer, g)

        self.if_shared(layer, bias)

    def if_shared(self, layer: ir.Value, body: Body) -> None:
        """Let one worker do this, if a layer has a bias that is shared and trained."""
        if not self.program.shared:
            return
        i, first = self.b.builder, self.is_(self.b.named["worker"], 0)
        with i.if_then(i.and_(first, self.is_(self.of(layer, "bias"), SHARED))):
            body()

    def update_shared(self, layer: ir.Value, g: ir.Value) -> None:
        """The same update in all places where a shared bias stands."""

        def panel(p: ir.Value) -> None:
            w = self.b.at(self.parameters, self.bias_place(layer, p))
            self.update(layer, p, w, g, self.b.integer(1), weights=False)

        self.b.loop(0, self.of(layer, "panels"), panel)

    # --- the whole gradient -----------------------------------------------------------------------------

    def finish(self) -> None:
        """Update all weights from a whole gradient, clipped by its norm if the optimizer says so."""
        b = self.b
        if self.program.clips:
            self.each_layer(self.squares)
            self.barrier()
            count = self.field("tiles", pointer=False)
            self.clip = clip_factor(b, self.field("squares"), count, self.program.optimizer)

        def layer(layer: ir.Value) -> None:
            def tile(p: ir.Value, k: ir.Value) -> None:
                self.update_tile(layer, p, k, self.g(layer, p, k))

                def biases() -> None:
                    place = self.bias_place(layer, p)
                    w, g = b.at(self.parameters, place), b.at(self.field("gradient"), place)
                    self.update(layer, p, w, g, b.integer(1), weights=False)

                self.if_biases(layer, k, biases)

            self.tiles_of(layer, tile)

            def bias() -> None:
                g = b.at(self.field("gradient"), self.bias_place(layer, b.integer(0)))
                if not self.program.clips:
                    self.call(shared_bias(self.module, self.shape, self.program.optimizer), g, self.scratch)
                self.update_shared(layer, g)

            self.if_shared(layer, bias)

        self.each_layer(layer)

    def squares(self, layer: ir.Value) -> None:
        """The squares of a layer's gradient, a sum per tile, one per panel of biases, one for a shared bias."""
        b, optimizer = self.b, self.program.optimizer
        inputs, panels = self.of(self.before(layer), "panels"), self.of(layer, "panels")
        first = self.of(layer, "squares")
        last = b.add(first, b.builder.mul(panels, inputs))

        def tile(p: ir.Value, k: ir.Value) -> None:
            w, g = b.at(self.parameters, self.place(layer, p, k)), self.g(layer, p, k)
            kernel = finish(self.module, self.shape, optimizer, self.program.penalty or None)
            slot = self.slot(b.add(first, b.times(p, inputs), k))
            self.call(kernel, w, g, self.units_of(self.before(layer), k), slot)

            def biases() -> None:
                place = self.bias_place(layer, p)
                w, g = b.at(self.parameters, place), b.at(self.field("gradient"), place)
                self.call(finish(self.module, self.shape, optimizer, None), w, g, 1, self.slot(b.add(last, p)))

            self.if_biases(layer, k, biases)

        self.tiles_of(layer, tile)

        def bias() -> None:
            g = b.at(self.field("gradient"), self.bias_place(layer, b.integer(0)))
            self.call(shared_bias(self.module, self.shape, optimizer), g, self.slot(b.add(last, panels)))

        self.if_shared(layer, bias)

    def slot(self, number: ir.Value) -> ir.Value:
        """Return the address of one sum of squares."""
        return self.b.at(self.field("squares"), self.b.times(number, 8))

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
        b = self.b
        kernel = barrier(self.module, x86=self.program.x86)
        with b.builder.if_then(b.builder.icmp_signed(">", b.named["workers"], b.integer(1))):
            target = b.add(b.builder.load(self.arrived, typ=INDEX, align=8), b.named["workers"])
            b.builder.store(target, self.arrived)
            self.call(kernel, self.field("arrivals"), target)
