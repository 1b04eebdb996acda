"""erf against mpmath, and the polynomials that it is made of."""

from __future__ import annotations

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

from clearprop.engine.mathematics import error_function
from clearprop.engine.mathematics.lanes import Precision


@KINDS_OF_EACH
def test_digits(kind: Kind) -> None:
    digits("erf", kind)


@PRECISIONS
def test_the_polynomials_are_near_enough(p: Precision, share: float) -> None:
    near, far = polynomial(error_function.S, p), polynomial(error_function.Q, p)
    assert relative_error(mpmath.erf, lambda u: u + u * near(u**2), -1, 1) < 0.4 * share

    def beyond_one(u: mpmath.mpf) -> mpmath.mpf:
        return 1 - mpmath.exp(-(u**2)) * far(u - error_function.MIDDLE)

    assert relative_error(mpmath.erf, beyond_one, 1, error_function.ONE_FROM[p]) < 0.4 * share


@pytest.mark.parametrize("table", ["S", "Q"])
def test_a_wrong_coefficient_is_found(monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    wrong_coefficient(monkeypatch, error_function, table, "erf")
