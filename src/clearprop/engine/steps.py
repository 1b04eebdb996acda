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
from clearprop.engine.kernels.blank import blank
from clearprop.engine.kernels.dropout import drop
from clearprop.engine.kernels.errors import Output
from clearprop.engine.kernels.gather import gather
from clearprop.engine.kernels.gradient import bias_gradient, gradient
from clearprop.engine.kernels.product import product
from clearprop.engine.kernels.softmax import pull_back
from clearprop.engine.kernels.subnormal import flushed, restored
from clearprop.engine.kernels.transpose import transpose
from clearprop.engine.kernels.update import clip_factor, finish, shared_bias, update
from clearprop.engine.program import EXAMPLES, FIELDS
from clearprop.rules.activations import Softmax


class Steps(Forward):
    """Builds the function ``train``."""

    def build(self) -> None:
        """All steps."""
        b = self.b
        self.activations, self.parameters = self.field("activations"), self.field("parameters")
        self.panel = b.times(self.field("rows", pointer=False), self.row)
        self.transposed, self.inputs = self.field("transposed"), self.field("inputs")
        self.targets, self.weights = self.field("targets"), self.field("weights")
        self.scratch = b.at(
            self.field("scratch"), b.times(b.named["worker"], (EXAMPLES + self.panels.width) * self.row)
        )
        self.output = Output(self.module, self.panels, training=True, weighted=self.weighted)
        self.state = b.integer(self.panels.weights * self.row)
        self.clip: ir.Value = ir.Constant(self.panels.numbers.scalar, 1.0)
        self.arrived = b.builder.alloca(INDEX)
        b.builder.store(b.integer(0), self.arrived)
        bounds, keys, parts, order = (self.field(name) for name in ("bounds", "keys", "parts", "order"))
        part_bytes = self.field("part_bytes", pointer=False)

        def step(number: ir.Value) -> None:
            here = b.at(bounds, b.times(number, 8))
            first, end = b.load_integer(here), b.load_integer(b.at(here, 8))
            self.keys = b.at(keys, b.times(number, 8 * len(self.program.dropped)))
            self.parts = b.at(parts, b.times(number, part_bytes))
            count = b.builder.sub(end, first)
            self.share = self.share_of_each(count)
            self.step(b.at(order, b.times(first, 8)), count)

        before = flushed(b, self.module) if self.program.x86 else None
        b.loop(0, self.field("steps", pointer=False), step)
        if before is not None:
            restored(b, self.module, before)

    def share_of_each(self, count: ir.Value) -> ir.Value:
        """What the error of an output is multiplied with, in a batch of so many examples."""
        loss, double = self.network.loss, ir.DoubleType()
        share = ir.Constant(double, 1 / self.network.sizes[-1] if loss.over_outputs == "mean" else 1.0)
        if loss.over_examples == "mean":
            share = self.b.builder.fdiv(share, self.b.builder.sitofp(count, double))
        scalar = self.panels.numbers.scalar
        return share if self.panels.numbers.dtype == "float64" else self.b.builder.fptrunc(share, scalar)

    def step(self, order: ir.Value, count: ir.Value) -> None:
        """One step: the examples, then the weights."""
        b = self.b
        if not self.program.whole_gradient:
            self.examples(order, count)
            self.barrier()
            self.tiles(count, b.integer(0))
        else:
            rows = self.field("rows", pointer=False)

            def some(first: ir.Value) -> None:
                examples = b.smaller(b.builder.sub(count, first), rows)
                self.examples(b.at(order, b.times(first, 8)), examples)
                self.barrier()
                self.tiles(examples, first)
                self.barrier()

            b.loop(0, count, some, by=rows)
            self.finish()
        self.barrier()

    # --- examples ---------------------------------------------------------------------------------

    def examples(self, order: ir.Value, count: ir.Value) -> None:
        """Forward and back, for this worker's examples."""
        panels = self.panels
        low, high = self.share_of_examples(count)
        self.call(gather(self.module, panels), self.inputs, order, count, low, high, self.a(0), self.panel)
        joined = self.output.joined is not None
        for layer in range(1, self.depth + 1):
            self.layer(layer, low, high, training=True, outputs=not (joined and layer == self.depth))
            if layer in self.program.dropped:
                # A softmax keeps its outputs whole beside, for its Jacobian.
                whole = isinstance(self.network.layers[layer - 1].rule, Softmax)
                self.drop(layer, order, count, low, high, self.a(layer), self.a(layer) if whole else self.d(layer))
        alone = self.output.pull_back()
        last = self.depth
        d = self.d(last) if alone is None else self.u()
        self.call(
            self.output.signals(),
            *(self.a(last), d, self.panel, low, high, count, order, self.targets, self.weights, self.share),
        )
        if alone is not None:
            self.through_softmax(last, order, count, low, high)
        for layer in range(self.depth, 1, -1):
            self.back(layer, order, count, low, high)

    def share_of_examples(self, count: ir.Value) -> tuple[ir.Value, ir.Value]:
        """This worker's examples: whole tiles, so that a tile's bits are the same whoever computes it."""
        b, rows = self.b, self.program.tile.rows
        blocks = b.quotient(b.add(count, rows - 1), rows)
        # Few examples are computed one by one.
        few = b.builder.icmp_signed("<", count, b.integer(max(1, rows // 2)))
        padded = b.builder.select(few, count, b.times(blocks, rows))
        worker, workers = b.named["worker"], b.named["workers"]
        low = b.builder.udiv(b.times(blocks, worker), workers)
        high = b.builder.udiv(b.times(blocks, b.add(worker, 1)), workers)
        return b.smaller(b.times(low, rows), padded), b.smaller(b.times(high, rows), padded)

    def drop(
        self, layer: int, order: ir.Value, count: ir.Value, low: ir.Value, high: ir.Value, *places: ir.Value
    ) -> None:
        """Dropout, in one or two places."""
        key = self.b.load_integer(self.b.at(self.keys, 8 * self.program.dropped.index(layer)))
        self.call(drop(self.module, self.panels, layer), key, order, count, low, high, *places, self.panel)

    def u(self) -> ir.Value:
        """Where ∂E/∂output of a softmax layer stands."""
        return self.b.at(self.activations, self.b.times(self.panel, 2 * self.starts[-1] - self.starts[1]))

    def through_softmax(self, layer: int, order: ir.Value, count: ir.Value, low: ir.Value, high: ir.Value) -> None:
        """From ∂E/∂output of a softmax layer to ∂E/∂sum."""
        if layer in self.program.dropped:
            self.drop(layer, order, count, low, high, self.u(), self.u())
        self.call(pull_back(self.module, self.panels, layer), self.d(layer), self.u(), self.panel, low, high)

    def back(self, layer: int, order: ir.Value, count: ir.Value, low: ir.Value, high: ir.Value) -> None:
        """The signals of the layer before: δ W, times the local derivative."""
        b, panels, before = self.b, self.panels, layer - 1
        rows = panels.padded(layer)
        whole = isinstance(self.network.layers[before - 1].rule, Softmax)
        zeros = b.zeros(self.row)

        def block(s: ir.Value, examples: ir.Value) -> None:
            d = b.at(self.d(layer), s)

            def panel(p: ir.Value, units: int) -> None:
                here = b.times(p, self.panel)
                w = b.at(self.transposed, panels.transposed_starts[layer] * self.row, b.times(p, rows * self.row))
                u = b.at(self.u(), here, s) if whole else self.scratch
                kernel = product(self.module, panels, self.program.tile.rows, -(-units // panels.numbers.lanes))
                self.call(kernel, d, self.panel, self.network.sizes[layer], w, zeros, u, examples)
                if not whole:
                    self.call(times(self.module, panels, units), b.at(self.d(before), here, s), u, examples)

            self.each_panel(before, panel)

        self.each_block(low, high, block)
        if whole:
            self.through_softmax(before, order, count, low, high)

    # --- weights ------------------------------------------------------------------------------------

    def tiles(self, count: ir.Value, going_on: ir.Value) -> None:
        """The gradient by this worker's tiles of all weights; where it need not be whole, their update."""
        for layer in range(1, self.depth + 1):

            def tile(p: ir.Value, k: ir.Value, layer: int = layer) -> None:
                self.tile(layer, p, k, count, going_on)

            self.tiles_of(layer, tile)
            self.shared(layer, count, going_on)

    def tiles_of(self, layer: int, body: Callable[[ir.Value, ir.Value], None]) -> None:
        """This worker's tiles of a layer: the panel of units, and of inputs.

        Some panels of inputs, whose activations stay in the cache, meet all panels of units; then the next.
        """
        b = self.b
        inputs, size = self.panels.count(layer - 1), self.program.tile.panels
        worker, workers = b.named["worker"], b.named["workers"]
        for first in range(0, inputs, size):
            count = min(size, inputs - first)
            total = b.integer(self.panels.count(layer) * count)
            low = b.builder.udiv(b.times(total, worker), workers)
            high = b.builder.udiv(b.times(total, b.add(worker, 1)), workers)

            def tile(t: ir.Value, first: int = first, count: int = count) -> None:
                with self.unless_stopped():
                    body(b.quotient(t, count), b.add(b.remainder(t, count), first))

            b.loop(low, high, tile)

    def tile(self, layer: int, p: ir.Value, k: ir.Value, count: ir.Value, going_on: ir.Value) -> None:
        """Some inputs by some units."""
        b = self.b
        a, d = b.at(self.a(layer - 1), b.times(k, self.panel)), b.at(self.d(layer), b.times(p, self.panel))
        inputs, g = self.inputs_of(layer, k), self.g(layer, p, k)
        size = self.program.tile.inputs
        self.of_panel(
            layer,
            p,
            lambda vectors: gradient(self.module, self.panels, size, vectors),
            a,
            d,
            count,
            g,
            inputs,
            going_on,
        )
        if not self.program.whole_gradient:
            self.update_tile(layer, p, k, g, inputs)
        self.biases(layer, p, k, d, count, going_on)

    def inputs_of(self, layer: int, k: ir.Value) -> ir.Value:
        """How many inputs a tile has."""
        b, panels = self.b, self.panels
        last = b.builder.icmp_signed("==", k, b.integer(panels.count(layer - 1) - 1))
        return b.builder.select(last, b.integer(panels.tail(layer - 1)), b.integer(panels.width))

    def of_panel(
        self, layer: int, p: ir.Value, kernel: Callable[[int], ir.Function], *arguments: ir.Value | int
    ) -> None:
        """Call the kernel for the vectors of a panel of units: the last one may be narrower."""
        full, tail = kernel(self.panels.vectors), kernel(self.panels.tail_vectors(layer))
        if full is tail:
            self.call(full, *arguments)
            return
        last = self.b.builder.icmp_signed("==", p, self.b.integer(self.panels.count(layer) - 1))
        with self.b.builder.if_else(last) as (then, otherwise):
            with then:
                self.call(tail, *arguments)
            with otherwise:
                self.call(full, *arguments)

    def g(self, layer: int, p: ir.Value, k: ir.Value) -> ir.Value:
        """Where the gradient of a tile stands."""
        if not self.program.whole_gradient:
            return self.b.at(self.scratch, EXAMPLES * self.row)
        return self.b.at(self.field("gradient"), self.place(layer, p, k))

    def place(self, layer: int, p: ir.Value, k: ir.Value) -> ir.Value:
        """Where a tile stands among the weights, in bytes."""
        b, rows = self.b, self.panels.weight_rows(layer)
        start = b.add(self.panels.weight_starts[layer] * self.row, b.times(p, rows * self.row))
        return b.add(start, b.times(k, self.panels.width * self.row))

    def update_tile(self, layer: int, p: ir.Value, k: ir.Value, g: ir.Value, inputs: ir.Value) -> None:
        """New weights of a tile, and the same transposed."""
        b, panels = self.b, self.panels
        w = b.at(self.parameters, self.place(layer, p, k))
        self.update(layer, p, w, g, inputs, weights=True)
        if layer > 1:
            lanes = panels.numbers.lanes
            rows = panels.padded(layer)
            wt = b.add(panels.transposed_starts[layer] * self.row, b.times(k, rows * self.row))
            wt = b.at(self.transposed, b.add(wt, b.times(p, panels.width * self.row)))
            last = b.builder.icmp_signed("==", p, b.integer(panels.count(layer) - 1))
            tail = panels.tail_vectors(layer) * lanes
            units = b.builder.select(last, b.integer(tail), b.integer(panels.width))
            whole = b.times(b.quotient(b.add(inputs, lanes - 1), lanes), lanes)
            self.call(transpose(self.module, panels), w, wt, whole, units)

    def update(self, layer: int, p: ir.Value, w: ir.Value, g: ir.Value, rows: ir.Value, *, weights: bool) -> None:
        """The optimizer's rule, for rows of a panel."""

        def kernel(vectors: int) -> ir.Function:
            return update(self.module, self.panels, self.problem, self.program.rule, vectors, weights=weights)

        self.of_panel(layer, p, kernel, w, g, rows, self.state, self.parts, self.clip)
        if self.program.blanks and self.panels.padded(layer) > self.network.sizes[layer]:
            last = self.b.builder.icmp_signed("==", p, self.b.integer(self.panels.count(layer) - 1))
            with self.b.builder.if_then(last):
                again = blank(self.module, self.panels, self.panels.tail(layer), len(self.problem.optimizer.state))
                self.call(again, w, rows, self.state)

    def biases(self, layer: int, p: ir.Value, k: ir.Value, d: ir.Value, count: ir.Value, going_on: ir.Value) -> None:
        """The biases of a panel, with its first tile."""
        dense = self.network.layers[layer - 1]
        if dense.bias != "unit" or not dense.train_bias:
            return
        b = self.b

        def panel() -> None:
            rows = self.panels.weight_rows(layer)
            place = b.add(self.place(layer, p, b.integer(0)), (rows - 1) * self.row)
            g = b.at(self.field("gradient"), place) if self.program.whole_gradient else self.g(layer, p, k)
            self.call(bias_gradient(self.module, self.panels), d, count, g, going_on)
            if not self.program.whole_gradient:
                self.update(layer, p, b.at(self.parameters, place), g, b.integer(1), weights=False)

        with b.builder.if_then(b.builder.icmp_signed("==", k, b.integer(0))):
            panel()

    def shared(self, layer: int, count: ir.Value, going_on: ir.Value) -> None:
        """A bias that all units of a layer share: one worker sees them all."""
        dense = self.network.layers[layer - 1]
        if dense.bias != "shared" or not dense.train_bias:
            return
        b = self.b
        with b.builder.if_then(b.builder.icmp_signed("==", b.named["worker"], b.integer(0))):
            g = (
                b.at(self.field("gradient"), self.bias_place(layer, 0))
                if self.program.whole_gradient
                else self.g(layer, b.integer(0), b.integer(0))
            )
            for p in range(self.panels.count(layer)):
                on = b.integer(1) if p else going_on
                self.call(
                    bias_gradient(self.module, self.panels), b.at(self.d(layer), b.times(self.panel, p)), count, g, on
                )
            if not self.program.whole_gradient:
                self.call(shared_bias(self.module, self.panels, self.problem), g, self.scratch)
                self.update_shared(layer, g)

    def bias_place(self, layer: int, p: int) -> int:
        """Where the biases of a panel stand among the weights, in bytes."""
        rows = self.panels.weight_rows(layer)
        return (self.panels.weight_starts[layer] + (p + 1) * rows - 1) * self.row

    def update_shared(self, layer: int, g: ir.Value) -> None:
        """The same update in all places where a shared bias stands."""
        for p in range(self.panels.count(layer)):
            w = self.b.at(self.parameters, self.bias_place(layer, p))
            self.update(layer, self.b.integer(p), w, g, self.b.integer(1), weights=False)

    # --- the whole gradient -----------------------------------------------------------------------------

    def finish(self) -> None:
        """Updates from a gradient that is whole, clipped by its norm if that is asked for."""
        b = self.b
        if self.program.clips:
            self.squares()
            self.barrier()
            limit = self.problem.optimizer.clip_norm
            assert limit is not None
            self.clip = clip_factor(b, self.field("squares"), self.program.tiles, limit)
        for layer in range(1, self.depth + 1):

            def tile(p: ir.Value, k: ir.Value, layer: int = layer) -> None:
                self.update_tile(layer, p, k, self.g(layer, p, k), self.inputs_of(layer, k))
                if self.trains_biases(layer):
                    with b.builder.if_then(b.builder.icmp_signed("==", k, b.integer(0))):
                        place = b.add(self.place(layer, p, k), (self.panels.weight_rows(layer) - 1) * self.row)
                        w, g = b.at(self.parameters, place), b.at(self.field("gradient"), place)
                        self.update(layer, p, w, g, b.integer(1), weights=False)

            self.tiles_of(layer, tile)
            dense = self.network.layers[layer - 1]
            if dense.bias == "shared" and dense.train_bias:
                with b.builder.if_then(b.builder.icmp_signed("==", b.named["worker"], b.integer(0))):
                    g = b.at(self.field("gradient"), self.bias_place(layer, 0))
                    if not self.program.clips:
                        self.call(shared_bias(self.module, self.panels, self.problem), g, self.scratch)
                    self.update_shared(layer, g)

    def trains_biases(self, layer: int) -> bool:
        """Whether each unit of a layer has a bias that is trained."""
        dense = self.network.layers[layer - 1]
        return dense.bias == "unit" and dense.train_bias

    def squares(self) -> None:
        """The squares of the gradient, a sum per tile."""
        b, first = self.b, 0
        for layer in range(1, self.depth + 1):
            inputs = self.panels.count(layer - 1)
            tiles = self.panels.count(layer) * inputs

            def tile(
                p: ir.Value,
                k: ir.Value,
                layer: int = layer,
                first: int = first,
                tiles: int = tiles,
                inputs: int = inputs,
            ) -> None:
                slot = b.add(first, b.times(p, inputs), k)
                w, g = b.at(self.parameters, self.place(layer, p, k)), self.g(layer, p, k)
                kernel = finish(self.module, self.panels, self.problem, weights=True)
                self.call(kernel, w, g, self.inputs_of(layer, k), self.slot(slot))
                if self.trains_biases(layer):
                    with b.builder.if_then(b.builder.icmp_signed("==", k, b.integer(0))):
                        place = b.add(self.place(layer, p, k), (self.panels.weight_rows(layer) - 1) * self.row)
                        w, g = b.at(self.parameters, place), b.at(self.field("gradient"), place)
                        kernel = finish(self.module, self.panels, self.problem, weights=False)
                        self.call(kernel, w, g, 1, self.slot(b.add(first + tiles, p)))

            self.tiles_of(layer, tile)
            dense = self.network.layers[layer - 1]
            if dense.bias == "shared" and dense.train_bias:
                with b.builder.if_then(b.builder.icmp_signed("==", b.named["worker"], b.integer(0))):
                    g = b.at(self.field("gradient"), self.bias_place(layer, 0))
                    slot = self.slot(b.integer(first + tiles + self.panels.count(layer)))
                    self.call(shared_bias(self.module, self.panels, self.problem), g, slot)
            first += tiles + self.panels.count(layer) + 1

    def slot(self, number: ir.Value) -> ir.Value:
        """Where one sum of squares goes."""
        return self.b.at(self.field("squares"), self.b.times(number, 8))

    # --- workers ------------------------------------------------------------------------------------------

    def each_panel(self, layer: int, body: Callable[[ir.Value, int], None]) -> None:
        """All panels of a layer, unless the work is to be stopped."""

        def panel(p: ir.Value, units: int) -> None:
            with self.unless_stopped():
                body(p, units)

        super().each_panel(layer, panel)

    @contextmanager
    def unless_stopped(self) -> Iterator[None]:
        """Some work that is left undone when the step is to be stopped. All barriers are passed all the same."""
        if not self.program.stops:
            yield
            return
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
