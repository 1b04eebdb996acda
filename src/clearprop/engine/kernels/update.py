"""Updates: the optimizer's assignments, applied to gradients that are still in the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from llvmlite import ir

from clearprop.arrays import Array
from clearprop.engine.block import INDEX, POINTER, Block, Module, intrinsic, reduced
from clearprop.engine.emit import Emitter
from clearprop.engine.kernels.activate import each_vector
from clearprop.engine.panels import Panels
from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, evaluate
from clearprop.expressions.tree import symbols
from clearprop.network.problem import Problem
from clearprop.rules.optimizers import Assignment
from clearprop.rules.roles import Role


@dataclass(frozen=True)
class Rule:
    """An optimizer with all that depends on a step alone set apart: those parts are computed once per
    step, in float64, and stand in the assignments as symbols."""

    assignments: tuple[Assignment, ...]
    parts: tuple[Expression, ...]
    constants: Mapping[str, float]
    state: tuple[str, ...]

    @staticmethod
    def of(problem: Problem) -> Rule:
        """The rule of a problem's optimizer."""
        optimizer = problem.optimizer
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
        return Rule(assignments, tuple(parts), optimizer.constants, tuple(optimizer.state))

    def at(self, steps: Array, rates: Array) -> Array:
        """The parts at each of these steps, shape (steps, parts)."""
        values: dict[Any, Any] = {Role.STEP: steps.astype(float), Role.RATE: rates, **self.constants}
        table = np.empty((len(steps), len(self.parts)))
        for column, tree in enumerate(self.parts):
            table[:, column] = evaluate(tree, values)
        return table

    def keeps_zero(self, dtype: str) -> bool:
        """Whether it leaves zero where weight, gradient and all that is remembered are zero.

        Without ``eps`` it divides zero by zero there. One that is subnormal counts as zero, as it does while
        steps are made.
        """
        with np.errstate(all="ignore"):
            parts = self.at(np.array([1, 2]), np.ones(2)).astype(dtype)
            parts[np.abs(parts) < np.finfo(dtype).tiny] = 0.0
            zero = np.zeros(2, dtype)
            values: dict[Any, Any] = dict(zip(self.keys, parts.T, strict=True))
            values |= dict.fromkeys((Role.WEIGHT, Role.GRADIENT, *self.state), zero)
            for symbol, tree in self.assignments:
                values[symbol.key] = evaluate(tree, values)
        return not any(np.any(values[key]) for key in (Role.WEIGHT, *self.state))

    @property
    def counts_steps(self) -> bool:
        """Whether a part depends on the number of the step."""
        return any(Role.STEP in symbols(part) for part in self.parts)

    @cached_property
    def keys(self) -> tuple[Any, ...]:
        """What the parts are called in the assignments."""
        return tuple(("part", position) for position in range(len(self.parts)))


def update(module: Module, panels: Panels, problem: Problem, rule: Rule, vectors: int, *, weights: bool) -> ir.Function:
    """New weights from gradients, for rows of a panel with so many vectors: arguments w, g, how many rows,
    the bytes from w to the first of what the optimizer remembers (and from there to the next), the parts of
    this step, and the factor that clipping by norm found. ``weights`` is False for biases, which no penalty knows."""
    optimizer = problem.optimizer
    names = list(optimizer.state)

    def build(b: Block) -> None:
        n, numbers = b.named, panels.numbers
        parts = {
            key: b.spread(b.load_number(b.at(n["parts"], position * numbers.bytes)))
            for position, key in enumerate(rule.keys)
        }
        factor = b.spread(n["factor"])

        def vector(at: ir.Value, *_: Any) -> None:
            w = b.at(n["w"], at)
            emitter = Emitter(b.builder, numbers.vector, fused=numbers.fused)
            values: dict[Any, ir.Value] = {Role.WEIGHT: b.load(w), **parts}
            g = b.load(b.at(n["g"], at))
            if optimizer.clip_norm is None:
                g = penalized(b, emitter, problem, g, values[Role.WEIGHT], weights=weights)
            else:
                g = b.builder.fmul(g, factor)
            values[Role.GRADIENT] = g
            places = [b.at(w, b.times(n["state"], position + 1)) for position in range(len(names))]
            values |= {name: b.load(place) for name, place in zip(names, places, strict=True)}
            for symbol, tree in rule.assignments:
                values[symbol.key] = emitter.emit(tree, values)
            b.store(values[Role.WEIGHT], w)
            for name, place in zip(names, places, strict=True):
                b.store(values[name], place)

        each_vector(b, panels, vectors * numbers.lanes, n["rows"], vector)

    arguments: Sequence[tuple[str, ir.Type]] = [("w", POINTER), ("g", POINTER), ("rows", INDEX), ("state", INDEX)]
    arguments = [*arguments, ("parts", POINTER), ("factor", panels.numbers.scalar)]
    return module.function(f"update_{'weights' if weights else 'biases'}_{vectors}", arguments, build)


def penalized(b: Block, emitter: Emitter, problem: Problem, g: ir.Value, w: ir.Value, *, weights: bool) -> ir.Value:
    """The gradient with the penalty's, and bounded by value."""
    if weights and problem.penalty:
        g = b.builder.fadd(g, emitter.emit(problem.penalty.slope.simplified, {Role.WEIGHT: w}))
    if problem.optimizer.clip_value is not None:
        g = emitter.emit(problem.optimizer.bounded, {Role.GRADIENT: g})
    return g


def finish(module: Module, panels: Panels, problem: Problem, *, weights: bool) -> ir.Function:
    """Where the norm of the whole gradient is asked for: g with the penalty's share and bounded by value,
    and the sum of its squares, in float64. Arguments w, g, how many rows, and where the sum goes."""

    def build(b: Block) -> None:
        n, numbers = b.named, panels.numbers
        wide = ir.VectorType(ir.DoubleType(), numbers.lanes)

        def vector(position: ir.Value, total: ir.Value) -> list[ir.Value]:
            at = b.times(position, numbers.lanes * numbers.bytes)
            place = b.at(n["g"], at)
            emitter = Emitter(b.builder, numbers.vector, fused=numbers.fused)
            g = penalized(b, emitter, problem, b.load(place), b.load(b.at(n["w"], at)), weights=weights)
            b.store(g, place)
            g = b.builder.fpext(g, wide) if numbers.dtype == "float32" else g
            return [b.builder.fadd(total, b.builder.fmul(g, g))]

        zero = ir.Constant(wide, [0.0] * numbers.lanes)
        (total,) = b.loop(0, b.times(n["rows"], panels.vectors), vector, [zero])
        b.builder.store(reduced(b, "fadd", total), n["squares"], align=8)

    arguments = [("w", POINTER), ("g", POINTER), ("rows", INDEX), ("squares", POINTER)]
    return module.function(f"finish_{'weights' if weights else 'biases'}", arguments, build)


def shared_bias(module: Module, panels: Panels, problem: Problem) -> ir.Function:
    """The gradient of a bias that a layer shares: g, a row, becomes the sum of all its numbers, in every
    place. Arguments g, and where its square goes."""

    def build(b: Block) -> None:
        n, numbers = b.named, panels.numbers
        places = [b.at(n["g"], v * numbers.lanes * numbers.bytes) for v in range(panels.vectors)]
        total = b.load(places[0])
        for place in places[1:]:
            total = b.builder.fadd(total, b.load(place))
        total = b.spread(reduced(b, "fadd", total))
        emitter = Emitter(b.builder, numbers.vector, fused=numbers.fused)
        total = penalized(b, emitter, problem, total, total, weights=False)
        for place in places:
            b.store(total, place)
        number = b.builder.extract_element(total, ir.Constant(ir.IntType(32), 0))
        number = b.builder.fpext(number, ir.DoubleType()) if numbers.dtype == "float32" else number
        b.builder.store(b.builder.fmul(number, number), n["squares"], align=8)

    return module.function("shared_bias", [("g", POINTER), ("squares", POINTER)], build)


def clip_factor(b: Block, squares: ir.Value, count: int, limit: float) -> ir.Value:
    """What the whole gradient is multiplied with, from the squares that add up to its norm's."""
    double = ir.DoubleType()

    def add(position: ir.Value, total: ir.Value) -> list[ir.Value]:
        square = b.builder.load(b.at(squares, b.times(position, 8)), typ=double, align=8)
        return [b.builder.fadd(total, square)]

    (total,) = b.loop(0, count, add, [ir.Constant(double, 0.0)])
    norm = b.builder.call(intrinsic(b.builder.module, "llvm.sqrt", double, 1), [total])
    # As PyTorch's clip_grad_norm_, which keeps clear of dividing by zero.
    factor = b.builder.fdiv(ir.Constant(double, limit), b.builder.fadd(norm, ir.Constant(double, 1e-6)))
    below = b.builder.fcmp_ordered(">", factor, ir.Constant(double, 1.0))
    factor = b.builder.select(below, ir.Constant(double, 1.0), factor)
    return b.builder.fptrunc(factor, b.numbers.scalar) if b.numbers.dtype == "float32" else factor
