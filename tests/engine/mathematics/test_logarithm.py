"""log and log1p against mpmath, and the polynomial that they are made of."""

from __future__ import annotations

import math

import mpmath
import pytest
from tests.engine.support.accuracy import (
    KINDS_OF_EACH,
    PRECISIONS,
    digits,
    polynomial,
    relative_error,
    wrong_coefficient,
)
from tests.engine.support.compiled import Kind

from clearprop.engine.mathematics import logarithm
from clearprop.engine.mathematics.lanes import Precision


@KINDS_OF_EACH
@pytest.mark.parametrize("name", ["log", "log1p"])
def test_digits(name: str, kind: Kind) -> None:
    digits(name, kind)


@PRECISIONS
def test_the_polynomial_is_near_enough(p: Precision, share: float) -> None:
    P = polynomial(logarithm.P, p)
    low, high = math.sqrt(0.5) - 1, math.sqrt(2) - 1
    assert relative_error(mpmath.log1p, lambda u: u - u**2 / 2 + u**3 * P(u), low, high) < 0.4 * share


def test_a_wrong_coefficient_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong_coefficient(monkeypatch, logarithm, "P", "log")
