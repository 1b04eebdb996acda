"""Errors and signals: what the outputs of a batch's examples are worth, and what the backward pass starts with.

Both read the loss, or the loss and the output activation joined, as the reference does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from llvmlite import ir

from clearprop.engine.block import INDEX, POINTER, Block, Module, reduced
from clearprop.engine.emit import Emitter
from clearprop.engine.kernels.activate import only
from clearprop.engine.kernels.softmax import each_unit, logarithm_of_sum, pull_back, softmax_of
from clearprop.engine.panels import Panels
from clearprop.rules.activations import Softmax
from clearprop.rules.joined import Joined, SoftmaxCrossEntropy
from clearprop.rules.roles import Role

ARGUMENTS = [
    ("a", POINTER),  # the first panel of the output layer: sums for a joined pair, else outputs
    ("d", POINTER),  # signals, and before that the slopes of the activation
    ("panel", INDEX),  # the bytes from panel to panel of both
    ("first", INDEX),
    ("last", INDEX),
    ("examples", INDEX),
    ("order", POINTER),
    ("targets", POINTER),
    ("weights", POINTER),  # how much each example counts, or nothing
]


class Output:
    """What is done at the output layer of a network, in training (with dropout) or when it is looked at."""

    def __init__(self, module: Module, panels: Panels, *, training: bool, weighted: bool) -> None:
        self.module, self.panels, self.weighted = module, panels, weighted
        network = panels.network
        self.layer = network.depth
        # As in the reference: with outputs dropped, loss and activation are not one function.
        dropped = training and network.layers[-1].dropout > 0
        self.joined = None if dropped else network.joined
        self.softmax = isinstance(network.layers[-1].rule, Softmax)
        self.share = 1 / network.sizes[-1] if network.loss.over_outputs == "mean" else 1.0

    def signals(self) -> ir.Function:
        """d becomes ∂E/∂z of each output: arguments as above, and the factor of all examples."""
        rule = self.panels.network.loss.rule

        def build(b: Block) -> None:
            def example(s: ir.Value, a: ir.Value, d: ir.Value, target: ir.Value, count: ir.Value | None) -> None:
                factor = b.named["share"]
                factor = b.spread(factor if count is None else b.builder.fmul(factor, count))

                if isinstance(self.joined, SoftmaxCrossEntropy):
                    self._softmax_cross_entropy(b, a, d, target, factor)
                    return

                def unit(place: ir.Value, number: ir.Value, lanes: ir.Value | None) -> None:
                    values: dict[Hashable, ir.Value] = {Role.TARGET: b.load_only(b.at(target, number), lanes)}
                    emitter = Emitter(b.builder, b.numbers.vector, fused=b.numbers.fused)
                    value = b.load(b.at(a, place))
                    if isinstance(self.joined, Joined):
                        signal = emitter.emit(self.joined.slope.simplified, {**values, Role.SUM: value})
                    else:
                        signal = emitter.emit(rule.slope.simplified, {**values, Role.OUTPUT: value})
                        if not self.softmax:
                            signal = b.builder.fmul(signal, b.load(b.at(d, place)))
                    b.store(only(b, b.builder.fmul(signal, factor), lanes), b.at(d, place))

                each_unit(b, self.panels, self.layer, b.named["panel"], unit)

            self._each_example(b, example)

        return self.module.function("signals", [*ARGUMENTS, ("share", self.panels.numbers.scalar)], build)

    def errors(self) -> ir.Function:
        """Σ_k E_k of each example, as float64: arguments as above, and where they go."""
        rule = self.panels.network.loss.rule

        def build(b: Block) -> None:
            def example(s: ir.Value, a: ir.Value, d: ir.Value, target: ir.Value, count: ir.Value | None) -> None:
                if isinstance(self.joined, SoftmaxCrossEntropy):
                    most, logarithm = logarithm_of_sum(b, self.panels, self.layer, b.named["panel"], a)

                def unit(place: ir.Value, number: ir.Value, lanes: ir.Value | None, total: ir.Value) -> ir.Value:
                    t, value = b.load_only(b.at(target, number), lanes), b.load(b.at(a, place))
                    emitter = Emitter(b.builder, b.numbers.vector, fused=b.numbers.fused)
                    if isinstance(self.joined, SoftmaxCrossEntropy):
                        error = b.builder.fmul(t, b.builder.fsub(logarithm, b.builder.fsub(value, most)))
                        error = b.builder.select(
                            b.builder.fcmp_ordered("==", t, b.constant(0.0)), b.constant(0.0), error
                        )
                    elif isinstance(self.joined, Joined):
                        error = emitter.emit(self.joined.error, {Role.TARGET: t, Role.SUM: value})
                    else:
                        error = emitter.emit(rule.formula, {Role.TARGET: t, Role.OUTPUT: value})
                    return b.builder.fadd(total, only(b, error, lanes))

                total = each_unit(b, self.panels, self.layer, b.named["panel"], unit, b.constant(0.0))
                assert total is not None
                error = b.builder.fmul(reduced(b, "fadd", total), ir.Constant(b.numbers.scalar, self.share))
                error = error if count is None else b.builder.fmul(error, count)
                if b.numbers.dtype == "float32":
                    error = b.builder.fpext(error, ir.DoubleType())
                b.builder.store(error, b.at(b.named["errors"], b.times(s, 8)), align=8)

            self._each_example(b, example)

        return self.module.function("errors_of", [*ARGUMENTS, ("errors", POINTER)], build)

    def pull_back(self) -> ir.Function | None:
        """For an output layer of softmax by itself: from ∂E/∂output to ∂E/∂z."""
        return pull_back(self.module, self.panels, self.layer) if self.softmax and self.joined is None else None

    def _each_example(self, b: Block, body: Callable[..., None]) -> None:
        n, size = b.named, self.panels.numbers.bytes

        def example(s: ir.Value) -> None:
            number = b.smaller(s, b.builder.sub(n["examples"], b.integer(1)))
            row = b.load_integer(b.at(n["order"], b.times(number, 8)))
            target = b.at(n["targets"], b.times(row, self.panels.network.sizes[-1] * size))
            count = b.load_number(b.at(n["weights"], b.times(row, size))) if self.weighted else None
            at = b.times(s, self.panels.row)
            body(s, b.at(n["a"], at), b.at(n["d"], at), target, count)

        b.loop(n["first"], n["last"], example)

    def _softmax_cross_entropy(self, b: Block, z: ir.Value, d: ir.Value, target: ir.Value, factor: ir.Value) -> None:
        softmax_of(b, self.panels, self.layer, b.named["panel"], z, d)

        def add(place: ir.Value, number: ir.Value, lanes: ir.Value | None, total: ir.Value) -> ir.Value:
            return b.builder.fadd(total, b.load_only(b.at(target, number), lanes))

        total = each_unit(b, self.panels, self.layer, b.named["panel"], add, b.constant(0.0))
        assert total is not None
        whole = b.spread(reduced(b, "fadd", total))

        def unit(place: ir.Value, number: ir.Value, lanes: ir.Value | None) -> None:
            y = b.load(b.at(d, place))
            signal = b.builder.fsub(b.builder.fmul(y, whole), b.load_only(b.at(target, number), lanes))
            b.store(only(b, b.builder.fmul(signal, factor), lanes), b.at(d, place))

        each_unit(b, self.panels, self.layer, b.named["panel"], unit)
