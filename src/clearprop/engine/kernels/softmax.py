"""Softmax: the rule that looks at its whole layer, so at all panels of an example at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from clearprop.engine.block import INDEX, POINTER, Block, Module, intrinsic, reduced
from clearprop.engine.emit import Emitter
from clearprop.engine.kernels.activate import only
from clearprop.engine.panels import Panels
from clearprop.expressions import Symbol
from clearprop.expressions.tree import exp, log
from clearprop.rules.roles import Role

EXP, LOG = exp(Symbol(Role.SUM)), log(Symbol(Role.SUM))


def each_unit(
    b: Block,
    panels: Panels,
    layer: int,
    panel: ir.Value,
    body: Callable[..., Any],
    total: ir.Value | None = None,
) -> Any:
    """All vectors of an example's layer, one after the other. ``body`` is given a vector's place among
    panels, its place in a plain row, its lanes that are units, and the total so far if there is one."""
    step = panels.numbers.lanes * panels.numbers.bytes

    def line(p: ir.Value | int, units: int, total: ir.Value | None) -> ir.Value | None:
        for v in range(-(-units // panels.numbers.lanes)):
            lanes = b.lanes_below(units - v * panels.numbers.lanes)
            p = b.integer(p)
            at = b.add(b.times(p, panel), v * step), b.add(b.times(p, panels.row), v * step)
            total = body(*at, lanes, total) if total is not None else body(*at, lanes)
        return total

    def full(p: ir.Value, *total: ir.Value) -> list[ir.Value]:
        return [line(p, panels.width, total[0])] if total else line(p, panels.width, None) or []

    last = panels.count(layer) - 1
    results = b.loop(0, last, full, [total] if total is not None else [])
    return line(last, panels.tail(layer), results[0] if results else None)


def emitted(b: Block, tree: Any, value: ir.Value) -> ir.Value:
    """A function of one value."""
    return Emitter(b.builder, value.type, fused=b.numbers.fused).emit(tree, {Role.SUM: value})


def largest(b: Block, panels: Panels, layer: int, panel: ir.Value, z: ir.Value) -> ir.Value:
    """The largest sum of an example's layer, in all lanes."""
    below = b.constant(float("-inf"))
    maximum = intrinsic(b.builder.module, "llvm.maximum", b.numbers.vector, 2)

    def larger(place: ir.Value, _: ir.Value, lanes: ir.Value | None, most: ir.Value) -> ir.Value:
        value = b.load(b.at(z, place))
        value = value if lanes is None else b.builder.select(lanes, value, below)
        return b.builder.call(maximum, [most, value])

    return b.spread(reduced(b, "maximum", each_unit(b, panels, layer, panel, larger, below)))


def softmax_of(b: Block, panels: Panels, layer: int, panel: ir.Value, z: ir.Value, y: ir.Value) -> None:
    """y_k = e^(z_k - max z) / Σ_j e^(z_j - max z) of one example; z and y may be the same place."""
    most = largest(b, panels, layer, panel, z)

    def exponential(place: ir.Value, _: ir.Value, lanes: ir.Value | None, total: ir.Value) -> ir.Value:
        e = only(b, emitted(b, EXP, b.builder.fsub(b.load(b.at(z, place)), most)), lanes)
        b.store(e, b.at(y, place))
        return b.builder.fadd(total, e)

    total = b.spread(reduced(b, "fadd", each_unit(b, panels, layer, panel, exponential, b.constant(0.0))))

    def share(place: ir.Value, _: ir.Value, lanes: ir.Value | None) -> None:
        b.store(b.builder.fdiv(b.load(b.at(y, place)), total), b.at(y, place))

    each_unit(b, panels, layer, panel, share)


def logarithm_of_sum(b: Block, panels: Panels, layer: int, panel: ir.Value, z: ir.Value) -> tuple[ir.Value, ir.Value]:
    """max z and log Σ_j e^(z_j - max z) of one example, in all lanes; apart, so that no digits are lost."""
    most = largest(b, panels, layer, panel, z)

    def exponential(place: ir.Value, _: ir.Value, lanes: ir.Value | None, total: ir.Value) -> ir.Value:
        e = emitted(b, EXP, b.builder.fsub(b.load(b.at(z, place)), most))
        return b.builder.fadd(total, only(b, e, lanes))

    total = reduced(b, "fadd", each_unit(b, panels, layer, panel, exponential, b.constant(0.0)))
    return most, emitted(b, LOG, b.spread(total))


def softmax(module: Module, panels: Panels, layer: int, *, training: bool) -> ir.Function:
    """z becomes its softmax, which is kept in d as well in training: arguments z, d, the bytes from panel
    to panel, the first and the last example."""

    def build(b: Block) -> None:
        n = b.named

        def example(s: ir.Value) -> None:
            at = b.times(s, panels.row)
            z, d = b.at(n["z"], at), b.at(n["d"], at)
            softmax_of(b, panels, layer, n["panel"], z, z)
            if training:

                def keep(place: ir.Value, _: ir.Value, lanes: ir.Value | None) -> None:
                    b.store(b.load(b.at(z, place)), b.at(d, place))

                each_unit(b, panels, layer, n["panel"], keep)

        b.loop(n["first"], n["last"], example)

    arguments = [("z", POINTER), ("d", POINTER), ("panel", INDEX), ("first", INDEX), ("last", INDEX)]
    return module.function(f"softmax_{layer}{'_kept' if training else ''}", arguments, build)


def pull_back(module: Module, panels: Panels, layer: int) -> ir.Function:
    """d, which holds y, becomes y_j (u_j - Σ_k y_k u_k): from ∂E/∂y to ∂E/∂z. Arguments d, u, the bytes
    from panel to panel, the first and the last example."""

    def build(b: Block) -> None:
        n = b.named

        def example(s: ir.Value) -> None:
            at = b.times(s, panels.row)
            d, u = b.at(n["d"], at), b.at(n["u"], at)

            def product(place: ir.Value, _: ir.Value, lanes: ir.Value | None, total: ir.Value) -> ir.Value:
                return b.builder.fadd(total, b.builder.fmul(b.load(b.at(d, place)), b.load(b.at(u, place))))

            total = b.spread(reduced(b, "fadd", each_unit(b, panels, layer, n["panel"], product, b.constant(0.0))))

            def unit(place: ir.Value, _: ir.Value, lanes: ir.Value | None) -> None:
                difference = b.builder.fsub(b.load(b.at(u, place)), total)
                b.store(b.builder.fmul(b.load(b.at(d, place)), difference), b.at(d, place))

            each_unit(b, panels, layer, n["panel"], unit)

        b.loop(n["first"], n["last"], example)

    arguments = [("d", POINTER), ("u", POINTER), ("panel", INDEX), ("first", INDEX), ("last", INDEX)]
    return module.function(f"pull_back_{layer}", arguments, build)
