"""Metrics against their definitions written out, and against scikit-learn where it is installed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clearprop as cp
from clearprop.prediction.classes import class_labels
from clearprop.prediction.metrics import measured


def identity(targets: np.ndarray, inputs: np.ndarray, loss: str = "half_squared_error") -> cp.Problem:
    """A network whose outputs are its inputs."""
    width = targets.shape[1]
    network = cp.Network(width, [cp.Dense(width, bias=False)], loss)
    return cp.Problem(network, cp.Parameters.of(network, [np.eye(width)]), examples=cp.Examples(inputs, targets))


numbers = st.floats(-100, 100, width=32)


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=20))
def test_r2_and_rmse_by_their_definitions(rows: list[tuple[float, float]]) -> None:
    t, y = [row[0] for row in rows], [row[1] for row in rows]
    found = measured(problem := identity(np.array([t]).T, np.array([y]).T), problem.parameters, np.arange(len(rows)))
    squares = math.fsum((a - b) ** 2 for a, b in rows)
    mean = math.fsum(t) / len(t)
    spread = math.fsum((a - mean) ** 2 for a in t)
    assert found.rmse == pytest.approx(math.sqrt(squares / len(t)), rel=1e-9, abs=1e-9)
    if len(set(t)) == 1:
        assert found.r2 is None or spread > 0
    elif spread > 1e-6:
        assert found.r2 == pytest.approx(1 - squares / spread, rel=1e-6, abs=1e-6)
    assert found.accuracy is None


def test_several_outputs_are_averaged_as_scikit_learn_does() -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed: metrics are not compared")
    rng = np.random.default_rng(0)
    t, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 3))
    problem = identity(t, y)
    found = measured(problem, problem.parameters, np.arange(30))
    assert found.r2 == pytest.approx(metrics.r2_score(t, y), rel=1e-12)
    assert found.rmse == pytest.approx(metrics.root_mean_squared_error(t, y), rel=1e-12)


def test_accuracy_and_confusion_by_hand() -> None:
    """Six rows of three classes; the outputs are the inputs, so the largest input is the class found."""
    network = cp.Network(3, [cp.Dense(("a", "b", "c"), "softmax", bias=False)])
    true, found = [0, 0, 1, 1, 2, 2], [0, 1, 1, 1, 0, 2]
    examples = cp.Examples(np.eye(3)[found], np.eye(3)[true])
    problem = cp.Problem(network, cp.Parameters.of(network, [np.eye(3)]), examples=examples)
    result = measured(problem, problem.parameters, np.arange(6))
    assert class_labels(problem) == ("a", "b", "c")
    assert result.accuracy == pytest.approx(4 / 6)
    assert result.confusion is not None
    assert result.confusion.tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]
    assert (result.rmse, result.r2) == (None, None)
    only = measured(problem, problem.parameters, np.array([0, 2]))
    assert (only.rows, only.accuracy) == (2, 1.0)


@pytest.mark.parametrize("constant", [0.1, -7.3e9, 1e-300, 0.0])
def test_r2_of_a_constant_target_is_unknown_whatever_its_rounding(constant: float) -> None:
    """Its mean may come out another number than each of its values: that spread is rounding, not a scale to measure
    by."""
    t = np.full((50, 1), constant)
    t[1::7] *= 1 + 2**-52
    problem = identity(t, np.ones((50, 1)))
    assert measured(problem, problem.parameters, np.arange(50)).r2 is None
    t[0] = constant + max(abs(constant), 1e-3)
    problem = identity(t, np.ones((50, 1)))
    assert measured(problem, problem.parameters, np.arange(50)).r2 is not None
