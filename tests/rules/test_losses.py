"""Losses against their textbook formulas, and which activations they suit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mpf
from tests.expressions.oracle import exact

from clearprop.expressions import Symbol, evaluate
from clearprop.rules.activations import activation
from clearprop.rules.losses import LOSSES, Loss, loss
from clearprop.rules.roles import Role

TEXTBOOK: dict[str, Callable[[Any, Any], Any]] = {
    "half_squared_error": lambda y, t: (t - y) ** 2 / 2,
    "squared_error": lambda y, t: (t - y) ** 2,
    "absolute_error": lambda y, t: abs(t - y),
    "huber": lambda y, t: (t - y) ** 2 / 2 if abs(t - y) <= 1 else abs(t - y) - mpf(1) / 2,
    "half_poisson_deviance": lambda y, t: (t * mpmath.log(t / y) if t else 0) - t + y,
    "binary_cross_entropy": lambda y, t: -(t * mpmath.log(y) + (1 - t) * mpmath.log(1 - y)),
    "categorical_cross_entropy": lambda y, t: -t * mpmath.log(y),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_their_slopes(name: str) -> None:
    rule = loss(name)
    # Of a loss without a formula here its own, in mpmath.
    textbook = TEXTBOOK.get(name, lambda y, t: exact(rule.formula, {"y": y, "t": t}))
    (low, high), (least, most) = rule.outputs, rule.targets
    for y, t in [(0.2, 0.9), (0.7, 0.1), (2.5, 0.0), (3.0, -1.0), (-2.0, 0.5)]:
        if not (low <= y <= high and least <= t <= most):
            continue
        with mpmath.workdps(40):
            h = mpf(10) ** -15
            slope = (textbook(mpf(y) + h, mpf(t)) - textbook(mpf(y) - h, mpf(t))) / (2 * h)
        values = {Role.OUTPUT: y, Role.TARGET: t}
        assert float(evaluate(rule.formula, values)) == pytest.approx(float(textbook(mpf(y), mpf(t))), rel=1e-13)
        assert float(evaluate(rule.slope.simplified, values)) == pytest.approx(float(slope), rel=1e-12)


def test_losses_that_do_not_fit_say_what_does() -> None:
    assert loss("categorical_cross_entropy").misfit(activation("logistic")) == (
        "categorical_cross_entropy needs outputs that sum to 1, so activation softmax in the last layer; "
        "found logistic; use softmax, or the loss binary_cross_entropy"
    )
    assert loss("binary_cross_entropy").misfit(activation("relu")) == (
        "binary_cross_entropy needs outputs between 0 and 1, so activation logistic in the last layer; "
        "found relu; use logistic, or the loss half_squared_error"
    )
    assert loss("half_squared_error").misfit(activation("relu")) is None
    counts = Loss("poisson", Symbol(Role.OUTPUT), "test", outputs=(0.0, math.inf))
    assert counts.misfit(activation("softplus")) is None
    assert counts.misfit(activation("tanh")) == (
        "poisson needs outputs of at least 0, so activation relu in the last layer; "
        "found tanh; use relu, or the loss half_squared_error"
    )


@pytest.mark.parametrize("delta", [0.5, 1.0, 2.5])
@given(y=st.floats(-5, 5), t=st.floats(-5, 5))
def test_huber_is_half_squared_within_delta_and_its_tangent_beyond(delta: float, y: float, t: float) -> None:
    rule = loss("huber", delta=delta)
    values = {Role.OUTPUT: y, Role.TARGET: t}
    d = y - t
    value, slope = (float(evaluate(form, values)) for form in (rule.formula, rule.slope.simplified))
    if abs(d) <= delta:
        assert value == pytest.approx(d * d / 2, rel=1e-12, abs=1e-300)
        assert slope == pytest.approx(d, rel=1e-12, abs=1e-300)
    else:
        assert value == pytest.approx(delta * abs(d) - delta**2 / 2, rel=1e-9)
        assert slope == pytest.approx(math.copysign(delta, d))


def test_the_absolute_error_has_no_slope_where_it_is_zero() -> None:
    slope = loss("absolute_error").slope.simplified
    assert [float(evaluate(slope, {Role.OUTPUT: y, Role.TARGET: 1.0})) for y in (0.0, 1.0, 2.0)] == [-1, 0, 1]


@pytest.mark.parametrize(("bounds", "suits"), [((-1.0, 1.0), False), ((0.0, 2.0), False), ((0.0, 1.0), True)])
def test_binary_cross_entropy_needs_both_bounds(bounds: tuple[float, float], suits: bool) -> None:
    """tanh fails by its lower bound alone."""
    assert activation("tanh").bounds == (-1.0, 1.0)
    assert loss("binary_cross_entropy").suits(replace(activation("tanh"), bounds=bounds)) is suits
    assert str(loss("binary_cross_entropy").misfit(activation("tanh"))).startswith(
        "binary_cross_entropy needs outputs between 0 and 1"
    )
