"""Outputs that are called as the classes are stand for these classes, whatever their order."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.support import command

import clearprop as cp

Case = Callable[[str], Path]
CLASSES = ["low", "medium", "high"]


def changed(old: str, new: str) -> None:
    """Rewrite the network file of the case."""
    path = Path("network.toml")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_each_output_stands_for_the_class_of_its_name(case: Case) -> None:
    case("classes-named-by-outputs")
    problem = cp.load("network.toml")
    assert problem.fitted is not None
    assert problem.fitted.classes == tuple(CLASSES)
    said = command("explain", "network.toml", "--example", "1").stdout
    for number, name in enumerate(CLASSES, start=1):
        assert re.search(rf"\({name}\) +→ +t_{number} = {int(name == 'high')}\n", said)


def test_a_target_says_which_class_it_is_for(case: Case) -> None:
    case("classes-named-by-outputs")
    said = str(cp.explain(cp.cycle(cp.load("network.toml")), "t_3", "t_1"))
    assert 't_3 = 1   (1 if risk is "high", else 0)' in said
    assert 't_1 = 0   (1 if risk is "low", else 0)' in said


def test_predict_and_explain_say_the_same(case: Case) -> None:
    case("classes-named-by-outputs")
    fit = cp.train(cp.load("network.toml"), output="m.safetensors")
    made = command("predict", "m.safetensors", "--data", "risk.csv").stdout
    rows = list(csv.DictReader(io.StringIO(made)))
    assert float(rows[0]["probability_high"]) > 0.99
    model = cp.load("m.safetensors", data="risk.csv")
    for number in (1, 2, 6, 8):
        cycle = cp.cycle(model, number)
        for name in CLASSES:
            assert abs(float(rows[number - 1][f"probability_{name}"]) - cycle[f"a_{name}"]) < 1e-6
    with open("risk.csv", encoding="utf-8") as file:
        own = [row["risk"] for row in csv.DictReader(file)]
    accuracy = np.mean([row["risk"] == true for row, true in zip(rows, own, strict=True)])
    found = fit.metrics()
    assert found is not None
    assert found.accuracy == pytest.approx(accuracy, abs=0.005)  # the model is kept in float32, or measured so
    assert found.confusion is not None
    assert found.confusion.sum(axis=1).tolist() == [own.count(name) for name in CLASSES]


def test_class_weights_go_by_name(case: Case) -> None:
    case("classes-named-by-outputs")
    changed("split = 0", "split = 0\nclass_weights = {high = 3}")
    examples = cp.load("network.toml").examples
    assert examples is not None
    assert examples.weights is not None
    assert examples.weights[:6].tolist() == [3, 3, 3, 1, 1, 1]


def test_a_misspelt_class_is_refused(case: Case) -> None:
    case("classes-named-by-outputs")
    changed('"medium"', '"mediun"')
    refused = command("train", "network.toml")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[1:] == [
        '  layers[2].units: unknown class "mediun"; did you mean "medium"? other outputs have the names of classes: '
        "give each output such a name, or none"
    ]


def test_other_names_and_other_letters(case: Case) -> None:
    case("classes-named-by-outputs")
    changed('["low", "medium", "high"]', '["Low", "MEDIUM", "high"]')
    fitted = cp.load("network.toml").fitted
    assert fitted is not None
    assert fitted.classes == ("low", "medium", "high")
    changed('["Low", "MEDIUM", "high"]', '["o1", "o2", "o3"]')
    fitted = cp.load("network.toml").fitted
    assert fitted is not None
    assert fitted.classes == ("high", "low", "medium")
