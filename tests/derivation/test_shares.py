"""The share of an error: its example's weight, and one over the number of outputs."""

from __future__ import annotations

import pytest

from clearprop.derivation.shares import WEIGHT, weighted
from clearprop.expressions import parse, text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("(t - y)**2", "weight * (t - y)**2"),
        ("1/2 * (t - y)**2", "weight * (1/2) * (t - y)**2"),
        ("-(t * log(y))", "-weight * t * log(y)"),
        ("t / y", "weight * (t / y)"),
    ],
)
def test_a_weight_makes_one_product_with_the_sign_in_front(given: str, expected: str) -> None:
    tree = parse(given, {"t": "t", "y": "y"})
    assert text(weighted(tree)).replace(repr(WEIGHT), "weight") == expected
