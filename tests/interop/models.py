"""Models of other frameworks for several tests. A test whose framework is missing skips with that reason."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
import pytest

import clearprop as cp

os.environ.setdefault("KERAS_BACKEND", "torch")
X = np.random.default_rng(5).normal(size=(6, 3)) * 1.5


def torch_module() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def keras_module() -> Any:
    torch_module()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras", reason="Keras is not installed")


def onnx_module() -> Any:
    return pytest.importorskip("onnx", reason="onnx is not installed")


def onnxruntime_module() -> Any:
    found = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    found.set_default_logger_severity(3)
    return found


def sequential(*middle: Any, double: bool = True, last: Any = None, outputs: int = 2) -> Any:
    """A Sequential with two linear layers and these modules between them, in eval mode."""
    torch = torch_module()
    torch.manual_seed(3)
    nn = torch.nn
    ends = [last] if last is not None else []
    module = nn.Sequential(nn.Linear(3, 4), *middle, nn.Linear(4, outputs), *ends)
    return (module.double() if double else module).eval()


def outputs(module: Any, rows: Any = X) -> Any:
    """What a PyTorch module gives."""
    torch = torch_module()
    dtype = next(module.parameters()).dtype
    with torch.no_grad():
        return module(torch.tensor(rows, dtype=dtype)).numpy()


def assert_same(problem: cp.Problem, expected: Any, tolerance: float = 1e-10, rows: Any = X) -> None:
    """The problem gives these outputs."""
    found = cp.predict(problem, rows)
    np.testing.assert_allclose(found, np.reshape(expected, found.shape), rtol=tolerance, atol=tolerance)


SINGLE = X.astype(np.float32)


def run(path: Any) -> Any:
    """What onnxruntime gives."""
    session = onnxruntime_module().InferenceSession(path)
    return session.run(None, {session.get_inputs()[0].name: SINGLE})


def _tensor(values: Any) -> Any:
    """An array as it is in a model: whole numbers as they are, others in float32."""
    given = np.asarray(values)
    return given if given.dtype == np.int64 else given.astype(np.float32)


def graph(
    *nodes: Any, opset: int = 17, outputs: tuple[str, ...] = ("y",), shape: Any = ("N", 3), **tensors: Any
) -> Any:
    """An ONNX model of these nodes: the operator, inputs, outputs and attributes of each."""
    onnx = onnx_module()
    helper = onnx.helper
    made = helper.make_graph(
        [helper.make_node(op, given, made, name=f"n{k}", **more) for k, (op, given, made, more) in enumerate(nodes)],
        "g",
        [helper.make_tensor_value_info("x", 1, shape)],
        [helper.make_tensor_value_info(each, 1, None) for each in outputs],
        [onnx.numpy_helper.from_array(_tensor(each), name) for name, each in tensors.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


W = np.random.default_rng(0).normal(size=(3, 2))
LINEAR: Any = ("MatMul", ["x", "W"], ["h"], {})
