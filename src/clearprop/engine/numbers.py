"""The numbers that native code computes with, and the types of its addresses and counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from llvmlite import ir

from clearprop.cached import cached_property

INDEX = ir.IntType(64)
POINTER = ir.PointerType()
ADDRESSES = {
    "a", "arrivals", "c", "context", "d", "errors", "g", "hashes", "order", "parts", "penalty", "start", "sums",
    "targets", "u", "unfit", "w", "weights", "wt", "x", "y", "z",
}  # fmt: skip
"""The arguments of native functions that are addresses."""


def arguments(names: str, **others: ir.Type) -> list[tuple[str, ir.Type]]:
    """Return the arguments of a native function with their types: addresses, ``others`` as given, and counts."""
    return [(name, others.get(name, POINTER if name in ADDRESSES else INDEX)) for name in names.split()]


@dataclass(frozen=True)
class Numbers:
    """The precision of the numbers, and how many are in a vector."""

    dtype: str
    lanes: int
    fma: bool = True

    @property
    def bytes(self) -> int:
        """The size of one number."""
        return 4 if self.dtype == "float32" else 8

    @cached_property
    def scalar(self) -> ir.Type:
        """The type of one number."""
        return ir.FloatType() if self.dtype == "float32" else ir.DoubleType()

    @cached_property
    def vector(self) -> ir.Type:
        """The type of a vector."""
        return ir.VectorType(self.scalar, self.lanes)


class Same(ir.Constant):  # type: ignore[misc]
    """A vector with the same number in all lanes, written once: LLVM reads the text much faster."""

    def __init__(self, kind: ir.VectorType, value: float | int) -> None:
        super().__init__(kind, [value] * kind.count)

    def _get_reference(self) -> str:
        element = self.type.element
        number = self.constant[0]
        return f"splat ({element} {element.format_constant(getattr(number, 'constant', number))})"


@cache
def index(value: int) -> ir.Constant:
    """Return a number of bytes, rows or columns as a constant."""
    return ir.Constant(INDEX, value)
