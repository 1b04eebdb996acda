from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.interop.models import X, assert_same, outputs, sequential, torch_module

import clearprop as cp
from clearprop.errors import ClearpropError, DamagedModel, UnreadableFile


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("double", [False, True])
def test_a_saved_sequential_gives_the_same_outputs(legacy: bool, double: bool, tmp_path: Path) -> None:
    torch = torch_module()
    nn = torch.nn
    module = sequential(nn.BatchNorm1d(4), nn.LeakyReLU(0.2), nn.Dropout(0.1), last=nn.Softmax(1), double=double)
    path = tmp_path / "model"
    torch.save(module, path, _use_new_zipfile_serialization=not legacy)
    problem = cp.load(path)
    assert_same(problem, outputs(module), 1e-10 if double else 1e-6)
    assert problem.network.layers[0].rule.constants == {"slope": 0.2}
    assert problem.settings.dtype == ("float64" if double else "float32")


@pytest.mark.parametrize("legacy", [False, True])
def test_a_state_dict_gives_the_same_outputs(legacy: bool, tmp_path: Path) -> None:
    torch = torch_module()
    module = sequential(torch.nn.Tanh())
    path = tmp_path / "model.pt"
    torch.save(module.state_dict(), path, _use_new_zipfile_serialization=not legacy)
    assert_same(cp.load(path, activations="tanh,identity"), outputs(module))


def test_a_checkpoint_gives_its_model(tmp_path: Path) -> None:
    torch = torch_module()
    module = sequential(torch.nn.ReLU())
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.tensor(X)).sum().backward()
    optimizer.step()
    content = {"epoch": 3, "model_state_dict": module.state_dict(), "optimizer": optimizer.state_dict(), "loss": 0.5}
    torch.save(content, tmp_path / "c.pt")
    assert_same(cp.load(tmp_path / "c.pt", activations=["relu", "identity"]), outputs(module))


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_short_numbers_are_read(kind: str, tmp_path: Path) -> None:
    torch = torch_module()
    state = {name: each.to(getattr(torch, kind)) for name, each in sequential(torch.nn.ReLU()).state_dict().items()}
    torch.save(state, tmp_path / "m.pt")
    problem = cp.load(tmp_path / "m.pt", activations="relu,identity")
    np.testing.assert_array_equal(problem.parameters.weights(0), state["0.weight"].float().numpy())


def test_views_are_read_by_their_strides(tmp_path: Path) -> None:
    torch = torch_module()
    whole = torch.arange(40, dtype=torch.float64)
    state = {"0.weight": whole[4:16].view(4, 3).t().contiguous().t(), "1.weight": whole[20:28].view(4, 2).t()}
    torch.save(state, tmp_path / "m.pt")
    problem = cp.load(tmp_path / "m.pt", activations="relu,identity")
    np.testing.assert_array_equal(problem.parameters.weights(0), np.arange(4.0, 16).reshape(4, 3))
    np.testing.assert_array_equal(problem.parameters.weights(1), np.arange(20.0, 28).reshape(4, 2).T)


def saved(path: Path) -> bytes:
    torch = torch_module()
    torch.save(sequential(torch.nn.ReLU(), double=False).state_dict(), path)
    return path.read_bytes()


LIES: dict[str, Callable[[bytes], bytes]] = {
    "a stride": lambda raw: raw.replace(b"K\x03K\x01\x86", b"K\x09K\x01\x86"),
    "an offset": lambda raw: raw.replace(b"K\x00K\x04K\x03\x86", b"K\x09K\x04K\x03\x86"),
    "a count": lambda raw: raw.replace(b"K\x0ct", b"K\x0dt"),
    "a shape without bytes": lambda raw: raw.replace(b"K\x04K\x03\x86", b"K\xffK\xff\x86"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_tensor_that_lies_about_its_bytes_is_damaged(lie: str, tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "m.pt"
    saved(path)
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    pickled = next(name for name in parts if name.endswith("data.pkl"))
    changed = LIES[lie](parts[pickled])
    assert changed != parts[pickled], "the planted lie is not in the file"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, changed if name == pickled else content)
    with pytest.raises(DamagedModel, match="a damaged file"):
        cp.load(path, activations="relu,identity")


def test_an_expanded_tensor_of_many_elements_is_damaged(tmp_path: Path) -> None:
    torch = torch_module()
    torch.save({"0.weight": torch.zeros(1, 1).expand(10**6, 10**6)}, tmp_path / "m.pt")
    with pytest.raises(DamagedModel, match="reaches beyond its storage of 1 numbers"):
        cp.load(tmp_path / "m.pt", activations="relu")


def test_every_cut_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    raw = saved(path)
    for end in range(4, len(raw), 97):
        path.write_bytes(raw[:end])
        with pytest.raises(ClearpropError) as caught:
            cp.load(path, activations="relu,identity")
        assert caught.value.exit_code == 1, str(caught.value)


def test_torchscript_and_own_classes_say_what_to_do(tmp_path: Path) -> None:
    torch = torch_module()
    import zipfile

    with zipfile.ZipFile(tmp_path / "s.pt", "w") as file:
        for name in ("s/data.pkl", "s/constants.pkl", "s/code/__torch__/x.py"):
            file.writestr(name, b"")
    with pytest.raises(UnreadableFile, match="a TorchScript program, whose code is not read; save the weights"):
        cp.load(tmp_path / "s.pt")
    torch.save(Own(), tmp_path / "o.pt")
    with pytest.raises(UnreadableFile, match=re.escape('Own", which is not of a plain PyTorch model; nothing was run')):
        cp.load(tmp_path / "o.pt")


class Own:
    """Some class of a user."""


def test_nan_weights_are_damaged(tmp_path: Path) -> None:
    torch = torch_module()
    torch.save({"0.weight": torch.full((2, 2), float("nan"))}, tmp_path / "m.pt")
    with pytest.raises(DamagedModel, match="w1 is not a finite number"):
        cp.load(tmp_path / "m.pt", activations="identity")


def test_a_large_model_is_read_fast_enough(tmp_path: Path) -> None:
    """400,000 parameters: what is counted is not time but that nothing is done per number in Python."""
    torch = torch_module()
    state: dict[str, Any] = {"0.weight": torch.zeros(500, 784), "0.bias": torch.zeros(500)}
    torch.save({**state, "2.weight": torch.zeros(10, 500), "2.bias": torch.zeros(10)}, tmp_path / "m.pt")
    problem = cp.load(tmp_path / "m.pt", activations="relu,softmax")
    assert problem.network.parameter_count == 397_510
    assert struct.calcsize("d") == problem.parameters.vector.itemsize
