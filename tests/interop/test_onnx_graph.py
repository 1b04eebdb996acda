from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.interop.models import (
    LINEAR,
    SINGLE,
    W,
    X,
    assert_same,
    graph,
    keras_module,
    onnx_module,
    outputs,
    run,
    sequential,
    torch_module,
)

import clearprop as cp
from clearprop.errors import DamagedModel
from clearprop.interop.chain import NotAChain
from clearprop.rules.activations import ACTIVATIONS as ACTIVATIONS_HERE

ACTIVATIONS = [
    "ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "GELU", "Sigmoid", "SiLU", "Mish", "Tanh", "Softplus",
    "Softsign", "Hardtanh", "Hardsigmoid", "Hardswish", "LogSigmoid", "Tanhshrink", "Softshrink", "Hardshrink", "PReLU",
]  # fmt: skip


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
        ([("Relu", ["h"], ["y"], {"domain": "own"})], 'node "n1" (Relu): an operator of own, which is not known here'),
        ([("Reshape", ["h", "rows"], ["y"], {})], 'node "n1" (Reshape): gives shape [1, -1]; only flat outputs'),
        ([("Squeeze", ["h"], ["y"], {})], 'node "n1" (Squeeze) cannot be taken'),
        ([("DequantizeLinear", ["V", "s"], ["q"], {}), ("MatMul", ["h", "q"], ["y"], {})],
         'node "n1" (DequantizeLinear), quantization, before which the model can be read, cannot be taken'),
    ],
)  # fmt: skip
def test_the_first_node_that_cannot_be_taken_is_named(nodes: list[Any], message: str) -> None:
    with pytest.raises(NotAChain, match=re.escape(f"g: {message}")):
        cp.from_onnx(graph(LINEAR, *nodes, W=W, V=np.eye(2), s=1.0, rows=np.array([1, -1])))


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


def test_softmax_before_opset_13_is_over_axis_1() -> None:
    made = graph(LINEAR, ("Softmax", ["h"], ["y"], {}), W=W, opset=11)
    assert cp.from_onnx(made).network.layers[0].rule.name == "softmax"


def test_inputs_of_several_axes_are_flattened_first_or_refused() -> None:
    flat = graph(("Flatten", ["x"], ["f"], {}), ("MatMul", ["f", "W"], ["y"], {}), W=np.ones((6, 2)), shape=("N", 2, 3))
    assert cp.from_onnx(flat).network.sizes == (6, 2)
    with pytest.raises(NotAChain, match="along the last of several axes"):
        cp.from_onnx(graph(("MatMul", ["x", "W"], ["y"], {}), W=W, shape=("N", 2, 3)))


def test_a_reshape_that_changes_the_rows_is_refused() -> None:
    def reshaped(to: list[int], shape: Any, weights: Any) -> Any:
        nodes: Any = (("Reshape", ["x", "to"], ["r"], {}), ("MatMul", ["r", "W"], ["y"], {}))
        return graph(*nodes, W=weights, to=np.array(to), shape=shape)

    assert cp.from_onnx(reshaped([-1, 6], ("N", 2, 3), np.ones((6, 2)))).network.sizes == (6, 2)
    assert cp.from_onnx(reshaped([1, -1], (1, 2, 3), np.ones((6, 2)))).network.sizes == (6, 2)
    for to, shape in (([-1, 3], ("N", 6)), ([1, -1], ("N", 3))):
        with pytest.raises(NotAChain, match=re.escape(f"(Reshape): gives shape {to}; only flat outputs can be taken")):
            cp.from_onnx(reshaped(to, shape, W))


def test_the_one_output_may_lose_its_axis() -> None:
    made = graph(LINEAR, ("Squeeze", ["h", "axes"], ["y"], {}), W=W[:, :1], axes=np.array([1]))
    (expected,) = run(made.SerializeToString())
    assert_same(cp.from_onnx(made), expected, 1e-6)


def test_rounding_to_fewer_digits_is_said() -> None:
    made = graph(LINEAR, ("Cast", ["h"], ["c"], {"to": 10}), ("Cast", ["c"], ["y"], {"to": 1}), W=W)
    assert 'left out: g: node "n1" (Cast) rounds to fewer digits' in cp.from_onnx(made).remarks


def test_a_model_can_be_given_as_bytes_in_a_file(tmp_path: Path) -> None:
    made = graph(LINEAR, ("Tanh", ["h"], ["y"], {}), W=W)
    (tmp_path / "m").write_bytes(made.SerializeToString())
    assert isinstance(io.BytesIO(b""), io.BytesIO)
    assert_same(cp.load(tmp_path / "m"), np.tanh(X @ W.astype(np.float32)), 1e-6)


def test_several_outputs_that_scikit_learns_exporter_puts_below_one_another(tmp_path: Path) -> None:
    pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPRegressor

    rows = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPRegressor(hidden_layer_sizes=(5,), max_iter=5, random_state=0).fit(rows, rows @ np.ones((3, 2)))
        (tmp_path / "m.onnx").write_bytes(to_onnx(model, rows[:1]).SerializeToString())
    problem = cp.load(tmp_path / "m.onnx")
    assert_same(problem, model.predict(SINGLE), 2e-6)
    (said,) = [each for each in problem.remarks if "below one another" in each]
    assert said.startswith("left out: node ")
    with pytest.raises(NotAChain, match=r"\(Reshape\): gives shape \[-1, 1\]"):
        cp.from_onnx(
            graph(LINEAR, ("Reshape", ["h", "to"], ["r"], {}), ("Relu", ["r"], ["y"], {}), W=W, to=np.array([-1, 1]))
        )


def test_a_scaler_by_hand_is_folded_and_said() -> None:
    """One number per column, or one for all, before the first layer and after one."""
    nodes: Any = (("Sub", ["x", "m"], ["c"], {}), ("Mul", ["c", "s"], ["d"], {}), ("Gemm", ["d", "W", "b"], ["h"], {}),
                  ("Mul", ["h", "k"], ["g"], {}), ("Add", ["g", "k"], ["y"], {}))  # fmt: skip
    made = graph(*nodes, m=[1.0, 2.0, 3.0], s=[0.5], W=W, b=[0.1, 0.2], k=[2.0, -1.0])
    problem = cp.from_onnx(made)
    (expected,) = run(made.SerializeToString())
    assert_same(problem, expected, 1e-6)
    assert [each for each in problem.remarks if each.startswith("folded")] == [
        'folded: node "n0" (Sub) into the weights after it', 'folded: node "n1" (Mul) into the weights after it',
        'folded: node "n3" (Mul) into the weights before it', 'folded: node "n4" (Add) into the weights before it',
    ]  # fmt: skip
    plain = graph(LINEAR, ("Add", ["h", "b"], ["y"], {}), W=W, b=[0.1, 0.2])
    assert not [each for each in cp.from_onnx(plain).remarks if each.startswith("folded")]


def test_constants_are_not_made_to_swell() -> None:
    """Two small vectors, which an addition would make a matrix of 40 billion numbers of."""
    made = graph(("Add", ["a", "b"], ["W"], {}), ("MatMul", ["x", "W"], ["y"], {}),
                 a=np.ones((200_000, 1)), b=np.ones((1, 200_000)))  # fmt: skip
    with pytest.raises(DamagedModel, match=r'node "n0" \(Add\) makes 40,000,000,000 numbers of fewer constants'):
        cp.from_onnx(made)
    scaled = graph(("Mul", ["V", "b"], ["W"], {}), ("MatMul", ["x", "W"], ["y"], {}), V=W, b=np.array([[2.0, 3.0]]))
    np.testing.assert_allclose(cp.from_onnx(scaled).parameters.weights(0), (W * [2, 3]).T, rtol=1e-6)
