"""exp and expm1 against mpmath, and the constants that they are made of."""

from __future__ import annotations

import math

import mpmath
import numpy as np
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

from clearprop.engine.mathematics import exponential
from clearprop.engine.mathematics.lanes import SINGLE, Precision


@KINDS_OF_EACH
@pytest.mark.parametrize("name", ["exp", "expm1"])
def test_digits(name: str, kind: Kind) -> None:
    digits(name, kind)


@PRECISIONS
def test_the_polynomial_is_near_enough(p: Precision, share: float) -> None:
    h, half = polynomial(exponential.H, p), math.log(2) / 2
    assert relative_error(mpmath.expm1, lambda u: u + u**2 * h(u), -half, half) < 0.4 * share


def test_two_parts_of_ln_2_are_all_of_it() -> None:
    for p, (first, second) in exponential.LN_2.items():
        with mpmath.workdps(40):
            rounded = float(np.float32(second)) if p is SINGLE else second
            assert abs(first + mpmath.mpf(rounded) - mpmath.log(2)) < 2.0 ** (-1.6 * p.fraction)
        # The first, times any exponent, has all its digits.
        exponents = p.width - 1 - p.fraction
        assert (first * 2.0 ** (p.fraction - exponents)).is_integer()


@pytest.mark.parametrize(("table", "wrong"), [("H", 3e-5), ("LN_2", 3e-2)])
def test_a_wrong_coefficient_is_found(monkeypatch: pytest.MonkeyPatch, table: str, wrong: float) -> None:
    wrong_coefficient(monkeypatch, exponential, table, "exp", wrong)
