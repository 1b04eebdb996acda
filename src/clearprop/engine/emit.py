"""Emit: the tree as vector code, in LLVM's intermediate language.

Additions, multiplications, divisions, square roots and choices are what they are in NumPy, to the
last bit, and so is what they make of infinities, NaN and the sign of zero. The functions have their
own rounding, as they have in every library (``mathematics`` says how much), and there are two
abbreviations: a division by a constant is a product with its inverse, at most 1.5 ulp off, and a
power with a small whole exponent is a product, at most half an ulp off for each factor.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from functools import reduce

from llvmlite import ir

from clearprop.engine.mathematics import FUNCTIONS, Lanes, power, whole_power
from clearprop.expressions import Apply, Expression, Operator, Symbol, evaluate, symbols
from clearprop.expressions.tree import RELATIONS

# Whole exponents up to this size are multiplied out.
MULTIPLIED = 8


class Emitter:
    """Reads expression trees into one straight block of vector code, each shared part once.

    ``type`` is a vector of floats or doubles, or one of them alone. Whatever was emitted before by
    the same emitter is used again where it appears again, in the same tree or in another one: a
    slope shares the exponential of its output. So an emitter serves one block without jumps. ``fma``
    says that the processor multiplies and adds in one instruction; it must be False where it does not.

    >>> from clearprop.expressions import parse
    >>> function = ir.Function(ir.Module(), ir.FunctionType(ir.DoubleType(), [ir.DoubleType()]), "f")
    >>> builder = ir.IRBuilder(function.append_basic_block())
    >>> z = function.args[0]
    >>> _ = builder.ret(Emitter(builder, z.type).emit(parse("z + 2*z*z", {"z": "z"}), {"z": z}))
    >>> [instruction.opname for instruction in builder.block.instructions]
    ['fmul', 'fmul', 'fadd', 'ret']
    """

    def __init__(self, builder: ir.IRBuilder, type: ir.Type, *, fma: bool = True) -> None:
        self.lanes = Lanes(builder, type, fma=fma)

    def emit(self, tree: Expression, values: Mapping[Hashable, ir.Value]) -> ir.Value:
        """The value of the tree where each symbol has the value given for its key.

        All values have the emitter's type, and so has the result; a comparison, which only a choice
        asks for, is a vector of truths.
        """
        if not symbols(tree) and not _is_comparison(tree):
            return self.lanes.constant(float(evaluate(tree, {})))
        match tree:
            case Symbol(key):
                return values[key]
            case Apply(Operator.DIVIDE, (u, v)) if (inverse := self._inverse(v)) is not None:
                return self.lanes.multiply(self.emit(u, values), inverse)
            case Apply(Operator.POWER, (u, v)):
                return self._power(u, v, values)
            case Apply(Operator.MAX | Operator.MIN as operator, (u, v)):
                return self._extreme(operator, u, v, values)
            case Apply(operator, arguments):
                return self._apply(operator, [self.emit(argument, values) for argument in arguments])
        raise TypeError(f"not an expression: {tree!r}")

    def _apply(self, operator: Operator, operands: list[ir.Value]) -> ir.Value:
        lanes = self.lanes
        if operator in FUNCTIONS:
            return FUNCTIONS[operator](lanes, *operands)
        match operator, operands:
            case Operator.ADD, terms:
                return reduce(lanes.add, terms)
            case Operator.MULTIPLY, factors:
                return reduce(lanes.multiply, factors)
            case Operator.SUBTRACT, (u, v):
                return lanes.subtract(u, v)
            case Operator.DIVIDE, (u, v):
                return lanes.divide(u, v)
            case Operator.WHERE, (condition, u, v):
                return lanes.choose(condition, u, v)
            case _, (u, v) if operator in RELATIONS:
                return lanes.compare(operator.value, u, v)
        raise TypeError(f"{operator.value} has no code")

    def _inverse(self, divisor: Expression) -> ir.Constant | None:
        """1/divisor, if that is a constant with all its digits: a division takes as long as ten products."""
        return None if symbols(divisor) else self.lanes.inverse(float(evaluate(divisor, {})))

    def _power(self, u: Expression, v: Expression, values: Mapping[Hashable, ir.Value]) -> ir.Value:
        base = self.emit(u, values)
        if not symbols(v):
            exponent = float(evaluate(v, {}))
            if exponent.is_integer() and abs(exponent) <= MULTIPLIED:
                return whole_power(self.lanes, base, int(exponent))
            if exponent == 0.5:
                return self.lanes.square_root(base)
        return power(self.lanes, base, self.emit(v, values))

    def _extreme(
        self, operator: Operator, u: Expression, v: Expression, values: Mapping[Hashable, ir.Value]
    ) -> ir.Value:
        """The larger or smaller of two, NaN if one of them is."""
        first, second = (u, v) if symbols(v) else (v, u)
        one, other = self.emit(first, values), self.emit(second, values)
        value = self.lanes.larger(one, other) if operator is Operator.MAX else self.lanes.smaller(one, other)
        if not symbols(first) and math.isfinite(evaluate(first, {})):
            return value
        return self.lanes.choose(self.lanes.is_nan(one), one, value)


def _is_comparison(tree: Expression) -> bool:
    return isinstance(tree, Apply) and tree.operator in RELATIONS
