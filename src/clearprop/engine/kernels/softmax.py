"""Softmax: the rule that looks at its whole layer, so at all panels of an example at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from llvmlite import ir

from clearprop.engine.block import Block, intrinsic, nothing, plus, reduced
from clearprop.engine.emit import Emitter
from clearprop.engine.module import Module
from clearprop.engine.numbers import arguments
from clearprop.engine.panels import Panel
from clearprop.expressions import Expression, Symbol
from clearprop.expressions.tree import log
from clearprop.rules.activations import Softmax
from clearprop.rules.roles import Role

SOFTMAX = Softmax()
LOG_TOTAL = log(Symbol("total"))


class Row:
    """An example's layer in panels: how many units it has, and the bytes from panel to panel.

    Where all units fit one vector (``single``), there is no loop, and which lanes are units is found but once.
    """

    def __init__(self, b: Block, shape: Panel, *, single: bool = False) -> None:
        self.b, self.shape, self.units, self.panel = b, shape, b.named["units"], b.named["panel"]
        self.lanes = b.first_lanes(self.units) if single else None

    def each(self, body: Callable[..., Any], total: ir.Value | None = None) -> Any:
        """All vectors, one after the other. ``body`` is given a vector's place among panels, its place in a
        plain row, its lanes that are units, and the total so far if there is one."""
        b, lanes, vectors = self.b, self.shape.numbers.lanes, self.shape.vectors
        step = lanes * self.shape.numbers.bytes
        if self.lanes is not None:
            return body(b.integer(0), b.integer(0), self.lanes, *([] if total is None else [total]))

        def vector(number: ir.Value, *total: ir.Value) -> list[ir.Value]:
            panel = b.times(b.quotient(number, vectors), self.panel)
            place = b.add(panel, b.times(b.remainder(number, vectors), step))
            there = b.first_lanes(b.builder.sub(self.units, b.times(number, lanes)))
            found = body(place, b.times(number, step), there, *total)
            return [found] if total else []

        count = b.quotient(b.add(self.units, lanes - 1), lanes)
        results = b.loop(0, count, vector, [total] if total is not None else [])
        return results[0] if results else None

    def total(self, term: Callable[[ir.Value, ir.Value, ir.Value], ir.Value]) -> ir.Value:
        """The sum over all units of what ``term`` returns for a vector, given the same."""
        found = self.each(lambda *given: plus(self.b, given[-1], term(*given[:-1])), nothing(self.shape.numbers))
        return reduced(self.b, "fadd", found)


def by_rows(b: Block, shape: Panel, build: Callable[[Row], None]) -> None:
    """Build work twice: for layers whose units fit one vector, and for all others."""
    fits = b.builder.icmp_signed("<=", b.named["units"], b.integer(shape.numbers.lanes))
    with b.builder.if_else(fits) as (few, many):
        with few:
            build(Row(b, shape, single=True))
        with many:
            build(Row(b, shape))


def emitted(b: Block, tree: Expression, values: Mapping[Hashable, ir.Value]) -> ir.Value:
    """Emit an expression, sharing no code with others."""
    return Emitter(b.builder, b.numbers.vector, fma=b.numbers.fma).emit(tree, values)


def largest(b: Block, row: Row, z: ir.Value) -> ir.Value:
    """The largest sum of an example's layer, in all lanes."""
    below = b.constant(float("-inf"))
    maximum = intrinsic(b.builder.module, "llvm.maximum", b.numbers.vector, 2)

    def larger(place: ir.Value, _: ir.Value, lanes: ir.Value, most: ir.Value) -> ir.Value:
        value = b.builder.select(lanes, b.load(b.at(z, place)), below)
        return b.builder.call(maximum, [most, value])

    return b.spread(reduced(b, "maximum", row.each(larger, below)))


def terms(b: Block, row: Row, z: ir.Value, most: ir.Value, y: ir.Value | None = None) -> ir.Value:
    """The total of the terms of one example, in all lanes; each goes to y, if that is given."""

    def term(place: ir.Value, _: ir.Value, lanes: ir.Value) -> ir.Value:
        shifted = b.builder.fsub(b.load(b.at(z, place)), most)
        value = b.only(emitted(b, SOFTMAX.term, {Role.SUM: shifted}), lanes)
        if y is not None:
            b.store(value, b.at(y, place))
        return value

    return b.spread(row.total(term))


def softmax_of(b: Block, row: Row, z: ir.Value, y: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The outputs y of one example, from z; they may be the same place. Return the largest sum and the total of the
    terms."""
    most = largest(b, row, z)
    total = terms(b, row, z, most, y)

    def output(place: ir.Value, *_: ir.Value) -> None:
        values: dict[Hashable, ir.Value] = {"term": b.load(b.at(y, place)), "total": total}
        b.store(emitted(b, SOFTMAX.output, values), b.at(y, place))

    row.each(output)
    return most, total


def logarithm_of_total(b: Block, row: Row, z: ir.Value) -> tuple[ir.Value, ir.Value]:
    """max z and log Σ_j e^(z_j - max z) of one example, in all lanes; apart, so that no digits are lost."""
    most = largest(b, row, z)
    return most, logarithm(b, terms(b, row, z, most))


def logarithm(b: Block, total: ir.Value) -> ir.Value:
    """The logarithm of a total."""
    return emitted(b, LOG_TOTAL, {"total": total})


def softmax(module: Module, shape: Panel, *, training: bool) -> ir.Function:
    """z becomes its softmax, which is kept in d as well in training.

    Arguments: z, d, the bytes from panel to panel, the number of units of the layer, the first and the last example.
    """

    def build(b: Block) -> None:
        n, row = b.named, Row(b, shape)

        def example(s: ir.Value) -> None:
            at = b.times(s, shape.row)
            z, d = b.at(n["z"], at), b.at(n["d"], at)
            softmax_of(b, row, z, z)
            if training:
                row.each(lambda place, *_: b.store(b.load(b.at(z, place)), b.at(d, place)))

        b.loop(n["first"], n["last"], example)

    name = "softmax_kept" if training else "softmax"
    return module.function(name, arguments("z d panel units first last"), build)


def pull_back(module: Module, shape: Panel) -> ir.Function:
    """d, which holds y, becomes ∂E/∂z, where u holds ∂E/∂y. Arguments: d, u, and the last four of ``softmax``."""

    def build(b: Block) -> None:
        n, row = b.named, Row(b, shape)

        def example(s: ir.Value) -> None:
            at = b.times(s, shape.row)
            d, u = b.at(n["d"], at), b.at(n["u"], at)

            def values(place: ir.Value) -> dict[Hashable, ir.Value]:
                return {Role.OUTPUT: b.load(b.at(d, place)), "upstream": b.load(b.at(u, place))}

            total = b.spread(row.total(lambda place, *_: emitted(b, SOFTMAX.share, values(place))))

            def unit(place: ir.Value, *_: ir.Value) -> None:
                b.store(emitted(b, SOFTMAX.signal, {**values(place), "total": total}), b.at(d, place))

            row.each(unit)

        b.loop(n["first"], n["last"], example)

    return module.function("pull_back", arguments("d u panel units first last"), build)
