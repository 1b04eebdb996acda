"""Standardizing, and what undoes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.expressions import bind, evaluate, substitute
from clearprop.rules.standardize import ORIGINAL, STANDARDIZED

numbers = st.floats(-1e6, 1e6)


@given(numbers, numbers, st.floats(1e-3, 1e6))
def test_one_undoes_the_other(value: float, mean: float, scale: float) -> None:
    constants = {"mean": mean, "scale": scale}
    back = substitute(bind(ORIGINAL, constants), lambda key: bind(STANDARDIZED, constants))
    assert float(evaluate(back, {"value": value})) == pytest.approx(value, rel=1e-9, abs=1e-9 * (abs(mean) + scale))


def test_by_hand() -> None:
    assert float(evaluate(STANDARDIZED, {"value": 7.0, "mean": 3.0, "scale": 2.0})) == 2.0
    assert float(evaluate(ORIGINAL, {"value": 2.0, "mean": 3.0, "scale": 2.0})) == 7.0
