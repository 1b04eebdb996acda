from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.interop.models import keras_module, onnx_module, onnxruntime_module, torch_module

import clearprop as cp
from clearprop.cli.predict import run_predict
from clearprop.errors import DamagedModel, UnfitTable
from clearprop.interop.convert import convert
from clearprop.interop.table_names import KEY, PART

TOLD: Any = {".pt": {"activations": "tanh,softmax"}}
COLOURS = ("red", "blue", "green")


def rows(count: int = 40) -> list[tuple[float, str, str]]:
    """Heights, colours and kinds; the kinds' alphabetical order is not that of the outputs below."""
    drawn = np.random.default_rng(4).normal(50, 20, count).round(2)
    colours = [COLOURS[k * 7 % 3] for k in range(count)]
    kinds = ["zeta" if x > 60 else "alpha" if c == "red" else "mid" for x, c in zip(drawn, colours, strict=True)]
    return list(zip(drawn.tolist(), colours, kinds, strict=True))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> cp.Problem:
    folder = tmp_path_factory.mktemp("kinds")
    table = "".join(f"{x},{colour},{kind}\n" for x, colour, kind in rows())
    (folder / "t.csv").write_text(f"height,colour,kind\n{table}")
    (folder / "n.toml").write_text(
        '[[layers]]\nunits = 5\nactivation = "tanh"\n[[layers]]\nunits = ["zeta", "alpha", "mid"]\n'
        'activation = "softmax"\n[data]\nfile = "t.csv"\ntarget = "kind"\nstandardize = true\nmissing = "mean"\n'
    )
    return cp.train(cp.load(folder / "n.toml"), epochs=30, batch_size=8, seed=1).problem


def table(folder: Path) -> Path:
    (folder / "new.csv").write_text("colour,height\nred,31\nblue,62.5\ngreen,44\nblue,\n")
    return folder / "new.csv"


@pytest.mark.parametrize("suffix", [".onnx", ".keras", ".pt"])
def test_there_and_back_gives_the_same_rows_the_same_classes(
    suffix: str, trained: cp.Problem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip({".onnx": "onnx", ".keras": "h5py"}.get(suffix, "numpy"), reason="not installed")
    path, back = tmp_path / f"m{suffix}", tmp_path / "back.safetensors"
    said = convert(trained, path)
    assert "its outputs are, in order: zeta, alpha, mid" in said[-1]
    assert any("the inputs are, in order: height, colour=blue, colour=green, colour=red" in each for each in said)
    again = cp.load(path, **TOLD.get(suffix, {}))
    assert again.fitted is not None
    assert again.fitted.classes == ("zeta", "alpha", "mid")
    convert(again, back)
    given = table(tmp_path)
    kinds = cp.predict(trained, given, classes=True).tolist()
    for problem in (again, cp.load(back)):
        np.testing.assert_allclose(cp.predict(problem, given), cp.predict(trained, given), atol=1e-6)
        assert cp.predict(problem, given, classes=True).tolist() == kinds
    assert run_predict(str(path), data=str(table(tmp_path)), output=None, **TOLD.get(suffix, {})) == 0
    assert capsys.readouterr().out.startswith("kind,probability_zeta,probability_alpha,probability_mid\n")


@pytest.mark.parametrize("suffix", [".onnx", ".keras", ".pt"])
def test_the_frameworks_read_the_file_all_the_same(suffix: str, trained: cp.Problem, tmp_path: Path) -> None:
    path = tmp_path / f"m{suffix}"
    given = np.array([[31, 0, 0, 1], [62.5, 1, 0, 0]], np.float32)
    expected = cp.predict(trained, table(tmp_path))[:2]
    if suffix == ".onnx":
        session = onnxruntime_module()
        convert(trained, path)
        (found,) = session.InferenceSession(path).run(None, {"input": given})
    elif suffix == ".keras":
        keras = keras_module()
        convert(trained, path)
        found = np.asarray(keras.saving.load_model(path)(given).detach())
    else:
        torch = torch_module()
        convert(trained, path)
        module = cp.to_torch(trained)
        module.load_state_dict(torch.load(path, weights_only=True))
        found = module(torch.tensor(given)).detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_inputs_are_what_the_files_model_takes_or_the_tables_cells(trained: cp.Problem, tmp_path: Path) -> None:
    onnx_module()
    convert(trained, tmp_path / "m.onnx")
    again = cp.load(tmp_path / "m.onnx")
    expected = cp.predict(trained, table(tmp_path))[0]
    np.testing.assert_allclose(cp.predict(again, [[31, 0, 0, 1]])[0], expected, atol=1e-6)
    for cells in ([[31, 0, 0, 1]], {"height": 31, "colour": "red"}):
        done = cp.cycle(again.with_examples(cells, ["mid"]))
        np.testing.assert_allclose([done[f"a_y{k}"] for k in (1, 2, 3)], expected, atol=1e-6)
        assert done.examples.targets.tolist() == [[0, 0, 1]]


def test_a_file_that_names_its_columns_is_not_given_others(trained: cp.Problem, tmp_path: Path) -> None:
    onnx_module()
    convert(trained, tmp_path / "m.onnx")
    (tmp_path / "t.csv").write_text("high,colour\n1,red\n")
    with pytest.raises(UnfitTable, match='column "height": there is no such column; found high, colour'):
        cp.load(tmp_path / "m.onnx", data=tmp_path / "t.csv")


def changed(path: Path, text: str) -> None:
    """Write something else in place of the names that a file has."""
    if path.suffix == ".onnx":
        onnx = onnx_module()
        model = onnx.load(path)
        onnx.helper.set_model_props(model, {KEY: text})
        onnx.save(model, path)
        return
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    (name,) = (each for each in parts if each.endswith(PART))
    with zipfile.ZipFile(path, "w") as file:
        for each, content in (parts | {name: text.encode()}).items():
            file.writestr(each, content)


@pytest.mark.parametrize("suffix", [".onnx", ".pt"])
@pytest.mark.parametrize("text", ["[]", "{", "[" * 100_000, '{"columns": 3, "targets": [], "classes": null}', "null"])
def test_names_that_are_none_are_a_damaged_file(suffix: str, text: str, trained: cp.Problem, tmp_path: Path) -> None:
    onnx_module()
    convert(trained, tmp_path / f"m{suffix}")
    changed(tmp_path / f"m{suffix}", text)
    with pytest.raises(DamagedModel, match="its list of column and class names is"):
        cp.load(tmp_path / f"m{suffix}", **TOLD.get(suffix, {}))


def test_names_of_another_network_are_left_out_and_that_is_said(trained: cp.Problem, tmp_path: Path) -> None:
    onnx_module()
    convert(trained, tmp_path / "m.onnx")
    changed(tmp_path / "m.onnx", '{"columns": [], "targets": ["a", "b", "c"], "classes": null}')
    again = cp.load(tmp_path / "m.onnx")
    assert "left out: the file's column and class names, which do not fit its layers" in again.remarks
    assert again.fitted is not None
    assert again.fitted.classes == (0.0, 1.0, 2.0)


def test_one_output_for_two_classes(tmp_path: Path) -> None:
    onnx_module()
    text = "".join(f"{k},{'no' if k < 6 else 'yes'}\n" for k in range(12))
    (tmp_path / "t.csv").write_text(f"a,answer\n{text}")
    (tmp_path / "n.toml").write_text(
        '[[layers]]\nunits = ["no"]\nactivation = "logistic"\n[data]\nfile = "t.csv"\ntarget = "answer"\n'
        "standardize = true\n"
    )
    fit = cp.train(cp.load(tmp_path / "n.toml"), epochs=20)
    said = convert(fit.problem, tmp_path / "m.onnx")
    assert said[-1] == "only clearprop can read its class names; its output is near 0 for yes, near 1 for no"
    again = cp.load(tmp_path / "m.onnx")
    given = [[0.0], [11.0]]
    assert cp.predict(again, given, classes=True).tolist() == cp.predict(fit.problem, given, classes=True).tolist()
    assert again.network.loss.rule.name == "binary_cross_entropy"
