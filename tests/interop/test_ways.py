"""Ways of a program, against the same computed in NumPy here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.interop.probe import probe
from clearprop.interop.ways import WAYS, numbers_by


def plain() -> cp.Problem:
    """The probe's network, trained without momentum and penalty."""
    return replace(probe(), optimizer=cp.SGD(0.2), penalty=cp.Penalty())


def by_hand(weights: Any = None, inputs: Any = None, targets: Any = None) -> Any:
    """The gradients of half the squared error, layer by layer: of W1, b1, W2, b2."""
    problem = probe()
    examples = problem.examples
    assert examples is not None
    x, t = (examples.inputs if inputs is None else inputs), (examples.targets if targets is None else targets)
    w1, b1, w2, b2 = weights or parts()
    hidden = np.tanh(x @ w1.T + b1)
    last = (hidden @ w2.T + b2 - t) / len(x)
    first = last @ w2 * (1 - hidden**2)
    return first.T @ x, first.sum(axis=0), last.T @ hidden, last.sum(axis=0)


def parts() -> tuple[Any, ...]:
    own = probe().parameters
    return own.weights(0), own.biases(0), own.weights(1), own.biases(1)


def flat(of: Any) -> Any:
    return np.concatenate([np.ravel(each) for each in of])


def test_without_ways_it_is_the_cycle() -> None:
    np.testing.assert_allclose(numbers_by(plain(), frozenset()).gradients, flat(by_hand()), atol=1e-14)  # type: ignore[arg-type]


def test_hidden_gradients_from_the_new_weights() -> None:
    """The bug of a famous published example, planted by hand."""
    w1, b1, w2, b2 = parts()
    _, _, of_w2, of_b2 = by_hand()
    new = w2 - 0.2 * of_w2
    examples = probe().examples
    assert examples is not None
    hidden = np.tanh(examples.inputs @ w1.T + b1)
    last = (hidden @ w2.T + b2 - examples.targets) / len(hidden)
    first = last @ new * (1 - hidden**2)
    expected = flat((first.T @ examples.inputs, first.sum(axis=0), of_w2, of_b2))
    found = numbers_by(plain(), frozenset({"new_weights"}))
    np.testing.assert_allclose(found.gradients, expected, atol=1e-14)  # type: ignore[arg-type]
    assert np.abs(expected - flat(by_hand())).max() > 1e-3


def test_an_update_after_each_example() -> None:
    examples = probe().examples
    assert examples is not None
    weights = [each.copy() for each in parts()]
    for x, t in zip(examples.inputs, examples.targets, strict=True):
        weights = [w - 0.2 * g for w, g in zip(weights, by_hand(weights, x[None], t[None]), strict=True)]
    found = numbers_by(plain(), frozenset({"each_example"}))
    np.testing.assert_allclose(found.updated, flat(weights), atol=1e-14)  # type: ignore[arg-type]


def test_penalties_and_decays_of_biases() -> None:
    problem = replace(plain(), penalty=cp.Penalty(l2=0.1))
    w = probe().parameters.vector
    found = numbers_by(problem, frozenset({"penalty_of_biases"}))
    np.testing.assert_allclose(found.gradients, flat(by_hand()) + 0.1 * w, atol=1e-14)  # type: ignore[arg-type]
    own = numbers_by(plain(), frozenset()).errors
    assert found.errors is not None
    assert own is not None
    assert found.errors[-1] == pytest.approx(own[-1] + 0.05 * (w**2).sum(), abs=1e-12)
    apart = numbers_by(problem, frozenset({"penalty_in_update"}))
    np.testing.assert_allclose(apart.gradients, flat(by_hand()), atol=1e-14)  # type: ignore[arg-type]
    np.testing.assert_allclose(apart.errors, own, atol=1e-14)  # type: ignore[arg-type]
    decayed = replace(plain(), optimizer=cp.SGD(0.2, weight_decay=0.1))
    spared = numbers_by(decayed, frozenset({"spared_biases"}))
    np.testing.assert_allclose(spared.updated, apart.updated, atol=1e-14)  # type: ignore[arg-type]


def test_lists_in_other_orders() -> None:
    w1, b1, w2, b2 = by_hand()
    for ways, expected in (
        ({"by_input"}, (w1.T, b1, w2.T, b2)),
        ({"by_input_1"}, (w1.T, b1, w2, b2)),
        ({"weights_first"}, (w1, w2, b1, b2)),
        ({"weights_first_by_input"}, (w1.T, w2.T, b1, b2)),
        ({"turned"}, (-w1, -b1, -w2, -b2)),
    ):
        found = numbers_by(plain(), frozenset(ways)).gradients
        np.testing.assert_allclose(found, flat(expected), atol=1e-14)  # type: ignore[arg-type]
    read = parts()[0].ravel().reshape(2, 4).T, parts()[1], parts()[2].ravel().reshape(4, 3).T, parts()[3]
    g1, c1, g2, c2 = by_hand(read)
    found = numbers_by(plain(), frozenset({"read_by_input"})).gradients
    np.testing.assert_allclose(found, flat((g1.T, c1, g2.T, c2)), atol=1e-14)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_changes_some_number_of_a_probe_that_shows_it(way: str) -> None:
    """And no other part of a cycle before the one that it names."""
    by = cp.SGD(0.2, momentum=0.9, weight_decay=0.1, clip_norm=0.1)
    frozen = [cp.Dense(4, "tanh", train_bias=False), cp.Dense(3)]
    base = replace(probe(), optimizer=by)
    if way == "not_of_biases":
        network = cp.Network(2, frozen)
        base = replace(base, network=network, parameters=cp.Parameters(network.layout, base.parameters.vector))
    own, other = numbers_by(base, frozenset(), steps=2), numbers_by(base, frozenset({way}), steps=2)
    kinds = ["outputs", "errors", "gradients", "updated", "second"]
    differ = [kind for kind in kinds if not np.allclose(getattr(own, kind), getattr(other, kind), rtol=0, atol=1e-9)]
    assert differ
    assert kinds.index(differ[0]) >= kinds.index(WAYS[way].stage)
