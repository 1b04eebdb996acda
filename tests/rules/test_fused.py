"""A loss fused with its activation against the two, one after the other."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mpf

from clearprop.expressions import evaluate
from clearprop.rules.activations import Activation, Softmax, activation
from clearprop.rules.fused import FUSED, Fused, SoftmaxCrossEntropy
from clearprop.rules.losses import loss
from clearprop.rules.roles import Role


def sigma(u: Any) -> Any:
    """The logistic function, from its definition."""
    return 1 / (1 + mpmath.exp(-u))


@pytest.mark.parametrize("at", [-1000.0, -40.0, -2.0, 0.0, 0.3, 40.0, 1000.0])
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_binary_cross_entropy_fused_with_logistic(at: float, target: float) -> None:
    rule = FUSED["binary_cross_entropy", "logistic"]
    assert isinstance(rule, Fused)
    with mpmath.workdps(1000):
        y = sigma(mpf(at))
        error = -(mpf(target) * mpmath.log(y) + (1 - mpf(target)) * mpmath.log(1 - y))
        signal = y - mpf(target)
    sums, targets = np.array([[at]]), np.array([[target]])
    assert rule.errors(sums, targets)[0, 0] == pytest.approx(float(error), rel=1e-14)
    assert rule.signals(sums, targets)[0, 0] == pytest.approx(float(signal), rel=1e-14, abs=1e-16)
    shown = evaluate(rule.shown_slope, {Role.OUTPUT: float(y), Role.TARGET: target})
    assert float(shown) == pytest.approx(float(signal), abs=1e-15)


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_categorical_cross_entropy_fused_with_softmax(scale: float) -> None:
    rule = SoftmaxCrossEntropy()
    sums = np.array([[0.2, -1.0, 0.7]]) * scale
    targets = np.array([[0.1, 0.6, 0.3]])
    with mpmath.workdps(1000):
        powers = [mpmath.exp(mpf(v)) for v in sums[0]]
        y = [power / mpmath.fsum(powers) for power in powers]
        errors = [float(-mpf(t) * mpmath.log(p)) for t, p in zip(targets[0], y, strict=True)]
        signals = [float(p - mpf(t)) for t, p in zip(targets[0], y, strict=True)]
    np.testing.assert_allclose(rule.errors(sums, targets)[0], errors, rtol=1e-13, atol=1e-200)
    np.testing.assert_allclose(rule.signals(sums, targets)[0], signals, rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(rule.entries(sums[0], targets[0]).sum(axis=0), signals, rtol=1e-12, atol=1e-16)


def scalar(name: str, **constants: float) -> Activation:
    rule = activation(name, **constants)
    assert isinstance(rule, Activation)
    return rule


@given(z=st.floats(-15, 15), t=st.floats(0, 1))
def test_fused_binary_cross_entropy_equals_the_separate_one(z: float, t: float) -> None:
    rule = FUSED["binary_cross_entropy", "logistic"]
    assert isinstance(rule, Fused)
    sums, targets = np.array([[z]]), np.array([[t]])
    logistic, plain = scalar("logistic"), loss("binary_cross_entropy")
    outputs = logistic.outputs(sums)
    values = {Role.OUTPUT: outputs, Role.TARGET: targets}
    near = 1e-9
    np.testing.assert_allclose(rule.errors(sums, targets), evaluate(plain.formula, values), rtol=near, atol=near)
    separate = logistic.pull_back(sums, evaluate(plain.slope.simplified, values))
    np.testing.assert_allclose(rule.signals(sums, targets), separate, rtol=near, atol=near)
    np.testing.assert_allclose(rule.signals(sums, targets), outputs - t, rtol=1e-12, atol=1e-15)


@given(
    st.lists(st.floats(-8, 8), min_size=2, max_size=5),
    st.integers(0, 2**31),
)
def test_fused_categorical_cross_entropy_equals_the_separate_one(sums: list[float], seed: int) -> None:
    rule, plain, softmax = SoftmaxCrossEntropy(), loss("categorical_cross_entropy"), Softmax()
    z = np.array([sums])
    t = np.random.default_rng(seed).dirichlet(np.ones(len(sums)))[None, :]
    y = softmax.outputs(z)
    values = {Role.OUTPUT: y, Role.TARGET: t}
    np.testing.assert_allclose(rule.errors(z, t), evaluate(plain.formula, values), rtol=1e-10, atol=1e-13)
    separate = softmax.pull_back(z, evaluate(plain.slope.simplified, values))
    np.testing.assert_allclose(rule.signals(z, t), separate, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("targets", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.25, 0.25]])
def test_one_hot_targets_far_out_give_finite_errors(targets: list[float]) -> None:
    z, t = np.array([[1000.0, -1000.0, 0.0]]), np.array([targets])
    error = float(SoftmaxCrossEntropy().errors(z, t).sum())
    # log Σ e^z is 1000 to within e^-1000.
    assert error == pytest.approx(targets[1] * 2000 + targets[2] * 1000, rel=1e-15, abs=1e-300)
    np.testing.assert_allclose(SoftmaxCrossEntropy().signals(z, t), np.array([[1.0, 0.0, 0.0]]) - t, atol=1e-15)
