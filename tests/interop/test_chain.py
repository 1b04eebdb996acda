from __future__ import annotations

import numpy as np
import pytest
from tests.interop.models import X

from clearprop.expressions import Operator
from clearprop.expressions.tree import maximum, tanh
from clearprop.interop.chain import Chain, NotAChain, Signal, Stage
from clearprop.propagation.forward import forward
from clearprop.rules.roles import z

W = np.array([[1.0, -2.0, 0.5], [0.3, 0.4, -0.1]])
B = np.array([0.1, -0.2])


def run(chain: Chain, last: Signal) -> np.ndarray:
    """The chain's outputs for X, layer by layer."""
    rows = X
    for layer in chain.layers(last):
        sums = rows @ layer.weights.T + (0.0 if layer.bias is None else layer.bias)
        rows = layer.rule.outputs(sums)
    return rows


def test_factors_and_shifts_are_folded_on_both_sides() -> None:
    chain = Chain(single=False)
    scale, shift = np.array([2.0, 0.5, -1.0]), np.array([0.3, 0.0, 1.0])
    signal = chain.affine(Signal(Stage()), scale, shift, "Scaler", "here")
    signal = chain.linear(signal, W, B, "one")
    signal = chain.affine(signal, np.array([3.0, -1.0]), np.array([0.5, 0.25]), "norm", "here")
    signal = chain.elementwise(signal, tanh(z), "act")
    signal = chain.affine(signal, np.array([0.5, 4.0]), np.array([1.0, -1.0]), "norm 2", "here")
    last = chain.linear(signal, W[:, :2], None, "two")
    first = ((X * scale + shift) @ W.T + B) * [3.0, -1.0] + [0.5, 0.25]
    expected = (np.tanh(first) * [0.5, 4.0] + [1.0, -1.0]) @ W[:, :2].T
    np.testing.assert_allclose(run(chain, last), expected, rtol=1e-12)
    assert chain.remarks == [
        "folded: Scaler into the weights after it",
        "folded: norm into the weights before it",
        "folded: norm 2 into the weights after it",
    ]
    assert [layer.rule.name for layer in chain.layers(last)] == ["tanh", "identity"]


def test_an_activation_directly_after_another_takes_an_identity_layer_and_that_is_said() -> None:
    chain = Chain(single=False)
    signal = chain.linear(Signal(Stage()), W, B, "one")
    signal = chain.elementwise(chain.elementwise(signal, maximum(z, 0), "a"), tanh(z), "b")
    np.testing.assert_allclose(run(chain, signal), np.tanh(np.maximum(X @ W.T + B, 0)), rtol=1e-12)
    assert [layer.rule.name for layer in chain.layers(signal)] == ["relu", "tanh"]
    assert chain.remarks == ["added: tanh directly after relu (one) takes an identity layer between them"]


def test_softmax_after_an_activation_too() -> None:
    chain = Chain(single=False)
    signal = chain.elementwise(chain.linear(Signal(Stage()), W, B, "one"), maximum(z, 0), "a")
    last = chain.softmax(signal, "s")
    sums = np.exp(np.maximum(X @ W.T + B, 0))
    np.testing.assert_allclose(run(chain, last), sums / sums.sum(axis=1, keepdims=True), rtol=1e-12)
    assert any(remark.startswith("added: s, directly after an activation,") for remark in chain.remarks)


def test_a_branch_is_refused_where_it_joins() -> None:
    chain = Chain()
    one = chain.linear(Signal(Stage()), W, B, "one")
    two = chain.linear(chain.elementwise(one, tanh(z), "t"), np.eye(2), None, "two")
    with pytest.raises(NotAChain, match=r"^node 7: an operator in a branch joins the outputs of different layers"):
        chain.apply(Operator.ADD, two, one, place="node 7")


def test_layers_that_do_not_fit_are_refused() -> None:
    chain = Chain()
    one = chain.linear(Signal(Stage()), W, B, "one")
    with pytest.raises(NotAChain, match=r"^two: takes 3 numbers, but one gives 2$"):
        chain.linear(one, W, None, "two")


def test_silu_in_pieces_is_one_activation() -> None:
    chain = Chain(single=False)
    signal = chain.linear(Signal(Stage()), W, B, "one")
    half = chain.apply(Operator.MULTIPLY, signal, 0.5, place="h")
    gate = chain.apply(Operator.ADD, chain.apply(Operator.TANH, half, place="t"), 1.0, place="a")
    out = chain.apply(Operator.MULTIPLY, chain.apply(Operator.MULTIPLY, signal, gate, place="m"), 0.5, place="m2")
    assert [layer.rule.name for layer in chain.layers(out)] == ["silu"]


def test_a_trace_of_the_layers_is_the_networks() -> None:
    """The layers of a chain, as a network, give what they give one by one."""
    import clearprop as cp

    chain = Chain(single=False)
    last = chain.elementwise(chain.linear(Signal(Stage()), W, B, "one"), tanh(z), "t")
    (layer,) = chain.layers(last)
    network = cp.Network(3, [cp.Dense(2, layer.rule)])
    parameters = cp.Parameters.of(network, [layer.weights], [layer.bias])
    np.testing.assert_allclose(forward(network, parameters, X).outputs[-1], run(chain, last))
