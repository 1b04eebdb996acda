from __future__ import annotations

import numpy as np
import pytest
from tests.interop.models import X, assert_same, onnxruntime_module

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.interop.write_onnx import written_model
from clearprop.rules.activations import ACTIVATIONS


def test_what_is_no_problem_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="problem: expected a Problem"):
        cp.to_onnx(3)  # type: ignore[arg-type]


def test_the_model_passes_the_checker_and_names_its_ends() -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    model = cp.to_onnx(cp.load("lecture"))
    onnx.checker.check_model(model, full_check=True)
    assert ([each.name for each in model.graph.input], [each.name for each in model.graph.output]) == (
        ["input"], ["output"],
    )  # fmt: skip
    assert (model.opset_import[0].version, model.ir_version) == (17, 8)


@pytest.mark.parametrize("name", [*ACTIVATIONS, "softmax", "z * exp(-z) + log1p(exp(z))"])
def test_onnxruntime_runs_what_is_written_in_float64(name: str) -> None:
    """It has few activations in that type: others are in pieces, and come back by their names."""
    network = cp.Network(3, [cp.Dense(4, name), cp.Dense(2)])
    problem = cp.Problem(network, cp.Parameters.random(network, 3), settings=cp.Settings(dtype="float64"))
    onnxruntime, model = onnxruntime_module(), cp.to_onnx(problem)
    (found,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"input": X})
    # Erf alone it has in float32 only, which a note says.
    rounded = any("erf is computed in float32" in note for note in written_model(problem)[1])
    assert rounded == (name == "gelu")
    np.testing.assert_allclose(found, cp.predict(problem, X), atol=1e-7 if rounded else 1e-12)
    again = cp.from_onnx(model)
    assert_same(again, cp.predict(problem, X), 1e-12)
    if name in (*ACTIVATIONS, "softmax"):
        assert again.network.layers[0].rule.name == {"celu": "elu"}.get(name, name)  # with its usual constant it is one
