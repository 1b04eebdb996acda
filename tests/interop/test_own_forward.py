from __future__ import annotations

import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from tests.interop.models import keras_module, onnxruntime_module, torch_module

import clearprop as cp
from clearprop.interop.convert import convert
from clearprop.interop.own_forward import own_check


def written(path: Path) -> Path:
    network = cp.Network(3, [cp.Dense(4, "tanh"), cp.Dense(2, "softmax")])
    convert(cp.Problem(network, cp.Parameters.random(network, 2)), path)
    return path


def planted(problem: cp.Problem) -> cp.Problem:
    """The problem as an importer that is silently wrong would read it."""
    vector = problem.parameters.vector.copy()
    vector[0] += 0.01
    return replace(problem, parameters=problem.parameters.with_vector(vector))


def test_pytorchs_own_forward_and_autograd_agree_and_a_planted_fault_is_caught(tmp_path: Path) -> None:
    torch_module()
    path = written(tmp_path / "m.pt")
    problem = cp.load(path, activations="tanh,softmax")
    check = own_check(path, problem)
    assert check is not None
    assert (check.framework, check.agrees) == ("PyTorch", True)
    assert check.gradients is not None
    assert 0 < max(check.outputs, check.gradients) < 1e-6
    wrong = own_check(path, planted(problem))
    assert wrong is not None
    assert not wrong.agrees


@pytest.mark.parametrize("rows", [3, 20])
def test_a_program_for_one_number_of_rows_is_run_with_as_many(tmp_path: Path, rows: int) -> None:
    torch = torch_module()
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    path = tmp_path / "m.pt2"
    torch.export.save(torch.export.export(module, (torch.zeros(rows, 3),)), path)
    problem = cp.load(path)
    check, wrong = own_check(path, problem), own_check(path, planted(problem))
    assert check is not None
    assert wrong is not None
    assert (check.skipped, check.agrees, wrong.agrees) == ("", True, False)
    assert check.gradients is not None


def test_what_was_not_asked_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from clearprop.cli import run

    path = written(tmp_path / "m.pt")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run(["verify", str(path), "--activations", "tanh,softmax", "--inputs", "1,2,3", "--targets", "1"]) == 0
    assert "PyTorch itself was not run: torch is not installed" in capsys.readouterr().out


def test_onnxruntimes_own_forward_agrees_and_a_planted_fault_is_caught(tmp_path: Path) -> None:
    onnxruntime_module()
    path = written(tmp_path / "m.onnx")
    problem = cp.load(path)
    check, wrong = own_check(path, problem), own_check(path, planted(problem))
    assert check is not None
    assert wrong is not None
    assert (check.agrees, check.gradients, wrong.agrees) == (True, None, False)


def test_verify_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from clearprop.cli import run

    onnxruntime_module()
    path = written(tmp_path / "m.onnx")
    assert run(["verify", str(path), "--inputs", "1,2,3", "--targets", "1"]) == 0
    assert "ONNX itself: the largest difference of the outputs is" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["pt", "pt2", "onnx", "state", "keras"])
def test_a_loss_of_logits_folds_its_softmax_which_the_framework_leaves_out(tmp_path: Path, suffix: str) -> None:
    """A saved module, in train mode and with all that PyTorch has of dropout; and files that know nothing of a loss."""
    torch = torch_module()
    torch.manual_seed(0)
    nn = torch.nn
    module = nn.Sequential(nn.Linear(3, 4), nn.SELU(), nn.AlphaDropout(0.0), nn.Dropout(0.2), nn.Linear(4, 3))
    told: dict[str, str] = {"loss": "cross_entropy"}
    path = tmp_path / f"m.{suffix}"
    if suffix == "pt2":
        torch.export.save(torch.export.export(module.eval(), (torch.zeros(2, 3),)), path)
    elif suffix == "keras":
        keras = keras_module()
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
        model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.save(path)
        told = {}
    elif suffix == "onnx":
        onnxruntime_module()
        problem = cp.from_torch(module.eval())
        convert(problem, path)
    else:
        torch.save(module.state_dict() if suffix == "state" else module, path)
        told |= {"activations": "selu,identity"} if suffix == "state" else {}
    problem = cp.load(path, **told)  # type: ignore[arg-type]
    assert problem.network.layers[-1].rule.name == "softmax"
    check, wrong = own_check(path, problem), own_check(path, planted(problem))
    assert check is not None
    assert wrong is not None
    assert (check.skipped, check.agrees, wrong.agrees) == ("", True, False)
