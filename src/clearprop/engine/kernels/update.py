"""Updates: the optimizer's assignments, applied to gradients that are still in the cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from clearprop.cached import cached_property
from clearprop.engine.block import SUM, Block, intrinsic, nothing, reduced
from clearprop.engine.emit import Emitter
from clearprop.engine.kernels.activate import each_vector
from clearprop.engine.module import Module
from clearprop.engine.numbers import Same, arguments
from clearprop.engine.panels import Panel
from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, evaluate
from clearprop.expressions.tree import symbols
from clearprop.rules.optimizers import Assignment, Optimizer
from clearprop.rules.penalties import TERMS, Penalty
from clearprop.rules.roles import Role
from clearprop.types import Array


@dataclass(frozen=True)
class Rule:
    """An optimizer whose ``parts``, all that depends on the step alone, are computed once per step in float64; symbols
    stand for them in the assignments."""

    assignments: tuple[Assignment, ...]
    parts: tuple[Expression, ...]
    constants: Mapping[str, float]
    remembered: tuple[Any, ...]
    """The weight, and the names of what is remembered of it."""

    @staticmethod
    def of(optimizer: Optimizer) -> Rule:
        """Return the rule of an optimizer."""
        alone = frozenset((Role.RATE, Role.STEP, *optimizer.constants))
        parts: dict[Expression, Symbol] = {}

        def part(tree: Expression) -> Expression:
            return parts.setdefault(tree, Symbol(("part", len(parts))))

        def apart(tree: Expression) -> Expression:
            keys = symbols(tree)
            if keys and keys <= alone:
                return part(tree)
            match tree:
                case Apply(Operator.DIVIDE, (u, v)) if symbols(v) and symbols(v) <= alone:
                    # A division of every weight would cost as much as all the rest.
                    return apart(u) * part(1 / v)
                case Apply(Operator.WHERE, (condition, u, v)) if symbols(condition) and symbols(condition) <= alone:
                    # A condition is no number; a choice by the step is.
                    chosen = part(Apply(Operator.WHERE, (condition, Number(1.0), Number(0.0))))
                    return Apply(Operator.WHERE, (Apply(Operator.GREATER, (chosen, Number(0.5))), apart(u), apart(v)))
                case Apply(operator, arguments):
                    return Apply(operator, tuple(apart(argument) for argument in arguments))
            return tree

        assignments = tuple(Assignment(symbol, apart(tree)) for symbol, tree in optimizer.assignments)
        return Rule(assignments, tuple(parts), optimizer.constants, (Role.WEIGHT, *optimizer.state))

    def at(self, steps: Array, rates: Array) -> Array:
        """Return the parts at each of these steps, shape (steps, parts)."""
        found = np.empty((len(steps), len(self.parts)))
        found[:] = self.fixed
        values: dict[Any, Any] = {Role.STEP: steps.astype(float), Role.RATE: rates, **self.constants}
        for place, tree in self.changing:
            found[:, place] = evaluate(tree, {key: values[key] for key in symbols(tree)})
        return found

    @cached_property
    def changing(self) -> list[tuple[int, Expression]]:
        """The places of the parts that depend on the step or its rate, and these parts."""
        return [(k, part) for k, part in enumerate(self.parts) if {Role.STEP, Role.RATE} & symbols(part)]

    @cached_property
    def fixed(self) -> list[float]:
        """The other parts, and 0 in the places of these."""
        places = {place for place, _ in self.changing}
        return [0.0 if k in places else float(evaluate(part, self.constants)) for k, part in enumerate(self.parts)]

    @cached_property
    def counts_steps(self) -> bool:
        """Whether a part depends on the number of the step."""
        return any(Role.STEP in symbols(part) for part in self.parts)

    @cached_property
    def keys(self) -> tuple[Any, ...]:
        """The names of the parts in the assignments."""
        return tuple(("part", position) for position in range(len(self.parts)))


def update(module: Module, shape: Panel, optimizer: Optimizer, penalty: Penalty | None, rule: Rule) -> ir.Function:
    """Update rows of a panel of weights from their gradients; biases have no penalty.

    Arguments: w, g, the numbers of rows and units, the bytes from w to the first number that the optimizer remembers
    and from that to the next, the parts of this step, the factor of clipping by norm, and the numbers and the share of
    the penalty.
    """

    def build(b: Block) -> None:
        n, numbers = b.named, shape.numbers
        parts = {
            key: b.spread(b.load_number(b.at(n["parts"], position * numbers.bytes)))
            for position, key in enumerate(rule.keys)
        }
        factor, share, terms = b.spread(n["factor"]), b.spread(n["share"]), terms_of(b, n["penalty"])

        def vector(at: ir.Value, lanes: ir.Value) -> None:
            w = b.at(n["w"], at)
            emitter, old = Emitter(b.builder, numbers.vector, fma=numbers.fma), b.load(w)
            g = b.load(b.at(n["g"], at))
            if optimizer.clip_norm is None:
                g = bounded(b, emitter, optimizer, penalty, g, old, share, terms)
            else:
                g = b.builder.fmul(g, factor)
            places = [b.at(w, b.times(n["state"], position + 1)) for position in range(len(optimizer.state))]
            new = assigned(emitter, rule, {**parts, Role.GRADIENT: g}, [old, *map(b.load, places)])
            # What fills up the panel stays zero, also where a rule makes 0/0 of it.
            for value, place in zip(new, [w, *places], strict=True):
                b.store(b.only(value, lanes), place)

        each_vector(b, shape, n["units"], n["rows"], vector)

    scalar = shape.numbers.scalar
    given = arguments("w g rows units state parts factor penalty share", factor=scalar, share=scalar)
    return module.function("update_penalized" if penalty else "update", given, build)


def assigned(emitter: Emitter, rule: Rule, known: Mapping[Any, ir.Value], old: Sequence[ir.Value]) -> list[ir.Value]:
    """Return the new weights and what the optimizer remembers of them, from the old ones."""
    values = {**known, **dict(zip(rule.remembered, old, strict=True))}
    for symbol, tree in rule.assignments:
        values[symbol.key] = emitter.emit(tree, values)
    return [values[key] for key in rule.remembered]


def bounded(
    b: Block,
    emitter: Emitter,
    optimizer: Optimizer,
    penalty: Penalty | None,
    g: ir.Value,
    w: ir.Value,
    share: ir.Value | None = None,
    terms: Mapping[Any, ir.Value] | None = None,
) -> ir.Value:
    """Return the gradient with the penalty's, of these numbers, of which a batch has this share, bounded by value."""
    if penalty:
        slope = emitter.emit(penalty.symbolic_slope.simplified, {**(terms or {}), Role.WEIGHT: w})
        if penalty.divide_by_examples and share is not None:
            slope = b.builder.fmul(slope, share)
        g = b.builder.fadd(g, slope)
    if optimizer.clip_value is not None:
        g = emitter.emit(optimizer.bounded, {Role.GRADIENT: g})
    return g


def terms_of(b: Block, place: ir.Value) -> dict[Any, ir.Value]:
    """Return the numbers of a penalty by name, which stand one after the other."""
    return {name: b.spread(b.load_number(b.at(place, k * b.numbers.bytes))) for k, name in enumerate(TERMS)}


SQUARE = 64
"""The bytes of a row of a square of weights; what is added up of them is, for each unit, that of a whole square."""

Term = Callable[[ir.Value], ir.Value]
"""The numbers to add up, a vector of float64, from a place among weights in bytes."""


def by_unit(b: Block, shape: Panel, term: Term) -> None:
    """Add up a number for each weight of a tile: for each of its units a sum over a square's inputs, in float64.

    The sums stand in rows, one for each square's inputs, ``stride`` bytes apart, from ``sums`` on. Whatever is wider
    than a square has several: the order of all additions is the same with vectors of 32 and 64 bytes.
    """
    n, numbers = b.named, shape.numbers
    inputs, zero = min(shape.width, SQUARE // numbers.bytes), Same(ir.VectorType(ir.DoubleType(), numbers.lanes), 0.0)

    def square(first: ir.Value) -> None:
        last = b.smaller(b.add(first, inputs), n["rows"])
        there = b.at(n["sums"], b.times(b.quotient(first, inputs), n["stride"]))
        for v in range(shape.vectors):

            def row(k: ir.Value, total: ir.Value, v: int = v) -> list[ir.Value]:
                return [b.builder.fadd(total, term(b.add(b.times(k, shape.row), v * numbers.lanes * numbers.bytes)))]

            (total,) = b.loop(first, last, row, [zero])
            b.builder.store(total, b.at(there, v * numbers.lanes * 8), align=8)

    b.loop(0, n["rows"], square, by=inputs)


def added_up(b: Block, sums: ir.Value, count: ir.Value) -> ir.Value:
    """Return the sum of numbers in float64, as many as a multiple of their lanes."""
    kind = ir.VectorType(ir.DoubleType(), SUM // 8)

    def add(position: ir.Value, total: ir.Value) -> list[ir.Value]:
        return [b.builder.fadd(total, b.builder.load(b.at(sums, b.times(position, 8)), typ=kind, align=8))]

    (total,) = b.loop(0, count, add, [Same(kind, 0.0)], by=SUM // 8)
    return reduced(b, "fadd", total)


def finish(module: Module, shape: Panel, optimizer: Optimizer, penalty: Penalty | None) -> ir.Function:
    """Add the penalty's gradient to g, bound it by value, and add up its squares, for the norm of the whole gradient.
    Arguments: w, g, the number of rows, where the sums go, the bytes from one row of them to the next, and the numbers
    and the share of the penalty."""

    def build(b: Block) -> None:
        terms = terms_of(b, b.named["penalty"])

        def square(at: ir.Value) -> ir.Value:
            place = b.at(b.named["g"], at)
            emitter = Emitter(b.builder, shape.numbers.vector, fma=shape.numbers.fma)
            share = b.spread(b.named["share"])
            g = bounded(b, emitter, optimizer, penalty, b.load(place), b.load(b.at(b.named["w"], at)), share, terms)
            b.store(g, place)
            g = b.widened(g)
            return b.builder.fmul(g, g)

        by_unit(b, shape, square)

    given = arguments("w g rows sums stride penalty share", share=shape.numbers.scalar)
    return module.function("finish_penalized" if penalty else "finish", given, build)


def penalties(module: Module, shape: Panel, penalty: Penalty) -> ir.Function:
    """Add up the penalty of a tile's weights, before it is divided.

    Arguments: w, the number of rows, where the sums go, the bytes from one row of them to the next, and the numbers of
    the penalty.
    """

    def build(b: Block) -> None:
        terms = terms_of(b, b.named["penalty"])

        def of_weights(at: ir.Value) -> ir.Value:
            emitter, w = Emitter(b.builder, shape.numbers.vector, fma=shape.numbers.fma), b.load(b.at(b.named["w"], at))
            return b.widened(emitter.emit(penalty.symbolic, {**terms, Role.WEIGHT: w}))

        by_unit(b, shape, of_weights)

    return module.function("penalties", arguments("w rows sums stride penalty"), build)


def shared_gradient(module: Module, shape: Panel) -> ir.Function:
    """Add up the gradient of a bias that a layer shares, as far as units that are some lanes apart.

    Arguments: d (the first panel of signals), the bytes from panel to panel, the number of units, the number of
    examples, g (a row), and whether to continue from g.
    """

    def build(b: Block) -> None:
        n, total = b.named, nothing(shape.numbers)
        lanes, size = total.type.count, shape.numbers.bytes
        fresh = b.builder.icmp_signed("==", n["going_on"], b.integer(0))
        kept = b.builder.load(n["g"], typ=total.type, align=size)

        def units(first: ir.Value, total: ir.Value) -> list[ir.Value]:
            panel = b.times(b.quotient(first, shape.width), n["panel"])
            d = b.at(n["d"], panel, b.times(b.remainder(first, shape.width), size))

            def example(s: ir.Value, total: ir.Value) -> list[ir.Value]:
                here = b.builder.load(b.at(d, b.times(s, shape.row)), typ=total.type, align=size)
                return [b.builder.fadd(total, here)]

            return b.loop(0, n["examples"], example, [total])

        start = b.builder.select(fresh, total, kept)
        (total,) = b.loop(0, n["units"], units, [start], by=lanes)
        for v in range(shape.vectors):
            b.store(b.constant(0.0), b.at(n["g"], v * shape.numbers.lanes * size))
        b.builder.store(total, n["g"], align=size)

    return module.function("shared_gradient", arguments("d panel units examples g going_on"), build)


def shared_bias(module: Module, shape: Panel, optimizer: Optimizer) -> ir.Function:
    """Make the gradient of a bias that a layer shares whole: the sum of g, a row, goes to every place in it.

    Arguments: g, and where the square of the sum goes.
    """

    def build(b: Block) -> None:
        n, numbers = b.named, shape.numbers
        total = b.builder.load(n["g"], typ=nothing(numbers).type, align=numbers.bytes)
        total = b.spread(reduced(b, "fadd", total))
        emitter = Emitter(b.builder, numbers.vector, fma=numbers.fma)
        total = bounded(b, emitter, optimizer, None, total, total)
        for v in range(shape.vectors):
            b.store(total, b.at(n["g"], v * numbers.lanes * numbers.bytes))
        number = b.builder.extract_element(total, ir.Constant(ir.IntType(32), 0))
        number = b.widened(number)
        b.builder.store(b.builder.fmul(number, number), n["sums"], align=8)

    return module.function("shared_bias", arguments("g sums"), build)


def clip_factor(b: Block, squares: ir.Value, count: ir.Value, optimizer: Optimizer) -> ir.Value:
    """Return the factor of the whole gradient, from the sums of squares that add up to the square of its norm."""
    double = ir.DoubleType()
    norm = b.builder.call(intrinsic(b.builder.module, "llvm.sqrt", double, 1), [added_up(b, squares, count)])
    return b.narrowed(Emitter(b.builder, double, fma=b.numbers.fma).emit(optimizer.clip_factor, {"norm": norm}))
