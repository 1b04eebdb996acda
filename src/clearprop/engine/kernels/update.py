"""Updates: the optimizer's assignments, applied to gradients that are still in the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from clearprop.cached import cached_property
from clearprop.engine.block import Block, intrinsic, reduced
from clearprop.engine.emit import Emitter
from clearprop.engine.kernels.activate import each_vector
from clearprop.engine.module import Module
from clearprop.engine.numbers import arguments
from clearprop.engine.panels import Panel
from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, evaluate
from clearprop.expressions.tree import symbols
from clearprop.rules.optimizers import Assignment, Optimizer
from clearprop.rules.penalties import Penalty
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
        values: dict[Any, Any] = {Role.STEP: steps.astype(float), Role.RATE: rates, **self.constants}
        columns = [np.broadcast_to(evaluate(tree, values), steps.shape) for tree in self.parts]
        return np.stack(columns, axis=1) if columns else np.empty((len(steps), 0))

    @property
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
    and from that to the next, the parts of this step, and the factor of clipping by norm.
    """

    def build(b: Block) -> None:
        n, numbers = b.named, shape.numbers
        parts = {
            key: b.spread(b.load_number(b.at(n["parts"], position * numbers.bytes)))
            for position, key in enumerate(rule.keys)
        }
        factor = b.spread(n["factor"])

        def vector(at: ir.Value, lanes: ir.Value) -> None:
            w = b.at(n["w"], at)
            emitter, old = Emitter(b.builder, numbers.vector, fma=numbers.fma), b.load(w)
            g = b.load(b.at(n["g"], at))
            if optimizer.clip_norm is None:
                g = bounded(b, emitter, optimizer, penalty, g, old)
            else:
                g = b.builder.fmul(g, factor)
            places = [b.at(w, b.times(n["state"], position + 1)) for position in range(len(optimizer.state))]
            new = assigned(emitter, rule, {**parts, Role.GRADIENT: g}, [old, *map(b.load, places)])
            # What fills up the panel stays zero, also where a rule makes 0/0 of it.
            for value, place in zip(new, [w, *places], strict=True):
                b.store(b.only(value, lanes), place)

        each_vector(b, shape, n["units"], n["rows"], vector)

    given = arguments("w g rows units state parts factor", factor=shape.numbers.scalar)
    return module.function("update_penalized" if penalty else "update", given, build)


def assigned(emitter: Emitter, rule: Rule, known: Mapping[Any, ir.Value], old: Sequence[ir.Value]) -> list[ir.Value]:
    """Return the new weights and what the optimizer remembers of them, from the old ones."""
    values = {**known, **dict(zip(rule.remembered, old, strict=True))}
    for symbol, tree in rule.assignments:
        values[symbol.key] = emitter.emit(tree, values)
    return [values[key] for key in rule.remembered]


def bounded(
    b: Block, emitter: Emitter, optimizer: Optimizer, penalty: Penalty | None, g: ir.Value, w: ir.Value
) -> ir.Value:
    """Return the gradient with the penalty's, bounded by value."""
    if penalty:
        g = b.builder.fadd(g, emitter.emit(penalty.slope.simplified, {Role.WEIGHT: w}))
    if optimizer.clip_value is not None:
        g = emitter.emit(optimizer.bounded, {Role.GRADIENT: g})
    return g


def finish(module: Module, shape: Panel, optimizer: Optimizer, penalty: Penalty | None) -> ir.Function:
    """Add the penalty's gradient to g, bound it by value, and add up its squares in float64, for the norm of the whole
    gradient. Arguments: w, g, the number of rows, and where the sum goes."""

    def build(b: Block) -> None:
        n, numbers = b.named, shape.numbers
        wide = ir.VectorType(ir.DoubleType(), numbers.lanes)

        def vector(position: ir.Value, total: ir.Value) -> list[ir.Value]:
            at = b.times(position, numbers.lanes * numbers.bytes)
            place = b.at(n["g"], at)
            emitter = Emitter(b.builder, numbers.vector, fma=numbers.fma)
            g = bounded(b, emitter, optimizer, penalty, b.load(place), b.load(b.at(n["w"], at)))
            b.store(g, place)
            g = b.widened(g)
            return [b.builder.fadd(total, b.builder.fmul(g, g))]

        zero = ir.Constant(wide, [0.0] * numbers.lanes)
        (total,) = b.loop(0, b.times(n["rows"], shape.vectors), vector, [zero])
        b.builder.store(reduced(b, "fadd", total), n["squares"], align=8)

    return module.function("finish_penalized" if penalty else "finish", arguments("w g rows squares"), build)


def shared_bias(module: Module, shape: Panel, optimizer: Optimizer) -> ir.Function:
    """Add up the gradient of a bias that a layer shares: g, a row, becomes the sum of its numbers, in every place.

    Arguments: g, and where the square of the sum goes.
    """

    def build(b: Block) -> None:
        n, numbers = b.named, shape.numbers
        places = [b.at(n["g"], v * numbers.lanes * numbers.bytes) for v in range(shape.vectors)]
        total = b.load(places[0])
        for place in places[1:]:
            total = b.builder.fadd(total, b.load(place))
        total = b.spread(reduced(b, "fadd", total))
        emitter = Emitter(b.builder, numbers.vector, fma=numbers.fma)
        total = bounded(b, emitter, optimizer, None, total, total)
        for place in places:
            b.store(total, place)
        number = b.builder.extract_element(total, ir.Constant(ir.IntType(32), 0))
        number = b.widened(number)
        b.builder.store(b.builder.fmul(number, number), n["squares"], align=8)

    return module.function("shared_bias", arguments("g squares"), build)


def clip_factor(b: Block, squares: ir.Value, count: ir.Value, optimizer: Optimizer) -> ir.Value:
    """Return the factor of the whole gradient, from the sums of squares that add up to the square of its norm."""
    double = ir.DoubleType()

    def add(position: ir.Value, total: ir.Value) -> list[ir.Value]:
        square = b.builder.load(b.at(squares, b.times(position, 8)), typ=double, align=8)
        return [b.builder.fadd(total, square)]

    (total,) = b.loop(0, count, add, [ir.Constant(double, 0.0)])
    norm = b.builder.call(intrinsic(b.builder.module, "llvm.sqrt", double, 1), [total])
    return b.narrowed(Emitter(b.builder, double, fma=b.numbers.fma).emit(optimizer.clip_factor, {"norm": norm}))
