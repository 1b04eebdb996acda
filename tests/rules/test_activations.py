"""Activations against their textbook formulas, softmax against its Jacobian."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mpf
from tests.expressions.oracle import exact

from clearprop.expressions import evaluate, parse, text
from clearprop.rules.activations import ACTIVATIONS, Activation, Softmax, activation
from clearprop.rules.roles import Role

SCALAR = [name for name, rule in ACTIVATIONS.items() if isinstance(rule, Activation)]


KINKS = st.sampled_from([-3.0, -1.0, -0.5, -0.3, 0.3, 0.5, 1.0, 3.0, 6.0])


POINTS = [-30.0, -3.2, -0.7, -1e-3, 1e-3, 0.4, 2.5, 25.0]


def scalar(name: str, **constants: float) -> Activation:
    rule = activation(name, **constants)
    assert isinstance(rule, Activation)
    return rule


def textbook(name: str, u: Any, c: dict[str, float]) -> Any:
    """Return the output from the paper's formula; of a rule without one here from its own, in mpmath."""
    match name:
        case "identity":
            return u
        case "logistic":
            return 1 / (1 + mpmath.exp(-u))
        case "tanh":
            return mpmath.sinh(u) / mpmath.cosh(u)
        case "relu":
            return u if u > 0 else mpf(0)
        case "leaky_relu":
            return u if u > 0 else mpf(c["slope"]) * u
        case "elu":
            return u if u > 0 else mpf(c["alpha"]) * (mpmath.exp(u) - 1)
        case "selu":
            return mpf(c["scale"]) * (u if u > 0 else mpf(c["alpha"]) * (mpmath.exp(u) - 1))
        case "softplus":
            return mpmath.log(1 + mpmath.exp(u))
        case "gelu":
            return u * mpmath.erfc(-u / mpmath.sqrt(2)) / 2
        case "silu":
            return u / (1 + mpmath.exp(-u))
    return exact(ACTIVATIONS[name].output, {"z": u, **c})


CHANGED = {
    "leaky_relu": {"slope": 0.2}, "elu": {"alpha": 0.7}, "selu": {"scale": 1.3, "alpha": 0.9}, "celu": {"alpha": 0.7},
    "softshrink": {"lambd": 0.3}, "hardshrink": {"lambd": 0.3}, "threshold": {"threshold": -0.3, "value": 2.0},
}  # fmt: skip
DIFFERENCES = {"gelu", "gelu_tanh", "tanhshrink"}
"""Differences of nearly equal numbers, which have absolute rather than relative digits."""


@pytest.mark.parametrize("name", SCALAR)
@pytest.mark.parametrize("at", POINTS)
def test_outputs_and_slopes(name: str, at: float) -> None:
    rule = scalar(name)
    sums = np.array([[at]])
    with mpmath.workdps(80):
        h = mpf(10) ** -15
        constants = dict(rule.constants)
        output = textbook(name, mpf(at), constants)
        slope = (textbook(name, mpf(at) + h, constants) - textbook(name, mpf(at) - h, constants)) / (2 * h)
    near = 1e-15 if name in DIFFERENCES else 0.0
    assert rule.outputs(sums)[0, 0] == pytest.approx(float(output), rel=1e-14, abs=near)
    assert rule.slopes(sums)[0, 0] == pytest.approx(float(slope), rel=1e-13, abs=near * 10)
    # The slope as the lecture writes it, in terms of the output, evaluated where it keeps its digits.
    if abs(at) < 5:
        shown = evaluate(rule.printed_slope, {Role.SUM: at, Role.OUTPUT: float(output)})
        assert float(shown) == pytest.approx(float(slope), rel=1e-11, abs=near)


@pytest.mark.parametrize("name", SCALAR)
@pytest.mark.parametrize("changed", [False, True])
@given(at=st.one_of(st.floats(1e-3, 12), st.floats(-12, -1e-3), KINKS))
def test_the_slope_is_the_derivative_and_so_is_the_printed_one(name: str, changed: bool, at: float) -> None:
    constants = CHANGED.get(name, {}) if changed else {}
    rule = scalar(name, **constants)
    with mpmath.workdps(50):
        output = textbook(name, mpf(at), dict(rule.constants))
        # At a kink the slope is the one to its left or the one to its right; elsewhere these are the same.
        sides = [
            float(mpmath.diff(lambda u: textbook(name, u, dict(rule.constants)), at + side, h=mpf(10) ** -18))
            for side in (-(mpf(10) ** -17), mpf(10) ** -17)
        ]
    slope = min(sides, key=lambda side: abs(side - rule.slopes(np.array([[at]]))[0, 0]))
    near = 2e-15 * (1 + abs(at))
    assert rule.outputs(np.array([[at]]))[0, 0] == pytest.approx(float(output), rel=1e-13, abs=near)
    assert rule.slopes(np.array([[at]]))[0, 0] == pytest.approx(slope, rel=1e-12, abs=near)
    # In exact arithmetic the printed form is the derivative; in floats it may lose digits to 1 - y.
    shown = evaluate(
        rule.printed_slope, {Role.SUM: np.longdouble(at), Role.OUTPUT: np.longdouble(mpmath.nstr(output, 30))}
    )
    assert float(shown) == pytest.approx(slope, rel=1e-12, abs=near)


def test_slopes_are_printed_as_the_lecture_writes_them() -> None:
    shown = {name: text(rule.printed_slope) for name, rule in ACTIVATIONS.items() if isinstance(rule, Activation)}
    assert shown["logistic"] == "y * (1 - y)"
    assert shown["tanh"] == "1 - y**2"
    assert shown["relu"] == "where(z > 0, 1, 0)"
    assert shown["leaky_relu"] == "where(z > 0, 1, 0.01)"


@pytest.mark.parametrize("name", SCALAR)
def test_activations_are_finite_and_right_far_out(name: str) -> None:
    rule = scalar(name)
    if name == "exp":
        assert rule.outputs(np.array([[-1000.0, 1000.0]])).tolist() == [[0.0, math.inf]]
        return
    for at in (-1000.0, 1000.0) if name == "gelu_tanh" else (-1e300, -1000.0, 1000.0, 1e300):
        output, slope = (float(f(np.array([[at]]))[0, 0]) for f in (rule.outputs, rule.slopes))
        if abs(at) == 1000:
            with mpmath.workdps(1000):
                expected = float(textbook(name, mpf(at), dict(rule.constants)))
            assert output == pytest.approx(expected, rel=1e-14, abs=1e-300)
        assert math.isfinite(output)
        assert math.isfinite(slope)


@pytest.mark.parametrize(
    ("name", "slope"), [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0), ("identity", 1.0), ("logistic", 0.25)]
)
def test_slopes_at_zero(name: str, slope: float) -> None:
    assert scalar(name).slopes(np.zeros((2, 3))).tolist() == [[slope] * 3] * 2


@pytest.mark.parametrize(("alias", "name"), [("linear", "identity"), ("sigmoid", "logistic"), ("swish", "silu")])
def test_aliases(alias: str, name: str) -> None:
    assert activation(alias) is ACTIVATIONS[name]


def test_constants_can_be_changed() -> None:
    rule = activation("leaky_relu", slope=0.2)
    assert isinstance(rule, Activation)
    assert rule.outputs(np.array([[-1.0]]))[0, 0] == -0.2


def test_initial_weights_suit_the_activation() -> None:
    usual = {name: rule.init for name, rule in ACTIVATIONS.items()}
    assert usual["relu"] == usual["leaky_relu"] == "he_normal"
    assert {usual[name] for name in ("identity", "logistic", "tanh", "softmax")} == {"glorot_uniform"}


def test_the_self_normalising_constants_do_what_they_are_for() -> None:
    """selu maps a standard normal sum to mean 0 and variance 1 (Klambauer et al., theorem 1)."""
    rule = scalar("selu")
    z = np.linspace(-12, 12, 200_001)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    y = rule.outputs(z[None, :])[0]
    assert float((y * density).sum()) == pytest.approx(0, abs=1e-8)
    assert float((y * y * density).sum()) == pytest.approx(1, abs=1e-8)


def test_a_new_activation_is_one_entry() -> None:
    """An expression is computed, derived, printed and verified like the built-in rules."""
    import clearprop as cp

    network = cp.Network(2, [cp.Dense(3, "z / (1 + abs(z))"), cp.Dense(1, "identity")])
    problem = cp.Problem(network, examples=cp.Examples.of([[0.3, -0.8]], [[1.0]]), notation="lecture")
    rule = network.layers[0].rule
    assert isinstance(rule, Activation)
    assert rule.outputs(np.array([[-3.0]]))[0, 0] == -0.75
    assert cp.verify(problem).agrees
    shown = str(cp.explain(cp.cycle(problem), "w1"))
    assert "∂output_h1_1/∂sum_h1_1 = " in shown
    assert "quotient rule" in shown
    assert parse(rule.name, {"z": Role.SUM}) == rule.output


def test_softmax_and_its_jacobian_product() -> None:
    rng = np.random.default_rng(0)
    sums, upstream = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    rule = Softmax()
    exact = np.array([[float(mpmath.exp(v) / mpmath.fsum(map(mpmath.exp, row))) for v in row] for row in sums])
    np.testing.assert_allclose(rule.outputs(sums), exact, rtol=1e-14)
    h = 1e-6
    for j in range(4):
        step = np.zeros(4)
        step[j] = h
        slope = ((rule.outputs(sums + step) - rule.outputs(sums - step)) * upstream).sum(axis=1) / (2 * h)
        np.testing.assert_allclose(rule.pull_back(sums, upstream)[:, j], slope, rtol=1e-7, atol=1e-9)
    assert np.all(np.isfinite(rule.outputs(np.array([[1000.0, -1000.0, 999.0]]))))


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=6), st.floats(-1000, 1000))
def test_softmax_sums_to_one_and_ignores_a_shift(sums: list[float], shift: float) -> None:
    z = np.array([sums])
    y = Softmax().outputs(z)
    assert float(y.sum()) == pytest.approx(1, rel=1e-14)
    assert np.all(y >= 0)
    np.testing.assert_allclose(Softmax().outputs(z + shift), y, rtol=1e-11, atol=1e-300)


def test_softmax_rows_do_not_mix() -> None:
    rng = np.random.default_rng(5)
    z, upstream = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    whole = Softmax().pull_back(z, upstream)
    for row in range(4):
        one = Softmax().pull_back(z[row : row + 1], upstream[row : row + 1])
        np.testing.assert_allclose(whole[row : row + 1], one, rtol=1e-14)
        y = Softmax().outputs(z[row : row + 1])[0]
        jacobian = np.diag(y) - np.outer(y, y)
        np.testing.assert_allclose(one[0], jacobian @ upstream[row], rtol=1e-12)
        entries = {Role.OUTPUT: y[:, None], "other": y[None, :]}
        diagonal, off_diagonal = (evaluate(tree, entries) for tree in (Softmax().diagonal, Softmax().off_diagonal))
        np.testing.assert_allclose(np.where(np.eye(3, dtype=bool), diagonal, off_diagonal), jacobian, rtol=1e-15)
