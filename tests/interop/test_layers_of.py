from __future__ import annotations

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.interop.layers_of import layers_of
from clearprop.network.data import Column, Fitted
from clearprop.network.problem import Precision


def test_a_shared_bias_is_one_per_unit() -> None:
    lecture = cp.load("lecture")
    written = layers_of(lecture, "ONNX")
    np.testing.assert_array_equal(np.asarray(written.layers[0].bias), [0.25, 0.25])
    assert "a bias that a layer shares is written once per unit" in written.notes


def test_numbers_that_are_not_finite_are_refused() -> None:
    lecture = cp.load("lecture")
    vector = lecture.parameters.vector.copy()
    vector[2] = np.inf
    broken = cp.Problem(lecture.network, cp.Parameters(lecture.network.layout, vector))
    with pytest.raises(InvalidArgument, match="the value of w2 is not a finite number; ONNX holds finite ones only"):
        layers_of(broken, "ONNX")


@pytest.mark.parametrize(("scale", "dtype"), [(1e-45, "float32"), (5e-324, "float64")])
def test_scaling_that_makes_weights_infinite_is_refused(scale: float, dtype: Precision) -> None:
    network = cp.Network(1, [cp.Dense(2, "tanh"), cp.Dense(1)])
    fitted = Fitted((Column("a", None, 0.0, scale),), ("y",))
    problem = cp.Problem(network, cp.Parameters.random(network), fitted=fitted, settings=cp.Settings(dtype=dtype))
    with pytest.raises(InvalidArgument, match=f"its weights are too large for {dtype} numbers in ONNX; give the table"):
        layers_of(problem, "ONNX")
