"""Steps of training: forward, back, and the update of all weights, until as many are made as were asked for.

In a step every worker takes some of the batch's examples through all layers, forward and back; then,
when all have done so, some tiles of the gradient, and updates their weights at once. No number is ever
added up across workers: the bits do not depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from llvmlite import ir

from clearprop.engine.block import INDEX
from clearprop.engine.forward import Forward
from clearprop.engine.kernels.activate import times
from clearprop.engine.kernels.barrier import barrier
from clearprop.engine.kernels.dropout import drop
from clearprop.engine.kernels.errors import Output
from clearprop.engine.kernels.gather import gather
from clearprop.engine.kernels.gradient import bias_gradient, gradient
from clearprop.engine.kernels.product import product
from clearprop.engine.kernels.softmax import pull_back
from clearprop.engine.kernels.subnormal import flushed, restored
from clearprop.engine.kernels.transpose import transpose
from clearprop.engine.kernels.update import clip_factor, finish, shared_bias, update
from clearprop.engine.layers import EACH, SHARED
from clearprop.engine.program import FIELDS
from clearprop.rules.activations import Softmax

Body = Callable[[], None]


class Steps(Forward):
    """Builds the function ``train``."""

    def build(self) -> None:
        """All steps."""
        b = self.b
        self.activations, self.parameters = self.field("activations"), self.field("parameters")
        self.panel = b.times(self.field("rows", pointer=False), self.row)
        self.transposed, self.inputs = self.field("transposed"), self.field("inputs")
        self.targets, self.weights = self.field("targets"), self.field("weights")
        own = b.times(b.add(self.examples_at_a_time, self.shape.width), self.row)
        self.scratch = b.at(self.field("scratch"), b.times(own, b.named["worker"]))
        self.remembered = self.field("remembered", pointer=False)
        self.rows = 1 if self.program.alone else self.program.tile.rows
        self.clip: ir.Value = ir.Constant(self.shape.numbers.scalar, 1.0)
        self.arrived = b.builder.alloca(INDEX)
        b.builder.store(b.integer(0), self.arrived)
        bounds, keys, parts, order = (self.field(name) for name in ("bounds", "keys", "parts", "order"))
        part_bytes, key_bytes = self.field("part_bytes", pointer=False), self.field("key_bytes", pointer=False)

        def step(number: ir.Value) -> None:
            here = b.at(bounds, b.times(number, 8))
            first, end = b.load_integer(here), b.load_integer(b.at(here, 8))
            self.keys, self.parts = b.at(keys, b.times(number, key_bytes)), b.at(parts, b.times(number, part_bytes))
            self.step(b.at(order, b.times(first, 8)), b.builder.sub(end, first))

        before = flushed(b, self.module) if self.program.x86 else None
        b.loop(0, self.field("steps", pointer=False), step)
        if before is not None:
            restored(b, self.module, before)

    @property
    def leaves_sums(self) -> bool:
        """Whether the last layer's sums are left alone."""
        return self.program.joined_in_training is not None

    def share_of_each(self, count: ir.Value) -> ir.Value:
        """What the error of an output is multiplied with, in a batch of so many examples."""
        b, double = self.b, ir.DoubleType()
        mean = b.builder.icmp_signed("!=", self.field("mean", pointer=False), b.integer(0))
        divisor = b.builder.sitofp(b.builder.select(mean, count, b.integer(1)), double)
        share = b.builder.fdiv(b.builder.load(self.share, typ=double, align=8), divisor)
        scalar = self.shape.numbers.scalar
        return share if self.shape.numbers.dtype == "float64" else b.builder.fptrunc(share, scalar)

    def step(self, order: ir.Value, count: ir.Value) -> None:
        """One step: the examples, then the weights."""
        b, share = self.b, self.share_of_each(count)
        if not self.program.whole_gradient:
            self.examples(order, count, share)
            self.barrier()
            self.tiles(count, b.integer(0))
        else:
            rows = self.field("rows", pointer=False)

            def some(first: ir.Value) -> None:
                examples = b.smaller(b.builder.sub(count, first), rows)
                self.examples(b.at(order, b.times(first, 8)), examples, share)
                self.barrier()
                self.tiles(examples, first)
                self.barrier()

            b.loop(0, count, some, by=rows)
            self.finish()
        self.barrier()

    # --- examples ---------------------------------------------------------------------------------

    def examples(self, order: ir.Value, count: ir.Value, share: ir.Value) -> None:
        """Forward and back, for this worker's examples."""
        b, last, zero = self.b, self.depth, self.b.integer(0)
        low, high = self.share_of_examples(count)
        kernel = gather(self.module, self.shape)
        self.call(kernel, self.inputs, order, count, low, high, self.a(zero), self.panel, self.of(zero, "units"))

        def forward(layer: ir.Value) -> None:
            self.layer(layer, low, high, self.rows, training=True)
            self.drop_outputs(layer, order, count, low, high)

        b.loop(1, b.add(last, 1), forward)
        program, whole = self.program, self.if_softmax(last)
        sloped = not isinstance(program.last, Softmax)
        output = Output(self.module, self.shape, program.loss, program.joined_in_training, sloped, program.weighted)
        # Beside a softmax by itself its signals: its outputs are wanted once more.
        d = self.d(last) if whole is None else b.builder.select(whole, self.u(), self.d(last))
        given = order, self.targets, self.weights, share
        units = self.of(last, "units")
        self.call(output.signals(), self.a(last), d, self.panel, units, low, high, count, *given)
        self.through_softmax(last, order, count, low, high)
        b.loop(1, last, lambda k: self.back(b.builder.sub(b.add(last, 1), k), order, count, low, high))

    def share_of_examples(self, count: ir.Value) -> tuple[ir.Value, ir.Value]:
        """This worker's examples: whole tiles, so that a tile's bits are the same whoever computes it."""
        b, rows = self.b, self.rows
        blocks = b.quotient(b.add(count, rows - 1), rows)
        worker, workers = b.named["worker"], b.named["workers"]
        low = b.builder.udiv(b.times(blocks, worker), workers)
        high = b.builder.udiv(b.times(blocks, b.add(worker, 1)), workers)
        return b.times(low, rows), b.times(high, rows)

    def drop_outputs(self, layer: ir.Value, order: ir.Value, count: ir.Value, low: ir.Value, high: ir.Value) -> None:
        """Dropout of a layer's outputs and slopes, if it has any."""
        if not self.program.dropped:
            return
        a, d, whole = self.a(layer), self.d(layer), self.if_softmax(layer)
        # A softmax keeps its outputs whole beside, for its Jacobian.
        self.drop(layer, order, count, low, high, a, d if whole is None else self.b.builder.select(whole, a, d))

    def drop(
        self,
        layer: ir.Value,
        order: ir.Value,
        count: ir.Value,
        low: ir.Value,
        high: ir.Value,
        a: ir.Value,
        d: ir.Value,
    ) -> None:
        """Dropout in one or two places."""
        b, number = self.b, self.of(layer, "dropped")
        with b.builder.if_then(b.builder.icmp_signed(">=", number, b.integer(0))):
            key = b.load_integer(b.at(self.keys, b.times(number, 8)))
            hashes = b.at(self.field("hashes"), self.of(layer, "hashes"))
            drawn = key, hashes, self.of(layer, "least"), self.number(self.word(layer, "kept"))
            units = self.of(layer, "units")
            self.call(drop(self.module, self.shape), *drawn, order, count, low, high, a, d, self.panel, units)

    def u(self) -> ir.Value:
        """Where ∂E/∂output of a softmax layer stands."""
        return self.b.at(self.activations, self.b.times(self.panel, self.field("aside", pointer=False)))

    def through_softmax(self, layer: ir.Value, order: ir.Value, count: ir.Value, low: ir.Value, high: ir.Value) -> None:
        """From ∂E/∂output of a softmax layer, if it is one, to ∂E/∂sum."""
        whole = self.if_softmax(layer)
        if whole is None:
            return
        with self.b.builder.if_then(whole):
            if self.program.dropped:
                self.drop(layer, order, count, low, high, self.u(), self.u())
            kernel, units = pull_back(self.module, self.shape), self.of(layer, "units")
            self.call(kernel, self.d(layer), self.u(), self.panel, units, low, high)

    def back(self, layer: ir.Value, order: ir.Value, count: ir.Value, low: ir.Value, high: ir.Value) -> None:
        """The signals of the layer before: δ W, times the local derivative."""
        b, before, whole = self.b, self.before(layer), self.if_softmax(self.before(layer))
        inputs = self.of(layer, "units")
        turned = b.at(self.transposed, self.of(layer, "transposed"))
        bytes_of_panel = b.times(self.of(layer, "turned"), self.row)
        zeros = b.zeros(self.row)

        def block(s: ir.Value, examples: ir.Value) -> None:
            d = b.at(self.d(layer), s)

            def panel(p: ir.Value, units: ir.Value) -> None:
                here, w = b.times(p, self.panel), b.at(turned, b.times(p, bytes_of_panel))
                u = self.scratch if whole is None else b.builder.select(whole, b.at(self.u(), here, s), self.scratch)

                def kernel(vectors: int) -> ir.Function:
                    return product(self.module, self.shape, self.rows, vectors)

                self.by_width(units, kernel, d, self.panel, inputs, w, zeros, u, examples)

                def slopes() -> None:
                    self.call(times(self.module, self.shape), b.at(self.d(before), here, s), u, examples, units)

                self.unless(whole, slopes)

            self.each_panel(before, panel)

        self.each_block(low, high, block)
        self.through_softmax(before, order, count, low, high)

    def unless(self, condition: ir.Value | None, body: Body) -> None:
        """What is done where that is not so, or never can be."""
        if condition is None:
            body()
            return
        with self.b.builder.if_then(self.b.builder.not_(condition)):
            body()

    # --- weights ------------------------------------------------------------------------------------

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
        """What is done for the biases of a panel, if each unit has one that is trained: with its first tile."""
        i = self.b.builder
        with i.if_then(i.and_(self.is_(k, 0), self.is_(self.of(layer, "bias"), EACH))):
            body()

    def g(self, layer: ir.Value, p: ir.Value, k: ir.Value) -> ir.Value:
        """Where the gradient of a tile stands."""
        if not self.program.whole_gradient:
            return self.b.at(self.scratch, self.b.times(self.examples_at_a_time, self.row))
        return self.b.at(self.field("gradient"), self.place(layer, p, k))

    def place(self, layer: ir.Value, p: ir.Value, k: ir.Value) -> ir.Value:
        """Where a tile stands among the weights, in bytes."""
        b = self.b
        panel = b.add(self.of(layer, "weights"), b.times(p, self.panel_of_weights(layer)))
        return b.add(panel, b.times(k, self.shape.width * self.row))

    def bias_place(self, layer: ir.Value, p: ir.Value) -> ir.Value:
        """Where the biases of a panel stand among the weights, in bytes."""
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
        """What one worker does, if a layer has a bias that is shared and trained."""
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
        """Updates from a gradient that is whole, clipped by its norm if that is asked for."""
        b = self.b
        if self.program.clips:
            self.each_layer(self.squares)
            self.barrier()
            limit = self.program.optimizer.clip_norm
            assert limit is not None
            self.clip = clip_factor(b, self.field("squares"), self.field("tiles", pointer=False), limit)

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
        """Where one sum of squares goes."""
        return self.b.at(self.field("squares"), self.b.times(number, 8))

    # --- workers ------------------------------------------------------------------------------------------

    def each_panel(self, layer: ir.Value, body: Callable[[ir.Value, ir.Value], None]) -> None:
        """All panels of a layer, unless the work is to be stopped."""

        def panel(p: ir.Value, units: ir.Value) -> None:
            with self.unless_stopped():
                body(p, units)

        super().each_panel(layer, panel)

    @contextmanager
    def unless_stopped(self) -> Iterator[None]:
        """Some work that is left undone when the step is to be stopped. All barriers are passed all the same."""
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
