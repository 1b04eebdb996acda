"""Errors and signals: what the outputs of a batch's examples are worth, and what the backward pass starts with.

Both read the loss, or the loss and the output activation fused, as the reference does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.emit import Emitter
from clearprop.engine.kernels.gather import LINE, position
from clearprop.engine.kernels.softmax import Row, by_rows, emitted, logarithm, logarithm_of_total, softmax_of
from clearprop.engine.module import Module
from clearprop.engine.numbers import arguments
from clearprop.engine.panels import Panel
from clearprop.rules.fused import AnyFused, Fused, SoftmaxCrossEntropy
from clearprop.rules.losses import Loss
from clearprop.rules.roles import Role

AHEAD, LINES = 4, 2
"""Examples after which the targets are needed that are brought nearer, and how many cache lines of them: in a random
order each is far away."""

ARGUMENTS = "a d panel units first last examples order targets weights share"
"""The first panel of the output layer (sums for a fused pair, else outputs) and that of the signals, before them the
slopes; the bytes from panel to panel; the units; the first, the last and the number of examples; their order, targets
and weights; the factor of all of them."""


@dataclass(frozen=True)
class Output:
    """The work at the output layer: its rule and the loss, or both as one function."""

    module: Module
    shape: Panel
    loss: Loss
    fused: AnyFused | None
    sloped: bool
    """Whether the layer's slopes stand in d: those of a softmax do not."""
    weighted: bool

    def signals(self) -> ir.Function:
        """d becomes ∂E/∂z of each output (of a softmax that is not fused ∂E/∂output), and the error of each example is
        noted: arguments as ``errors``, and the factor of the signals."""

        def build(b: Block) -> None:
            by_rows(b, self.shape, lambda row: each(b, row))

        def each(b: Block, row: Row) -> None:
            def example(s: ir.Value, a: ir.Value, d: ir.Value, target: ir.Value, count: ir.Value | None) -> None:
                whole = b.named["factor"]
                factor = b.spread(whole if count is None else b.builder.fmul(whole, count))
                if isinstance(self.fused, SoftmaxCrossEntropy):
                    most, total = softmax_cross_entropy(b, row, self.fused, a, d, target, factor)
                    self._note(b, s, count, row.total(self._unit(b, a, target, most, logarithm(b, total))))
                    return

                def unit(place: ir.Value, number: ir.Value, lanes: ir.Value) -> ir.Value:
                    emitter = Emitter(b.builder, b.numbers.vector, fma=b.numbers.fma)
                    t, value = b.load_only(b.at(target, number), lanes), b.load(b.at(a, place))
                    if isinstance(self.fused, Fused):
                        slope, error, role = self.fused.slope, self.fused.error, Role.SUM
                    else:
                        slope, error, role = self.loss.slope, self.loss.formula, Role.OUTPUT
                    values: dict[Hashable, ir.Value] = {Role.TARGET: t, role: value}
                    signal = emitter.emit(slope.simplified, values)
                    if role is Role.OUTPUT and self.sloped:
                        signal = b.builder.fmul(signal, b.load(b.at(d, place)))
                    b.store(b.only(b.builder.fmul(signal, factor), lanes), b.at(d, place))
                    return b.only(emitter.emit(error, values), lanes)

                self._note(b, s, count, row.total(unit))

            self._each_example(b, example)

        size = self.shape.numbers.scalar
        return self.module.function("signals", arguments(f"{ARGUMENTS} errors factor", share=size, factor=size), build)

    def errors(self) -> ir.Function:
        """Σ_k E_k of each example, as float64: arguments as above, and where they go."""

        def build(b: Block) -> None:
            by_rows(b, self.shape, lambda row: each(b, row))

        def each(b: Block, row: Row) -> None:
            def example(s: ir.Value, a: ir.Value, d: ir.Value, target: ir.Value, count: ir.Value | None) -> None:
                most, log_total = None, None
                if isinstance(self.fused, SoftmaxCrossEntropy):
                    most, log_total = logarithm_of_total(b, row, a)
                self._note(b, s, count, row.total(self._unit(b, a, target, most, log_total)))

            self._each_example(b, example)

        given = arguments(f"{ARGUMENTS} errors", share=self.shape.numbers.scalar)
        return self.module.function("errors_of", given, build)

    def _unit(
        self, b: Block, a: ir.Value, target: ir.Value, most: ir.Value | None, log_total: ir.Value | None
    ) -> Callable[[ir.Value, ir.Value, ir.Value], ir.Value]:
        """Return how to find the errors of a vector of outputs."""

        def unit(place: ir.Value, number: ir.Value, lanes: ir.Value) -> ir.Value:
            t, value = b.load_only(b.at(target, number), lanes), b.load(b.at(a, place))
            if isinstance(self.fused, SoftmaxCrossEntropy):
                values = {Role.TARGET: t, Role.SUM: b.builder.fsub(value, most), "log_total": log_total}
                error = emitted(b, self.fused.error, values)
            elif isinstance(self.fused, Fused):
                error = emitted(b, self.fused.error, {Role.TARGET: t, Role.SUM: value})
            else:
                error = emitted(b, self.loss.formula, {Role.TARGET: t, Role.OUTPUT: value})
            return b.only(error, lanes)

        return unit

    @staticmethod
    def _note(b: Block, s: ir.Value, count: ir.Value | None, error: ir.Value) -> None:
        """Put the error of an example where it goes."""
        error = b.builder.fmul(error, b.named["share"])
        error = error if count is None else b.builder.fmul(error, count)
        b.builder.store(b.widened(error), b.at(b.named["errors"], b.times(s, 8)), align=8)

    def _each_example(self, b: Block, body: Callable[..., None]) -> None:
        n, size = b.named, self.shape.numbers.bytes
        bytes_of_row = b.times(n["units"], size)

        def example(s: ir.Value) -> None:
            row, following = position(b, s), position(b, b.add(s, AHEAD))
            target, later = (b.at(n["targets"], b.times(each, bytes_of_row)) for each in (row, following))
            for line in range(LINES):
                b.prefetch(b.at(later, line * LINE))
            count = b.load_number(b.at(n["weights"], b.times(row, size))) if self.weighted else None
            at = b.times(s, self.shape.row)
            body(s, b.at(n["a"], at), b.at(n["d"], at), target, count)

        b.loop(n["first"], n["last"], example)


def softmax_cross_entropy(
    b: Block, row: Row, rule: SoftmaxCrossEntropy, z: ir.Value, d: ir.Value, target: ir.Value, factor: ir.Value
) -> tuple[ir.Value, ir.Value]:
    """d becomes the error signals of one example, from its sums z, times the factor. Return as ``softmax_of`` does."""
    found = softmax_of(b, row, z, d)

    whole = b.spread(row.total(lambda _, number, lanes: b.load_only(b.at(target, number), lanes)))

    def unit(place: ir.Value, number: ir.Value, lanes: ir.Value) -> None:
        t = b.load_only(b.at(target, number), lanes)
        signal = emitted(b, rule.signal, {Role.OUTPUT: b.load(b.at(d, place)), Role.TARGET: t, "whole": whole})
        b.store(b.only(b.builder.fmul(signal, factor), lanes), b.at(d, place))

    row.each(unit)
    return found
