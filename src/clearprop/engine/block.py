"""Building blocks of native code: loops, addresses and vectors in LLVM's intermediate language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from llvmlite import ir

from clearprop.engine.numbers import INDEX, POINTER, Numbers, Same, index


@cache
def _spreading(kind: ir.VectorType) -> tuple[ir.Constant, ir.Constant, ir.Constant]:
    """The constants that spreading a number takes."""
    word = ir.IntType(32)
    return ir.Constant(kind, ir.Undefined), ir.Constant(word, 0), ir.Constant(ir.VectorType(word, kind.count), None)


def declared(module: ir.Module, name: str, kind: ir.FunctionType) -> ir.Function:
    """Return the function of that name, which is declared once."""
    known = module.globals.get(name)
    return known if known is not None else ir.Function(module, kind, name)


def intrinsic(module: ir.Module, name: str, kind: ir.Type, arguments: int) -> ir.Function:
    """LLVM's own function of that name, for arguments and a result of one type."""
    element = kind.element if isinstance(kind, ir.VectorType) else kind
    letter = f"f{32 if isinstance(element, ir.FloatType) else 64}"
    suffix = f"v{kind.count}{letter}" if isinstance(kind, ir.VectorType) else letter
    return declared(module, f"{name}.{suffix}", ir.FunctionType(kind, [kind] * arguments))


def _masked(module: ir.Module, what: str, numbers: Numbers) -> ir.Function:
    """LLVM's load or store of some lanes of a vector."""
    align, lanes = ir.IntType(32), ir.VectorType(ir.IntType(1), numbers.lanes)
    kind = (
        ir.FunctionType(numbers.vector, [POINTER, align, lanes, numbers.vector])
        if what == "load"
        else ir.FunctionType(ir.VoidType(), [numbers.vector, POINTER, align, lanes])
    )
    return declared(module, f"llvm.masked.{what}.v{numbers.lanes}f{8 * numbers.bytes}.p0", kind)


def table(module: ir.Module, name: str, kind: ir.Type, values: Sequence[int]) -> ir.Value:
    """Numbers that never change, under a name."""
    if name not in module.globals:
        array = ir.ArrayType(kind, len(values))
        constant = ir.GlobalVariable(module, array, name)
        constant.linkage, constant.global_constant, constant.align = "internal", True, 64
        constant.initializer = ir.Constant(array, list(values))
    return module.globals[name]


SUM = 32
"""The bytes of a total over vectors. It is the same for vectors of 32 and 64 bytes, whose sums have the same bits."""


def nothing(numbers: Numbers) -> ir.Constant:
    """Return the total of no vectors."""
    return Same(ir.VectorType(numbers.scalar, min(numbers.lanes, SUM // numbers.bytes)), 0.0)


def plus(b: Block, total: ir.Value, value: ir.Value) -> ir.Value:
    """Return a total with one vector more: of a wider one first the lower lanes."""
    size, word = total.type.count, ir.IntType(32)
    for first in range(0, value.type.count, size):
        lanes = ir.Constant(ir.VectorType(word, size), list(range(first, first + size)))
        part = b.builder.shuffle_vector(value, value, lanes) if size < value.type.count else value
        total = b.builder.fadd(total, part)
    return total


def reduced(b: Block, operation: str, value: ir.Value) -> ir.Value:
    """Return all lanes of a vector combined into one number, halves at a time.

    ``operation`` is ``"fadd"`` or LLVM's ``"maximum"``, whose result is NaN if a lane is.
    """
    lanes = value.type.count
    half = lanes // 2
    while half:
        kind = ir.VectorType(ir.IntType(32), lanes)
        other = b.builder.shuffle_vector(value, value, ir.Constant(kind, [(k + half) % lanes for k in range(lanes)]))
        if operation == "fadd":
            value = b.builder.fadd(value, other)
        else:
            value = b.builder.call(intrinsic(b.builder.module, f"llvm.{operation}", value.type, 2), [value, other])
        half //= 2
    return b.builder.extract_element(value, ir.Constant(ir.IntType(32), 0))


@dataclass
class Block:
    """A place in a function where instructions are added; wraps LLVM's builder in the words of the kernels.

    All addresses are in bytes from a pointer. Vectors may stand at any address.
    """

    builder: ir.IRBuilder
    numbers: Numbers
    named: dict[str, ir.Value] = field(default_factory=dict)

    # --- integers ------------------------------------------------------------------------------

    def add(self, *terms: ir.Value | int) -> ir.Value:
        total = self.integer(terms[0])
        for term in terms[1:]:
            total = self.builder.add(total, self.integer(term))
        return total

    def times(self, value: ir.Value, factor: ir.Value | int) -> ir.Value:
        return self.builder.mul(value, self.integer(factor))

    def quotient(self, value: ir.Value, divisor: int) -> ir.Value:
        """The whole part of a quotient; neither is negative."""
        return self.builder.udiv(value, index(divisor))

    def remainder(self, value: ir.Value, divisor: int) -> ir.Value:
        return self.builder.urem(value, index(divisor))

    @staticmethod
    def integer(value: ir.Value | int) -> ir.Value:
        return index(value) if isinstance(value, int) else value

    def smaller(self, one: ir.Value | int, other: ir.Value | int) -> ir.Value:
        one, other = self.integer(one), self.integer(other)
        return self.builder.select(self.builder.icmp_signed("<", one, other), one, other)

    # --- memory --------------------------------------------------------------------------------

    def at(self, pointer: ir.Value, *offsets: ir.Value | int) -> ir.Value:
        """The address that many bytes from a pointer."""
        fixed = sum(each for each in offsets if isinstance(each, int))
        for each in offsets:
            if not isinstance(each, int):
                pointer = self.builder.gep(pointer, [each], source_etype=ir.IntType(8))
        return self.builder.gep(pointer, [index(fixed)], source_etype=ir.IntType(8)) if fixed else pointer

    def load(self, pointer: ir.Value) -> ir.Value:
        return self.builder.load(pointer, typ=self.numbers.vector, align=self.numbers.bytes)

    def store(self, value: ir.Value, pointer: ir.Value) -> None:
        self.builder.store(value, pointer, align=self.numbers.bytes)

    def load_only(self, pointer: ir.Value, lanes: ir.Value | None) -> ir.Value:
        """Load only these lanes (None for all) of the vector at an address; the others are zero."""
        if lanes is None:
            return self.load(pointer)
        function = _masked(self.builder.module, "load", self.numbers)
        align = ir.Constant(ir.IntType(32), self.numbers.bytes)
        return self.builder.call(function, [pointer, align, lanes, self.constant(0.0)])

    def store_only(self, value: ir.Value, pointer: ir.Value, lanes: ir.Value | None) -> None:
        """Put these lanes of a vector at an address; what the others are for is left alone."""
        if lanes is None:
            self.store(value, pointer)
            return
        function = _masked(self.builder.module, "store", self.numbers)
        self.builder.call(function, [value, pointer, ir.Constant(ir.IntType(32), self.numbers.bytes), lanes])

    def prefetch(self, pointer: ir.Value) -> None:
        """Bring what stands at an address nearer: into the second cache. It need not be anybody's."""
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [POINTER, word, word, word])
        function = declared(self.builder.module, "llvm.prefetch.p0", kind)
        self.builder.call(function, [pointer, ir.Constant(word, 0), ir.Constant(word, 2), ir.Constant(word, 1)])

    def load_number(self, pointer: ir.Value) -> ir.Value:
        return self.builder.load(pointer, typ=self.numbers.scalar, align=self.numbers.bytes)

    def load_integer(self, pointer: ir.Value, bits: int = 64) -> ir.Value:
        """The integer at an address, widened to an index."""
        value = self.builder.load(pointer, typ=ir.IntType(bits), align=bits // 8)
        return value if bits == 64 else self.builder.zext(value, INDEX)

    def load_pointer(self, pointer: ir.Value) -> ir.Value:
        return self.builder.load(pointer, typ=POINTER, align=8)

    def zeros(self, size: int) -> ir.Value:
        """Return the address of that many zero bytes."""
        return table(self.builder.module, f"zeros_{size}", ir.IntType(8), [0] * size)

    # --- vectors -------------------------------------------------------------------------------

    def constant(self, value: float) -> ir.Constant:
        """The vector that has one number in all lanes."""
        return Same(self.numbers.vector, float(value))

    def spread(self, number: ir.Value) -> ir.Value:
        return self.spread_as(self.numbers.vector, number)

    def spread_as(self, kind: ir.VectorType, number: ir.Value) -> ir.Value:
        """The same for a number of another kind."""
        undefined, first, mask = _spreading(kind)
        return self.builder.shuffle_vector(self.builder.insert_element(undefined, number, first), undefined, mask)

    def multiply_add(self, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
        if self.numbers.fma:
            return self.builder.call(intrinsic(self.builder.module, "llvm.fma", a.type, 3), [a, b, c])
        return self.builder.fadd(self.builder.fmul(a, b), c)

    def lanes_below(self, count: int) -> ir.Constant | None:
        """True in the first lanes; None if that is all of them."""
        if count >= self.numbers.lanes:
            return None
        kind = ir.VectorType(ir.IntType(1), self.numbers.lanes)
        return ir.Constant(kind, [lane < count for lane in range(self.numbers.lanes)])

    def first_lanes(self, count: ir.Value) -> ir.Value:
        """Return a mask that is true in the first ``count`` lanes, a number known only when the code runs."""
        # As wide as the numbers that are chosen among, so that no processor has to convert the truths.
        word = ir.IntType(8 * self.numbers.bytes)
        kind = ir.VectorType(word, self.numbers.lanes)
        count = self.smaller(count, self.numbers.lanes)
        count = count if word.width == INDEX.width else self.builder.trunc(count, word)
        lanes = ir.Constant(kind, list(range(self.numbers.lanes)))
        return self.builder.icmp_signed("<", lanes, self.spread_as(kind, count))

    def only(self, value: ir.Value, lanes: ir.Value) -> ir.Value:
        """The value in these lanes, and zero in the others."""
        return self.builder.select(lanes, value, self.constant(0.0))

    def narrowed(self, value: ir.Value) -> ir.Value:
        """Return a float64 in the precision of the numbers."""
        single = self.numbers.dtype == "float32"
        return self.builder.fptrunc(value, self.numbers.scalar) if single else value

    def widened(self, value: ir.Value) -> ir.Value:
        """Return a number, or a vector of them, as float64."""
        if self.numbers.dtype == "float64":
            return value
        several = isinstance(value.type, ir.VectorType)
        kind = ir.VectorType(ir.DoubleType(), value.type.count) if several else ir.DoubleType()
        return self.builder.fpext(value, kind)

    # --- control -------------------------------------------------------------------------------

    def loop(
        self,
        start: ir.Value | int,
        stop: ir.Value | int,
        body: Callable[..., Sequence[ir.Value] | None],
        carried: Sequence[ir.Value] = (),
        by: ir.Value | int = 1,
    ) -> list[ir.Value]:
        """``for position in range(start, stop, by)``: the body is given the position and the carried
        values, and returns their next ones. They are given back as they are at the end."""
        builder, start, stop = self.builder, self.integer(start), self.integer(stop)
        before = builder.block
        inside = builder.append_basic_block("loop")
        after = builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed("<", start, stop), inside, after)
        builder.position_at_end(inside)
        position = builder.phi(INDEX)
        position.add_incoming(start, before)
        phis = [builder.phi(value.type) for value in carried]
        for phi, value in zip(phis, carried, strict=True):
            phi.add_incoming(value, before)
        following = list(body(position, *phis) or ())
        step = builder.add(position, self.integer(by))
        position.add_incoming(step, builder.block)
        for phi, value in zip(phis, following, strict=True):
            phi.add_incoming(value, builder.block)
        end = builder.block
        builder.cbranch(builder.icmp_signed("<", step, stop), inside, after)
        builder.position_at_end(after)
        results = [builder.phi(value.type) for value in carried]
        for result, value, again in zip(results, carried, following, strict=True):
            result.add_incoming(value, before)
            result.add_incoming(again, end)
        return results
