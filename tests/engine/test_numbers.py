"""Types of numbers: their sizes are NumPy's, and a vector written once is the vector written out."""

from __future__ import annotations

import numpy as np
import pytest
from llvmlite import binding, ir

from clearprop.engine.numbers import INDEX, POINTER, Numbers, Same, index


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lanes", [2, 8])
def test_sizes_are_numpys(dtype: str, lanes: int) -> None:
    numbers = Numbers(dtype, lanes)
    assert numbers.bytes == np.dtype(dtype).itemsize
    assert str(numbers.vector) == f"<{lanes} x {numbers.scalar}>"
    layout = binding.create_target_data("e")
    assert numbers.scalar.get_abi_size(layout) == numbers.bytes
    assert numbers.vector.get_abi_size(layout) == lanes * numbers.bytes


@pytest.mark.parametrize("value", [0.0, -0.0, 0.1, -3e38, 7])
def test_a_vector_written_once_is_the_vector_written_out(value: float) -> None:
    """To LLVM: both forms become the same code."""
    kind = ir.VectorType(ir.IntType(32) if isinstance(value, int) else ir.FloatType(), 4)
    given = value if isinstance(value, int) else float(np.float32(value))

    def source(constant: ir.Constant) -> str:
        module = ir.Module()
        function = ir.Function(module, ir.FunctionType(kind, []), "f")
        ir.IRBuilder(function.append_basic_block()).ret(constant)
        return str(binding.parse_assembly(str(module)))

    short, long = source(Same(kind, given)), source(ir.Constant(kind, [given] * 4))
    assert short == long
    assert short != source(ir.Constant(kind, [given, given, given, type(given)(5)]))


def test_an_index_is_as_wide_as_an_address() -> None:
    assert index(2**40).type == INDEX
    assert POINTER.get_abi_size(binding.create_target_data("e")) * 8 == INDEX.width
    assert index(5) is index(5)
