"""Predictions: the lecture's digits, by rows, lists, frames and files alike, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument, NotFinite, UnfitTable
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


def test_classes_on_request() -> None:
    fit = cp.train(cp.load("iris"), epochs=30)
    classes = predict(fit.problem, "src/clearprop/examples/iris.csv", classes=True)
    assert classes.shape == (150,)
    outputs = fit.predict("src/clearprop/examples/iris.csv")
    assert classes.tolist() == [("setosa", "versicolor", "virginica")[place] for place in outputs.argmax(axis=1)]
    assert fit.predict("src/clearprop/examples/iris.csv", classes=True).tolist() == classes.tolist()
    numbers = cp.train(cp.Network(1, [cp.Dense(2, "softmax")]), [[-1.0], [2.0]], [7.0, 3.0], epochs=50)
    assert numbers.predict([[-1.0], [2.0]], classes=True).tolist() == [7.0, 3.0]
    with pytest.raises(InvalidArgument, match="classes: lecture has no classes; its targets are numbers"):
        predict(LECTURE, [0.1, 0.5], classes=True)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_a_frame_are_found_by_name(library: str) -> None:
    frames = pytest.importorskip(library)
    size, colour = [1.0, 2.0, 3.0, 4.0], ["red", "blue", "red", "blue"]
    frame = frames.DataFrame({"size": size, "colour": colour, "price": [1.0, 2.5, 3.0, 4.5]})
    fit = cp.train(cp.Network(3, [cp.Dense(1)]), frame, "price", standardize=True, epochs=20)
    expected = fit.predict(frame)
    other = frames.DataFrame({"note": ["a", "b", "c", "d"], "colour": colour, "size": size})
    assert np.array_equal(fit.predict(other), expected)
    with pytest.raises(UnfitTable, match='column "colour": there is no such column; found size'):
        fit.predict(frames.DataFrame({"size": size}))
