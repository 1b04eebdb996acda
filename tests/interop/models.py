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
