"""The forward pass over some of the examples, common to training and inference.

One loop goes through all layers; the table of layers tells them apart when the code runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.calling import FIELDS, NONE, WORDS
from clearprop.engine.kernels.activate import activate
from clearprop.engine.kernels.product import TOGETHER, product
from clearprop.engine.kernels.softmax import softmax
from clearprop.engine.module import Module
from clearprop.engine.numbers import INDEX
from clearprop.engine.program import Program
from clearprop.rules.activations import Activation, AnyActivation, Softmax

Kernel = Callable[[int], ir.Function]
"""A kernel, from the number of vectors of its panels."""


class Forward(ABC):
    """Instructions for the layers of a program, in one of its functions."""

    @abstractmethod
    def build(self) -> None:
        """Build the whole function."""

    activations: ir.Value
    """The first panel of the inputs."""
    parameters: ir.Value
    """The first panel of the first layer's weights."""
    panel: ir.Value
    """The bytes from panel to panel of activations."""

    def __init__(self, program: Program, module: Module, b: Block) -> None:
        self.program, self.module, self.b = program, module, b
        self.shape = program.shape
        self.row = self.shape.row
        self.layers, self.depth = self.field("layers"), self.field("depth", pointer=False)
        self.examples_at_a_time = self.field("block", pointer=False)

    # --- what the function was given ----------------------------------------------------------------

    def field(self, name: str, *, pointer: bool = True) -> ir.Value:
        """Return one of the words of the context."""
        place = self.b.at(self.b.named["context"], 8 * FIELDS.index(name))
        return self.b.load_pointer(place) if pointer else self.b.load_integer(place)

    def of(self, layer: ir.Value, name: str) -> ir.Value:
        """Return a layer's entry in the table."""
        return self.b.load_integer(self.word(layer, name))

    def word(self, layer: ir.Value, name: str) -> ir.Value:
        """Return the address of a layer's entry in the table."""
        return self.b.at(self.layers, self.b.times(layer, 8 * len(WORDS)), 8 * WORDS.index(name))

    def number(self, place: ir.Value) -> ir.Value:
        """The float64 at an address, in the precision of the code."""
        return self.b.narrowed(self.b.builder.load(place, typ=ir.DoubleType(), align=8))

    @property
    def share(self) -> ir.Value:
        """The address of the factor of the error of an output."""
        return self.b.at(self.b.named["context"], 8 * FIELDS.index("share"))

    def before(self, layer: ir.Value) -> ir.Value:
        """Return the layer before."""
        return self.b.builder.sub(layer, self.b.integer(1))

    def a(self, layer: ir.Value) -> ir.Value:
        """Return the address of a layer's first panel of activations."""
        return self.b.at(self.activations, self.b.times(self.panel, self.of(layer, "activations")))

    def d(self, layer: ir.Value) -> ir.Value:
        """Return the address of a layer's first panel of signals."""
        return self.b.at(self.activations, self.b.times(self.panel, self.of(layer, "signals")))

    def panel_of_weights(self, layer: ir.Value) -> ir.Value:
        """Return the bytes from panel to panel of a layer's weights."""
        return self.b.times(self.of(layer, "rows"), self.row)

    # --- control -----------------------------------------------------------------------------------------

    def call(self, function: ir.Function, *arguments: ir.Value | int) -> None:
        """Call one of the kernels."""
        self.b.builder.call(function, [self.b.integer(each) if isinstance(each, int) else each for each in arguments])

    def is_(self, value: ir.Value, other: ir.Value | int) -> ir.Value:
        """Return whether two integers are equal."""
        return self.b.builder.icmp_signed("==", value, self.b.integer(other))

    def units_of(self, layer: ir.Value, p: ir.Value) -> ir.Value:
        """Return the number of units in a panel: the last one may be narrower."""
        last = self.is_(p, self.before(self.of(layer, "panels")))
        return self.b.builder.select(last, self.of(layer, "tail"), self.b.integer(self.shape.width))

    def by_width(self, units: ir.Value, kernel: Kernel, *arguments: ir.Value | int) -> None:
        """Call the kernel for the number of vectors that these units need."""
        narrow, *wider = self.program.widths
        if not wider:
            self.call(kernel(narrow), *arguments)
            return
        fits = self.b.builder.icmp_signed("<=", units, self.b.integer(narrow * self.shape.numbers.lanes))
        with self.b.builder.if_else(fits) as (then, otherwise):
            with then:
                self.call(kernel(narrow), *arguments)
            with otherwise:
                self.call(kernel(wider[0]), *arguments)

    def outputs(self, layer: ir.Value, *panel: ir.Value, training: bool) -> None:
        """Compute the outputs of a panel by the activation of its layer, if that looks at one unit."""
        b, rule = self.b, self.rule_of(layer)
        after = b.builder.append_basic_block("after")
        switch = b.builder.switch(rule, after)
        for number, activation in enumerate(self.rules):
            if not isinstance(activation, Activation):
                continue
            block = b.builder.append_basic_block("rule")
            switch.add_case(b.integer(number), block)
            b.builder.position_at_end(block)
            slope = activation.slope.simplified if training else None
            self.call(activate(self.module, self.shape, number, activation.formula, slope), *panel)
            b.builder.branch(after)
        b.builder.position_at_end(after)

    @property
    def leaves_sums(self) -> bool:
        """Whether the last layer's sums are left alone: they are, where its rule is fused with the loss."""
        return False

    @property
    def rules(self) -> tuple[AnyActivation, ...]:
        """The activations, in the order of their numbers in the table."""
        return self.program.hidden if self.leaves_sums else self.program.activations

    def rule_of(self, layer: ir.Value) -> ir.Value:
        """The number of a layer's activation, or none that is known."""
        rule = self.of(layer, "rule")
        if not self.leaves_sums:
            return rule
        return self.b.builder.select(self.is_(layer, self.depth), self.b.integer(NONE), rule)

    def if_softmax(self, layer: ir.Value) -> ir.Value | None:
        """Return whether a layer's activation needs the whole layer; None if no activation does."""
        numbers = [k for k, rule in enumerate(self.rules) if isinstance(rule, Softmax)]
        return self.is_(self.rule_of(layer), numbers[0]) if numbers else None

    # --- the pass ----------------------------------------------------------------------------------------

    def each_layer(self, body: Callable[[ir.Value], None]) -> None:
        """Loop over all layers of weights."""
        self.b.loop(1, self.b.add(self.depth, 1), body)

    def each_panel(self, layer: ir.Value, body: Callable[[ir.Value, ir.Value], None]) -> None:
        """Loop over all panels of a layer; ``body`` receives the number and the units of the panel."""
        self.b.loop(0, self.of(layer, "panels"), lambda p: body(p, self.units_of(layer, p)))

    def each_group(self, layer: ir.Value, rows: int, body: Callable[[ir.Value, ir.Value, ir.Value], None]) -> None:
        """Loop over all panels of a layer; ``body`` receives the first panel of a group, the panels in it and their
        units: of single examples several full panels, else one."""
        b, one = self.b, self.b.integer(1)
        if not self.grouped(rows):
            self.each_panel(layer, lambda p, units: body(p, one, units))
            return
        panels, width = self.of(layer, "panels"), self.b.integer(self.shape.width)
        full = b.builder.sub(panels, b.builder.zext(b.builder.icmp_signed("<", self.of(layer, "tail"), width), INDEX))
        wide = b.quotient(full, TOGETHER)
        left = b.builder.sub(panels, b.times(wide, TOGETHER))

        def group(number: ir.Value) -> None:
            several = b.builder.icmp_signed("<", number, wide)
            alone = b.add(b.times(wide, TOGETHER - 1), number)
            first = b.builder.select(several, b.times(number, TOGETHER), alone)
            count = b.builder.select(several, b.integer(TOGETHER), one)
            body(first, count, self.units_of(layer, b.builder.sub(b.add(first, count), one)))

        b.loop(0, b.add(wide, left), group)

    def grouped(self, rows: int) -> bool:
        """Return whether panels may go in groups: there are full ones, and single examples."""
        return rows == 1 and self.shape.vectors in self.program.widths

    def product(
        self, rows: int, count: ir.Value, units: ir.Value, panels: tuple[ir.Value, ir.Value], *given: ir.Value
    ) -> None:
        """Call the product's kernel for a group of panels; ``panels`` are the bytes from panel to panel of weights and
        of what the sums start from."""

        def kernel(vectors: int) -> ir.Function:
            return product(self.module, self.shape, rows, vectors)

        if not self.grouped(rows):
            self.by_width(units, kernel, *given)
            return
        several = self.b.builder.icmp_signed(">", count, self.b.integer(1))
        with self.b.builder.if_else(several) as (then, otherwise):
            with then:
                wide = product(self.module, self.shape, rows, self.shape.vectors, TOGETHER)
                self.call(wide, *given, *panels)
            with otherwise:
                self.by_width(units, kernel, *given)

    def each_block(self, low: ir.Value, high: ir.Value, body: Callable[[ir.Value, ir.Value], None]) -> None:
        """Loop over examples, some whole tiles at a time: the row of the first, and their number."""

        def block(s: ir.Value) -> None:
            body(self.b.times(s, self.row), self.b.smaller(self.b.builder.sub(high, s), self.examples_at_a_time))

        self.b.loop(low, high, block, by=self.examples_at_a_time)

    def layer(self, layer: ir.Value, low: ir.Value, high: ir.Value, rows: int, *, training: bool) -> None:
        """Compute the sums of a layer, ``rows`` examples at a time, and its outputs."""
        b, before = self.b, self.before(layer)
        inputs, bytes_of_panel = self.of(before, "units"), self.panel_of_weights(layer)
        weights, bias = b.at(self.parameters, self.of(layer, "weights")), b.add(bytes_of_panel, -self.row)

        def block(s: ir.Value, examples: ir.Value) -> None:
            a = b.at(self.a(before), s)

            def group(first: ir.Value, count: ir.Value, units: ir.Value) -> None:
                w, z = b.at(weights, b.times(first, bytes_of_panel)), b.at(self.a(layer), b.times(first, self.panel), s)
                given = a, self.panel, inputs, w, b.at(w, bias), z, examples
                self.product(rows, count, units, (bytes_of_panel, bytes_of_panel), *given)

                def panel(p: ir.Value) -> None:
                    here, units = b.times(p, self.panel), self.units_of(layer, p)
                    z, d = b.at(self.a(layer), here, s), b.at(self.d(layer), here, s)
                    self.outputs(layer, z, d, examples, units, training=training)

                b.loop(first, b.add(first, count), panel)

            self.each_group(layer, rows, group)

        self.each_block(low, high, block)
        whole = self.if_softmax(layer)
        if whole is not None:
            with b.builder.if_then(whole):
                kernel = softmax(self.module, self.shape, training=training)
                self.call(kernel, self.a(layer), self.d(layer), self.panel, self.of(layer, "units"), low, high)
