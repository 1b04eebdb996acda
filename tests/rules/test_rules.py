"""Every rule against its textbook formula, written independently in mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from clearprop.errors import ClearpropError
from clearprop.expressions import Symbol, evaluate, parse, text
from clearprop.rules.activations import ACTIVATIONS, Activation, Softmax, activation
from clearprop.rules.fused import FUSED, Fused, SoftmaxCrossEntropy
from clearprop.rules.initializers import INITIALIZERS, initializer
from clearprop.rules.losses import LOSSES, Loss, loss
from clearprop.rules.optimizers import SGD, Adam, optimizer
from clearprop.rules.penalties import Penalty
from clearprop.rules.roles import Role
from clearprop.rules.schedules import rate_at, schedule

POINTS = [-30.0, -3.2, -0.7, -1e-3, 1e-3, 0.4, 2.5, 25.0]


def sigma(u: Any) -> Any:
    """The logistic function, from its definition."""
    return 1 / (1 + mpmath.exp(-u))


TEXTBOOK: dict[str, Callable[[Any], Any]] = {
    "identity": lambda u: u,
    "logistic": sigma,
    "tanh": lambda u: (mpmath.exp(u) - mpmath.exp(-u)) / (mpmath.exp(u) + mpmath.exp(-u)),
    "relu": lambda u: max(u, mpf(0)),
    "leaky_relu": lambda u: u if u > 0 else mpf(0.01) * u,
    "elu": lambda u: u if u > 0 else mpmath.exp(u) - 1,
    "selu": lambda u: mpf(1.0507009873554805) * (u if u > 0 else mpf(1.6732632423543772) * (mpmath.exp(u) - 1)),
    "softplus": lambda u: mpmath.log(1 + mpmath.exp(u)),
    "gelu": lambda u: u * mpmath.ncdf(u),
    "silu": lambda u: u * sigma(u),
}


def test_every_activation_has_a_textbook_formula_here() -> None:
    assert set(TEXTBOOK) == set(ACTIVATIONS) - {"softmax"}


@pytest.mark.parametrize("name", TEXTBOOK)
@pytest.mark.parametrize("at", POINTS)
def test_outputs_and_slopes(name: str, at: float) -> None:
    rule = activation(name)
    assert isinstance(rule, Activation)
    sums = np.array([[at]])
    with mpmath.workdps(80):
        h = mpf(10) ** -15
        output = TEXTBOOK[name](mpf(at))
        slope = (TEXTBOOK[name](mpf(at) + h) - TEXTBOOK[name](mpf(at) - h)) / (2 * h)
    # gelu's tail, z/2 (1 + erf), has absolute rather than relative digits.
    near = 1e-15 if name == "gelu" else 0.0
    assert rule.outputs(sums)[0, 0] == pytest.approx(float(output), rel=1e-14, abs=near)
    assert rule.slopes(sums)[0, 0] == pytest.approx(float(slope), rel=1e-13, abs=near * 10)
    # The slope as the lecture writes it, in terms of the output, evaluated where it keeps its digits.
    if abs(at) < 5:
        shown = evaluate(rule.printed_slope, {Role.SUM: at, Role.OUTPUT: float(output)})
        assert float(shown) == pytest.approx(float(slope), rel=1e-11)


def test_slopes_are_printed_as_the_lecture_writes_them() -> None:
    shown = {name: text(rule.printed_slope) for name, rule in ACTIVATIONS.items() if isinstance(rule, Activation)}
    assert shown["logistic"] == "y * (1 - y)"
    assert shown["tanh"] == "1 - y**2"
    assert shown["relu"] == "where(z > 0, 1, 0)"
    assert shown["leaky_relu"] == "where(z > 0, 1, 0.01)"


@pytest.mark.parametrize(("name", "slope"), [("relu", 0.0), ("leaky_relu", 0.01)])
def test_slope_at_the_kink(name: str, slope: float) -> None:
    rule = activation(name)
    assert isinstance(rule, Activation)
    assert rule.slopes(np.zeros((1, 1)))[0, 0] == slope


@pytest.mark.parametrize(("alias", "name"), [("linear", "identity"), ("sigmoid", "logistic"), ("swish", "silu")])
def test_aliases(alias: str, name: str) -> None:
    assert activation(alias) is ACTIVATIONS[name]


def test_constants_can_be_changed() -> None:
    rule = activation("leaky_relu", slope=0.2)
    assert isinstance(rule, Activation)
    assert rule.outputs(np.array([[-1.0]]))[0, 0] == -0.2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: activation("logistc"), 'unknown activation "logistc"; did you mean "logistic"?'),
        (lambda: activation("relu", slope=1.0), 'relu has no constants, found "slope"; remove it'),
        (lambda: activation("elu", alhpa=1.0), 'unknown constant of elu "alhpa"; did you mean "alpha"?'),
        (lambda: loss("huberr"), 'unknown loss "huberr"; did you mean "huber"?'),
        (lambda: optimizer("adm"), 'unknown optimizer "adm"; did you mean "adam"?'),
        (lambda: optimizer("sgd", momentun=1), 'unknown key of the optimizer sgd "momentun"; did you mean "momentum"?'),
        (lambda: SGD(nesterov=True), "sgd: nesterov needs a momentum above 0 and a dampening of 0"),
        (lambda: SGD(-1.0), "learning_rate: expected a number of at least 0, found -1.0"),
        (lambda: Adam(betas=(0.9, 1.0)), "betas: entry 2: expected a number of at least 0 and below 1, found 1.0"),
        (lambda: optimizer("sgd", clip_norm=0), "clip_norm: expected a number above 0, found 0"),
        (lambda: initializer("he"), 'unknown initializer "he"; known: glorot_uniform, glorot_normal'),
        (lambda: schedule("cosin"), 'unknown schedule "cosin"; did you mean "cosine"?'),
    ],
)
def test_errors_say_what_was_meant(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ClearpropError) as error:
        make()
    assert str(error.value).startswith(message)


# --- softmax and fused losses ---------------------------------------------------------------------


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


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_their_slopes(name: str) -> None:
    textbook: dict[str, Callable[[Any, Any], Any]] = {
        "half_squared_error": lambda y, t: (t - y) ** 2 / 2,
        "squared_error": lambda y, t: (t - y) ** 2,
        "absolute_error": lambda y, t: abs(t - y),
        "huber": lambda y, t: (t - y) ** 2 / 2 if abs(t - y) <= 1 else abs(t - y) - mpf(1) / 2,
        "binary_cross_entropy": lambda y, t: -(t * mpmath.log(y) + (1 - t) * mpmath.log(1 - y)),
        "categorical_cross_entropy": lambda y, t: -t * mpmath.log(y),
    }
    rule = loss(name)
    inside = rule.outputs == (0.0, 1.0)
    for y, t in [(0.2, 0.9), (0.7, 0.1)] if inside else [(0.2, 0.9), (3.0, -1.0), (-2.0, 0.5)]:
        with mpmath.workdps(40):
            h = mpf(10) ** -15
            slope = (textbook[name](mpf(y) + h, mpf(t)) - textbook[name](mpf(y) - h, mpf(t))) / (2 * h)
        values = {Role.OUTPUT: y, Role.TARGET: t}
        assert float(evaluate(rule.formula, values)) == pytest.approx(float(textbook[name](mpf(y), mpf(t))), rel=1e-13)
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


# --- penalties, initializers, schedules ------------------------------------------------------------


def test_penalty_formula_and_slope() -> None:
    penalty = Penalty(l2=0.1, l1=0.5)
    for w, value, slope in [(2.0, 0.2 + 1.0, 0.2 + 0.5), (-3.0, 0.45 + 1.5, -0.3 - 0.5), (0.0, 0.0, 0.0)]:
        assert float(evaluate(penalty.formula, {Role.WEIGHT: w})) == pytest.approx(value)
        assert float(evaluate(penalty.slope.simplified, {Role.WEIGHT: w})) == pytest.approx(slope)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers_have_their_spread(name: str) -> None:
    units, inputs = 300, 200
    deviation = {
        "glorot_uniform": (2 / 500) ** 0.5, "glorot_normal": (2 / 500) ** 0.5, "he_uniform": (2 / 200) ** 0.5,
        "he_normal": (2 / 200) ** 0.5, "lecun_normal": (1 / 200) ** 0.5, "normal": 0.05,
        "uniform": 0.05 / 3**0.5, "zeros": 0.0,
    }[name]  # fmt: skip
    values = initializer(name).values(units, inputs, np.random.default_rng(0))
    assert values.shape == (units, inputs)
    assert values.std() == pytest.approx(deviation, rel=0.02, abs=1e-12)
    assert abs(values.mean()) <= 0.02 * deviation + 1e-12


@pytest.mark.parametrize(
    ("chosen", "theirs", "options"),
    [
        (schedule("step", size=3, gamma=0.5), "StepLR", {"step_size": 3, "gamma": 0.5}),
        (schedule("exponential", gamma=0.9), "ExponentialLR", {"gamma": 0.9}),
        (schedule("cosine", epochs=20, minimum=0.01), "CosineAnnealingLR", {"T_max": 20, "eta_min": 0.01}),
    ],
)
def test_schedules_agree_with_pytorch(chosen: Any, theirs: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: schedules are not compared with it")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = getattr(torch.optim.lr_scheduler, theirs)(optimizer, **options)
    for epoch in range(20):
        assert rate_at(chosen, 0.3, epoch, 1) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-10)
        optimizer.step()
        scheduler.step()


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
