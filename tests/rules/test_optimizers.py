"""Optimizers: every rule written by hand, and what is known of the steps they make."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import clearprop as cp
from clearprop.propagation.update import initial_state, update
from clearprop.rules.optimizers import Optimizer, optimizer
from clearprop.types import Array

Rule = Callable[[Array, Array, int, dict[str, Array]], Array]


def _sgd(rate: float, momentum: float = 0, dampening: float = 0, nesterov: bool = False, decay: float = 0) -> Rule:
    def step(w: Array, g: Array, n: int, s: dict[str, Array]) -> Array:
        g = g + decay * w
        if momentum:
            s["b"] = g if n == 1 else momentum * s["b"] + (1 - dampening) * g
            g = g + momentum * s["b"] if nesterov else s["b"]
        return w - rate * g

    return step


def _rmsprop(rate: float, alpha: float, eps: float, centered: bool, momentum: float) -> Rule:
    def step(w: Array, g: Array, n: int, s: dict[str, Array]) -> Array:
        s["v"] = alpha * s.get("v", 0 * w) + (1 - alpha) * g * g
        s["m"] = alpha * s.get("m", 0 * w) + (1 - alpha) * g
        move = g / (np.sqrt(s["v"] - s["m"] ** 2 if centered else s["v"]) + eps)
        s["b"] = momentum * s.get("b", 0 * w) + move
        return w - rate * s["b"]

    return step


def _adagrad(rate: float, decay: float, eps: float, start: float) -> Rule:
    def step(w: Array, g: Array, n: int, s: dict[str, Array]) -> Array:
        s["s"] = s.get("s", 0 * w + start) + g * g
        return w - rate / (1 + (n - 1) * decay) * g / (np.sqrt(s["s"]) + eps)

    return step


def _adam(rate: float, beta1: float, beta2: float, eps: float, decay: float, decoupled: bool) -> Rule:
    def step(w: Array, g: Array, n: int, s: dict[str, Array]) -> Array:
        if decoupled:
            w = w * (1 - rate * decay)
        else:
            g = g + decay * w
        s["m"] = beta1 * s.get("m", 0 * w) + (1 - beta1) * g
        s["v"] = beta2 * s.get("v", 0 * w) + (1 - beta2) * g * g
        return w - rate * (s["m"] / (1 - beta1**n)) / (np.sqrt(s["v"] / (1 - beta2**n)) + eps)

    return step


UPDATES: list[tuple[Optimizer, Rule]] = [
    (cp.SGD(), _sgd(0.1)),
    (cp.SGD(0.6), _sgd(0.6)),
    (cp.SGD(0.6, weight_decay=0.2), _sgd(0.6, decay=0.2)),
    (cp.SGD(0.1, momentum=0.9), _sgd(0.1, 0.9)),
    (cp.SGD(0.1, momentum=0.9, dampening=0.4), _sgd(0.1, 0.9, 0.4)),
    (cp.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.1), _sgd(0.1, 0.9, 0, True, 0.1)),
    (cp.RMSprop(), _rmsprop(0.01, 0.99, 1e-8, False, 0)),
    (cp.RMSprop(0.1, alpha=0.5, eps=1e-3, centered=True, momentum=0.3), _rmsprop(0.1, 0.5, 1e-3, True, 0.3)),
    (cp.Adagrad(), _adagrad(0.01, 0, 1e-10, 0)),
    (cp.Adagrad(0.5, lr_decay=0.1, eps=1e-3, initial_accumulator_value=0.2), _adagrad(0.5, 0.1, 1e-3, 0.2)),
    (cp.Adam(), _adam(0.001, 0.9, 0.999, 1e-8, 0, False)),
    (cp.Adam(0.1, betas=(0.5, 0.6), eps=1e-2, weight_decay=0.3), _adam(0.1, 0.5, 0.6, 1e-2, 0.3, False)),
    (cp.AdamW(), _adam(0.001, 0.9, 0.999, 1e-8, 0.01, True)),
    (cp.AdamW(0.1, betas=(0.5, 0.6), weight_decay=0.3), _adam(0.1, 0.5, 0.6, 1e-8, 0.3, True)),
]


@pytest.mark.parametrize(("chosen", "rule"), UPDATES, ids=lambda value: getattr(value, "name", ""))
def test_every_optimizer_against_its_rule_written_by_hand(chosen: Optimizer, rule: Rule) -> None:
    rng = np.random.default_rng(2)
    network = cp.Network(3, [cp.Dense(4, "tanh"), cp.Dense(2)])
    parameters = cp.Parameters.random(network)
    parameters.vector[:] = rng.normal(size=len(parameters))
    w, remembered = parameters.vector.copy(), dict[str, Array]()
    state = initial_state(chosen, parameters)
    for n in range(1, 13):
        g = rng.normal(size=len(parameters)) * 10.0 ** rng.integers(-3, 3)
        before = parameters.vector.copy()
        changed = update(chosen, parameters, parameters.with_vector(g), state, n)
        np.testing.assert_array_equal(parameters.vector, before)
        parameters, state = changed.parameters, dict(changed.state)
        w = rule(w, g, n, remembered)
        np.testing.assert_allclose(parameters.vector, w, rtol=1e-12, atol=1e-14)


def steps(chosen: Optimizer, gradients: list[float], start: float = 0.0) -> list[float]:
    """The weight after each of these gradients."""
    parameters = cp.Parameters.of(cp.Network(1, [cp.Dense(1, bias=False)]), [[[start]]])
    state, found = initial_state(chosen, parameters), []
    for number, gradient in enumerate(gradients, start=1):
        changed = update(chosen, parameters, parameters.with_vector(np.array([gradient])), state, number)
        parameters, state = changed.parameters, dict(changed.state)
        found.append(float(parameters["w1"]))
    return found


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("name", ["adam", "adamw", "adagrad"])
def test_the_first_step_is_the_learning_rate_whatever_the_gradient(name: str, scale: float) -> None:
    assert steps(optimizer(name, learning_rate=0.01), [-3 * scale]) == pytest.approx([0.01], rel=1e-4)


def test_equal_gradients_make_adagrads_steps_shorter_by_the_root_of_their_number() -> None:
    found = steps(cp.Adagrad(1.0), [2.0] * 4)
    moves = -np.diff([0.0, *found])
    assert moves == pytest.approx([1, 2**-0.5, 3**-0.5, 0.5], rel=1e-9)


def test_momentum_approaches_a_multiple_of_the_step() -> None:
    """The velocity of equal gradients is a geometric series: ten times the step, for a momentum of 0.9."""
    found = steps(cp.SGD(0.1, momentum=0.9), [1.0] * 300)
    assert found[0] == pytest.approx(-0.1)
    assert found[-2] - found[-1] == pytest.approx(0.1 * 10, rel=1e-9)


def test_a_weight_without_a_gradient_decays_in_adamw_by_its_share_alone() -> None:
    assert steps(cp.AdamW(0.1, weight_decay=0.5), [0.0, 0.0], start=8.0) == pytest.approx([7.6, 7.22])
