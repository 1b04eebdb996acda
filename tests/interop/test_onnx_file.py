from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.interop.models import X, onnx_module

import clearprop as cp
from clearprop.errors import ClearpropError, DamagedModel, UnreadableFile

W = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)


def model(**changes: Any) -> Any:
    """A model of one layer; ``changes`` are made to its tensor."""
    onnx = onnx_module()
    helper = onnx.helper
    tensor = onnx.numpy_helper.from_array(W, "W")
    for name, value in changes.items():
        if name == "dims":
            del tensor.dims[:]
            tensor.dims.extend(value)
        else:
            setattr(tensor, name, value)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "W"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", 1, ["N", 3])],
        [helper.make_tensor_value_info("y", 1, ["N", 2])],
        [tensor],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def beside(path: Path, location: str, offset: str | None = None, length: str | None = None) -> Path:
    """A model whose weights are said to be in another file."""
    made = model(raw_data=b"", data_location=1)
    tensor = made.graph.initializer[0]
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        if value is not None:
            tensor.external_data.add(key=key, value=value)
    path.write_bytes(made.SerializeToString())
    return path


def test_weights_inside_are_read(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(model().SerializeToString())
    np.testing.assert_array_equal(cp.load(tmp_path / "m.onnx").parameters.weights(0), W.T)
    np.testing.assert_allclose(cp.predict(cp.from_onnx(model()), X), X @ W, rtol=1e-6)


def test_weights_beside_are_read(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(16) + W.tobytes())
    path = beside(tmp_path / "m.onnx", "w.bin", "16", str(W.nbytes))
    np.testing.assert_array_equal(cp.load(path).parameters.weights(0), W.T)


@pytest.mark.parametrize("location", ["../w.bin", "/etc/passwd", "a/w.bin", "..", ".", "", "a\\w.bin", "link", "no"])
def test_weights_elsewhere_are_not(location: str, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    for folder in (tmp_path, inner):
        (folder / "w.bin").write_bytes(W.tobytes())
    os.symlink(inner / "w.bin", inner / "link")
    with pytest.raises(UnreadableFile, match="the weights of W are in"):
        cp.load(beside(inner / "m.onnx", location))


@pytest.mark.parametrize(
    ("offset", "length"), [("8", "24"), ("-8", "24"), ("0", "8"), ("x", "24"), (str(10**30), "24")]
)
def test_a_place_beyond_the_file_is_damaged(offset: str, length: str, tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(W.tobytes())
    with pytest.raises(DamagedModel):
        cp.load(beside(tmp_path / "m.onnx", "w.bin", offset, length))


@pytest.mark.parametrize("dims", [(10**6, 10**6), (3, 3), (-3, 2), (6,)])
def test_a_shape_without_its_bytes_is_damaged(dims: tuple[int, ...]) -> None:
    with pytest.raises(ClearpropError, match=r"tensor W has|weights are no constant matrix"):
        cp.from_onnx(model(dims=dims))


def test_cuts_are_one_message(tmp_path: Path) -> None:
    raw = model().SerializeToString()
    path = tmp_path / "m.onnx"
    for end in range(8, len(raw), 5):
        path.write_bytes(raw[:end])
        with pytest.raises(ClearpropError):
            cp.load(path)
