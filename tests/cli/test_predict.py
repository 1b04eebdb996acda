"""``clearprop predict``, and explaining a trained model on a row of data."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support import command

import clearprop as cp
from clearprop.cli.explain import run_explain
from clearprop.cli.predict import run_predict
from clearprop.errors import InvalidArgument, NotFinite, UnfitTable, UnreadableFile

EXAMPLES = Path(cp.__file__).parent / "examples"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a classifier, a regression and a model with one output for two classes."""
    folder = tmp_path_factory.mktemp("models")
    cp.train(cp.load("iris"), epochs=30, output=folder / "iris.safetensors")
    cp.train(cp.load("penguins"), epochs=30, output=folder / "penguins.safetensors")
    (folder / "two.csv").write_text("x,answer\n" + "".join(f"{k},{'yes' if k > 5 else 'no'}\n" for k in range(11)))
    network = '[inputs]\ncount = 1\n[[layers]]\nunits = 1\nactivation = "logistic"\n[loss]\n'
    network += 'name = "binary_cross_entropy"\n[data]\nfile = "two.csv"\ntarget = "answer"\nsplit = 0\n'
    (folder / "two.toml").write_text(network)
    cp.train(cp.load(folder / "two.toml"), epochs=500, output=folder / "two.safetensors")
    return folder


def predicted(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_classes_and_probabilities(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_predict(str(models / "iris.safetensors"), data=str(EXAMPLES / "iris.csv"), output=None) == 0
    rows = predicted(capsys)
    names = ("setosa", "versicolor", "virginica")
    assert list(rows[0]) == ["species", *(f"probability_{name}" for name in names)]
    shares = np.array([[float(row[f"probability_{name}"]) for name in names] for row in rows])
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
    assert [row["species"] for row in rows] == [names[k] for k in shares.argmax(axis=1)]
    # The same by hand: standardized by the file's own numbers, two matrix products.
    model = cp.load(models / "iris.safetensors")
    assert model.fitted is not None
    with (EXAMPLES / "iris.csv").open() as file:
        table = [[float(cell) for cell in row[:4]] for row in list(csv.reader(file))[1:]]
    x = (np.array(table) - [c.mean for c in model.fitted.columns]) / [c.scale for c in model.fitted.columns]
    h = np.maximum(x @ model.parameters.weights(0).T + model.parameters.biases(0), 0)
    e = np.exp(h @ model.parameters.weights(1).T + model.parameters.biases(1))
    np.testing.assert_allclose(shares, e / e.sum(axis=1, keepdims=True), rtol=1e-9)


def test_numbers_are_called_as_the_target(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (EXAMPLES / "penguins.csv").read_text().splitlines()
    rows = [line for line in lines[1:] if ",," not in line and not line.endswith(",")]
    (tmp_path / "some.csv").write_text("\n".join([lines[0], *rows]) + "\n")
    target = tmp_path / "out.csv"
    arguments: dict[str, Any] = {"data": str(tmp_path / "some.csv"), "output": str(target)}
    assert run_predict(str(models / "penguins.safetensors"), **arguments) == 0
    assert capsys.readouterr() == ("", "")
    found = list(csv.DictReader(io.StringIO(target.read_text())))
    true = [float(row.rpartition(",")[2]) for row in rows]
    assert list(found[0]) == ["body_mass_kg"]
    error = np.array([float(row["body_mass_kg"]) for row in found]) - true
    assert float(np.sqrt((error**2).mean())) < 0.5


def test_one_output_gives_both_probabilities(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_predict(str(models / "two.safetensors"), data=str(models / "two.csv"), output=None) == 0
    rows = predicted(capsys)
    assert [row["answer"] for row in rows] == ["no"] * 6 + ["yes"] * 5
    for row in rows:
        assert float(row["probability_no"]) + float(row["probability_yes"]) == pytest.approx(1)
        assert (float(row["probability_yes"]) >= 0.5) is (row["answer"] == "yes")


def test_a_class_that_a_spreadsheet_takes_for_a_formula_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stays what it is: another program compares it with the table's own."""
    rows = "".join(f"{k},{cell}\n" for k, cell in enumerate(["=cmd|'/C calc'!A0", "-1", "no"] * 2))
    (tmp_path / "t.csv").write_text("x,answer\n" + rows)
    network = '[inputs]\ncount = 1\n[[layers]]\nunits = 3\nactivation = "softmax"\n[data]\nfile = "t.csv"\n'
    (tmp_path / "n.toml").write_text(network + 'target = "answer"\nsplit = 0\n')
    cp.train(cp.load(tmp_path / "n.toml"), epochs=1, output=tmp_path / "m.safetensors")
    assert run_predict(str(tmp_path / "m.safetensors"), data=str(tmp_path / "t.csv"), output=None) == 0
    said = capsys.readouterr()
    assert said.err.endswith(
        "clearprop: \"=cmd|'/C calc'!A0\" is written as it is; a spreadsheet would take it for a formula, so "
        "import it as text\n"
    )
    assert {row["answer"] for row in csv.DictReader(io.StringIO(said.out))} <= {"=cmd|'/C calc'!A0", "-1", "no"}


def test_a_network_file_predicts_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.csv").write_text("i2,unused,i1\n0.5,9,0.1\n")
    assert run_predict("lecture", data=str(tmp_path / "rows.csv"), output=None) == 0
    found = predicted(capsys)[0]
    assert {name: float(value) for name, value in found.items()} == pytest.approx(
        {"o1": 0.73492, "o2": 0.77955}, abs=1e-5
    )


def test_rows_that_do_not_fit(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    iris = str(models / "iris.safetensors")
    for content, message in (
        (
            "sepal_length,sepal_width,petal_length\n1,2,3\n",
            'column "petal_width": there is no such column; found sepal',
        ),
        ("sepal_length,sepal_width,petal_length,petal_width\n1,2,,4\n", 'column "petal_length", row 1: expected a fi'),
        ("sepal_length,sepal_width,petal_length,petal_width\n1,2,x,4\n", 'column "petal_length", row 1: expected a nu'),
    ):
        path.write_text(content)
        with pytest.raises(UnfitTable) as caught:
            run_predict(iris, data=str(path), output=None, quiet=True)
        assert str(caught.value).startswith(f"{path} has 1 problem:\n  {message}")
    with pytest.raises(UnreadableFile, match=r"none\.csv: no such file"):
        run_predict(iris, data=str(tmp_path / "none.csv"), output=None)
    path.write_text("i1,i2\n1e308,1e308\n1,2\n")
    big = cp.Problem(cp.Network(("i1", "i2"), [cp.Dense(1, bias=False)]))
    big.parameters.vector[:] = 10
    cp.save(big, tmp_path / "big.toml")
    with pytest.raises(NotFinite, match=r"^row 1: an output is not a finite number; its inputs are too large"):
        run_predict(str(tmp_path / "big.toml"), data=str(path), output=None)


def test_exit_codes_and_no_traceback(models: Path, tmp_path: Path) -> None:
    iris = str(models / "iris.safetensors")
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    (tmp_path / "cut.safetensors").write_bytes((models / "iris.safetensors").read_bytes()[:-9])
    for arguments, code in (
        (["predict", iris, "--data", str(EXAMPLES / "iris.csv")], 0),
        (["predict", iris, "--data", str(tmp_path / "rows.csv")], 1),
        (["predict", str(tmp_path / "cut.safetensors"), "--data", str(EXAMPLES / "iris.csv")], 1),
        (["predict", iris, "--data", str(tmp_path / "none.csv")], 2),
        (["predict", iris], 2),
    ):
        run = command(*arguments)
        assert run.returncode == code, run.stderr
        assert "Traceback" not in run.stderr
        assert run.stderr.startswith("clearprop: ") or code == 0


# --- explaining a model --------------------------------------------------------------------------------


def test_a_model_is_explained_on_a_row_in_the_data_s_names(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    iris, data = str(models / "iris.safetensors"), str(EXAMPLES / "iris.csv")
    plain: dict[str, Any] = {"output": None, "digits": 5, "rounding": "nearest", "notation": None, "steps": 1}
    plain |= {"cycles": None, "paths": None, "fragment": False}
    assert run_explain(iris, ["petal_width", "z_h1_1"], data=data, example="7", format="text", **plain) == 0
    text = capsys.readouterr().out
    model = cp.load(iris)
    assert model.fitted is not None
    mean, scale = model.fitted.columns[3].mean, model.fitted.columns[3].scale
    assert f"petal_width = (0.3 - {mean:.5f}) / {scale:.5f}" in text  # row 7 of the file says 0.3
    assert "z_h1_1 = sepal_length · w1 + sepal_width · w2 + petal_length · w3" in text
    assert run_explain(iris, [], data=data, example="7", format="json", **plain) == 0
    values = json.loads(capsys.readouterr().out)["values"]
    expected = cp.predict(model, EXAMPLES / "iris.csv")[6]
    assert [values[f"a_{name}"] for name in ("setosa", "versicolor", "virginica")] == pytest.approx(
        expected.tolist(), rel=1e-12
    )


def test_a_model_without_rows_asks_for_them(models: Path) -> None:
    iris = str(models / "iris.safetensors")
    run = command("explain", iris)
    assert run.returncode == 2
    assert run.stderr.endswith(
        "there is no example to run it on; name a table with --data, or give one with --inputs\n"
    )
    run = command("explain", iris, "--data", str(EXAMPLES / "iris.csv"), "--example", "151")
    assert (run.returncode, run.stderr) == (2, "clearprop: example: expected 1 to 150, found 151\n")
    run = command("verify", iris, "--data", str(EXAMPLES / "iris.csv"), "--example", "7")
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "all agree")


def test_a_model_of_a_worked_example_carries_it(tmp_path: Path) -> None:
    path = tmp_path / "lecture.safetensors"
    fit = cp.train(cp.load("lecture"), epochs=5, output=path)
    loaded = cp.load(path)
    assert loaded.parameters == fit.problem.parameters
    assert cp.cycle(loaded).error == pytest.approx(fit.loss_after, rel=1e-6)
    with pytest.raises(InvalidArgument, match="this model was not trained on a table; leave out --data"):
        cp.load(path, data=EXAMPLES / "iris.csv")


def test_a_table_is_no_model(tmp_path: Path) -> None:
    table = tmp_path / "houses.csv"
    table.write_text("size,price\n1,2\n2,4\n")
    expected = (
        rf"^{table}: expected a model, found a table; train one on it first:\n"
        rf"  clearprop train {table} --target COLUMN --output houses.safetensors\n"
        r"  clearprop predict houses.safetensors --data FILE$"
    )
    for data in (None, str(table)):
        with pytest.raises(InvalidArgument, match=expected):
            run_predict(str(table), data=data, output=None)


def test_without_rows_it_says_how_to_give_them(models: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"^predict needs the rows: clearprop predict lecture --data FILE$"):
        run_predict("lecture", data=None, output=None)
