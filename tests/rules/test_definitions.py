"""Rules over their whole range: constants, the printed slopes, fused losses, sources, spreads."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mpf

from clearprop.errors import ClearpropError, InvalidArgument, UnknownName
from clearprop.expressions import evaluate
from clearprop.rules.activations import ACTIVATIONS, ALIASES, Activation, Softmax, activation
from clearprop.rules.fused import FUSED, Fused, SoftmaxCrossEntropy
from clearprop.rules.initializers import INITIALIZERS, initializer
from clearprop.rules.losses import LOSSES, loss
from clearprop.rules.optimizers import OPTIMIZERS, optimizer
from clearprop.rules.penalties import Penalty
from clearprop.rules.roles import Role
from clearprop.rules.schedules import SCHEDULES, rate_at, schedule

SCALAR = [name for name, rule in ACTIVATIONS.items() if isinstance(rule, Activation)]


def scalar(name: str, **constants: float) -> Activation:
    rule = activation(name, **constants)
    assert isinstance(rule, Activation)
    return rule


def textbook(name: str, u: Any, c: dict[str, float]) -> Any:
    """The output from the paper's formula."""
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
    raise KeyError(name)


CHANGED = {"leaky_relu": {"slope": 0.2}, "elu": {"alpha": 0.7}, "selu": {"scale": 1.3, "alpha": 0.9}}


@pytest.mark.parametrize("name", SCALAR)
@pytest.mark.parametrize("changed", [False, True])
@given(at=st.one_of(st.floats(1e-3, 12), st.floats(-12, -1e-3)))
def test_the_slope_is_the_derivative_and_so_is_the_printed_one(name: str, changed: bool, at: float) -> None:
    constants = CHANGED.get(name, {}) if changed else {}
    rule = scalar(name, **constants)
    with mpmath.workdps(50):
        output = textbook(name, mpf(at), dict(rule.constants))
        slope = mpmath.diff(lambda u: textbook(name, u, dict(rule.constants)), mpf(at), h=mpf(10) ** -18)
    near = 2e-15 * (1 + abs(at))
    assert rule.outputs(np.array([[at]]))[0, 0] == pytest.approx(float(output), rel=1e-13, abs=near)
    assert rule.slopes(np.array([[at]]))[0, 0] == pytest.approx(float(slope), rel=1e-12, abs=near)
    # In exact arithmetic the printed form is the derivative; in floats it may lose digits to 1 - y.
    shown = evaluate(
        rule.printed_slope, {Role.SUM: np.longdouble(at), Role.OUTPUT: np.longdouble(mpmath.nstr(output, 30))}
    )
    assert float(shown) == pytest.approx(float(slope), rel=1e-12, abs=near)


@pytest.mark.parametrize("name", SCALAR)
def test_activations_are_finite_and_right_far_out(name: str) -> None:
    rule = scalar(name)
    for at in (-1e300, -1000.0, 1000.0, 1e300):
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


def test_the_documented_names_are_all_there() -> None:
    assert set(ACTIVATIONS) | set(ALIASES) == {
        "identity", "linear", "logistic", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "softplus", "gelu",
        "silu", "swish", "softmax",
    }  # fmt: skip
    assert set(LOSSES) == {
        "half_squared_error", "squared_error", "absolute_error", "huber", "binary_cross_entropy",
        "categorical_cross_entropy",
    }  # fmt: skip
    assert set(OPTIMIZERS) == {"sgd", "rmsprop", "adagrad", "adam", "adamw"}
    assert set(SCHEDULES) == {"constant", "step", "exponential", "cosine", "plateau"}
    assert set(INITIALIZERS) == {
        "glorot_uniform", "glorot_normal", "he_normal", "he_uniform", "lecun_normal", "normal", "uniform", "zeros",
    }  # fmt: skip
    for rule in (*ACTIVATIONS.values(), *LOSSES.values(), *INITIALIZERS.values()):
        assert rule.source
    assert all(optimizer(name).source for name in OPTIMIZERS)


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


# --- losses -----------------------------------------------------------------------------------------


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


def test_only_known_pairs_are_fused() -> None:
    assert set(FUSED) == {("binary_cross_entropy", "logistic"), ("categorical_cross_entropy", "softmax")}


# --- softmax ----------------------------------------------------------------------------------------


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


# --- initializers, penalties, schedules, messages -------------------------------------------------------


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize(("units", "inputs"), [(400, 100), (30, 900), (1, 20_000)])
def test_spread_and_shape_of_initial_weights(name: str, units: int, inputs: int) -> None:
    variance = {
        "glorot_uniform": 2 / (units + inputs), "glorot_normal": 2 / (units + inputs), "he_uniform": 2 / inputs,
        "he_normal": 2 / inputs, "lecun_normal": 1 / inputs, "normal": 0.05**2, "uniform": 0.05**2 / 3, "zeros": 0.0,
    }[name]  # fmt: skip
    values = initializer(name).values(units, inputs, np.random.default_rng(1))
    assert values.shape == (units, inputs)
    assert float(values.var()) == pytest.approx(variance, rel=0.06, abs=1e-300)
    if variance == 0:
        return
    scaled = values.ravel() / math.sqrt(variance)
    # The fourth moment tells a uniform distribution (9/5) from a normal one (3).
    assert float((scaled**4).mean()) == pytest.approx(1.8 if "uniform" in name else 3, rel=0.08)
    if "uniform" in name:
        assert float(np.abs(scaled).max()) <= math.sqrt(3) * (1 + 1e-12)


def test_no_penalty_is_nothing() -> None:
    assert not Penalty()
    assert float(evaluate(Penalty().formula, {Role.WEIGHT: 3.0})) == 0
    assert float(evaluate(Penalty().slope.simplified, {Role.WEIGHT: 3.0})) == 0


def test_warmup_rises_evenly_to_the_rate() -> None:
    chosen = schedule("constant", warmup=4)
    rates = [rate_at(chosen, 1.0, 0, step) for step in range(1, 8)]
    assert all(later >= earlier for earlier, later in pairwise(rates))
    assert 0 < rates[0] < 0.5
    assert rates[4:] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", ["step", "exponential", "cosine", "plateau", "constant"])
def test_schedules_start_at_the_rate(name: str) -> None:
    assert rate_at(schedule(name), 0.3, 0, 1) == 0.3


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: activation("Relu"), UnknownName, 'unknown activation "Relu"; did you mean "relu"?'),
        (lambda: activation("sigmod"), UnknownName, 'unknown activation "sigmod"; did you mean "sigmoid"?'),
        (lambda: activation("qqq"), UnknownName, 'unknown activation "qqq"; known: identity, logistic, tanh, relu'),
        (lambda: loss("mse"), UnknownName, 'unknown loss "mse"; known: half_squared_error, squared_error'),
        (lambda: loss("squared_eror"), UnknownName, 'unknown loss "squared_eror"; did you mean "squared_error"?'),
        (lambda: optimizer("SGD"), UnknownName, 'unknown optimizer "SGD"; did you mean "sgd"?'),
        (lambda: initializer("glorot"), UnknownName, 'unknown initializer "glorot"; did you mean "glorot_'),
        (lambda: schedule("step", siz=3), UnknownName, 'unknown constant of the schedule step "siz"; did you mean'),
        (
            lambda: schedule("step", size=0),
            InvalidArgument,
            "size: expected a whole number of at least 1, found 0",
        ),
        (
            lambda: schedule("step", size=1.5),
            InvalidArgument,
            "size: expected a whole number, found 1.5",
        ),
        (
            lambda: schedule("cosine", epochs=float("inf")),
            InvalidArgument,
            "epochs: expected a whole number, found inf",
        ),
        (
            lambda: schedule("constant", warmup=float("inf")),
            InvalidArgument,
            "warmup: expected a whole number, found inf",
        ),
        (
            lambda: schedule("plateau", factor=2),
            InvalidArgument,
            "factor: expected a number of at least 0 and below 1, found 2",
        ),
        (
            lambda: schedule("exponential", gamma=-1),
            InvalidArgument,
            "gamma: expected a number of at least 0, found -1",
        ),
        (lambda: loss("squared_error", delta=1.0), InvalidArgument, 'squared_error has no constants, found "delta"'),
        (
            lambda: optimizer("rmsprop", alpha=1.0),
            InvalidArgument,
            "alpha: expected a number of at least 0 and below 1, found 1.0",
        ),
        (lambda: optimizer("adagrad", eps=-1), InvalidArgument, "eps: expected a number of at least 0, found -1"),
        (lambda: optimizer("adam", betas=(0.9,)), InvalidArgument, "betas: expected two numbers, found a list of 1"),
        (
            lambda: optimizer("sgd", learning_rate=math.nan),
            InvalidArgument,
            "learning_rate: expected a finite number, found nan",
        ),
        (
            lambda: optimizer("adamw", lr=1),
            UnknownName,
            'unknown key of the optimizer adamw "lr"; known: learning_rate',
        ),
    ],
)
def test_messages(make: Any, kind: type[ClearpropError], message: str) -> None:
    with pytest.raises(kind) as error:
        make()
    assert str(error.value).startswith(message)
    assert error.value.exit_code == 2
