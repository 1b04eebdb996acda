from __future__ import annotations

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.interop.layers_of import layers_of


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
