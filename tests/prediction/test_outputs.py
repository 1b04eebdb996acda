"""Outputs for many rows, whatever the size of a block."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import clearprop as cp
from clearprop.prediction import outputs as room
from clearprop.prediction.outputs import outputs
from clearprop.propagation.forward import forward


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    iris = cp.load("iris")
    assert iris.examples is not None
    whole = outputs(iris, iris.parameters, iris.examples.inputs)[0]
    monkeypatch.setattr("clearprop.propagation.blocks.BLOCK", 7)
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
        gc.collect()
    assert len(room._RECENT) <= room.KEPT


def test_outputs_keep_the_precision_of_the_inputs() -> None:
    lecture = cp.load("lecture")
    for dtype in (np.float32, np.float64):
        found, finite = outputs(lecture, lecture.parameters, np.array([[0.1, 0.5]], dtype))
        assert found.dtype == dtype
        assert finite
    assert not outputs(lecture, lecture.parameters, np.array([[np.nan, 0.5]]))[1]
