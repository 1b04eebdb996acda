"""What is taken as numbers, and what only looks like them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.network.arrays import numbers

STRANGE: list[tuple[Any, str]] = [
    (np.array([[1 + 2j, 0]]), "complex numbers"),
    ([[1j, 0]], "complex numbers"),
    (np.array([["2020-01-01", "2020-01-02"]], dtype="datetime64[D]"), "dates"),
    (np.array([[1, 2]], dtype="timedelta64[s]"), "spans of time"),
    ([["0.1", "0.5"]], "text"),
    (np.array([["0.1", 0.5]], dtype=object), "text"),
    ([[b"1", b"2"]], "text"),
    (np.ma.masked_array([[0.1, 0.5]], mask=[[False, True]]), "masked values"),
    ([[1, 2], [3]], "something else"),
    ([[None, {}]], "something else"),
]


@pytest.mark.parametrize(("values", "found"), STRANGE, ids=range(len(STRANGE)))
def test_what_is_no_number_is_named(values: Any, found: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^inputs: expected rows of 2 numbers, found {found} in them"):
        cp.predict(cp.load("lecture"), values)
    network = cp.Network(2, [cp.Dense(1)])
    with pytest.raises(InvalidArgument, match=f"^inputs: expected rows of 2 numbers, found {found} in them"):
        cp.train(network, values, [[1.0]], epochs=1)
    with pytest.raises(InvalidArgument, match=f"^targets: expected .*, found {found}"):
        cp.train(cp.Network(2, [cp.Dense(2)]), [[1, 2]], values, epochs=1)


def test_numbers_of_every_kind() -> None:
    exact = [[Decimal("0.5"), Fraction(1, 3)]]
    given: list[Any] = [[[1, 2]], np.array([[True, False]]), exact, np.ones((1, 2), np.float16)]
    for values in given:
        found = numbers(values, "")
        assert found.dtype == np.float64
        assert found.tolist() == [[float(value) for value in values[0]]]
    unmasked = np.ma.masked_array([[0.1, 0.5]], mask=False)
    assert numbers(unmasked, "").tolist() == [[0.1, 0.5]]


def test_a_tensor_that_records_gradients_is_named() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(InvalidArgument, match=r"found a tensor that NumPy cannot read; give tensor\.detach\(\)"):
        numbers(torch.ones(2, requires_grad=True), "inputs: expected rows of 2 numbers")
