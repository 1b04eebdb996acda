"""How much each example counts: against repeated rows, each example by itself, and differences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import problems

import clearprop as cp
from clearprop.errors import InvalidArgument, NotFinite
from clearprop.propagation.backward import backward
from clearprop.propagation.dropout import masks
from clearprop.propagation.finite import require_finite_update
from clearprop.propagation.forward import batch_errors, error_share, forward, forward_from, output_errors
from clearprop.types import Array
from clearprop.verification.finite_differences import verify


def with_examples(problem: cp.Problem, **changes: Any) -> cp.Problem:
    """The problem, its examples changed."""
    assert problem.examples is not None
    return replace(problem, examples=replace(problem.examples, **changes))


def summed(problem: cp.Problem) -> cp.Problem:
    """The problem with the sum over the examples."""
    loss = replace(problem.network.loss, over_examples="sum")
    return replace(problem, network=replace(problem.network, loss=loss))


def small(over_outputs: Any = "mean", over_examples: Any = "mean", dropout: float = 0.0) -> cp.Problem:
    """Three examples that count differently, in a network with softmax inside."""
    rng = np.random.default_rng(11)
    layers = [cp.Dense(4, "tanh", dropout=dropout), cp.Dense(3, "softmax"), cp.Dense(2, "logistic", dropout=dropout)]
    network = cp.Network(3, layers, cp.Objective(cp.loss("half_squared_error"), over_outputs, over_examples))
    examples = cp.Examples(rng.normal(size=(3, 3)), rng.uniform(size=(3, 2)), np.array([0.5, 2.0, 1.0]))
    return cp.Problem(network, penalty=cp.Penalty(0.1), examples=examples)


# --- what a weight means ------------------------------------------------------------------------------


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


# --- the checker -----------------------------------------------------------------------------------------


@given(problems(weights=True), st.sampled_from([1, "all"]))
def test_weighted_gradients_agree_with_central_differences(problem: cp.Problem, example: Any) -> None:
    report = verify(problem, example)
    assert report.agrees, [layer.worst for layer in report.layers]
    assert report.worst <= 1e-7


@pytest.mark.parametrize("over_outputs", ["sum", "mean"])
@pytest.mark.parametrize("over_examples", ["sum", "mean"])
@pytest.mark.parametrize("example", [2, "all"])
def test_they_do_with_dropout(over_outputs: str, over_examples: str, example: Any) -> None:
    problem = small(over_outputs, over_examples, dropout=0.4)
    assert any(np.any(mask == 0) for mask in cp.cycle(problem, example).trace.masks if mask is not None)
    assert verify(problem, example).agrees


@pytest.mark.parametrize("name", ["xor", "ring"])
@pytest.mark.parametrize("example", [3, "all"])
def test_they_do_under_fused_losses(name: str, example: Any) -> None:
    problem = cp.load(name)
    assert problem.examples is not None
    weighted = with_examples(problem, weights=np.linspace(0.0, 3.0, len(problem.examples)))
    assert verify(weighted, example).agrees
    assert not verify(weighted, example, gradients=cp.cycle(problem, example).gradients.of).agrees


def test_a_weight_left_out_of_the_gradient_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clearprop.propagation.backward.error_share", lambda trace: 0.5)
    assert verify(with_examples(small(), weights=None)).agrees
    assert not verify(small()).agrees


# --- the precision, and the pass from a later layer --------------------------------------------------------------


@pytest.mark.parametrize("over_outputs", ["sum", "mean"])
@pytest.mark.parametrize("name", ["half_squared_error", "binary_cross_entropy"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_weights_keep_the_precision_of_the_sums(dtype: Any, name: str, over_outputs: Any) -> None:
    network = cp.Network(2, [cp.Dense(2, "logistic")], cp.Objective(cp.loss(name), over_outputs))
    parameters = cp.Parameters.random(network)
    weights = np.array([1 / 3, 2.0, 0.1])
    inputs, targets = np.ones((3, 2), dtype), np.full((3, 2), 0.25, dtype)
    trace = forward(network, parameters.with_vector(parameters.vector.astype(dtype)), inputs, weights=weights)
    gradients = backward(trace, targets, cp.Penalty())
    arrays = (output_errors(trace, targets), batch_errors(trace, targets), *gradients.signals, gradients.of.vector)
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
    plain = output_errors(replace(trace, weights=None), targets)
    np.testing.assert_array_equal(output_errors(trace, targets), plain * weights.astype(dtype)[:, None])


def test_the_share_of_an_error_is_one_number_unless_examples_count_differently() -> None:
    problem = small()
    assert problem.examples is not None
    plain = forward(problem.network, problem.parameters, problem.examples.inputs)
    assert error_share(plain) == 0.5
    weighted: Any = error_share(replace(plain, weights=problem.examples.weights))
    assert weighted.tolist() == [[0.25], [1.0], [0.5]]


def test_a_pass_from_a_later_layer_keeps_the_weights() -> None:
    problem = small()
    assert problem.examples is not None
    inputs, targets, weights = problem.examples.inputs, problem.examples.targets, problem.examples.weights
    whole = forward(problem.network, problem.parameters, inputs, weights=weights)
    again = forward_from(1, whole, problem.parameters)
    np.testing.assert_array_equal(output_errors(again, targets), output_errors(whole, targets))


# --- all that are learnt from --------------------------------------------------------------------------------


def split(problem: cp.Problem) -> cp.Problem:
    """Examples 2 and 3 are learnt from, 1 is set aside; a fourth is left out."""
    assert problem.examples is not None
    inputs, targets = (np.vstack([a, a[:1]]) for a in (problem.examples.inputs, problem.examples.targets))
    weights = np.array([0.5, 2.0, 1.0, 9.0])
    return replace(problem, examples=cp.Examples(inputs, targets, weights, np.array([1, 2]), np.array([0])))


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


def test_with_nothing_to_learn_from_there_is_no_batch() -> None:
    none: Array = np.array([], dtype=int)
    with pytest.raises(InvalidArgument, match="there is no example to run it on"):
        cp.cycle(with_examples(small(), training=none), "all")


# --- numbers that are not finite --------------------------------------------------------------------------------


def test_an_example_of_the_training_is_named_by_its_number_and_its_weight() -> None:
    network = cp.Network(1, [cp.Dense(1, "identity", bias=False)], "squared_error")
    parameters = cp.Parameters.of(network, [[[2.0]]])
    examples = cp.Examples(np.ones((3, 1)), np.zeros((3, 1)), np.array([1.0, 1.0, 1e308]), training=np.array([1, 2]))
    with pytest.raises(NotFinite) as caught:
        cp.cycle(cp.Problem(network, parameters, examples=examples), "all")
    assert str(caught.value) == (
        "L_1 is inf; example 3; squared_error is not finite at a_y1 = 2, t_1 = 0, weight = 1e+308"
    )


@pytest.mark.parametrize(("name", "where"), [("w5", "layer 2, unit o1"), ("w8", "layer 2, unit o2"), ("b2", "layer 2")])
def test_a_parameter_that_is_not_finite_is_named_with_its_unit(name: str, where: str) -> None:
    done = cp.cycle(cp.load("lecture"))
    vector = done.gradients.of.vector.copy()
    vector[done.parameters.layout.find(name)] = np.inf
    with pytest.raises(NotFinite) as caught:
        require_finite_update(done.problem, done.gradients.of.with_vector(vector), done.update)
    assert str(caught.value) == (
        f"the gradient of {name} is inf, in {where}; try a smaller learning rate, smaller weights, or clip_norm under "
        "[optimizer]"
    )
