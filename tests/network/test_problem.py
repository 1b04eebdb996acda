"""Problems: examples that fit, settings that are possible, and parameters that depend on the seed alone."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument, InvalidNetwork

NETWORK = cp.Network(2, [cp.Dense(3, "tanh"), cp.Dense(1, "logistic")], "binary_cross_entropy")


def test_parameters_follow_from_the_seed() -> None:
    one, same, other = (cp.Problem(NETWORK, settings=cp.Settings(seed=seed)) for seed in (1, 1, 2))
    assert one.parameters == same.parameters
    assert one.parameters != other.parameters
    assert one.parameters == cp.Parameters.random(NETWORK, 1)


@pytest.mark.parametrize(
    ("inputs", "targets", "place"),
    [
        ([[1.0, 2.0, 3.0]], [[0.5]], "inputs"),
        ([[1.0, 2.0]], [[0.5, 0.5]], "targets"),
        ([[np.nan, 2.0]], [[0.5]], "inputs"),
        ([[1.0, 2.0]], [[1.5]], "targets"),
    ],
)
def test_examples_that_do_not_fit_are_refused(inputs: Any, targets: Any, place: str) -> None:
    """Of another length, not finite, or targets that the loss does not allow: 1.5 is no probability."""
    with pytest.raises(InvalidNetwork) as caught:
        cp.Problem(NETWORK, examples=cp.Examples.of(inputs, targets), name="net.toml")
    assert str(caught.value).startswith("net.toml has 1 problem:\n")
    assert place in str(caught.value)


def test_a_problem_says_what_it_is_and_its_name_makes_no_difference() -> None:
    examples = cp.Examples.of([[1.0, 2.0]], [[0.5]])
    one, other = (cp.Problem(NETWORK, examples=examples, name=name) for name in ("a", "b"))
    assert repr(one).startswith("Problem(a: ")
    assert repr(one).endswith(", sgd, 1 example)")
    assert one == other


def test_a_notation_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidArgument, match='notation: unknown notation "lectur"; did you mean "lecture"'):
        cp.Problem(NETWORK, notation="lectur")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": -1}, "epochs: expected a whole number of at least 0, found -1"),
        ({"batch_size": 0}, "batch_size: expected a whole number of at least 1, found 0"),
        ({"patience": 2.5}, "patience: expected a whole number, found 2.5"),
        ({"tolerance": float("nan")}, "tolerance: expected a finite number, found nan"),
        ({"dtype": "float16"}, 'dtype: expected "float32" or "float64", found "float16"'),
        ({"time_limit": 0}, "time_limit: expected a number above 0, found 0"),
        ({"shuffle": "yes"}, 'shuffle: expected true, false or "sklearn", found "yes"'),
    ],
)
def test_impossible_settings_are_refused_by_name(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        cp.Settings(**wrong)
    assert str(caught.value) == message


def test_every_setting_can_be_written_in_a_network_file() -> None:
    """And a file that says nothing has the defaults."""
    known = {each.name for each in fields(cp.Settings)}
    assert cp.Settings() == cp.Problem(NETWORK).settings
    written = cp.write(cp.Problem(NETWORK, settings=cp.Settings(epochs=3, patience=7, shuffle=False)))
    assert "epochs = 3" in written
    assert {"epochs", "patience", "shuffle"} <= known


TITLE = 'Übung 3: "*x*" <b> $y$ #1\n second line'
TITLED = """[inputs]
count = 1
[[layers]]
units = 1
[[examples]]
inputs = [1]
targets = [0.5]
"""


@pytest.mark.parametrize(
    ("name", "title", "heading"),
    [
        ("/home/me/nets/first.toml", "", "first.toml"),
        ("/home/me/nets/first", "", "first"),
        ("lecture", "", "lecture"),
        ("/home/me/first.toml", " Exercise 3 ", "Exercise 3"),
        ("first.toml", "two\nlines\x1b[2J", "two lines [2J"),
        ("first.toml", " \n", "first.toml"),
    ],
)
def test_the_heading_is_the_title_else_the_name_of_the_file(name: str, title: str, heading: str) -> None:
    assert cp.Problem(NETWORK, name=name, title=title).heading == heading


def test_a_title_heads_every_document_and_is_kept(tmp_path: Path) -> None:
    (tmp_path / "net.toml").write_text(f"title = {json.dumps(TITLE)}\n{TITLED}")
    problem = cp.load(tmp_path / "net.toml")
    assert problem.title == TITLE
    cp.save(problem, tmp_path / "again.toml")
    assert cp.load(tmp_path / "again.toml") == problem
    cp.train(problem, epochs=1).save(tmp_path / "net.safetensors")
    assert cp.load(tmp_path / "net.safetensors").title == TITLE
    shown = 'Übung 3: "*x*" <b> $y$ #1 second line: one cycle'
    explained = cp.explain(cp.cycle(problem))
    assert explained.text().strip().startswith(shown)
    assert explained.markdown().startswith(r'# Übung 3: "\*x\*" &lt;b\> \$y\$ \#1 second line')
    assert "<h1" in explained.html()
    assert "<b>" not in explained.html()
    assert r"\$y\$ \#1" in explained.latex()


def test_a_title_does_not_keep_a_training_from_continuing(tmp_path: Path) -> None:
    text = f"{TITLED}[training]\nepochs = 2\n"
    saved = tmp_path / "run.safetensors"
    cp.train(cp.read(text), output=saved)
    titled = cp.read(f'title = "Now with a title"\n{text}')
    assert cp.train(titled, output=saved, resume=True, epochs=3).epochs == 3


def test_other_parameters_leave_the_problem_as_it_was() -> None:
    problem = cp.Problem(NETWORK, name="one")
    other = cp.Parameters.random(NETWORK, 1)
    found = problem.with_parameters(other)
    assert found == cp.Problem(NETWORK, other, name="one")
    assert found.parameters is other
    assert problem.parameters == cp.Parameters.random(NETWORK, 0)
