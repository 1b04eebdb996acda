"""Updates: the lecture's numbers, PyTorch over 50 steps, and every rule written by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.propagation.networks import (
    torch_error,
)
from tests.support import LECTURE_UPDATED

import clearprop as cp
from clearprop.propagation.backward import backward
from clearprop.propagation.cycle import following
from clearprop.propagation.forward import forward
from clearprop.propagation.update import initial_state, update
from clearprop.rendering.document import shown_number
from clearprop.rules.optimizers import OPTIMIZERS as NAMES
from clearprop.rules.optimizers import Optimizer, optimizer


@pytest.mark.parametrize("name", NAMES)
def test_frozen_biases_stay_under_every_optimizer(name: str) -> None:
    decay = optimizer(name, weight_decay=0.1)
    network = cp.Network(2, [cp.Dense(2, "tanh", train_bias=False)])
    parameters = cp.Parameters.of(network, [[[1.0, 2.0], [3.0, 4.0]]], [[0.5, -0.5]])
    examples = cp.Examples.of([[0.3, -0.7]], [[0.2, 0.9]])
    done = cp.cycle(cp.Problem(network, parameters, decay, examples=examples))
    assert done.updated.biases(0).tolist() == [0.5, -0.5]
    assert np.all(done.updated.weights(0) != parameters.weights(0))


@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.1}])
@pytest.mark.parametrize("name", sorted(set(NAMES) - {"sgd"}))
def test_of_frozen_biases_nothing_is_remembered(name: str, options: dict[str, Any]) -> None:
    """As in PyTorch, which keeps no state for what is not trained; the start stays, whatever it is."""
    start: dict[str, Any] = {"initial_accumulator_value": 0.25} if name == "adagrad" else {}
    network = cp.Network(2, [cp.Dense(2, "tanh", train_bias=False), cp.Dense(1)])
    examples = cp.Examples.of([[0.3, -0.7]], [[0.9]])
    problem = cp.Problem(network, optimizer=optimizer(name, **options, **start), examples=examples)
    done = cp.cycle(problem)
    for _ in range(2):
        for symbol, first in problem.optimizer.state.items():
            moved = done.update.state[symbol] != first
            assert np.array_equal(moved, problem.parameters.layout.trainable)
            assert np.array_equal(done.update.assigned[symbol], done.update.state[symbol])
        done = following(done)


def test_the_scheduled_rate_takes_the_place_of_the_base_rate() -> None:
    parameters = cp.Parameters.of(cp.Network(1, [cp.Dense(1, bias=False)]), [[[2.0]]])
    changed = update(cp.SGD(0.5), parameters, parameters.with_vector(np.array([3.0])), {}, rate=0.25)
    assert changed.parameters["w1"] == 2 - 0.25 * 3


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        ({"clip_value": 2.0}, [2.0, -2.0, 0.5]),
        ({"clip_norm": 100.0}, [3.0, -4.0, 0.5]),
        # Only what is trained counts: the norm of (3, -4) is 5.
        ({"clip_norm": 2.5}, [1.5, -2.0, 0.25]),
        ({"clip_value": 3.0, "clip_norm": 3.0}, [3 / 2**0.5, -3 / 2**0.5, 0.5 / 2**0.5]),
    ],
)
def test_clipping(clip: dict[str, Any], expected: list[float]) -> None:
    network = cp.Network(2, [cp.Dense(1, train_bias=False)])
    parameters = cp.Parameters.of(network, [[[0.0, 0.0]]], [0.0])
    chosen = optimizer("sgd", learning_rate=1.0, **clip)
    changed = update(chosen, parameters, parameters.with_vector(np.array([3.0, -4.0, 0.5])), {})
    np.testing.assert_allclose(changed.gradient, expected, rtol=1e-6)
    np.testing.assert_allclose(changed.parameters.vector, [-expected[0], -expected[1], 0], rtol=1e-6)


def test_clipping_by_the_norm_of_each_variable() -> None:
    """As Keras's clipnorm: the weights of a layer, and its biases; what is shorter, or 0, stays as it is."""
    network = cp.Network(2, [cp.Dense(1), cp.Dense(1, bias="none"), cp.Dense(1, train_bias=False)])
    parameters = cp.Parameters(network.layout, np.zeros(network.layout.size))
    chosen = cp.SGD(1.0, clip_norm=2.5, clip_norm_per="variable")
    found = update(chosen, parameters, parameters.with_vector(np.array([3.0, -4.0, -7.0, 1.5, 0.0, 9.0])), {})
    np.testing.assert_allclose(found.gradient[:5], [1.5, -2.0, -2.5, 1.5, 0.0], rtol=1e-15)
    np.testing.assert_allclose(found.parameters.vector, [-1.5, 2.0, 2.5, -1.5, 0.0, 0.0], rtol=1e-15)
    assert found.clip_factors == {
        "clip_factor_weights_1": 0.5, "clip_factor_biases_1": pytest.approx(2.5 / 7), "clip_factor_weights_2": 1.0,
        "clip_factor_weights_3": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(("name", "shown"), LECTURE_UPDATED.items())
def test_new_weights_of_the_lecture(name: str, shown: str) -> None:
    assert shown_number(cp.cycle(cp.load("lecture")).updated[name], 5, "truncate") == shown


OPTIMIZERS: dict[str, tuple[Optimizer, str, dict[str, Any]]] = {
    "sgd": (cp.SGD(0.05), "SGD", {"lr": 0.05}),
    "momentum": (cp.SGD(0.05, momentum=0.9), "SGD", {"lr": 0.05, "momentum": 0.9}),
    "dampening": (
        cp.SGD(0.05, momentum=0.9, dampening=0.3, weight_decay=0.01),
        "SGD",
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01},
    ),
    "nesterov": (cp.SGD(0.05, momentum=0.9, nesterov=True), "SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "rmsprop": (cp.RMSprop(), "RMSprop", {}),
    "rmsprop centered": (
        cp.RMSprop(0.02, centered=True, momentum=0.5, weight_decay=0.1),
        "RMSprop",
        {"lr": 0.02, "centered": True, "momentum": 0.5, "weight_decay": 0.1},
    ),
    "adagrad": (cp.Adagrad(0.1, lr_decay=0.05), "Adagrad", {"lr": 0.1, "lr_decay": 0.05}),
    "adam": (cp.Adam(), "Adam", {}),
    "adam decayed": (
        cp.Adam(0.01, betas=(0.8, 0.99), weight_decay=0.1),
        "Adam",
        {"lr": 0.01, "betas": (0.8, 0.99), "weight_decay": 0.1},
    ),
    "adamw": (cp.AdamW(0.01), "AdamW", {"lr": 0.01}),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("clip", [None, 0.05])
def test_optimizers_agree_with_pytorch_over_50_steps(name: str, clip: float | None) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: optimizers are not compared with it")
    ours, theirs, options = OPTIMIZERS[name]
    ours = replace(ours, clip_norm=clip)
    rng = np.random.default_rng(1)
    network = cp.Network(3, [cp.Dense(4, "tanh"), cp.Dense(2, "logistic")])
    problem = cp.Problem(network, examples=cp.Examples(rng.normal(size=(5, 3)), rng.uniform(size=(5, 2))))
    weights = [torch.tensor(problem.parameters.weights(n).copy(), requires_grad=True) for n in range(2)]
    biases = [torch.tensor(problem.parameters.biases(n).copy(), requires_grad=True) for n in range(2)]
    optimizer = getattr(torch.optim, theirs)([*weights, *biases], **options)
    parameters, state = problem.parameters, initial_state(ours, problem.parameters)
    assert problem.examples is not None
    for step in range(1, 51):
        optimizer.zero_grad()
        torch_error(torch, problem, weights, biases).backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_([*weights, *biases], clip)
        optimizer.step()
        trace = forward(network, parameters, problem.examples.inputs)
        gradients = backward(trace, problem.examples.targets)
        changed = update(ours, parameters, gradients.of, state, step)
        parameters, state = changed.parameters, dict(changed.state)
    for n in range(2):
        np.testing.assert_allclose(parameters.weights(n), weights[n].detach(), rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(parameters.biases(n), biases[n].detach(), rtol=1e-10, atol=1e-10)
