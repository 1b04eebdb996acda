"""One whole cycle: the new error, batches as sums of their examples, and examples that count differently."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.propagation.networks import (
    batch_of_four,
    random_problems,
    small,
    split,
    with_examples,
)
from tests.support import problems

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.rendering.document import shown_number
from clearprop.types import Array


def by_number(problem: cp.Problem) -> cp.Problem:
    """The problem with a mean that divides by the number of examples, and a penalty that nothing divides."""
    loss = problem.network.loss
    loss = replace(loss, over_examples="mean") if loss.over_examples == "weighted_mean" else loss
    undivided = replace(problem.penalty, divide_by_examples=False)
    return replace(problem, network=replace(problem.network, loss=loss), penalty=undivided)


@given(random_problems())
def test_a_batch_is_its_examples_put_together(problem: cp.Problem) -> None:
    problem = replace(by_number(problem), penalty=cp.Penalty())
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


def test_new_error_of_the_lecture_and_frozen_biases() -> None:
    done = cp.cycle(cp.load("lecture"))
    assert shown_number(done.error_after, 5, "truncate") == "0.24072"
    assert (done.updated["b1"], done.updated["b2"]) == (0.25, 0.35)
    # The shared bias gets the sum of its units' error signals, trained or not.
    assert done.gradients["b2"] == pytest.approx(done.gradients.signals[1].sum(), rel=1e-14)


def summed(problem: cp.Problem) -> cp.Problem:
    """The problem with the sum over the examples."""
    loss = replace(problem.network.loss, over_examples="sum")
    undivided = replace(problem.penalty, divide_by_examples=False)  # rows repeated are more examples to divide by
    return replace(problem, network=replace(problem.network, loss=loss), penalty=undivided)


@given(problems(), st.data())
def test_a_whole_weight_is_as_often_the_same_row_and_0_is_none(problem: cp.Problem, data: st.DataObject) -> None:
    problem = summed(problem)
    assert problem.examples is not None
    rows = len(problem.examples)
    times = data.draw(st.lists(st.integers(0, 3), min_size=rows, max_size=rows).filter(any))
    repeated = problem.examples.take(np.repeat(np.arange(rows), times))
    done = cp.cycle(with_examples(problem, weights=np.array(times, dtype=float)), "all")
    same = cp.cycle(replace(problem, examples=repeated), "all")
    np.testing.assert_allclose(done.batch, same.batch, rtol=1e-12, atol=1e-14)
    assert done.error == pytest.approx(same.error, rel=1e-12)
    np.testing.assert_allclose(done.gradients.of.vector, same.gradients.of.vector, rtol=1e-9, atol=1e-13)
    assert done.error_after == pytest.approx(same.error_after, rel=1e-9)


@given(problems(weights=True))
def test_the_mean_divides_by_the_number_of_examples_and_the_penalty_is_unweighted(problem: cp.Problem) -> None:
    problem = by_number(problem)
    assert problem.examples is not None
    assert problem.examples.weights is not None
    plain = replace(with_examples(problem, weights=None), penalty=cp.Penalty())
    ones = [cp.cycle(plain, number) for number in range(1, len(problem.examples) + 1)]
    weights = problem.examples.weights.tolist()
    share = 1 / len(ones) if problem.network.loss.over_examples == "mean" else 1.0
    done = cp.cycle(problem, "all")
    penalty = cp.cycle(with_examples(problem, weights=np.zeros(len(ones))), "all")
    assert penalty.error == penalty.penalty == done.penalty
    expected = share * sum(w * one.error for w, one in zip(weights, ones, strict=True))
    assert done.error == pytest.approx(expected + done.penalty, rel=1e-12, abs=1e-14)
    gradient = share * sum(w * one.gradients.of.vector for w, one in zip(weights, ones, strict=True))
    gradient += penalty.gradients.of.vector
    np.testing.assert_allclose(done.gradients.of.vector, gradient, rtol=1e-9, atol=1e-13)


def test_an_example_by_itself_has_its_weight_and_that_of_one_changes_nothing() -> None:
    problem = small()
    plain = with_examples(problem, weights=None)
    for number, weight in enumerate([0.5, 2.0, 1.0], start=1):
        done, other = cp.cycle(problem, number), cp.cycle(plain, number)
        assert done.errors == pytest.approx(weight * other.errors, rel=1e-15)
        for one, unweighted in zip(done.gradients.signals, other.gradients.signals, strict=True):
            assert one == pytest.approx(weight * unweighted, rel=1e-12)
    ones = cp.cycle(with_examples(problem, weights=np.ones(3)), "all")
    np.testing.assert_array_equal(ones.gradients.of.vector, cp.cycle(plain, "all").gradients.of.vector)


def test_all_are_those_that_are_learnt_from() -> None:
    problem = split(small())
    assert problem.examples is not None
    done = cp.cycle(problem, "all")
    alone = cp.cycle(replace(problem, examples=problem.examples.take(np.array([1, 2]))), "all")
    assert (done.numbers.tolist(), alone.numbers.tolist()) == ([2, 3], [1, 2])
    assert done.error == alone.error
    np.testing.assert_array_equal(done.gradients.of.vector, alone.gradients.of.vector)
    assert cp.cycle(problem, 1).numbers.tolist() == [1]
    with pytest.raises(InvalidArgument, match="example 4 was left out"):
        cp.cycle(problem, 4)


def test_with_nothing_to_learn_from_there_is_no_batch() -> None:
    none: Array = np.array([], dtype=int)
    with pytest.raises(InvalidArgument, match="there is no example to run it on"):
        cp.cycle(with_examples(small(), training=none), "all")
