"""Gradients and updates against a second forward pass, written here in extended precision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clearprop as cp
from clearprop.errors import NotFinite
from clearprop.propagation.backward import Gradients
from clearprop.propagation.cycle import following
from clearprop.propagation.dropout import mask, masks
from clearprop.propagation.forward import forward, forward_from
from clearprop.propagation.update import initial_state, update
from clearprop.rules.optimizers import Optimizer, optimizer
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
    if network.loss.over_examples == "mean":
        each = each / L(len(seen))
    total = each.sum()
    for matrix in weights:
        total = total + L(problem.penalty.l2) / 2 * (matrix**2).sum() + L(problem.penalty.l1) * np.abs(matrix).sum()
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
    fitting = {"binary_cross_entropy": ["logistic"], "categorical_cross_entropy": ["softmax"]}
    last = draw(st.sampled_from(fitting.get(name, list(ACTIVATIONS))))
    layers = [
        cp.Dense(
            size,
            activation,
            bias=draw(st.sampled_from(["unit", "shared", "none"])),
            train_bias=draw(st.booleans()),
        )
        for size, activation in [
            *((size, draw(st.sampled_from(list(ACTIVATIONS)))) for size in sizes),
            (outputs, last),
        ]
    ]
    reductions: Any = st.sampled_from(["sum", "mean"])
    inputs = draw(st.integers(1, 3))
    network = cp.Network(inputs, layers, cp.Objective(cp.loss(name), draw(reductions), draw(reductions)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    parameters = cp.Parameters.random(network)
    parameters.vector[:] = rng.uniform(0.1, 0.9, parameters.vector.size) * rng.choice([-1, 1], parameters.vector.size)
    rows = draw(st.integers(1, 4))
    targets = rng.uniform(0.05, 0.95, (rows, outputs))
    if name == "categorical_cross_entropy":
        targets /= targets.sum(axis=1, keepdims=True)
    penalty = cp.Penalty(draw(st.sampled_from([0.0, 0.3])), draw(st.sampled_from([0.0, 0.2])))
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


@needs_wide
@settings(max_examples=150)
@given(random_problems())
def test_error_and_gradients_of_random_networks(problem: cp.Problem) -> None:
    done = cp.cycle(problem, "all")
    network = problem.network
    weights = [problem.parameters.weights(n).astype(L) for n in range(network.depth)]
    biases = [problem.parameters.biases(n).astype(L) for n in range(network.depth)]
    assert done.error == pytest.approx(float(error(problem, weights, biases)), rel=1e-12)
    assert agrees(problem, done.gradients)
    after = [done.updated.weights(n).astype(L) for n in range(network.depth)]
    after_biases = [done.updated.biases(n).astype(L) for n in range(network.depth)]
    assert done.error_after == pytest.approx(float(error(problem, after, after_biases)), rel=1e-12)


@needs_wide
@pytest.mark.parametrize("name", list(ACTIVATIONS))
@pytest.mark.parametrize("bias", ["unit", "shared", "none"])
def test_each_activation_in_a_hidden_and_in_the_last_layer(name: str, bias: Any) -> None:
    rng = np.random.default_rng(len(name))
    network = cp.Network(2, [cp.Dense(3, name, bias), cp.Dense(3, name, bias)], cp.Objective(cp.loss("huber"), "mean"))
    parameters = cp.Parameters.random(network)
    parameters.vector[:] = rng.normal(size=parameters.vector.size)
    examples = cp.Examples(rng.normal(size=(4, 2)), rng.normal(size=(4, 3)))
    problem = cp.Problem(network, parameters, penalty=cp.Penalty(0.1, 0.2), examples=examples)
    _, smooth = differences(problem)
    assert smooth.mean() > 0.9
    assert agrees(problem, cp.cycle(problem, "all").gradients)


# --- the comparison can fail --------------------------------------------------------------------------


def batch_of_four(penalty: cp.Penalty | None = None) -> cp.Problem:
    rng = np.random.default_rng(7)
    layers = [cp.Dense(3, "tanh", "shared"), cp.Dense(3, "logistic", "shared")]
    network = cp.Network(2, layers, cp.Objective(cp.loss("half_squared_error"), "mean", "mean"))
    examples = cp.Examples(rng.normal(size=(4, 2)), rng.uniform(size=(4, 3)))
    return cp.Problem(network, None, cp.SGD(0.6), penalty or cp.Penalty(0.1), examples)  # type: ignore[arg-type]


@needs_wide
def test_planted_mistakes_are_caught() -> None:
    problem = batch_of_four()
    done = cp.cycle(problem, "all")
    right = done.gradients.of
    assert agrees(problem, right)

    def planted(change: Callable[[cp.Parameters], None]) -> cp.Parameters:
        copy = right.with_vector(right.vector.copy())
        change(copy)
        return copy

    def updated_output_weights(wrong: cp.Parameters) -> None:
        """Hidden gradients from output weights that were already updated."""
        hidden = done.trace.outputs[0]
        delta = (done.gradients.signals[1] @ done.updated.weights(1)) * (1 - hidden**2)
        wrong.weights(0)[:] = delta.T @ done.examples.inputs / 4 + 0.1 * problem.parameters.weights(0)

    def old_output_weights(wrong: cp.Parameters) -> None:
        """The same with the old ones: this is no mistake."""
        hidden = done.trace.outputs[0]
        delta = (done.gradients.signals[1] @ problem.parameters.weights(1)) * (1 - hidden**2)
        wrong.weights(0)[:] = delta.T @ done.examples.inputs / 4 + 0.1 * problem.parameters.weights(0)

    def one_signal_for_the_shared_bias(wrong: cp.Parameters) -> None:
        wrong.biases(1)[:] = done.gradients.signals[1].mean(axis=0)[0]

    def mean_for_the_shared_bias(wrong: cp.Parameters) -> None:
        wrong.biases(1)[:] /= 3

    def penalty_per_example(wrong: cp.Parameters) -> None:
        wrong.weights(0)[:] += 3 * 0.1 * problem.parameters.weights(0)

    def penalty_on_biases(wrong: cp.Parameters) -> None:
        wrong.biases(0)[:] += 0.1 * 0.5

    def sum_over_examples(wrong: cp.Parameters) -> None:
        wrong.vector[:] *= 4

    def missing_half(wrong: cp.Parameters) -> None:
        wrong.vector[:] *= 2

    assert agrees(problem, planted(old_output_weights))
    for mistake in (
        updated_output_weights,
        one_signal_for_the_shared_bias,
        mean_for_the_shared_bias,
        penalty_per_example,
        penalty_on_biases,
        sum_over_examples,
        missing_half,
    ):
        assert not agrees(problem, planted(mistake)), mistake.__name__


@needs_wide
def test_weights_of_examples_dropped_or_normalised_are_caught() -> None:
    plain = batch_of_four()
    assert plain.examples is not None
    weights = np.array([0.5, 2.0, 1.0, 3.0])
    problem = replace(plain, examples=replace(plain.examples, weights=weights))
    right = cp.cycle(problem, "all").gradients.of
    assert agrees(problem, right)
    assert not agrees(problem, cp.cycle(plain, "all").gradients)
    penalty = 0.1 * problem.parameters.vector * right.layout.is_weight
    # The mean is over four examples, not over a weight of 6.5.
    assert not agrees(problem, right.with_vector((right.vector - penalty) * 4 / 6.5 + penalty))
    assert not agrees(problem, right.with_vector(right.vector + 0.5 * penalty))


# --- biases, penalties ----------------------------------------------------------------------------------


def test_a_shared_trained_bias_gets_the_sum_and_a_frozen_one_stays() -> None:
    for trained in (True, False):
        layers = [cp.Dense(3, "tanh", "shared", train_bias=trained), cp.Dense(2, "logistic", train_bias=trained)]
        network = cp.Network(2, layers)
        examples = cp.Examples.of([[0.3, -0.7]], [[0.2, 0.9]])
        done = cp.cycle(cp.Problem(network, optimizer=cp.SGD(0.5), examples=examples))
        signals = done.gradients.signals
        # A frozen one has its gradient all the same.
        assert done.gradients["b1"] == pytest.approx(signals[0].sum(), rel=1e-14)
        assert done.gradients["b_y2"] == pytest.approx(signals[1][0, 1], rel=1e-14)
        assert (done.updated["b1"] == 0) is (not trained)
        assert (done.updated["b_y2"] == 0) is (not trained)
        assert done.updated["w1"] != done.parameters["w1"]


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adagrad", "adam", "adamw"])
def test_frozen_biases_stay_under_every_optimizer(name: str) -> None:
    decay = optimizer(name, weight_decay=0.1)
    network = cp.Network(2, [cp.Dense(2, "tanh", train_bias=False)])
    parameters = cp.Parameters.of(network, [[[1.0, 2.0], [3.0, 4.0]]], [[0.5, -0.5]])
    examples = cp.Examples.of([[0.3, -0.7]], [[0.2, 0.9]])
    done = cp.cycle(cp.Problem(network, parameters, decay, examples=examples))
    assert done.updated.biases(0).tolist() == [0.5, -0.5]
    assert np.all(done.updated.weights(0) != parameters.weights(0))


@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.1}])
@pytest.mark.parametrize("name", ["adagrad", "rmsprop", "adam", "adamw"])
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


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_penalty_does_not_grow_with_the_batch(reduction: Any) -> None:
    network = cp.Network(2, [cp.Dense(3, "identity")], cp.Objective(cp.loss("squared_error"), "sum", reduction))
    parameters = cp.Parameters.of(network, [[[1.0, -2.0], [0.0, 3.0], [0.5, 0.5]]], [[1.0, 2.0, 3.0]])
    for rows in (1, 4):
        examples = cp.Examples(np.zeros((rows, 2)), np.tile([1.0, 2.0, 3.0], (rows, 1)))
        problem = cp.Problem(network, parameters, penalty=cp.Penalty(l2=0.2, l1=0.5), examples=examples)
        done = cp.cycle(problem, "all")
        assert done.error == pytest.approx(0.1 * 14.5 + 0.5 * 7)
        np.testing.assert_allclose(
            done.gradients.of.weights(0), 0.2 * parameters.weights(0) + 0.5 * np.sign(parameters.weights(0))
        )
        assert done.gradients.of.biases(0).tolist() == [0, 0, 0]


@given(random_problems())
def test_a_batch_is_its_examples_put_together(problem: cp.Problem) -> None:
    problem = replace(problem, penalty=cp.Penalty())
    assert problem.examples is not None
    ones = [cp.cycle(problem, number) for number in range(1, len(problem.examples) + 1)]
    whole = cp.cycle(problem, "all")
    share = 1 / len(ones) if problem.network.loss.over_examples == "mean" else 1.0
    assert whole.error == pytest.approx(share * sum(one.error for one in ones), rel=1e-12)
    together = share * sum(one.gradients.of.vector for one in ones)
    np.testing.assert_allclose(whole.gradients.of.vector, together, rtol=1e-9, atol=1e-13)
    # E_k already has its share of the outputs: E_total is always their sum.
    assert whole.error == pytest.approx(sum(whole[f"L_{k + 1}"] for k in range(problem.network.sizes[-1])), rel=1e-13)


def test_one_cycle_changes_nothing_that_was_given() -> None:
    problem = batch_of_four()
    before = problem.parameters.vector.copy()
    cp.cycle(problem, "all")
    np.testing.assert_array_equal(problem.parameters.vector, before)


# --- update ---------------------------------------------------------------------------------------------

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


# --- dropout --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dropout", [0.1, 0.5, 0.9])
def test_the_mask_keeps_the_mean(dropout: float) -> None:
    drawn = mask(dropout, 3, 5, 1, 40, np.arange(2500))
    assert set(np.unique(drawn)) == {0.0, 1 / (1 - dropout)}
    spread = np.sqrt(dropout / (1 - dropout) / drawn.size)
    assert abs(drawn.mean() - 1) < 5 * spread
    # No unit and no example is dropped more often than chance allows.
    assert np.all(np.abs(drawn.mean(axis=0) - 1) < 6 * spread * np.sqrt(40))


def test_the_mask_depends_on_all_that_it_should_and_on_nothing_else() -> None:
    first = mask(0.5, 1, 1, 0, 30, np.arange(100))
    np.testing.assert_array_equal(first, mask(0.5, 1, 1, 0, 30, np.arange(100)))
    np.testing.assert_array_equal(first[[40, 3]], mask(0.5, 1, 1, 0, 30, np.array([40, 3])))
    np.testing.assert_array_equal(first[:, :7], mask(0.5, 1, 1, 0, 7, np.arange(100)))
    for other in (mask(0.5, 2, 1, 0, 30, np.arange(100)), mask(0.5, 1, 2, 0, 30, np.arange(100)),
                  mask(0.5, 1, 1, 1, 30, np.arange(100)), mask(0.5, 1, 1, 0, 30, np.arange(100, 200))):  # fmt: skip
        assert 0.4 < float((first == other).mean()) < 0.6


@needs_wide
@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_goes_through_the_same_mask(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers = [cp.Dense(5, "tanh", dropout=0.4), cp.Dense(4, "relu"), cp.Dense(2, "logistic", dropout=0.3)]
    network = cp.Network(3, layers)
    examples = cp.Examples(rng.normal(size=(3, 3)), rng.uniform(size=(3, 2)))
    problem = cp.Problem(network, examples=examples, settings=cp.Settings(seed=seed))
    done = cp.cycle(problem, "all")
    dropped = masks(network, seed, 1, np.arange(3))
    assert dropped is not None
    assert dropped[1] is None
    assert agrees(problem, done.gradients, dropped)
    if any(np.any(m == 0) for m in dropped if m is not None):
        assert not agrees(problem, done.gradients)


def test_without_dropout_there_is_no_mask() -> None:
    assert masks(cp.load("lecture").network, 0, 1, np.arange(2)) is None


def test_a_forward_pass_from_a_later_layer_is_the_same() -> None:
    problem = cp.load("deep")
    assert problem.examples is not None
    whole = forward(problem.network, problem.parameters, problem.examples.inputs)
    again = forward_from(1, whole, problem.parameters)
    for one, other in zip(whole.outputs, again.outputs, strict=True):
        np.testing.assert_array_equal(one, other)


# --- numbers that are not finite ----------------------------------------------------------------------------

FILE = """
notation = "lecture"
[inputs]
names = ["i"]
[[layers]]
units = ["h"]
activation = "{activation}"
weights = [[{weight}]]
bias = false
[[layers]]
units = ["o", "p"]
weights = [[1], [1]]
bias = false
[loss]
name = "{loss}"
[optimizer]
learning_rate = {rate}
[[examples]]
inputs = [1]
targets = [1, 1]
[[examples]]
inputs = [-1]
targets = [1, 1]
"""
USUAL: dict[str, Any] = {"activation": "tanh", "weight": 1, "loss": "squared_error", "rate": 0.1}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"activation": "z + exp(-z)", "weight": 800},
            "output_h is inf; layer 1, example 2; exp(-sum_h) is not finite at sum_h = -800",
        ),
        (
            {"activation": "log(z)"},
            "output_h is nan; layer 1, example 2; log(sum_h) is not finite at sum_h = -1",
        ),
        (
            {"activation": "1 / (z + 1)"},
            "output_h is inf; layer 1, example 2; 1 / (sum_h + 1) is not finite at sum_h = -1",
        ),
        (
            {"loss": "t * sqrt(y)"},
            "E_1 is nan; example 2; sqrt(output_o) is not finite at output_o = -0.761594, target_1 = 1",
        ),
        (
            {"activation": "max(z, 0)", "loss": "-(t * log(y))"},
            "E_1 is inf; example 2; log(output_o) is not finite at output_o = 0, target_1 = 1",
        ),
        (
            {"activation": "abs(z)", "weight": 1e200},
            "E_1 is inf; example 2; (target_1 - output_o)**2 is not finite at output_o = 1e+200, target_1 = 1",
        ),
        (
            {"activation": "sqrt(z + 1)"},
            "the gradient of w1 is inf, in layer 1, unit h; try a smaller learning rate, smaller weights, or clip_norm "
            "under [optimizer]",
        ),
        (
            {"activation": "z**3", "weight": 1e20, "rate": 1e300},
            "the new value of w1 is -inf, in layer 1, unit h; try a smaller learning rate, smaller weights, or "
            "clip_norm under [optimizer]",
        ),
    ],
)
def test_what_is_not_finite_is_named_with_its_place(given: dict[str, Any], message: str) -> None:
    problem = cp.read(FILE.format(**{**USUAL, **given}))
    with pytest.raises(NotFinite) as caught:
        cp.cycle(problem, 2)
    assert str(caught.value) == message
    assert caught.value.exit_code == 1
