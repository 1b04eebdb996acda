from __future__ import annotations

import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument


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
