"""Forward, backward and update: the lecture's numbers, PyTorch, finite differences, hand-written steps."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from tests.support import LECTURE, LECTURE_GRADIENTS, LECTURE_UPDATED, problems

import clearprop as cp
from clearprop.errors import NotFinite
from clearprop.propagation.backward import backward
from clearprop.propagation.dropout import mask, uniform
from clearprop.propagation.forward import forward, total_error
from clearprop.propagation.update import initial_state, update
from clearprop.rendering.document import shown_number
from clearprop.rules.optimizers import Optimizer
from clearprop.types import Array
from clearprop.verification.finite_differences import verify


@pytest.mark.parametrize(("name", "shown"), LECTURE.items())
def test_forward_and_error_of_the_lecture(name: str, shown: str) -> None:
    assert shown_number(cp.cycle(cp.load("lecture"))[name], 5, "truncate") == shown


@pytest.mark.parametrize(("name", "shown"), LECTURE_GRADIENTS.items())
def test_gradients_of_the_lecture(name: str, shown: str) -> None:
    assert shown_number(cp.cycle(cp.load("lecture")).gradients[name], 5, "truncate") == shown


@pytest.mark.parametrize(("name", "shown"), LECTURE_UPDATED.items())
def test_new_weights_of_the_lecture(name: str, shown: str) -> None:
    assert shown_number(cp.cycle(cp.load("lecture")).updated[name], 5, "truncate") == shown


def test_new_error_of_the_lecture_and_frozen_biases() -> None:
    done = cp.cycle(cp.load("lecture"))
    assert shown_number(done.error_after, 5, "truncate") == "0.24072"
    assert (done.updated["b1"], done.updated["b2"]) == (0.25, 0.35)
    # The shared bias gets the sum of its units' error signals, trained or not.
    assert done.gradients["b2"] == pytest.approx(done.gradients.signals[1].sum(), rel=1e-14)


@given(problems(max_depth=6))
def test_gradients_agree_with_central_differences(problem: cp.Problem) -> None:
    report = verify(problem)
    assert report.agrees, [layer.worst for layer in report.layers]
    assert report.worst <= 1e-7


@pytest.mark.parametrize("outputs", [1, 2, 3, 5])
@pytest.mark.parametrize("over_outputs", ["sum", "mean"])
def test_the_reported_loss_is_what_is_differentiated(outputs: int, over_outputs: Any) -> None:
    """A mean hides a missing ½ with exactly two outputs, so other numbers of outputs too."""
    objective = cp.Objective(cp.loss("half_squared_error"), over_outputs, "mean")
    network = cp.Network(2, [cp.Dense(outputs, "identity")], objective)
    rng = np.random.default_rng(3)
    x, t = rng.normal(size=(4, 2)), rng.normal(size=(4, outputs))
    problem = cp.Problem(network, examples=cp.Examples(x, t))
    done = cp.cycle(problem, "all")
    w = problem.parameters.weights(0)
    scale = outputs if over_outputs == "mean" else 1
    assert done.error == pytest.approx(0.5 * ((x @ w.T - t) ** 2).sum() / 4 / scale, rel=1e-13)
    expected = (x @ w.T - t).T @ x / 4 / scale
    np.testing.assert_allclose(done.gradients.of.weights(0), expected, rtol=1e-12)


# --- PyTorch ---------------------------------------------------------------------------------


def torch_error(torch: Any, problem: cp.Problem, weights: list[Any], biases: list[Any]) -> Any:
    """E_total written a second time, in PyTorch."""
    F = torch.nn.functional
    functions = {
        "identity": lambda z: z, "logistic": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
        "leaky_relu": lambda z: F.leaky_relu(z, 0.01), "elu": F.elu, "selu": torch.selu, "gelu": F.gelu,
        # Not F.softplus, which is the identity above 20.
        "softplus": lambda z: torch.logaddexp(z, torch.zeros_like(z)), "silu": F.silu,
        "softmax": lambda z: torch.softmax(z, -1), "z * logistic(z)": F.silu,
        "log(1 + z**2)": lambda z: torch.log1p(z * z),
    }  # fmt: skip
    losses = {
        "half_squared_error": lambda y, t: 0.5 * (t - y) ** 2, "squared_error": lambda y, t: (t - y) ** 2,
        "absolute_error": lambda y, t: (t - y).abs(),
        "huber": lambda y, t: F.huber_loss(y, t, reduction="none"),
        "binary_cross_entropy": lambda y, t: F.binary_cross_entropy(y, t, reduction="none"),
        "categorical_cross_entropy": lambda y, t: -t * torch.log(y),
        "(t - y)**2 + 0.1 * (t - y)**4": lambda y, t: (t - y) ** 2 + 0.1 * (t - y) ** 4,
    }  # fmt: skip
    assert problem.examples is not None
    seen = torch.tensor(problem.examples.inputs)
    for layer, weight, bias in zip(problem.network.layers, weights, biases, strict=True):
        seen = functions[layer.rule.name](seen @ weight.T + (bias if bias.numel() else 0))
    loss = problem.network.loss
    errors = losses[loss.rule.name](seen, torch.tensor(problem.examples.targets))
    if problem.examples.weights is not None:
        errors = errors * torch.tensor(problem.examples.weights)[:, None]
    errors = errors.mean(1) if loss.over_outputs == "mean" else errors.sum(1)
    total = errors.mean() if loss.over_examples == "mean" else errors.sum()
    for weight in weights:
        total = total + 0.5 * problem.penalty.l2 * (weight**2).sum() + problem.penalty.l1 * weight.abs().sum()
    return total


@given(problems(max_depth=6) | problems(max_depth=6, weights=True))
def test_gradients_agree_with_pytorch(problem: cp.Problem) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: gradients are not compared with it")
    depth = problem.network.depth
    weights = [torch.tensor(problem.parameters.weights(n).copy(), requires_grad=True) for n in range(depth)]
    biases = [torch.tensor(problem.parameters.biases(n).copy(), requires_grad=True) for n in range(depth)]
    total = torch_error(torch, problem, weights, biases)
    total.backward()
    done = cp.cycle(problem, "all")
    assert done.error == pytest.approx(total.item(), rel=1e-10, abs=1e-10)
    for n in range(depth):
        np.testing.assert_allclose(done.gradients.of.weights(n), weights[n].grad, rtol=1e-10, atol=1e-10)
        if biases[n].numel():
            np.testing.assert_allclose(done.gradients.of.biases(n), biases[n].grad, rtol=1e-10, atol=1e-10)


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


# --- the checkers are checked ----------------------------------------------------------------------


def lecture_gradients_with_updated_output_weights() -> tuple[cp.Problem, cp.Parameters]:
    """The bug of a famous published example: hidden gradients from already updated output weights."""
    problem = cp.load("lecture")
    done = cp.cycle(problem)
    signal = done.gradients.signals[1][0]
    hidden = done.trace.outputs[0][0]
    wrong = done.gradients.of.with_vector(done.gradients.of.vector.copy())
    delta = (signal @ done.updated.weights(1)) * hidden * (1 - hidden)
    wrong.weights(0)[:] = np.outer(delta, done.examples.inputs[0])
    return problem, wrong


def test_an_early_update_is_caught() -> None:
    problem, wrong = lecture_gradients_with_updated_output_weights()
    report = verify(problem, gradients=wrong)
    assert not report.agrees
    assert report.layers[0].worst is not None
    assert report.layers[0].worst.relative_error > 1e-3


def test_a_dropped_path_and_a_wrong_slope_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = cp.load("lecture")
    done = cp.cycle(problem)
    wrong = done.gradients.of.with_vector(done.gradients.of.vector.copy())
    # w1 reaches the error through o1 and o2; here the path through o2 is dropped.
    wrong.vector[0] = 0.0015996999217386286
    assert not verify(problem, gradients=wrong).agrees

    def wrong_slopes(self: Any, sums: Array, upstream: Array) -> Array:
        return np.asarray(upstream * self.outputs(sums))

    monkeypatch.setattr("clearprop.rules.activations.Activation.pull_back", wrong_slopes)
    assert not verify(problem).agrees


def test_points_on_a_kink_are_set_apart_and_counted() -> None:
    text = """
    [inputs]
    count = 1
    [[layers]]
    units = 1
    activation = "relu"
    weights = [[1.0]]
    [[examples]]
    inputs = [0.0]
    targets = [1.0]
    """
    report = verify(cp.read(text))
    # Moving the bias crosses relu's zero; moving the weight, whose input is 0, does not.
    assert [layer.kinks for layer in report.layers] == [1]
    assert report.agrees


# --- penalty, biases, dropout ----------------------------------------------------------------------


def test_penalty_is_added_once_per_batch_and_not_on_biases() -> None:
    network = cp.Network(2, [cp.Dense(1, "identity")])
    parameters = cp.Parameters.of(network, [[[2.0, -3.0]]], [[5.0]])
    examples = cp.Examples(np.zeros((4, 2)), np.full((4, 1), 5.0))
    done = cp.cycle(cp.Problem(network, parameters, penalty=cp.Penalty(l2=0.1, l1=1.0), examples=examples), "all")
    assert done.error == done.penalty == pytest.approx(0.5 * 0.1 * 13 + 5)
    assert dict(done.gradients.of.items()) == pytest.approx({"w1": 1.2, "w2": -1.3, "b_y1": 0.0})


def test_dropout_mask_is_a_fair_function_of_its_arguments() -> None:
    numbers = np.arange(5000)
    drawn = uniform(1, 2, 0, 8, numbers)
    assert drawn.shape == (5000, 8)
    assert abs(drawn.mean() - 0.5) < 0.01
    assert np.array_equal(drawn[7:9], uniform(1, 2, 0, 8, numbers[7:9]))
    others = itertools.product(range(5), range(1, 6), range(3))
    correlations = [
        np.corrcoef(drawn.ravel(), uniform(*other, 8, numbers).ravel())[0, 1] for other in others if other != (1, 2, 0)
    ]
    # Independent numbers correlate by chance, with a spread of 1/sqrt(how many).
    assert 0.8 < np.std(correlations) * np.sqrt(drawn.size) < 1.2
    kept = mask(0.25, 1, 2, 0, 8, numbers)
    assert set(np.unique(kept)) == {0.0, 1 / 0.75}
    assert abs(kept.mean() - 1) < 0.02


def test_gradient_with_dropout_agrees_with_differences_through_the_same_mask() -> None:
    network = cp.Network(3, [cp.Dense(6, "tanh", dropout=0.5), cp.Dense(2, "logistic")])
    rng = np.random.default_rng(0)
    problem = cp.Problem(network, examples=cp.Examples(rng.normal(size=(4, 3)), rng.uniform(size=(4, 2))))
    done = cp.cycle(problem, "all")
    dropped = done.trace.masks[0]
    assert dropped is not None
    assert 0 < (dropped == 0).sum() < dropped.size
    assert verify(problem).agrees


def test_float32_stays_float32() -> None:
    problem = cp.load("ring")
    assert problem.examples is not None
    small = problem.parameters.with_vector(problem.parameters.vector.astype("float32"))
    trace = forward(problem.network, small, problem.examples.inputs.astype("float32"))
    targets = problem.examples.targets.astype("float32")
    assert {a.dtype for a in (*trace.sums, *trace.outputs)} == {np.dtype("float32")}
    gradients = backward(trace, targets, problem.penalty)
    assert gradients.of.vector.dtype == np.float32
    changed = update(cp.Adam(), small, gradients.of, initial_state(cp.Adam(), small))
    assert changed.parameters.vector.dtype == np.float32
    exact = total_error(forward(problem.network, problem.parameters, problem.examples.inputs), targets, problem.penalty)
    assert float(total_error(trace, targets, problem.penalty)) == pytest.approx(float(exact), rel=1e-6)


# --- numbers that are not finite ---------------------------------------------------------------------

ONE = """
[inputs]
names = ["i"]
[[layers]]
units = ["o"]
activation = "{activation}"
weights = [[{weight}]]
[loss]
name = "{loss}"
[[examples]]
inputs = [{input}]
targets = [{target}]
"""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"activation": "exp(z)", "weight": 1, "loss": "squared_error", "input": 1000, "target": 0},
            "a_o is inf; layer 1, example 1; exp(z_o) is not finite at z_o = 1000",
        ),
        (
            {"activation": "1/(1+exp(-z))", "weight": 1, "loss": "-t * log(y)", "input": -1000, "target": 1},
            "L_1 is inf; example 1; log(a_o) is not finite at a_o = 0, t_1 = 1",
        ),
        (
            {"activation": "identity", "weight": 1e300, "loss": "squared_error", "input": 1e300, "target": 0},
            "z_o is inf; layer 1, example 1; weights or inputs are too large",
        ),
    ],
)
def test_what_is_not_finite_is_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(NotFinite) as error:
        cp.cycle(cp.read(ONE.format(**given)))
    assert str(error.value) == message


def test_layout_index_and_place_are_inverse() -> None:
    layout = cp.load("deep").network.layout
    assert [layout.index(layout.place(index)) for index in range(layout.size)] == list(range(layout.size))
    assert [layout.find(layout.name(index)) for index in range(layout.size)] == list(range(layout.size))
