"""Predictions: the lecture's digits, by rows, lists, frames and files alike, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument, NotFinite
from clearprop.prediction.predict import predict

LECTURE = cp.load("lecture")


def test_the_lectures_outputs() -> None:
    assert predict(LECTURE, [[0.1, 0.5]]).round(5).tolist() == [[0.73493, 0.77955]]


def test_a_list_a_matrix_and_a_file_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("i2,other,i1\n0.5,9,0.1\n-2,9,3\n")
    expected = predict(LECTURE, np.array([[0.1, 0.5], [3, -2]]))
    assert np.array_equal(predict(LECTURE, [[0.1, 0.5], [3, -2]]), expected)
    # By name: in any order, beside others.
    assert np.array_equal(predict(LECTURE, path), expected)
    assert np.array_equal(predict(LECTURE, [0.1, 0.5]), expected[:1])


def test_the_precision_is_that_of_the_array() -> None:
    rows = np.array([[0.1, 0.5]])
    assert predict(LECTURE, rows.astype(np.float32)).dtype == np.float32
    assert predict(LECTURE, rows).dtype == predict(LECTURE, rows.astype(np.int64)).dtype == np.float64


def test_rows_are_independent_of_each_other() -> None:
    rows = np.random.default_rng(0).normal(size=(200, 2))
    together = predict(LECTURE, rows)
    assert together.shape == (200, 2)
    for row in (0, 99, 199):
        assert together[row] == pytest.approx(predict(LECTURE, rows[row])[0], rel=1e-14)
    assert predict(LECTURE, rows[:0]).shape == (0, 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([[1, 2, 3]], "inputs: expected rows of 2 numbers, found shape (1, 3)"),
        ([["a", "b"]], "inputs: expected rows of 2 numbers, found text in them"),
        ([[np.nan, 1.0]], "inputs: expected finite numbers, found NaN or infinity"),
    ],
)
def test_rows_that_do_not_fit_are_refused(given: Any, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        predict(LECTURE, given)
    assert str(caught.value).startswith(message)


def test_an_output_that_is_not_finite_is_named_by_its_row() -> None:
    problem = cp.Problem(cp.Network(1, [cp.Dense(1, "exp(z)", bias=False)]))
    problem.parameters.vector[:] = 1
    with pytest.raises(NotFinite, match="row 2: an output is not a finite number"):
        predict(problem, [[1.0], [1e4], [2.0]])


def test_a_network_whose_table_was_never_read_says_how_to_get_a_model() -> None:
    with pytest.raises(InvalidArgument, match="save a model with train … --output MODEL"):
        predict(cp.read(IRIS), [[1.0, 2.0]])


IRIS = """
[inputs]
count = 2
[[layers]]
units = 1
[data]
file = "none.csv"
target = "y"
"""
