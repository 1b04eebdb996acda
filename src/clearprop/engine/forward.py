"""The forward pass of a program, over some of the examples: what training and inference have in common."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from clearprop.engine.block import Block, Module
from clearprop.engine.kernels.activate import activate
from clearprop.engine.kernels.product import product
from clearprop.engine.kernels.softmax import softmax
from clearprop.engine.program import EXAMPLES, FIELDS, Program
from clearprop.rules.activations import Activation, Softmax


class Forward:
    """Instructions for the layers of a program, in one of its functions."""

    activations: ir.Value
    """The first panel of the inputs."""
    parameters: ir.Value
    """The first panel of the first layer's weights."""
    panel: ir.Value
    """The bytes from panel to panel of activations."""
    """What training and inference share: the forward pass over some examples."""

    def __init__(self, program: Program, module: Module, b: Block) -> None:
        self.program, self.module, self.b = program, module, b
        self.problem, self.panels = program.problem, program.panels
        self.network, self.row = self.problem.network, self.panels.row
        self.depth = self.network.depth
        self.starts = self.panels.activation_starts()
        self.weighted = self.problem.examples is not None and self.problem.examples.weights is not None

    def field(self, name: str, *, pointer: bool = True) -> ir.Value:
        """One of the words that the function was given."""
        place = self.b.at(self.b.named["context"], 8 * FIELDS.index(name))
        return self.b.load_pointer(place) if pointer else self.b.load_integer(place)

    def a(self, layer: int) -> ir.Value:
        """The first panel of a layer's activations."""
        return self.b.at(self.activations, self.b.times(self.panel, self.starts[layer]))

    def d(self, layer: int) -> ir.Value:
        """The first panel of a layer's signals."""
        return self.b.at(
            self.activations, self.b.times(self.panel, self.starts[-1] + self.starts[layer] - self.starts[1])
        )

    def w(self, layer: int) -> ir.Value:
        """The first panel of a layer's weights."""
        return self.b.at(self.parameters, self.panels.weight_starts[layer] * self.row)

    def call(self, function: ir.Function, *arguments: ir.Value | int) -> None:
        """Call one of the kernels."""
        self.b.builder.call(function, [self.b.integer(each) if isinstance(each, int) else each for each in arguments])

    def each_panel(self, layer: int, body: Callable[[ir.Value, int], None]) -> None:
        """All panels of a layer; ``body`` is given the number and the units of the panel."""
        last, units = self.panels.count(layer) - 1, self.panels.tail(layer)
        alike = units == self.panels.width

        def full(p: ir.Value) -> None:
            body(p, self.panels.width)

        self.b.loop(0, last + alike, full)
        if not alike:
            body(self.b.integer(last), units)

    def each_block(self, low: ir.Value, high: ir.Value, body: Callable[[ir.Value, ir.Value], None]) -> None:
        """Examples, so many at a time as fit the innermost cache: the first one's row, and how many.

        These are whole tiles: what is left of one would be computed otherwise, with other bits, and where
        that is depends on how many workers there are.
        """
        most = EXAMPLES // self.program.tile.rows * self.program.tile.rows

        def block(s: ir.Value) -> None:
            body(self.b.times(s, self.row), self.b.smaller(self.b.builder.sub(high, s), most))

        self.b.loop(low, high, block, by=most)

    def layer(self, layer: int, low: ir.Value, high: ir.Value, *, training: bool, outputs: bool = True) -> None:
        """The sums of a layer, and its outputs."""
        b, panels = self.b, self.panels
        rule = self.network.layers[layer - 1].rule
        rows = panels.weight_rows(layer)

        def block(s: ir.Value, examples: ir.Value) -> None:
            a = b.at(self.a(layer - 1), s)

            def panel(p: ir.Value, units: int) -> None:
                here = b.times(p, self.panel)
                w = b.at(self.w(layer), b.times(p, rows * self.row))
                z, d = b.at(self.a(layer), here, s), b.at(self.d(layer), here, s)
                kernel = product(self.module, panels, self.program.tile.rows, -(-units // panels.numbers.lanes))
                bias = b.at(w, (rows - 1) * self.row)
                self.call(kernel, a, self.panel, self.network.sizes[layer - 1], w, bias, z, examples)
                if isinstance(rule, Activation) and outputs:
                    slope = rule.slope.simplified if training else None
                    name = self.name_of(layer)
                    self.call(activate(self.module, panels, name, rule.formula, slope, units), z, d, examples)

            self.each_panel(layer, panel)

        self.each_block(low, high, block)
        if isinstance(rule, Softmax) and outputs:
            kernel = softmax(self.module, panels, layer, training=training)
            self.call(kernel, self.a(layer), self.d(layer), self.panel, low, high)

    def name_of(self, layer: int) -> str:
        """A name for the rule of a layer: that of the first layer which has the same."""
        rules = [each.rule for each in self.network.layers]
        return str(next(k for k, rule in enumerate(rules) if rule == rules[layer - 1]))
