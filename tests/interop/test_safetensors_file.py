from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import DamagedModel, InvalidArgument
from clearprop.interop.safetensors_file import is_of_others

RNG = np.random.default_rng(2)
STATE = {"0.weight": RNG.normal(size=(4, 3)), "0.bias": RNG.normal(size=4), "2.weight": RNG.normal(size=(2, 4))}


def written(path: Path, header: Any, body: bytes) -> Path:
    raw = json.dumps(header).encode()
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + body)
    return path


@pytest.mark.parametrize("kind", ["float64", "float32", "float16"])
def test_a_state_dict_is_read(kind: str, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "m.safetensors"
    save_file({name: each.astype(kind) for name, each in STATE.items()}, path)
    problem = cp.load(path, activations="tanh,softmax", loss="huber" if kind == "" else None)
    expected = np.tanh(np.ones(3) @ STATE["0.weight"].astype(kind).astype(float).T + STATE["0.bias"].astype(kind))
    logits = np.exp(expected @ STATE["2.weight"].astype(kind).astype(float).T)
    np.testing.assert_allclose(cp.predict(problem, np.ones((1, 3)))[0], logits / logits.sum(), rtol=1e-12)


def test_bfloat16_is_read(tmp_path: Path) -> None:
    header = {"w.weight": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [0, 4]}}
    path = written(tmp_path / "m.safetensors", header, b"\x80\x3f\x40\xc0")
    assert cp.load(path, activations="identity").parameters.weights(0).tolist() == [[1.0, -3.0]]


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 10**12]},
        {"dtype": "F32", "shape": [1, -2], "data_offsets": [0, 8]},
        {"dtype": "F99", "shape": [1, 2], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [1, 2], "data_offsets": [8, 0]},
        {"shape": 3},
        [],
    ],
)
def test_a_tensor_that_lies_about_its_bytes_is_damaged(entry: Any, tmp_path: Path) -> None:
    path = written(tmp_path / "m.safetensors", {"data_offsets": {}, "w.weight": entry}, bytes(8))
    with pytest.raises(DamagedModel, match="a damaged file: tensor"):
        cp.load(path, activations="identity")


def test_a_model_of_clearprop_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    cp.train(cp.load("xor"), epochs=1, output=path)
    assert not is_of_others(path)
    assert cp.load(path).remarks == ()
    with pytest.raises(InvalidArgument, match="--loss is for a file of another framework that does not state it"):
        cp.load(path, loss="huber")
