"""Penalties and their slopes."""

from __future__ import annotations

import pytest

from clearprop.expressions import evaluate
from clearprop.rules.penalties import Penalty
from clearprop.rules.roles import Role


def test_penalty_formula_and_slope() -> None:
    penalty = Penalty(l2=0.1, l1=0.5)
    for w, value, slope in [(2.0, 0.2 + 1.0, 0.2 + 0.5), (-3.0, 0.45 + 1.5, -0.3 - 0.5), (0.0, 0.0, 0.0)]:
        assert float(evaluate(penalty.formula, {Role.WEIGHT: w})) == pytest.approx(value)
        assert float(evaluate(penalty.slope.simplified, {Role.WEIGHT: w})) == pytest.approx(slope)


def test_no_penalty_is_nothing() -> None:
    assert not Penalty()
    assert float(evaluate(Penalty().formula, {Role.WEIGHT: 3.0})) == 0
    assert float(evaluate(Penalty().slope.simplified, {Role.WEIGHT: 3.0})) == 0
