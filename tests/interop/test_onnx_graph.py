from __future__ import annotations

import importlib
import io
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.interop.models import (
    X,
    assert_same,
    keras_module,
    onnx_module,
    onnxruntime_module,
    outputs,
    sequential,
    torch_module,
)

import clearprop as cp
from clearprop.interop.chain import NotAChain
from clearprop.interop.onnx_graph import short
from clearprop.rules.activations import ACTIVATIONS as ACTIVATIONS_HERE

SINGLE = X.astype(np.float32)
ACTIVATIONS = [
    "ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "GELU", "Sigmoid", "SiLU", "Mish", "Tanh", "Softplus",
    "Softsign", "Hardtanh", "Hardsigmoid", "Hardswish", "LogSigmoid", "Tanhshrink", "Softshrink", "Hardshrink", "PReLU",
]  # fmt: skip


def run(path: Any) -> Any:
    """What onnxruntime gives."""
    session = onnxruntime_module().InferenceSession(path)
    return session.run(None, {session.get_inputs()[0].name: SINGLE})


def exported(module: Any, path: Path, **options: Any) -> Path:
    torch = torch_module()
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (torch.tensor(SINGLE),), path, verbose=False, **options)
    return path


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_pytorchs_older_exporter_writes_of_each_activation(name: str, tmp_path: Path) -> None:
    nn = torch_module().nn
    module = sequential(getattr(nn, name)(), last=nn.Softmax(1), double=False)
    path = exported(module, tmp_path / "m.onnx", dynamo=False, opset_version=14)
    problem, direct = cp.load(path), cp.from_torch(module)
    assert_same(problem, outputs(module), 1e-6)
    named = direct.network.layers[0].rule.name
    if named in ACTIVATIONS_HERE:
        assert problem.network.layers[0].rule.name == named


@pytest.mark.parametrize("opset", [11, 12, 13, 15, 17, 20])
def test_opsets_of_the_older_exporter(opset: int, tmp_path: Path) -> None:
    nn = torch_module().nn
    module = sequential(nn.BatchNorm1d(4), nn.GELU(), nn.Dropout(0.3), last=nn.Softmax(1), double=False)
    path = exported(module, tmp_path / "m.onnx", dynamo=False, opset_version=opset)
    problem = cp.load(path)
    assert_same(problem, outputs(module), 1e-6)
    assert problem.network.layers[0].rule.name == "gelu"


@pytest.mark.parametrize(("opset", "external"), [(18, False), (23, True)])
def test_the_newer_exporter(opset: int, external: bool, tmp_path: Path) -> None:
    nn = torch_module().nn
    module = sequential(nn.SiLU(), last=nn.Softmax(1), double=False)
    path = exported(module, tmp_path / "m.onnx", dynamo=True, opset_version=opset, external_data=external)
    problem = cp.load(path)
    assert_same(problem, outputs(module), 1e-6)
    assert [layer.rule.name for layer in problem.network.layers] == ["silu", "softmax"]


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_what_keras_exports(tmp_path: Path) -> None:
    keras = keras_module()
    onnx_module()
    layers = keras.layers
    model = keras.Sequential([layers.Input((3,)), layers.Dense(4, activation="gelu"), layers.BatchNormalization(),
                              layers.Dense(2, activation="softmax")])  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.predict(SINGLE, verbose=0)
        model.export(str(tmp_path / "m.onnx"), format="onnx", verbose=False)
    assert_same(cp.load(tmp_path / "m.onnx"), model.predict(SINGLE, verbose=0), 1e-6)


@pytest.mark.parametrize("classes", [None, 2, 3])
def test_what_scikit_learns_exporter_writes(classes: int | None, tmp_path: Path) -> None:
    pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 3)).astype(np.float32)
    kind = MLPRegressor if classes is None else MLPClassifier
    targets = rows[:, 0] if classes is None else np.array(["a", "b", "c"])[rng.integers(0, classes, 40)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        last = kind(hidden_layer_sizes=(5, 4), max_iter=20, random_state=0)
        model = make_pipeline(MinMaxScaler(), StandardScaler(), last).fit(rows, targets)
        (tmp_path / "m.onnx").write_bytes(to_onnx(model, rows[:1]).SerializeToString())
    problem = cp.load(tmp_path / "m.onnx")
    expected = model.predict(SINGLE) if classes is None else model.predict_proba(SINGLE)
    found = cp.predict(problem, X)
    if classes == 2:
        expected = expected[:, 1:]
    np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=2e-6, atol=2e-6)
    if classes:
        assert problem.fitted is not None
        assert problem.fitted.classes == ("a", "b", "c")[:classes]


def graph(
    *nodes: Any, opset: int = 17, outputs: tuple[str, ...] = ("y",), shape: Any = ("N", 3), **tensors: Any
) -> Any:
    onnx = onnx_module()
    helper = onnx.helper
    made = helper.make_graph(
        [helper.make_node(op, given, made, name=f"n{k}", **more) for k, (op, given, made, more) in enumerate(nodes)],
        "g",
        [helper.make_tensor_value_info("x", 1, shape)],
        [helper.make_tensor_value_info(each, 1, None) for each in outputs],
        [onnx.numpy_helper.from_array(np.asarray(each, np.float32), name) for name, each in tensors.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


W = np.random.default_rng(0).normal(size=(3, 2))
LINEAR: Any = ("MatMul", ["x", "W"], ["h"], {})


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([("Conv", ["h", "W"], ["y"], {})], 'node "n1" (Conv), a convolution, cannot be taken'),
        ([("LSTM", ["h", "W", "W"], ["y"], {})], 'node "n1" (LSTM), a recurrent layer, cannot be taken'),
        ([("LayerNormalization", ["h", "W"], ["y"], {})], 'node "n1" (LayerNormalization), a layer norm, cannot be'),
        ([("Relu", ["h"], ["r"], {}), ("MatMul", ["r", "V"], ["q"], {}), ("Add", ["q", "h"], ["y"], {})],
         'node "n3" (Add): an operator in a branch joins the outputs of different layers'),
        ([("Softmax", ["h"], ["y"], {"axis": 0})], 'node "n1" (Softmax): over axis 0'),
        ([("LogSoftmax", ["h"], ["y"], {})], 'node "n1" (LogSoftmax): gives logarithms of probabilities'),
        ([("MatMul", ["h", "h"], ["y"], {})], 'node "n1" (MatMul): its weights are no constant matrix'),
        ([("Concat", ["h", "h"], ["y"], {"axis": 1})], 'node "n1" (Concat) cannot be taken'),
        ([("Cast", ["h"], ["y"], {"to": 7})], 'node "n1" (Cast): rounds to whole numbers'),
    ],
)  # fmt: skip
def test_the_first_node_that_cannot_be_taken_is_named(nodes: list[Any], message: str) -> None:
    with pytest.raises(NotAChain, match=re.escape(f"g: {message}")):
        cp.from_onnx(graph(LINEAR, *nodes, W=W, V=np.eye(2)))


def test_gemm_in_all_its_forms() -> None:
    bias = np.array([0.3, -0.7])
    for trans, weights in ((1, W.T), (0, W)):
        made = graph(("Gemm", ["x", "W", "b"], ["y"], {"alpha": 0.5, "beta": 2.0, "transB": trans}), W=weights, b=bias)
        np.testing.assert_allclose(cp.predict(cp.from_onnx(made), X), 0.5 * X @ W + 2 * bias, atol=1e-6)
    without = graph(("Gemm", ["x", "W"], ["y"], {}), W=W)
    assert cp.from_onnx(without).network.layers[0].bias == "none"


def test_a_bias_of_one_unit_is_a_bias() -> None:
    made = graph(("MatMul", ["x", "W"], ["h"], {}), ("Add", ["h", "b"], ["y"], {}), W=W[:, :1], b=[0.25])
    problem = cp.from_onnx(made)
    assert (problem.parameters["b_y1"], problem.network.layers[0].rule.name) == (0.25, "identity")


def test_attributes_are_shown_by_their_shortest_decimal() -> None:
    problem = cp.from_onnx(graph(LINEAR, ("LeakyRelu", ["h"], ["y"], {"alpha": 0.1}), W=W))
    assert problem.network.layers[0].rule.constants == {"slope": 0.1}
    assert short(float(np.float32(0.3))) == 0.3


def test_softmax_before_opset_13_is_over_axis_1() -> None:
    made = graph(LINEAR, ("Softmax", ["h"], ["y"], {}), W=W, opset=11)
    assert cp.from_onnx(made).network.layers[0].rule.name == "softmax"


def test_inputs_of_several_axes_are_flattened_first_or_refused() -> None:
    flat = graph(("Flatten", ["x"], ["f"], {}), ("MatMul", ["f", "W"], ["y"], {}), W=np.ones((6, 2)), shape=("N", 2, 3))
    assert cp.from_onnx(flat).network.sizes == (6, 2)
    with pytest.raises(NotAChain, match="along the last of several axes"):
        cp.from_onnx(graph(("MatMul", ["x", "W"], ["y"], {}), W=W, shape=("N", 2, 3)))


ELEMENTWISE: dict[str, Any] = {
    "softplus with where": [("Constant", [], ["c"], {"value_float": 20.0}), ("Greater", ["h", "c"], ["m"], {}),
                            ("Softplus", ["h"], ["s"], {}), ("Where", ["m", "h", "s"], ["y"], {})],
    "own": [("Sin", ["h"], ["s"], {}), ("Mul", ["s", "h"], ["y"], {})],
    "clip": [("Constant", [], ["lo"], {"value_float": 0.0}), ("Constant", [], ["hi"], {"value_float": 6.0}),
             ("Clip", ["h", "lo", "hi"], ["y"], {})],
    "max and min": [("Constant", [], ["lo"], {"value_float": 0.1}), ("Max", ["h", "lo"], ["a"], {}),
                    ("Reciprocal", ["a"], ["r"], {}), ("Sqrt", ["r"], ["y"], {})],
}  # fmt: skip


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_operators_come_out_right(name: str) -> None:
    made = graph(LINEAR, *ELEMENTWISE[name], W=W)
    (expected,) = run(made.SerializeToString())
    assert_same(cp.from_onnx(made), expected, 1e-6)


NODES = (
    "relu", "elu", "selu", "celu", "leakyrelu", "sigmoid", "tanh", "softplus", "softsign", "hardsigmoid", "hardswish",
    "mish", "gelu", "thresholdedrelu", "exp", "log", "sqrt", "abs", "neg", "sin", "cos", "erf", "floor", "reciprocal",
    "shrink", "swish", "identity", "sign",
)  # fmt: skip
"""Cases of the onnx wheel's own test data that are elementwise: any of them can be the activation of a layer."""


def backend_cases(name: str) -> list[Any]:
    """The cases of one operator, without those that are its definition in pieces as a function of the model."""
    onnx_module()
    node = importlib.import_module("onnx.backend.test.case.node")
    try:
        importlib.import_module(f"onnx.backend.test.case.node.{name}")
    except ImportError:
        pytest.skip(f"this version of onnx has no cases of {name}")
    return [each for each in node._NodeTestCases if each.name.split("_")[1] == name]


@pytest.mark.parametrize("name", NODES)
def test_the_onnx_wheels_own_data(name: str) -> None:
    """A linear layer that changes nothing is put before the node, so that the whole is a chain."""
    helper, taken = onnx_module().helper, 0
    for case in backend_cases(name):
        (inputs, expected), model = case.data_sets[0], case.model
        given = inputs[0]
        if getattr(given, "dtype", None) not in (np.float32, np.float64) or len(model.graph.input) != 1:
            continue
        kind, first = model.graph.input[0].type.tensor_type.elem_type, model.graph.input[0].name
        inside = helper.make_graph(
            [helper.make_node("MatMul", ["row", "eye"], [first]), *model.graph.node],
            "g",
            [helper.make_tensor_value_info("row", kind, [None, 1])],
            [helper.make_tensor_value_info(model.graph.output[0].name, kind, [None, 1])],
            [onnx_module().numpy_helper.from_array(np.ones((1, 1), dtype=given.dtype), "eye")],
        )
        made = helper.make_model(inside, opset_imports=model.opset_import, functions=model.functions)
        assert_same(cp.from_onnx(made), expected[0].reshape(-1, 1), 1e-5, given.reshape(-1, 1).astype(float))
        taken += 1
    assert taken


def test_a_model_can_be_given_as_bytes_in_a_file(tmp_path: Path) -> None:
    made = graph(LINEAR, ("Tanh", ["h"], ["y"], {}), W=W)
    (tmp_path / "m").write_bytes(made.SerializeToString())
    assert isinstance(io.BytesIO(b""), io.BytesIO)
    assert_same(cp.load(tmp_path / "m"), np.tanh(X @ W.astype(np.float32)), 1e-6)
