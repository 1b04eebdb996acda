"""The arithmetic of vectors: it calls no library, and each value is computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from llvmlite import ir
from tests.engine.support.accuracy import POWER, TREES
from tests.engine.support.compiled import KINDS, Kind, assembly, calls, loop, module, running

from clearprop.engine.mathematics.lanes import Lanes
from clearprop.types import Array

Write = Callable[[Lanes, ir.Value, ir.Value], ir.Value]

LIKE_NUMPY: Mapping[str, tuple[Write, Callable[[Array, Array], Array]]] = {
    "add": (Lanes.add, np.add),
    "subtract": (Lanes.subtract, np.subtract),
    "multiply": (Lanes.multiply, np.multiply),
    "divide": (Lanes.divide, np.divide),
    "copy_sign": (Lanes.copy_sign, np.copysign),
    "negate": (lambda lanes, a, b: lanes.negate(a), lambda a, b: np.negative(a)),
    "absolute": (lambda lanes, a, b: lanes.absolute(a), lambda a, b: np.abs(a)),
    "square_root": (lambda lanes, a, b: lanes.square_root(lanes.absolute(a)), lambda a, b: np.sqrt(np.abs(a))),
    "subtract a negative": (lambda lanes, a, b: lanes.subtract(a, lanes.negate(b)), np.add),
    "negative factors": (lambda lanes, a, b: lanes.multiply(lanes.negate(a), lanes.negate(b)), np.multiply),
    "bits": (lambda lanes, a, b: lanes.number(lanes.bits(a)), lambda a, b: a),
    "choose": (lambda lanes, a, b: lanes.choose(lanes.compare(">=", a, b), a, b), lambda a, b: np.where(a >= b, a, b)),
    "is_negative": (
        lambda lanes, a, b: lanes.choose(lanes.is_negative(a), lanes.constant(1.0), lanes.constant(0.0)),
        lambda a, b: np.signbit(a).astype(a.dtype),
    ),
    "is_nan": (
        lambda lanes, a, b: lanes.choose(lanes.is_nan(a), lanes.constant(1.0), lanes.constant(0.0)),
        lambda a, b: np.isnan(a).astype(a.dtype),
    ),
    "larger": (lambda lanes, a, b: lanes.larger(lanes.constant(0.5), a), lambda a, b: np.maximum(a, a.dtype.type(0.5))),
    "smaller": (
        lambda lanes, a, b: lanes.smaller(lanes.constant(0.5), a),
        lambda a, b: np.minimum(a, a.dtype.type(0.5)),
    ),
}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_arithmetic_is_numpys_to_the_last_bit(kind: Kind) -> None:
    """Also that of zeros with signs, infinities and NaN."""
    ends = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 1e-30, 0.5]
    ends_a, ends_b = np.meshgrid(ends, ends)
    more = np.random.default_rng(1).normal(size=(2, 50))
    a, b = (
        np.concatenate([one.ravel(), other]).astype(kind.dtype) for one, other in ((ends_a, more[0]), (ends_b, more[1]))
    )

    def write(builder: ir.IRBuilder, values: Any) -> list[ir.Value]:
        return [
            written(Lanes(builder, kind.type, fma=kind.fma), values["a"], values["b"])
            for written, _ in LIKE_NUMPY.values()
        ]

    results = running(kind, loop(kind, ["a", "b"], write, len(LIKE_NUMPY)), 2, len(LIKE_NUMPY))(a, b)
    for (name, (_, numpys)), found in zip(LIKE_NUMPY.items(), results, strict=True):
        with np.errstate(all="ignore"):
            wanted = numpys(a, b)
        np.testing.assert_array_equal(found, wanted, err_msg=name)
        real = ~np.isnan(wanted)
        assert np.array_equal(np.signbit(found)[real], np.signbit(wanted)[real]), name


def test_the_same_operation_of_the_same_numbers_is_written_once() -> None:
    kind = ir.VectorType(ir.FloatType(), 4)
    function = ir.Function(ir.Module(), ir.FunctionType(kind, [kind] * 2), "f")
    a, b = function.args
    lanes = Lanes(ir.IRBuilder(function.append_basic_block()), kind)
    assert lanes.add(a, b) is lanes.add(b, a)
    assert lanes.multiply(lanes.negate(a), b) is lanes.negate(lanes.multiply(a, b))
    assert lanes.negate(lanes.negate(a)) is a
    assert lanes.absolute(lanes.negate(a)) is lanes.absolute(a)
    assert lanes.constant(0.1) is lanes.constant(0.1)
    assert lanes.constant(0.0) is not lanes.constant(-0.0)
    assert lanes.subtract(a, b) is not lanes.subtract(b, a)
    # A square is never below 0, and what is negated of it never above; of a number nothing is known.
    assert lanes.never_above_zero(lanes.negate(lanes.multiply(a, a)))
    assert not lanes.never_above_zero(lanes.multiply(a, a))
    assert not lanes.never_above_zero(a)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_no_function_calls_a_library(kind: Kind) -> None:
    source = module(kind, ["z", "u", "v"], [*TREES.values(), POWER])
    assert calls(assembly(kind, source)) == []


@pytest.mark.parametrize("name", ["llvm.exp", "llvm.roundeven"])
def test_a_call_of_a_library_is_found(name: str) -> None:
    kind = next(kind for kind in KINDS if not kind.fma or kind is KINDS[-1])

    def write(builder: ir.IRBuilder, values: Any) -> list[ir.Value]:
        lanes = Lanes(builder, kind.type, fma=kind.fma)
        return [lanes._call(name, values["z"])]

    assert calls(assembly(kind, loop(kind, ["z"], write, 1)))
