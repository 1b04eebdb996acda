"""The engine refuses steps and examples that do not fit, and keeps a copy of all it needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.engine.support.layouts import read_only
from tests.engine.support.networks import by_engine, epoch_of, native, problem_of, same

from clearprop.engine.memory import PATIENCE
from clearprop.engine.native import Native
from clearprop.network.description import OverExamples
from clearprop.training.reference import Reference
from clearprop.types import Array


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (np.array([0, 8]), IndexError),
        (np.array([-1, 3]), IndexError),
        (np.array([2**63], np.uint64), IndexError),
        (np.array([-(2**63)]), IndexError),
        (np.array([0.0, 1.0]), TypeError),
        (np.array([True] * 8), TypeError),
        (np.array([[0, 1]]), TypeError),
        (np.array(["1"]), TypeError),
        (np.array([0, None]), TypeError),
    ],
)
def test_numbers_of_examples_that_do_not_exist_are_refused(rows: Array, error: type[Exception]) -> None:
    engine = native(problem_of((3, 5, 2), 8, 4), "float64")
    before = engine.vector
    one, bounds = np.ones(1, int), np.array([0, 4])
    for refuses in (engine.error, engine.gradient, lambda rows: engine.run(rows[:4], bounds, one, one)):
        with pytest.raises(error):
            refuses(rows)
    assert np.array_equal(engine.vector, before)


def test_numbers_of_examples_in_any_layout() -> None:
    engine = native(problem_of((3, 5, 2), 8, 4), "float64")
    rows = np.array([7, 0, 3, 3], np.int64)
    expected = engine.gradient(rows), engine.error(rows)
    for other in (
        rows.astype(np.uint8),
        rows.astype(">i4"),
        np.repeat(rows, 3)[::3],
        rows[::-1].copy()[::-1],
        read_only(rows),
    ):
        assert np.array_equal(engine.gradient(other), expected[0])
        assert engine.error(other) == expected[1]


def test_steps_that_do_not_fit_are_refused() -> None:
    """More examples than a batch has room for, or none; bounds that are not those of the order."""
    engine = native(problem_of((3, 5, 2), 8, 4), "float64")
    before = engine.vector
    rows = np.arange(5)
    for order, bounds, count in (
        (rows, [0, 5], 1),
        (rows[:2], [0, 2, 2], 2),
        (rows, [0, 4, 3, 5], 3),
        (rows, [0, 3, 7], 2),
        (rows, [-3, 0, 3], 2),
        (rows, [2, 5], 1),
        (rows[:0], [0, 0], 1),
        (rows[:4], [0, 4], 3),
        (rows[:4], [0, 2, 4], 1),
    ):
        with pytest.raises(ValueError, match=r"expected .* found"):
            engine.run(order, np.array(bounds), np.arange(1, count + 1), np.ones(count))
    with pytest.raises(ValueError, match=r"expected .* rates, found"):
        engine.run(rows[:4], np.array([0, 4]), np.array([1]), np.ones(2))
    for ends, step in ((np.array([0.0, 4.0]), 1), (np.array([0, 4]), 1.0)):
        with pytest.raises(TypeError, match="expected whole numbers, found float64"):
            engine.run(rows[:4], ends, np.array([step]), np.ones(1))
    with pytest.raises(ValueError, match=r"expected 2 epochs that are alike, found steps of \[3, 2\] examples"):
        engine.epochs(rows, np.array([0, 3, 5]), np.arange(1, 3), np.ones(2), rows, 2)
    with pytest.raises(IndexError, match="expected positions of examples from 0 to 7, found 8 to 8"):
        engine.epochs(rows[:4], np.array([0, 4]), np.arange(1, 2), np.ones(1), np.array([8]), 1)
    engine.run(rows[:0], np.array([0]), np.array([], int), np.array([]))
    with pytest.raises(ValueError, match="expected at least one example, found none"):
        engine.gradient(rows[:0])
    for size in (0, 31, 33):
        with pytest.raises(ValueError, match=r"expected a gradient of shape \(32,\), found"):
            engine.apply(np.ones(size), 1, 0.1)
    assert np.array_equal(engine.vector, before)


def test_examples_of_other_shapes_are_refused() -> None:
    """They are checked where they are read; native code does not rely on that."""
    problem = problem_of((3, 5, 2), 8, 4)
    assert problem.examples is not None
    start = Reference(problem, "float64").snapshot()
    for name, other in (
        ("inputs", np.zeros((8, 4))),
        ("inputs", np.zeros((1, 3))),
        ("targets", np.zeros((1, 2))),
        ("targets", np.zeros((8, 1))),
        ("weights", np.ones(7)),
    ):
        kept = getattr(problem.examples, name)
        object.__setattr__(problem.examples, name, other)
        with pytest.raises(ValueError, match=r"\d"):
            Native(problem, "float64", 4, start.parameters.vector, start.state, 1)
        object.__setattr__(problem.examples, name, kept)
    assert same(by_engine(native(problem, "float64")), by_engine(native(problem, "float64")))


def test_what_was_given_may_change_afterwards() -> None:
    """The engine has its own copy of the examples, of the weights, and of the numbers of examples."""
    problem = problem_of((3, 5, 2), 8, 4)
    assert problem.examples is not None
    expected = by_engine(native(problem, "float64"))
    engine = native(problem, "float64")
    steps = epoch_of(problem)
    problem.parameters.vector[:] = 0
    problem.examples.inputs[:] = 0
    engine.run(*steps.arrays)
    assert np.array_equal(engine.vector, expected.vector)


@pytest.mark.parametrize("over", ["mean", "sum", "weighted_mean"])
def test_steps_of_the_same_bounds_are_the_same_whatever_came_between(over: OverExamples) -> None:
    """What native code reads of the bounds is kept from call to call; a gradient puts others there."""
    problem = problem_of((3, 5, 2), 8, 4)
    network = replace(problem.network, loss=replace(problem.network.loss, over_examples=over))
    problem = replace(problem, network=network)
    rows, bounds, steps = np.array([5, 1, 7, 2, 0, 3]), np.array([0, 4, 6]), np.arange(1, 3)
    engine, fresh = native(problem, "float64"), native(problem, "float64")
    found = [engine.run(rows, bounds, steps, np.ones(2))]
    engine.gradient(np.arange(6))
    with pytest.raises(ValueError, match="expected 1 to 4 examples in a step, found 6 to 6"):
        engine.run(np.arange(6), np.array([0, 6]), np.arange(1, 2), np.ones(1))
    found.append(engine.run(rows[::-1], bounds.copy(), steps + 2, np.ones(2)))
    at_once = fresh.run(np.append(rows, rows[::-1]), np.array([0, 4, 6, 10, 12]), np.arange(1, 5), np.ones(4))
    assert np.array_equal(np.concatenate(found), at_once)
    assert np.array_equal(engine.vector, fresh.vector)


@pytest.mark.parametrize(("available", "patience"), [(1, 0), (2, PATIENCE)])
def test_a_worker_that_waits_gives_way_at_once_where_there_are_more_than_processors(
    available: int, patience: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it keeps its processor for a while, in each of many epochs."""
    monkeypatch.setattr("clearprop.engine.memory.processors", lambda: available)
    problem = problem_of((3, 5, 2), 8, 4)
    engine = native(problem, "float32", 2)
    arrays = epoch_of(problem, 2).arrays
    engine.epochs(*arrays, np.arange(2), 2)
    assert engine.arrivals[1] == engine.between[1] == patience
    assert engine.between[0] > 0


def test_a_step_of_few_examples_does_not_stand_for_one_of_a_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a step takes decides how many workers make the next ones."""
    engine = native(problem_of((3, 2), 12, 8), "float64")
    learnt: list[float] = []
    monkeypatch.setattr(engine.ready, "learn", lambda steps, seconds: learnt.append(steps))
    for order in (np.zeros(1, int), np.arange(8)):
        engine.run(order, np.array([0, len(order)]), np.array([1]), np.array([0.1]))
    assert learnt == [1 / 8, 1.0]
