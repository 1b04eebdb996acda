"""Sums and products without any rounding, against fractions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from llvmlite import ir
from tests.engine.support.accuracy import DOUBLES, KINDS_OF_EACH
from tests.engine.support.compiled import Kind, loop, running

from clearprop.engine.mathematics import pairs
from clearprop.engine.mathematics.lanes import Lanes
from clearprop.engine.mathematics.pairs import Pair
from clearprop.types import Array


def run(kind: Kind, of: Callable[..., Pair], *given: Array) -> list[Array]:
    """Both parts of the result, for arrays of numbers; two arrays for each pair that the function takes."""
    keys = list(range(len(given)))

    def write(builder: ir.IRBuilder, values: Any) -> list[ir.Value]:
        numbers = [values[key] for key in keys]
        arguments = numbers if len(numbers) == 2 else [Pair(*numbers[:2]), Pair(*numbers[2:])]
        return list(of(Lanes(builder, kind.type, fma=kind.fma), *arguments))

    return running(kind, loop(kind, keys, write, 2), len(keys), 2)(*given)


def numbers(kind: Kind) -> tuple[Array, Array]:
    """Numbers of all their digits; the first of each two is the larger."""
    rng = np.random.default_rng(7)
    a, b = rng.normal(size=(2, 200)) * np.exp(rng.uniform(-6, 6, (2, 200)))
    larger = np.abs(a) >= np.abs(b)
    return np.where(larger, a, b).astype(kind.dtype), np.where(larger, b, a).astype(kind.dtype)


@KINDS_OF_EACH
def test_nothing_is_lost_of_a_sum(kind: Kind) -> None:
    a, b = numbers(kind)
    high, low = run(kind, pairs.exact_sum, a, b)
    for k in range(len(a)):
        assert Fraction(float(high[k])) + Fraction(float(low[k])) == Fraction(float(a[k])) + Fraction(float(b[k]))
    assert np.array_equal(high, a + b)


@KINDS_OF_EACH
def test_nothing_is_lost_of_a_product(kind: Kind) -> None:
    a, b = numbers(kind)
    high, low = run(kind, pairs.exact_product, a, b)
    for k in range(len(a)):
        assert Fraction(float(high[k])) + Fraction(float(low[k])) == Fraction(float(a[k])) * Fraction(float(b[k]))
    assert np.array_equal(high, a * b)


@KINDS_OF_EACH
@pytest.mark.parametrize("name", ["product", "plus"])
def test_pairs_have_nearly_twice_the_digits(name: str, kind: Kind) -> None:
    a, b = numbers(kind)
    tiny = np.finfo(kind.dtype).eps / 8
    given = a, (a * tiny).astype(kind.dtype), b, (b * -tiny).astype(kind.dtype)
    high, low = run(kind, getattr(pairs, name), *given)
    limit = Fraction(2.0 ** (-2 * np.finfo(kind.dtype).nmant + 2))
    for k in range(len(a)):
        u, v = (Fraction(float(one[k])) + Fraction(float(other[k])) for one, other in (given[:2], given[2:]))
        exact, scale = (u * v, u * v) if name == "product" else (u + v, u)
        assert abs(Fraction(float(high[k])) + Fraction(float(low[k])) - exact) <= limit * abs(scale)


def test_a_product_that_forgets_its_rest_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def rounded(lanes: Lanes, a: ir.Value, b: ir.Value) -> Pair:
        return Pair(lanes.multiply(a, b), lanes.constant(0.0))

    monkeypatch.setattr(pairs, "exact_product", rounded)
    with pytest.raises(AssertionError):
        test_nothing_is_lost_of_a_product(DOUBLES[0])
