"""logistic, tanh and softplus against mpmath, and the polynomial near zero."""

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

from clearprop.engine.mathematics import sigmoid
from clearprop.engine.mathematics.lanes import Precision


@KINDS_OF_EACH
@pytest.mark.parametrize("name", ["logistic", "tanh", "softplus"])
def test_digits(name: str, kind: Kind) -> None:
    digits(name, kind)


@PRECISIONS
def test_the_polynomial_is_near_enough(p: Precision, share: float) -> None:
    T = polynomial(sigmoid.T, p)
    assert relative_error(mpmath.tanh, lambda u: u + u**3 * T(u**2), -sigmoid.NEAR, sigmoid.NEAR) < 0.4 * share


def test_a_wrong_coefficient_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong_coefficient(monkeypatch, sigmoid, "T", "tanh")
