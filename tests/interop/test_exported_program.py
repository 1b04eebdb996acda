from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.interop.models import X, assert_same, outputs, sequential, torch_module

import clearprop as cp
from clearprop.errors import ClearpropError, DamagedModel


def saved(path: Path) -> Any:
    torch = torch_module()
    nn = torch.nn
    module = sequential(nn.BatchNorm1d(4), nn.SiLU(), nn.Dropout(0.1), last=nn.Softmax(1))
    torch.export.save(torch.export.export(module, (torch.tensor(X),)), path)
    return module


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    path = tmp_path_factory.mktemp("program") / "m.pt2"
    return saved(path), path


def test_a_program_is_read(program: tuple[Any, Path]) -> None:
    module, path = program
    problem = cp.load(path)
    assert_same(problem, outputs(module))
    assert [layer.rule.name for layer in problem.network.layers] == ["silu", "softmax"]
    assert problem.settings.dtype == "float64"


def test_the_older_layout_is_read(program: tuple[Any, Path], tmp_path: Path) -> None:
    """As PyTorch 2.5 wrote it: a state_dict in the archive."""
    torch = torch_module()
    module, path = program
    with zipfile.ZipFile(path) as file:
        model = next(file.read(name) for name in file.namelist() if name.endswith("models/model.json"))
    torch.save(module.state_dict(), tmp_path / "state.pt")
    with zipfile.ZipFile(tmp_path / "old.pt2", "w") as file:
        file.writestr("serialized_exported_program.json", model)
        file.writestr("serialized_state_dict.pt", (tmp_path / "state.pt").read_bytes())
        file.writestr("version", "8.1")
    assert cp.load(tmp_path / "old.pt2").parameters == cp.load(path).parameters


@pytest.mark.parametrize("lie", ["sizes", "strides", "storage_offset", "path_name", "program", "nested"])
def test_a_program_that_contradicts_itself_is_damaged(lie: str, program: tuple[Any, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(program[1]) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    config = next(name for name in parts if name.endswith("model_weights_config.json"))
    content = json.loads(parts[config])
    for entry in content["config"].values():
        meta = entry["tensor_meta"]
        if lie in ("sizes", "strides"):
            meta[lie] = [{"as_int": 10**6} for _ in meta[lie]]
        elif lie == "storage_offset":
            meta[lie] = {"as_int": 10**9}
        elif lie == "path_name":
            entry[lie] = "../other"
    parts[config] = json.dumps(content).encode()
    if lie in ("program", "nested"):
        name = next(name for name in parts if name.endswith("models/model.json"))
        parts[name] = b"{}" if lie == "program" else b"[" * 100_000
    with zipfile.ZipFile(tmp_path / "m.pt2", "w") as file:
        for name, part in parts.items():
            file.writestr(name, part)
    with pytest.raises(DamagedModel):
        cp.load(tmp_path / "m.pt2")


def test_cuts_are_one_message(program: tuple[Any, Path], tmp_path: Path) -> None:
    raw = program[1].read_bytes()
    for end in range(10, len(raw), 1009):
        (tmp_path / "c.pt2").write_bytes(raw[:end])
        with pytest.raises(ClearpropError):
            cp.load(tmp_path / "c.pt2")
