"""Predictors: every layout of inputs, whether all is finite, several threads at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.engine.support.layouts import LAYOUTS
from tests.engine.support.networks import WIDE, problem_of

from clearprop.engine.predictor import Predictor
from clearprop.propagation.forward import forward
from clearprop.types import Array


@pytest.mark.parametrize(
    "laid", [*LAYOUTS[:8], lambda values: values.astype(np.float32), lambda values: values.astype(np.int16)]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictors_copy_what_they_cannot_read_in_place(laid: Callable[[Array], Any], dtype: str) -> None:
    problem = problem_of((3, 5, 2), 8, 8)
    predictor = Predictor(problem, problem.parameters, dtype)
    inputs = laid(np.random.default_rng(4).normal(size=(300, 3)).astype(dtype))
    assert np.array_equal(predictor(inputs)[0], predictor(np.array(inputs, dtype, order="C"))[0])


@pytest.mark.parametrize("rows", [1, 7, 8, 130, 1000])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_predictors_say_whether_all_is_finite(rows: int, bad: float) -> None:
    """Also where an output is, because a unit is off."""
    problem = problem_of((20, 5, 2), 8, 8, "relu")
    still = replace(problem, parameters=problem.parameters.with_vector(0 * problem.parameters.vector))
    for each in (problem, still):
        predictor = Predictor(each, each.parameters, "float32", threads=2)
        inputs = np.random.default_rng(5).normal(size=(rows, 20)).astype(np.float32)
        assert predictor(inputs)[1]
        for row, column in ((0, 0), (rows - 1, 19), (rows // 2, 7)):
            inputs[row, column], before = bad, inputs[row, column]
            assert not predictor(inputs)[1]
            inputs[row, column] = before
        assert predictor(inputs)[1]
    inputs[rows - 1] = 3e38
    huge = Predictor(problem, problem.parameters.with_vector(1e5 + 0 * problem.parameters.vector), "float32", threads=2)
    assert not huge(inputs)[1]


def test_predictors_refuse_other_shapes() -> None:
    problem = problem_of((3, 5, 2), 8, 8)
    predictor = Predictor(problem, problem.parameters, "float32")
    for shape in [(4, 2), (4, 4), (3,), (2, 3, 1)]:
        with pytest.raises(ValueError, match=r"\d"):
            predictor(np.zeros(shape))
    assert predictor(np.zeros((0, 3)))[0].shape == (0, 2)


def test_predictions_do_not_depend_on_threads() -> None:
    """Nor on which rows are asked for together."""
    inputs = np.random.default_rng(0).normal(size=(1000, 40)).astype(np.float32)
    found = [Predictor(WIDE, WIDE.parameters, "float32", threads)(inputs)[0] for threads in (1, 2, 3)]
    assert all(np.array_equal(each, found[0]) for each in found)


def test_one_predictor_asked_by_several_threads() -> None:
    predictor = Predictor(WIDE, WIDE.parameters, "float32", threads=2)
    rng = np.random.default_rng(1)
    asked = [rng.normal(size=(int(rows), 40)) for rows in rng.integers(1, 400, 24)]
    expected = [predictor(each) for each in asked]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(predictor, asked))
    assert all(np.array_equal(one[0], other[0]) for one, other in zip(expected, found, strict=True))


@pytest.mark.parametrize("rows", [1, 2, 8, 9, 127, 300])
@pytest.mark.parametrize(("dtype", "within"), [("float64", 1e-14), ("float32", 1e-6)])
def test_outputs_are_those_of_numpy_in_the_order_of_the_rows(rows: int, dtype: str, within: float) -> None:
    """A few rows and many are computed by other ways."""
    problem = problem_of((3, 5, 2), 8, 8)
    inputs = np.random.default_rng(6).normal(size=(rows, 3)).astype(dtype)
    found, finite = Predictor(problem, problem.parameters, dtype)(inputs)
    expected = forward(problem.network, problem.parameters, inputs.astype(float)).outputs[-1]
    assert finite
    assert found.dtype == dtype
    assert np.abs(found - expected).max() <= within
