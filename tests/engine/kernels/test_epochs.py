"""Many epochs in one call: the numbers of one call for each of them, by workers that stay to the end."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from tests.engine.support.networks import interrupted, native, problem_of, stoppable

import clearprop as cp
from clearprop.engine.native import Native
from clearprop.network.description import OverExamples
from clearprop.network.problem import Problem
from clearprop.rules.optimizers import Optimizer
from clearprop.types import Array

EPOCHS = 5
ENDS, NUMBERS = np.array([0, 4, 7]), np.arange(1, 2 * EPOCHS + 1)
ORDER = np.random.default_rng(5).integers(9, size=(EPOCHS, 7))


def problem(chosen: Optimizer, over_examples: OverExamples) -> Problem:
    """With dropout, and weights of examples."""
    plain = problem_of((3, 20, 2), 9, 4, chosen=chosen)
    assert plain.examples is not None
    network, weights = plain.network, np.array([1, 0.5, 2, 0, 1, 3, 0.25, 1, 1])
    layers = (replace(network.layers[0], dropout=0.3), network.layers[1])
    network = replace(network, layers=layers, loss=replace(network.loss, over_examples=over_examples))
    return replace(plain, network=network, examples=replace(plain.examples, weights=weights))


PLAIN = problem(cp.Adam(0.1), "mean")


def looked_at(engine: Native, seen: Array) -> tuple[Array, list[float], Array]:
    bounds = np.append(0, np.add.outer(7 * np.arange(EPOCHS), ENDS[1:]))
    return engine.epochs(ORDER.ravel(), bounds, NUMBERS, 0.1 / NUMBERS, seen, EPOCHS)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("over_examples", ["mean", "weighted_mean"])
@pytest.mark.parametrize("chosen", [cp.SGD(0.1), cp.Adam(0.1)], ids=str)
@pytest.mark.parametrize("seen", [[2], [1, 7, 5, 0], [0, 1, 2, 3, 4, 5, 6, 7, 1] * 40], ids=len)
def test_they_are_those_of_one_call_for_each(
    seen: list[int], chosen: Optimizer, over_examples: OverExamples, threads: int
) -> None:
    """Also of so many rows that each worker sees some."""
    of = problem(chosen, over_examples)
    one, many = native(of, "float32"), native(of, "float32", threads=threads)
    found, errors, kept = looked_at(many, np.array(seen))
    for epoch in range(EPOCHS):
        steps = NUMBERS[2 * epoch : 2 * epoch + 2]
        assert np.array_equal(found[2 * epoch : 2 * epoch + 2], one.run(ORDER[epoch], ENDS, steps, 0.1 / steps))
        assert errors[epoch] == one.error(np.array(seen))
        assert np.array_equal(kept[epoch], one.parameters)
    # The next calls find the contexts as they were.
    for engine in (one, many):
        engine.run(ORDER[0], ENDS, NUMBERS[:2], 0.1 / NUMBERS[:2])
    assert np.array_equal(one.vector, many.vector)
    assert one.error(np.arange(9)) == many.error(np.arange(9))


def test_steps_in_registers_are_made_by_one_worker() -> None:
    """Of a tiny network on single examples, however many threads are given: nobody looks before they are made."""
    of, epochs = problem_of((2, 2, 2), 9, 1), 40
    one, many = native(of, "float32"), native(of, "float32", threads=3)
    assert one.program.single is not None
    order = np.random.default_rng(7).integers(9, size=(epochs, 3000))
    steps, seen = np.arange(1, order.size + 1), np.arange(400) % 9
    _, errors, kept = many.epochs(
        order.ravel(), np.arange(order.size + 1), steps, np.full(order.size, 0.1), seen, epochs
    )
    for epoch in range(epochs):
        one.run(order[epoch], np.arange(3001), steps[:3000], np.full(3000, 0.1))
        assert errors[epoch] == one.error(seen)
        assert np.array_equal(kept[epoch], one.parameters)


@pytest.mark.parametrize(("stops", "begun"), [(False, 2), (True, 3)])
def test_threads_begin_once(stops: bool, begun: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With each, one thread less than workers; where a step can be stopped, the calling one only waits."""
    engine = stoppable(monkeypatch, PLAIN, 3) if stops else native(PLAIN, "float32", 3)
    engine.built.function("epochs")  # LLVM has threads of its own
    started: list[threading.Thread] = []
    usual = threading.Thread.start

    def start(self: threading.Thread) -> None:
        started.append(self)
        usual(self)

    monkeypatch.setattr(threading.Thread, "start", start)
    looked_at(engine, np.arange(9))
    assert len(started) == begun


@pytest.mark.parametrize("threads", [1, 3])
def test_what_is_stopped_is_left_undone(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever, and the rows set aside are not looked at."""
    engine = stoppable(monkeypatch, PLAIN, threads)
    before, usual = engine.parameters.copy(), engine.built.function("epochs")

    def stopped(context: int, worker: int, workers: int) -> None:
        engine.training.set(stop=1)
        usual(context, worker, workers)

    with monkeypatch.context() as patch:
        patch.setitem(engine.built._functions, "epochs", stopped)
        _, errors, _ = looked_at(engine, np.arange(9))
    assert np.array_equal(engine.parameters.copy(), before)
    assert errors == [0.0] * EPOCHS
    (_, expected, kept), (_, errors, copies) = (
        looked_at(each, np.arange(9)) for each in (native(PLAIN, "float32"), engine)
    )
    assert errors == expected
    assert np.array_equal(copies, kept)


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts as POSIX has them")
def test_an_interrupt_leaves_nothing_of_epochs_that_were_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = stoppable(monkeypatch, PLAIN, 2)
    interrupted(monkeypatch, engine, "epochs", engine.built.function("epochs"))
    with pytest.raises(KeyboardInterrupt):
        looked_at(engine, np.arange(9))
    assert np.isnan(engine.vector).all()
