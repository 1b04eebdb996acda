"""Lanes: the arithmetic of vectors, written into one block of code, each value once.

The functions of this room are made of nothing but these: additions, multiplications, divisions,
square roots, choices, and the bits of a number taken as an integer. All of them are single
instructions (or two) of every processor, so no code calls a library.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from clearprop.engine.block import intrinsic
from clearprop.engine.numbers import Same


@dataclass(frozen=True)
class Precision:
    """A binary format of IEEE 754: bits of the fraction, bits altogether, and what exponents are stored with."""

    fraction: int
    width: int
    bias: int

    @property
    def one(self) -> int:
        """The bits of 1.0, which are the stored exponent of 1.0 in its place."""
        return self.bias << self.fraction

    @property
    def least_normal(self) -> float:
        """The smallest number that has all its digits."""
        return float(2.0 ** (1 - self.bias))


SINGLE = Precision(fraction=23, width=32, bias=127)
DOUBLE = Precision(fraction=52, width=64, bias=1023)


class Lanes:
    """Writes arithmetic on vectors (or on single numbers) of one type at the end of a block.

    A table remembers every operation and its result: the same operation on the same operands is written once. That
    is right only within one straight block, where what comes first is computed first; another block needs another one.

    ``fma`` says that a·b + c may be one instruction; without one it would be a call.
    """

    def __init__(self, builder: ir.IRBuilder, type: ir.Type, *, fma: bool = True) -> None:
        self.builder, self.type, self.fma = builder, type, fma
        element = type.element if isinstance(type, ir.VectorType) else type
        self.precision = SINGLE if isinstance(element, ir.FloatType) else DOUBLE
        self.integers = self._like(ir.IntType(self.precision.width))
        self._table: dict[Hashable, Any] = {}
        self._value: dict[ir.Value, float] = {}
        self._rank: dict[ir.Value, int] = {}
        self._not_below, self._not_above = set[ir.Value](), set[ir.Value]()
        self._negated: dict[ir.Value, ir.Value] = {}

    def _like(self, element: ir.Type) -> ir.Type:
        return ir.VectorType(element, self.type.count) if isinstance(self.type, ir.VectorType) else element

    def once(self, key: Hashable, write: Callable[[], Any]) -> Any:
        """Return the result of ``write``, called once for each key."""
        if key not in self._table:
            self._table[key] = write()
        return self._table[key]

    # --- constants -----------------------------------------------------------------------------

    def _constant(self, type: ir.Type, value: float | int) -> ir.Constant:
        return Same(type, value) if isinstance(type, ir.VectorType) else ir.Constant(type, value)

    def constant(self, value: float) -> ir.Constant:
        """A number in all lanes, rounded to their precision."""

        def write() -> ir.Constant:
            constant = self._constant(self.type, self.rounded(value))
            self._value[constant] = value
            return self._known(constant, positive=not value < 0, negative=not value > 0)

        # In hexadecimal -0.0 is not 0.0.
        return self.once(("constant", float(value).hex()), write)

    def rounded(self, value: float) -> float:
        """The number that stands for a value in this precision."""
        with np.errstate(over="ignore"):
            return float(np.float32(value)) if self.precision is SINGLE else float(value)

    def inverse(self, value: float) -> ir.Constant | None:
        """1/value, if value and inverse are normal numbers, so that neither is without some of its digits."""
        least, most = self.precision.least_normal, 1 / self.precision.least_normal
        return self.constant(1 / value) if least <= abs(value) <= most else None

    def integer(self, value: int) -> ir.Constant:
        return self.once(("integer", value), lambda: self._constant(self.integers, value))

    def wide(self) -> Lanes:
        """The same lanes in double precision, in the same block."""
        wide: Lanes = self.once("wide", lambda: Lanes(self.builder, self._like(ir.DoubleType()), fma=self.fma))
        return wide

    def widened(self, u: ir.Value) -> ir.Value:
        """The same number in double precision."""
        return self.once(("widened", u), lambda: self.builder.fpext(u, self.wide().type))

    def narrowed(self, u: ir.Value) -> ir.Value:
        """A number of double precision, rounded to this one."""
        return self.once(("narrowed", u), lambda: self.builder.fptrunc(u, self.type))

    # --- signs ---------------------------------------------------------------------------------

    def never_above_zero(self, u: ir.Value) -> bool:
        """Whether it is known that no lane of the value is above 0 (it may be NaN)."""
        return u in self._not_above

    def _never_below_zero(self, *values: ir.Value) -> bool:
        return self._not_below.issuperset(values)

    def _known(self, u: ir.Value, *, positive: bool = False, negative: bool = False) -> ir.Value:
        """The value, of which it is now known that it is not below 0, or not above."""
        if positive:
            self._not_below.add(u)
        if negative:
            self._not_above.add(u)
        return u

    def _ordered(self, *operands: ir.Value) -> list[ir.Value]:
        """The operands in the order in which they were first seen: a + b is b + a."""
        for operand in operands:
            self._rank.setdefault(operand, len(self._rank))
        return sorted(operands, key=self._rank.__getitem__)

    def without_sign(self, u: ir.Value) -> tuple[bool, ir.Value]:
        """Whether the value was made as -v, and v; otherwise the value itself."""
        return (True, self._negated[u]) if u in self._negated else (False, u)

    def negate(self, u: ir.Value) -> ir.Value:
        if u in self._negated:
            return self._negated[u]
        if isinstance(u, ir.Constant) and u in self._value:
            return self.constant(-self._value[u])
        value = self.once(("negate", u), lambda: self.builder.fneg(u))
        self._negated[value] = u
        return self._known(value, negative=self._never_below_zero(u), positive=self.never_above_zero(u))

    def absolute(self, u: ir.Value) -> ir.Value:
        """|u|; known to be the same for u and -u."""
        _, u = self.without_sign(u)
        return self._known(self.once(("absolute", u), lambda: self._call("llvm.fabs", u)), positive=True)

    def copy_sign(self, size: ir.Value, of: ir.Value) -> ir.Value:
        """The size with the sign of another number."""
        return self.once(("copy sign", size, of), lambda: self._call("llvm.copysign", size, of))

    # --- arithmetic ----------------------------------------------------------------------------

    def add(self, a: ir.Value, b: ir.Value) -> ir.Value:
        for one, other in ((a, b), (b, a)):
            if other in self._negated:
                return self.subtract(one, self._negated[other])
        first, second = self._ordered(a, b)
        value = self.once(("add", first, second), lambda: self.builder.fadd(first, second))
        return self._known(value, positive=self._never_below_zero(a, b))

    def subtract(self, a: ir.Value, b: ir.Value) -> ir.Value:
        if b in self._negated:
            return self.add(a, self._negated[b])
        return self.once(("subtract", a, b), lambda: self.builder.fsub(a, b))

    def multiply(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """a·b; the sign of a factor is taken out, so that (-a)·b shares a·b."""
        (turned, a), (turned_too, b) = self.without_sign(a), self.without_sign(b)
        one = self.constant(1.0)
        value = b if a == one else a if b == one else self._product(*self._ordered(a, b))
        return value if turned == turned_too else self.negate(value)

    def _product(self, a: ir.Value, b: ir.Value) -> ir.Value:
        factor = self._value.get(a, self._value.get(b, 0.0))
        if not factor < 0:
            value = self.once(("multiply", a, b), lambda: self.builder.fmul(a, b))
            return self._known(value, positive=a is b or self._never_below_zero(a, b))
        # Known as the negative of the product with -factor, which is code only if it is used too.
        opposite = self.multiply(self.constant(-factor), b if a in self._value else a)
        value = self.once(("negate", opposite), lambda: self.builder.fmul(a, b))
        self._negated[value] = opposite
        return self._known(value, negative=self._never_below_zero(opposite))

    def divide(self, a: ir.Value, b: ir.Value) -> ir.Value:
        (turned, a), (turned_too, b) = self.without_sign(a), self.without_sign(b)
        value = self.once(("divide", a, b), lambda: self.builder.fdiv(a, b))
        self._known(value, positive=self._never_below_zero(a, b))
        return value if turned == turned_too else self.negate(value)

    def multiply_add(self, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
        """a·b + c, rounded once where the processor can."""
        if not self.fma:
            return self.add(self.multiply(a, b), c)
        return self.once(("multiply add", *self._ordered(a, b), c), lambda: self._call("llvm.fma", a, b, c))

    def square_root(self, u: ir.Value) -> ir.Value:
        return self._known(self.once(("square root", u), lambda: self._call("llvm.sqrt", u)), positive=True)

    def polynomial(self, coefficients: Sequence[float], u: ir.Value) -> ir.Value:
        """The polynomial in u with these coefficients, highest power first, by Horner's rule."""
        total: ir.Value = self.constant(coefficients[0])
        for coefficient in coefficients[1:]:
            total = self.multiply_add(total, u, self.constant(coefficient))
        return total

    def _call(self, name: str, *operands: ir.Value) -> ir.Value:
        function = intrinsic(self.builder.module, name, self.type, len(operands))
        return self.builder.call(function, operands)

    # --- comparisons and choices ---------------------------------------------------------------

    def compare(self, relation: str, a: ir.Value, b: ir.Value) -> ir.Value:
        """Whether a < b, a <= b, a > b, a >= b or a == b: false where one of them is NaN."""
        if relation in (">", ">="):
            relation, a, b = relation.replace(">", "<"), b, a
        return self.once((relation, a, b), lambda: self.builder.fcmp_ordered(relation, a, b))

    def is_nan(self, u: ir.Value) -> ir.Value:
        return self.once(("is nan", u), lambda: self.builder.fcmp_unordered("uno", u, u))

    def is_negative(self, u: ir.Value) -> ir.Value:
        """Whether the sign of u is minus, as it is for -0."""
        bits = self.bits(u)
        return self.once(("is negative", u), lambda: self.builder.icmp_signed("<", bits, self.integer(0)))

    def choose(self, condition: ir.Value, yes: ir.Value, no: ir.Value) -> ir.Value:
        """In each lane the one or the other."""
        if yes is no:
            return yes
        return self.once(("choose", condition, yes, no), lambda: self.builder.select(condition, yes, no))

    def larger(self, bound: ir.Value, u: ir.Value) -> ir.Value:
        """The larger of two, one instruction; NaN where u is, whatever the bound."""
        value = self.choose(self.compare(">", bound, u), bound, u)
        return self._known(value, positive=self._never_below_zero(bound))

    def smaller(self, bound: ir.Value, u: ir.Value) -> ir.Value:
        """The smaller of two, one instruction; NaN where u is, whatever the bound."""
        value = self.choose(self.compare("<", bound, u), bound, u)
        return self._known(value, negative=self.never_above_zero(bound))

    # --- bits ----------------------------------------------------------------------------------

    def bits(self, u: ir.Value) -> ir.Value:
        return self.once(("bits", u), lambda: self.builder.bitcast(u, self.integers))

    def number(self, bits: ir.Value) -> ir.Value:
        """The number that has these bits."""
        return self.once(("number", bits), lambda: self.builder.bitcast(bits, self.type))

    def whole(self, operation: str, a: ir.Value, b: ir.Value) -> ir.Value:
        """An operation on integers, by LLVM's name for it: add, sub, shl, lshr, and_, or_."""
        return self.once((operation, a, b), lambda: getattr(self.builder, operation)(a, b))
