"""Outputs for many rows, whatever the size of a block."""

from __future__ import annotations

import gc
import os
import threading
from dataclasses import replace

import numpy as np
import pytest
from tests.support import HANG, in_a_copy

import clearprop as cp
from clearprop.prediction import outputs as room
from clearprop.prediction.outputs import outputs
from clearprop.propagation.forward import forward


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    iris = cp.load("iris")
    assert iris.examples is not None
    whole = outputs(iris, iris.parameters, iris.examples.inputs)[0]
    monkeypatch.setattr("clearprop.network.blocks.BLOCK", 7)
    parts = outputs(iris, iris.parameters, iris.examples.inputs)[0]
    np.testing.assert_allclose(parts, whole, rtol=1e-13)
    rows = np.array([5, 100, 3])
    np.testing.assert_allclose(outputs(iris, iris.parameters, iris.examples.inputs[rows])[0], whole[rows], rtol=1e-13)


def test_outputs_are_those_of_the_parameters_given() -> None:
    """What is prepared for some parameters is not used for others, not even at the same address."""
    lecture = cp.load("lecture")
    rows = np.array([[0.1, 0.5], [0.3, -0.2]])
    for factor in range(3 * room.KEPT):
        parameters = lecture.parameters.with_vector(lecture.parameters.vector * factor)
        expected = forward(lecture.network, parameters, rows).outputs[-1]
        np.testing.assert_allclose(outputs(lecture, parameters, rows)[0], expected, rtol=1e-13)
        del parameters
        gc.collect(1)  # parameters are young: the whole heap of a long run takes a second
    assert len(room._RECENT) <= room.KEPT


def test_outputs_keep_the_precision_of_the_inputs() -> None:
    lecture = cp.load("lecture")
    for dtype in (np.float32, np.float64):
        found, finite = outputs(lecture, lecture.parameters, np.array([[0.1, 0.5]], dtype))
        assert found.dtype == dtype
        assert finite
    assert not outputs(lecture, lecture.parameters, np.array([[np.nan, 0.5]]))[1]


def test_weights_changed_in_place_count() -> None:
    """Whoever changes them sees the outputs of the new ones, as in every explanation."""
    lecture = cp.load("lecture")
    rows = [[0.1, 0.5]]
    before = cp.predict(lecture, rows)
    lecture.parameters.vector[:] = 0
    assert before[0, 0] > 0.7
    assert cp.predict(lecture, rows).tolist() == [[0.5, 0.5]]
    assert cp.cycle(lecture)["output_o1"] == 0.5


def test_another_network_with_the_same_weights_has_its_own_outputs() -> None:
    one = cp.Problem(cp.Network(2, [cp.Dense(1, "tanh")]))
    rows = np.array([[0.1, 0.5]])
    for activation in ("tanh", "relu", "identity"):
        other = replace(one, network=cp.Network(2, [cp.Dense(1, activation)]))
        assert other.parameters is one.parameters
        expected = forward(other.network, one.parameters, rows).outputs[-1]
        np.testing.assert_allclose(outputs(other, one.parameters, rows)[0], expected, rtol=1e-13)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_copy_of_the_process_predicts_while_another_thread_does() -> None:
    """The copy does not have that thread: it must not wait for what it holds."""
    lecture, rows = cp.load("lecture"), np.array([[0.1, 0.5]])
    expected = outputs(lecture, lecture.parameters, rows)[0]
    held, done = threading.Event(), threading.Event()
    lock = getattr(room._RECENT[id(lecture.parameters), "float64"].prepared, "lock", threading.Lock())

    def hold() -> None:
        with lock:
            held.set()
            done.wait(HANG)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(HANG)
        assert in_a_copy(lambda: np.array_equal(outputs(lecture, lecture.parameters, rows)[0], expected))
    finally:
        done.set()
        thread.join()
