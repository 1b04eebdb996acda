"""Dropout: the mask is a fair function of its arguments, and the gradient goes through the same one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.propagation.networks import (
    agrees,
    needs_wide,
    small,
    split,
)

import clearprop as cp
from clearprop.propagation.dropout import mask, masks, uniform
from clearprop.verification.finite_differences import verify


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


def test_dropout_goes_by_the_number_in_the_file() -> None:
    problem = split(small(dropout=0.5))
    found = cp.cycle(problem, "all").trace.masks
    for row, position in enumerate((1, 2)):
        expected = masks(problem.network, 0, 1, np.array([position]))
        assert expected is not None
        for layer in (0, 2):
            whole, one = found[layer], expected[layer]
            assert whole is not None
            assert one is not None
            np.testing.assert_array_equal(whole[row], one[0])
