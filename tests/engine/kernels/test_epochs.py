"""Many epochs in one call: the numbers of one call for each of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.engine.support.networks import native, problem_of

import clearprop as cp
from clearprop.network.description import OverExamples
from clearprop.network.problem import Problem
from clearprop.rules.optimizers import Optimizer

EPOCHS = 5


def problem(chosen: Optimizer, over_examples: OverExamples) -> Problem:
    """With dropout, and weights of examples."""
    plain = problem_of((3, 20, 2), 9, 4, chosen=chosen)
    assert plain.examples is not None
    network, weights = plain.network, np.array([1, 0.5, 2, 0, 1, 3, 0.25, 1, 1])
    layers = (replace(network.layers[0], dropout=0.3), network.layers[1])
    network = replace(network, layers=layers, loss=replace(network.loss, over_examples=over_examples))
    return replace(plain, network=network, examples=replace(plain.examples, weights=weights))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("over_examples", ["mean", "weighted_mean"])
@pytest.mark.parametrize("chosen", [cp.SGD(0.1), cp.Adam(0.1)], ids=str)
@pytest.mark.parametrize("seen", [[2], [1, 7, 5, 0], [0, 1, 2, 3, 4, 5, 6, 7, 1]], ids=len)
def test_they_are_those_of_one_call_for_each(
    seen: list[int], chosen: Optimizer, over_examples: OverExamples, threads: int
) -> None:
    of, rng = problem(chosen, over_examples), np.random.default_rng(5)
    order, ends, numbers = rng.integers(9, size=(EPOCHS, 7)), np.array([0, 4, 7]), np.arange(1, 2 * EPOCHS + 1)
    one, many = (native(of, "float32", threads=threads) for _ in range(2))
    bounds = np.append(0, np.add.outer(7 * np.arange(EPOCHS), ends[1:]))
    found, errors, kept = many.epochs(order.ravel(), bounds, numbers, 0.1 / numbers, np.array(seen), EPOCHS)
    for epoch in range(EPOCHS):
        steps = numbers[2 * epoch : 2 * epoch + 2]
        assert np.array_equal(found[2 * epoch : 2 * epoch + 2], one.run(order[epoch], ends, steps, 0.1 / steps))
        assert errors[epoch] == one.error(np.array(seen))
        assert np.array_equal(kept[epoch], one.parameters)
    # The next calls find the contexts as they were.
    for engine in (one, many):
        engine.run(order[0], ends, numbers[:2], 0.1 / numbers[:2])
    assert np.array_equal(one.vector, many.vector)
    assert one.error(np.arange(9)) == many.error(np.arange(9))
