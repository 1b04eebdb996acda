from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.interop.models import X, assert_same, keras_module, onnxruntime_module, torch_module

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.interop.convert import WRITERS, convert
from clearprop.interop.write_keras import PLAIN
from clearprop.rules.activations import ACTIVATIONS

OWN = ("z * logistic(1.3 * z) + log1p(exp(min(z, 3))) - abs(z)", "where(z < 0.2, sin(z), expm1(z / 4)) ** 2")


def problem(*rules: Any, dtype: Any = "float32", bias: Any = "unit") -> cp.Problem:
    """A network with a layer for each of these activations, and softmax at its end."""
    layers = [cp.Dense(3, rule, bias=bias) for rule in rules]
    network = cp.Network(3, [*layers, cp.Dense(2, "softmax")])
    parameters = cp.Parameters.random(network, 4)
    parameters.vector[:] += 0.05
    return cp.Problem(network, parameters, settings=cp.Settings(dtype=dtype))


NEEDED = {".onnx": "onnx", ".keras": "h5py"}
NAMED = [name for name in ACTIVATIONS if name not in ("exponential", "reciprocal")]


@pytest.mark.parametrize("name", [*NAMED, *OWN, "leaky"])
@pytest.mark.parametrize("suffix", [".onnx", ".keras", ".pt"])
def test_the_framework_loads_what_is_written(name: str, suffix: str, tmp_path: Path) -> None:
    given = problem(cp.activation("leaky_relu", slope=0.3) if name == "leaky" else name, "tanh")
    expected = cp.predict(given, X)
    path = tmp_path / f"m{suffix}"
    rows = X.astype(np.float32)
    if suffix in NEEDED:
        pytest.importorskip(NEEDED[suffix], reason=f"{NEEDED[suffix]} is not installed")
    if suffix == ".keras" and not {name} <= {*PLAIN, "leaky_relu", "elu", "leaky"}:
        with pytest.raises(InvalidArgument, match=r"a file of Keras cannot hold an expression; write .onnx"):
            convert(given, path)
        assert not path.exists()
        return
    convert(given, path)
    if suffix == ".onnx":
        session = onnxruntime_module().InferenceSession(path)
        (found,) = session.run(["output"], {"input": rows})
    elif suffix == ".keras":
        keras = keras_module()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = np.asarray(keras.saving.load_model(path)(rows).detach())
    else:
        torch = torch_module()
        module = cp.to_torch(given)
        for each in module.parameters():
            torch.nn.init.zeros_(each)
        module.load_state_dict(torch.load(path, weights_only=True))
        found = module(torch.tensor(rows)).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("suffix", [".onnx", ".keras", ".pt", ".toml", ".safetensors"])
def test_what_is_written_is_read_again(suffix: str, tmp_path: Path) -> None:
    pytest.importorskip(NEEDED.get(suffix, "numpy"), reason="not installed")
    given = problem("relu", "gelu", bias="none")
    convert(given, tmp_path / f"m{suffix}")
    told: Any = {"activations": "relu,gelu,softmax"} if suffix == ".pt" else {}
    again = cp.load(tmp_path / f"m{suffix}", **told)
    np.testing.assert_allclose(again.parameters.vector, given.parameters.vector, rtol=1e-6)
    assert [layer.rule for layer in again.network.layers] == [layer.rule for layer in given.network.layers]
    assert [layer.bias for layer in again.network.layers] == [layer.bias for layer in given.network.layers]


def test_the_same_network_is_the_same_bytes(tmp_path: Path) -> None:
    for suffix in (".pt", ".onnx"):
        pytest.importorskip("onnx", reason="onnx is not installed")
        convert(problem("relu"), tmp_path / f"a{suffix}")
        convert(problem("relu"), tmp_path / f"b{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_what_was_fitted_on_a_table_is_folded(tmp_path: Path) -> None:
    torch = torch_module()
    (tmp_path / "t.csv").write_text("a,b,y\n" + "".join(f"{k},{k * k % 7},{3 * k + 100}\n" for k in range(30)))
    fit = cp.train(cp.load(tmp_path / "t.csv", target="y", hidden=4), epochs=3)
    module = cp.to_torch(fit.problem)
    rows = np.array([[1.0, 2.0], [20.0, 5.0]])
    found = module(torch.tensor(rows, dtype=torch.float32)).detach().numpy()
    np.testing.assert_allclose(found, cp.predict(fit.problem, rows), rtol=1e-5)
    with pytest.raises(InvalidArgument, match=r"cannot hold what was fitted on a table"):
        convert(fit.problem, tmp_path / "m.toml")
    assert not (tmp_path / "m.toml").exists()


def test_what_the_target_cannot_hold_is_said(tmp_path: Path) -> None:
    given = problem("relu")
    dropped = replace(given.network.layers[0], dropout=0.2)
    network = cp.Network(3, [dropped, given.network.layers[1]])
    notes = convert(replace(given, network=network), tmp_path / "m.pt")
    assert notes == [
        "a state_dict holds the network alone: loss, optimizer and examples are left out",
        "dropout is left out, which acts in training only",
        "a state_dict has no activations; give them with --activations relu,softmax",
    ]


def test_the_order_of_classes_is_said_where_the_framework_has_no_names(tmp_path: Path) -> None:
    """The units may stand in another order than the alphabet's, in which a reader of the file would take classes."""
    (tmp_path / "t.csv").write_text("a,kind\n" + "".join(f"{k},{'xyz'[k % 3]}\n" for k in range(12)))
    net = tmp_path / "n.toml"
    net.write_text(
        '[[layers]]\nunits = ["y", "z", "x"]\nactivation = "softmax"\n[data]\nfile = "t.csv"\ntarget = "kind"\n'
    )
    fit = cp.train(cp.load(net), epochs=1)
    said = "only clearprop can read its class names; its outputs are, in order: y, z, x"
    assert convert(fit.problem, tmp_path / "m.pt")[-1] == said
    assert not any("class names" in note for note in convert(fit.problem, tmp_path / "m.safetensors"))


def test_an_unknown_end_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"expected a name that ends in \.toml, .*, found \.pickle"):
        convert(problem("relu"), "m.pickle")
    assert set(WRITERS) == {".toml", ".safetensors", ".onnx", ".pt", ".pth", ".keras"}


def test_live_models_give_the_same_outputs() -> None:
    given = problem("silu", dtype="float64")
    expected = cp.predict(given, X)
    torch = torch_module()
    np.testing.assert_allclose(cp.to_torch(given)(torch.tensor(X)).detach().numpy(), expected, rtol=1e-10)
    assert_same(cp.from_torch(cp.to_torch(given)), expected)
    keras_module()
    model = cp.to_keras(problem("silu"))
    np.testing.assert_allclose(np.asarray(model(X.astype(np.float32)).detach()), expected, rtol=1e-5)
