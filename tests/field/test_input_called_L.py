"""An input with the name of another quantity: refused in a network file, a column gets another name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.cli import run
from clearprop.errors import InvalidNetwork

Case = Callable[[str], Path]


def test_such_names_are_refused_in_a_network_file(case: Case) -> None:
    case("input-called-L")
    with pytest.raises(InvalidNetwork) as error:
        cp.load("network.toml")
    assert str(error.value).splitlines() == [
        "network.toml has 2 problems:",
        '  inputs: "L" is reserved: it is what the total error is called; choose another',
        '  inputs: "t_1" is reserved: it is what target 1 is called; choose another',
    ]


@pytest.fixture
def folder(case: Case) -> Path:
    """The case with its example in a table, whose columns are called so."""
    folder = case("input-called-L")
    head, _, _ = (folder / "network.toml").read_text().partition("[[examples]]")
    data = '[data]\nfile = "rows.csv"\ntarget = "y"\nsplit = 0\nstandardize_target = false\n'
    (folder / "network.toml").write_text(head.replace('names = ["L", "t_1"]', "count = 2") + data)
    (folder / "rows.csv").write_text("L,t_1,y\n0.7,0.2,0.1\n")
    return folder


def test_columns_get_another_name_and_the_numbers_are_right(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "network.toml", "w2", "--format", "json"]) == 0
    shown = capsys.readouterr()
    assert shown.err == (
        'clearprop: column "L" is called L_2, since L is the total error; '
        '"t_1" is called t_1_2, since t_1 is target 1\n'
    )
    found = json.loads(shown.out)
    values = {"z_h": 0.29, "a_h": 0.2821348, "a_y": 0.2257078, "L": 0.0079012}
    assert {name: found["values"][name] for name in values} == pytest.approx(values, abs=1e-7)
    assert found["gradients"]["w2"] == pytest.approx(0.0185122, abs=1e-7)
    assert run(["explain", "network.toml", "w2", "L_2"]) == 0
    text = capsys.readouterr().out
    assert "∂z_h/∂w2 = t_1_2 = 0.2" in text
    assert "L_2 = 0.7" in text


@pytest.mark.filterwarnings("ignore:column .* is called")
def test_a_model_of_an_earlier_version_is_read_with_other_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its columns are found under their own names; predictions are the same."""
    monkeypatch.setattr("clearprop.network.description.reserved_faults", lambda places, meaning: [])
    monkeypatch.setattr("clearprop.tables.prepare.free_name", lambda name, taken: name)
    fit = cp.train(cp.load("network.toml"), epochs=3, output="old.safetensors")
    assert fit.problem.network.input_names == ("L", "t_1")
    own = cp.read(Path("network.toml").read_text().replace("count = 2", 'names = ["L", "t_1"]').partition("[data]")[0]
                  + "[[examples]]\ninputs = [0.7, 0.2]\ntargets = [0.1]\n")  # fmt: skip
    cp.train(own, epochs=3, output="own.safetensors")
    predicted = fit.predict("rows.csv").tolist()
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    for name in ("old", "own"):
        model = cp.load(f"{name}.safetensors")
        assert model.network.input_names == ("L_2", "t_1_2")
        assert cp.predict(model, "rows.csv").tolist() == [pytest.approx(predicted[0], rel=1e-6)]
        assert cp.load(f"{name}.safetensors") == model
