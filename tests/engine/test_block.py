"""Building blocks of native code, run and compared with Python and NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from llvmlite import ir
from tests.engine.support.kinds import Kind, compiled, kinds

from clearprop.engine.block import Block, intrinsic, reduced
from clearprop.engine.numbers import INDEX, POINTER
from clearprop.types import Array


def run(kind: Kind, body: Callable[[Block, Any], None]) -> Callable[..., None]:
    """A function of two arrays and a number, ``given``, ``found`` and ``n``."""
    arguments: list[tuple[str, ir.Type]] = [("given", POINTER), ("found", POINTER), ("n", INDEX)]
    return compiled(kind, lambda module, shape: module.function("f", arguments, lambda b: body(b, b.named)))


def integers(body: Callable[[Block, Any], list[ir.Value]], count: int) -> Callable[[int], list[int]]:
    """The integers that a body computes from ``n``."""

    def write(b: Block, n: Any) -> None:
        for place, value in enumerate(body(b, n["n"])):
            b.builder.store(value, b.at(n["found"], 8 * place), align=8)

    made, found = run(Kind("float64", 2), write), np.zeros(count, np.int64)

    def of(n: int) -> list[int]:
        made(found, found, n)
        return [int(each) for each in found]

    return of


def test_arithmetic_of_integers() -> None:
    found = integers(
        lambda b, n: [b.add(n, 3, n), b.times(n, 7), b.quotient(n, 5), b.remainder(n, 5), b.smaller(n, 9)], 5
    )
    for n in (0, 4, 5, 23, 2**40):
        assert found(n) == [2 * n + 3, 7 * n, n // 5, n % 5, min(n, 9)]


@pytest.mark.parametrize("start", [0, 3])
@pytest.mark.parametrize("by", [1, 4])
def test_loops_are_pythons(start: int, by: int) -> None:
    """Also those that never begin."""

    def body(b: Block, n: ir.Value) -> list[ir.Value]:
        def add(position: ir.Value, total: ir.Value, count: ir.Value) -> list[ir.Value]:
            return [b.add(total, b.times(position, position)), b.add(count, 1)]

        return b.loop(start, n, add, [b.integer(100), b.integer(0)], by=by)

    found = integers(body, 2)
    for n in (-2, 0, 1, 3, 4, 5, 17):
        positions = range(start, n, by)
        assert found(n) == [100 + sum(k * k for k in positions), len(positions)]


@kinds
def test_vectors_are_loaded_and_stored_at_any_address(kind: Kind) -> None:
    size = np.dtype(kind.dtype).itemsize

    def body(b: Block, n: Any) -> None:
        b.store(
            b.multiply_add(b.load(b.at(n["given"], size)), b.constant(2.0), b.spread(b.load_number(n["given"]))),
            b.at(n["found"], b.times(n["n"], size)),
        )

    given, found = kind.normal(kind.lanes + 1), kind.blank(kind.lanes + 2)
    run(kind, body)(given, found, 1)
    assert found[1:-1] == pytest.approx(2 * given[1:] + given[0], rel=kind.tolerance)
    assert found[[0, -1]].tolist() == [777, 777]


@kinds
def test_only_the_lanes_that_are_named_are_read_and_written(kind: Kind) -> None:
    def body(b: Block, n: Any) -> None:
        lanes = b.first_lanes(n["n"])
        b.store_only(b.load_only(n["given"], lanes), n["found"], lanes)
        after = b.at(n["found"], b.numbers.lanes * b.numbers.bytes)
        b.store(b.only(b.constant(5.0), lanes), after)

    made, given = run(kind, body), kind.normal(kind.lanes)
    for count in range(kind.lanes + 3):
        kept, found = min(count, kind.lanes), kind.blank(2 * kind.lanes)
        made(given, found, count)
        assert np.array_equal(found[:kept], given[:kept])
        assert (found[kept : kind.lanes] == 777).all()
        assert found[kind.lanes :].tolist() == [5.0] * kept + [0.0] * (kind.lanes - kept)


@kinds
@pytest.mark.parametrize(("operation", "expected"), [("fadd", np.sum), ("maximum", np.max)])
def test_a_vector_is_reduced_to_a_number(kind: Kind, operation: str, expected: Callable[[Array], float]) -> None:
    """The largest of numbers with NaN among them is NaN, as NumPy has it."""

    def body(b: Block, n: Any) -> None:
        b.store(b.spread(reduced(b, operation, b.load(n["given"]))), n["found"])

    made, found = run(kind, body), kind.blank(kind.lanes)
    for place in range(kind.lanes):
        given = kind.normal(kind.lanes)
        given[place] = 9
        made(given, found, 0)
        assert found == pytest.approx(expected(given), rel=kind.tolerance)
        given[place] = np.nan
        made(given, found, 0)
        assert np.isnan(found).all()


def test_a_function_of_llvm_is_declared_once_for_each_type() -> None:
    module = ir.Module()
    wide, narrow = ir.VectorType(ir.DoubleType(), 4), ir.FloatType()
    assert intrinsic(module, "llvm.sqrt", wide, 1) is intrinsic(module, "llvm.sqrt", wide, 1)
    assert intrinsic(module, "llvm.sqrt", narrow, 1).name == "llvm.sqrt.f32"
    assert sorted(module.globals) == ["llvm.sqrt.f32", "llvm.sqrt.v4f64"]
