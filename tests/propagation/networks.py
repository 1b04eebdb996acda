"""What several tests of this room need: a second forward pass in extended precision, PyTorch's, and small networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

import clearprop as cp
from clearprop.propagation.backward import Gradients
from clearprop.types import Array

L = np.longdouble


WIDE = bool(np.finfo(L).eps < 1e-18)


ALPHA, SCALE = L("1.6732632423543772"), L("1.0507009873554805")


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def _gaussian_share(z: Array) -> Array:
    """The share of a normal distribution below z, from the power series of its integral."""
    term = z.copy()
    total = z.copy()
    for n in range(1, 400):
        term = term * (z * z) / L(2 * n + 1)
        total = total + term
    return np.asarray(L(0.5) + total * np.exp(-z * z / 2) / np.sqrt(2 * L("3.14159265358979323846264338327950288")))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    "relu": lambda z: z * (z > 0),
    "leaky_relu": lambda z: np.where(z > 0, z, L("0.01") * z),
    "elu": lambda z: np.where(z > 0, z, np.exp(z) - 1),
    "selu": lambda z: SCALE * np.where(z > 0, z, ALPHA * (np.exp(z) - 1)),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "gelu": lambda z: z * _gaussian_share(z),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "exp": np.exp,
    "softmax": _softmax,
    "z / (1 + abs(z))": lambda z: z / (1 + np.abs(z)),
}


LOSSES: dict[str, Callable[[Array, Array], Array]] = {
    "half_squared_error": lambda y, t: (t - y) * (t - y) / 2,
    "squared_error": lambda y, t: (t - y) * (t - y),
    "absolute_error": lambda y, t: np.abs(t - y),
    "huber": lambda y, t: np.where(np.abs(t - y) <= 1, (t - y) ** 2 / 2, np.abs(t - y) - L(0.5)),
    "binary_cross_entropy": lambda y, t: -t * np.log(y) - (1 - t) * np.log(1 - y),
    "categorical_cross_entropy": lambda y, t: -t * np.log(y),
    "half_poisson_deviance": lambda y, t: t * np.log(t / y) - t + y,
    "exp(abs(t - y))": lambda y, t: np.exp(np.abs(t - y)),
}


def error(problem: cp.Problem, weights: list[Array], biases: list[Array], dropped: Any = None) -> Any:
    """E_total, example by example as the product describes it."""
    assert problem.examples is not None
    network = problem.network
    seen = problem.examples.inputs.astype(L)
    for index, layer in enumerate(network.layers):
        z = np.zeros((len(seen), layer.size), dtype=L)
        for u in range(layer.size):
            z[:, u] = (seen * weights[index][u]).sum(axis=1)
            if layer.bias != "none":
                z[:, u] += biases[index][0 if layer.bias == "shared" else u]
        seen = ACTIVATIONS[layer.rule.name](z)
        if dropped is not None and dropped[index] is not None:
            seen = seen * dropped[index].astype(L)
    each = LOSSES[network.loss.rule.name](seen, problem.examples.targets.astype(L))
    if problem.examples.weights is not None:
        each = each * problem.examples.weights.astype(L)[:, None]
    if network.loss.over_outputs == "mean":
        each = each / L(network.sizes[-1])
    count = L(len(seen))
    if network.loss.over_examples == "weighted_mean" and problem.examples.weights is not None:
        count = problem.examples.weights.astype(L).sum() or L(np.inf)
    if network.loss.over_examples != "sum":
        each = each / count
    total, divisor = each.sum(), count if problem.penalty.divide_by_examples else L(1)
    for matrix in weights:
        penalty = L(problem.penalty.l2) / 2 * (matrix**2).sum() + L(problem.penalty.l1) * np.abs(matrix).sum()
        total = total + penalty / divisor
    return total


def differences(problem: cp.Problem, dropped: Any = None) -> tuple[Array, Array]:
    """∂E_total/∂(every parameter) by differences, in the vector's order, and where they mean something.

    Both sides of a kink disagree, so such parameters are set apart.
    """
    network, h = problem.network, L("1e-5")
    weights = [problem.parameters.weights(n).astype(L) for n in range(network.depth)]
    biases = [problem.parameters.biases(n).astype(L) for n in range(network.depth)]
    found, smooth = [], []
    here = error(problem, weights, biases, dropped)
    for layer in range(network.depth):
        for array in (weights[layer], biases[layer]):
            for place in np.ndindex(*array.shape):
                old = array[place]
                sides = []
                for step in (2 * h, h, -h, -2 * h):
                    array[place] = old + step
                    sides.append(error(problem, weights, biases, dropped))
                array[place] = old
                # Richardson: the error is of the order h^4.
                found.append((8 * (sides[1] - sides[2]) - (sides[0] - sides[3])) / (12 * h))
                ahead, behind = (sides[0] - here) / (2 * h), (here - sides[3]) / (2 * h)
                smooth.append(bool(abs(ahead - behind) < L("2e-3") * (1 + abs(ahead))))
    return np.array(found), np.array(smooth)


@st.composite
def random_problems(draw: st.DrawFn) -> cp.Problem:
    depth = draw(st.integers(1, 6))
    sizes = [*draw(st.lists(st.integers(1, 3), min_size=depth - 1, max_size=depth - 1))]
    outputs = draw(st.sampled_from([1, 2, 3, 5]))
    name = draw(st.sampled_from(list(LOSSES)))
    fitting = {
        "binary_cross_entropy": ["logistic"],
        "categorical_cross_entropy": ["softmax"],
        "half_poisson_deviance": ["exp", "softplus"],
    }
    hidden = [each for each in ACTIVATIONS if each != "exp"]  # an exp of an exp is infinite
    last = draw(st.sampled_from(fitting.get(name, hidden)))
    layers = [
        cp.Dense(
            size,
            activation,
            bias=draw(st.sampled_from(["unit", "shared", "none"])),
            train_bias=draw(st.booleans()),
        )
        for size, activation in [
            *((size, draw(st.sampled_from(hidden))) for size in sizes),
            (outputs, last),
        ]
    ]
    reductions: Any = st.sampled_from(["sum", "mean"])
    over_examples: Any = st.sampled_from(["sum", "mean", "weighted_mean"])
    inputs = draw(st.integers(1, 3))
    network = cp.Network(inputs, layers, cp.Objective(cp.loss(name), draw(reductions), draw(over_examples)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    parameters = cp.Parameters.random(network)
    parameters.vector[:] = rng.uniform(0.1, 0.9, parameters.vector.size) * rng.choice([-1, 1], parameters.vector.size)
    rows = draw(st.integers(1, 4))
    targets = rng.uniform(0.05, 0.95, (rows, outputs))
    if name == "categorical_cross_entropy":
        targets /= targets.sum(axis=1, keepdims=True)
    penalty = cp.Penalty(draw(st.sampled_from([0.0, 0.3])), draw(st.sampled_from([0.0, 0.2])), draw(st.booleans()))
    weights = draw(st.none() | st.lists(st.sampled_from([0.0, 0.25, 1.0, 3.5]), min_size=rows, max_size=rows))
    examples = cp.Examples(rng.normal(size=(rows, inputs)), targets, None if weights is None else np.array(weights))
    return cp.Problem(network, parameters, penalty=penalty, examples=examples)


def agrees(problem: cp.Problem, gradients: Gradients | cp.Parameters, dropped: Any = None) -> bool:
    """Whether the gradient is what the independent error differentiates to."""
    of = gradients.of if isinstance(gradients, Gradients) else gradients
    expected, smooth = differences(problem, dropped)
    off = np.abs(of.vector - expected) / np.maximum(np.abs(expected), 1e-3)
    return bool(np.all(off[smooth] < 1e-7))


needs_wide = pytest.mark.skipif(not WIDE, reason="this machine's long double is no wider than a double")


def batch_of_four(penalty: cp.Penalty | None = None) -> cp.Problem:
    rng = np.random.default_rng(7)
    layers = [cp.Dense(3, "tanh", "shared"), cp.Dense(3, "logistic", "shared")]
    network = cp.Network(2, layers, cp.Objective(cp.loss("half_squared_error"), "mean", "mean"))
    examples = cp.Examples(rng.normal(size=(4, 2)), rng.uniform(size=(4, 3)))
    return cp.Problem(network, None, cp.SGD(0.6), penalty or cp.Penalty(0.1), examples)  # type: ignore[arg-type]


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
    count = float(len(errors))
    if loss.over_examples == "weighted_mean" and problem.examples.weights is not None:
        count = float(problem.examples.weights.sum()) or float("inf")
    total = errors.sum() / (1.0 if loss.over_examples == "sum" else count)
    for weight in weights:
        penalty = 0.5 * problem.penalty.l2 * (weight**2).sum() + problem.penalty.l1 * weight.abs().sum()
        total = total + penalty / (count if problem.penalty.divide_by_examples else 1.0)
    return total


def with_examples(problem: cp.Problem, **changes: Any) -> cp.Problem:
    """The problem, its examples changed."""
    assert problem.examples is not None
    return replace(problem, examples=replace(problem.examples, **changes))


def small(over_outputs: Any = "mean", over_examples: Any = "mean", dropout: float = 0.0) -> cp.Problem:
    """Three examples that count differently, in a network with softmax inside."""
    rng = np.random.default_rng(11)
    layers = [cp.Dense(4, "tanh", dropout=dropout), cp.Dense(3, "softmax"), cp.Dense(2, "logistic", dropout=dropout)]
    network = cp.Network(3, layers, cp.Objective(cp.loss("half_squared_error"), over_outputs, over_examples))
    examples = cp.Examples(rng.normal(size=(3, 3)), rng.uniform(size=(3, 2)), np.array([0.5, 2.0, 1.0]))
    return cp.Problem(network, penalty=cp.Penalty(0.1), examples=examples)


def split(problem: cp.Problem) -> cp.Problem:
    """Examples 2 and 3 are learnt from, 1 is set aside; a fourth is left out."""
    assert problem.examples is not None
    inputs, targets = (np.vstack([a, a[:1]]) for a in (problem.examples.inputs, problem.examples.targets))
    weights = np.array([0.5, 2.0, 1.0, 9.0])
    return replace(problem, examples=cp.Examples(inputs, targets, weights, np.array([1, 2]), np.array([0])))
