"""A model explained on a table applies the weights that its training applied, or says that it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.models.test_read import together
from tests.support import apart, command

import clearprop as cp

Case = Callable[[str], Path]


def explained(*arguments: str) -> Any:
    """What ``explain`` says in JSON."""
    done = command("explain", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def said(*arguments: str) -> str:
    """What ``explain`` says as text."""
    return command("explain", *arguments).stdout


def trained(**changes: str) -> None:
    """Save the untrained model of the case, its network file changed."""
    path = Path("network.toml")
    for old, new in changes.items():
        path.write_text(path.read_text().replace(old, new))
    command("train", "network.toml", "--epochs", "0", "--output", "m.safetensors", "--quiet")


def test_weights_of_classes_are_applied(case: Case) -> None:
    case("class-weights-of-a-model")
    trained()
    for net in (["network.toml"], ["m.safetensors", "--data", "imb.csv"]):
        assert explained(*net, "--example", "6")["values"]["L"] == pytest.approx(3.36863, abs=5e-6)
        batch = explained(*net, "--example", "all")
        assert batch["values"]["L"] == pytest.approx(0.60715, abs=5e-6)
        assert batch["gradients"]["w1"] == pytest.approx(-0.0020650, abs=5e-8)
        assert "weights: common 0.5, rare 5" in said(*net, "--example", "6")


def test_balanced_weights_are_those_of_the_training_rows(case: Case) -> None:
    case("class-weights-of-a-model")
    trained(**{"{rare = 5, common = 0.5}": '"balanced"'})
    Path("new.csv").write_text("a,b,kind\n0.595,0.396,rare\n")
    own = explained("network.toml", "--example", "6")
    new = explained("m.safetensors", "--data", "new.csv")
    assert new["values"] == own["values"]
    assert new["values"]["weight"] > 1


def test_weights_of_rows_are_applied_where_the_table_has_them(case: Case) -> None:
    case("class-weights-of-a-model")
    trained(**{"split = 0": 'split = 0\nweight_column = "n"'})
    for net in (["network.toml"], ["m.safetensors", "--data", "imb.csv"]):
        assert explained(*net, "--example", "6")["values"]["weight"] == 20  # rare, and 4 times
        assert "weights: common 0.5, rare 5, column n" in said(*net, "--example", "6")
    Path("new.csv").write_text("a,b,kind\n0.595,0.396,rare\n")
    new = "m.safetensors", "--data", "new.csv"
    assert explained(*new)["values"]["weight"] == 5
    assert "weights: left out (no column n)" in said(*new)
    assert "weights: left out (no column n)" in command("explain", *new, "--format", "html").stdout
    verified = command("verify", *new)
    assert verified.returncode == 0, verified.stderr


def test_a_model_without_its_balanced_weights_says_so(case: Case) -> None:
    case("class-weights-of-a-model")
    trained(**{"{rare = 5, common = 0.5}": '"balanced"'})
    path = Path("m.safetensors")
    description, tensors = apart(path.read_bytes())
    del description["preprocessing"]["class_weights"], description["checksum"]
    path.write_bytes(together(json.dumps(description), tensors))
    assert cp.load("m.safetensors", data="imb.csv").examples is not None
    assert "weights: left out (the model was saved" in said("m.safetensors", "--data", "imb.csv")
