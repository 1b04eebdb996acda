"""A table without a line of names."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.cli import run
from clearprop.network.data import Data

Case = Callable[[str], Path]
NAMES = 'names = ["column1", "column2", "column3", "column4", "column5"]'


@pytest.mark.parametrize("target", [[], ["--target", "Iris-setosa"]])
def test_the_first_flower_is_not_taken_for_names(
    case: Case, capsys: pytest.CaptureFixture[str], target: list[str]
) -> None:
    case("no-header")
    assert run(["train", "network.toml", "--quiet", *target]) == 1
    assert capsys.readouterr().err == (
        "clearprop: flowers.data has 1 problem:\n  first line: looks like data: 4 of its 5 cells are numbers; name the "
        f"columns in a line above it, or with {NAMES} under [data] (--names)\n"
    )


def test_the_line_to_add_names_them(case: Case) -> None:
    case("no-header")
    path = Path("network.toml")
    path.write_text(path.read_text().replace("[data]\n", f"[data]\n{NAMES}\n").replace('"species"', '"column5"'))
    problem = cp.load(path)
    assert problem.examples is not None
    assert problem.fitted is not None
    assert len(problem.examples) == 6
    assert problem.examples.inputs[0].tolist() == [5.1, 3.5, 1.4, 0.2]
    assert problem.fitted.classes == ("Iris-setosa", "Iris-versicolor", "Iris-virginica")
    fit = cp.train(problem, epochs=2)
    found = fit.predict("flowers.data")
    assert len(found) == 6
    # A later table may have the names.
    Path("named.csv").write_text("column4,column3,column2,column1\n0.2,1.4,3.5,5.1\n")
    assert fit.predict("named.csv")[0].tolist() == pytest.approx(found[0].tolist())


def test_such_a_table_needs_no_network_file(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case("no-header")
    for target in ([], ["--target", "Iris-setosa"]):
        assert run(["train", "flowers.data", "--quiet", *target]) == 1
        assert capsys.readouterr().err.endswith(" under [data] (--names)\n")
    named = ["flowers.data", "--names", 'a,b,c,d,"species, as Fisher"']
    assert run(["new", *named]) == 2
    typed = capsys.readouterr().err.partition("; type: clearprop ")[2]
    assert run(shlex.split(typed)) == 0
    assert cp.read(capsys.readouterr().out).data == Data(
        "flowers.data",
        ("species, as Fisher",),
        standardize=True,
        missing="mean",
        names=("a", "b", "c", "d", "species, as Fisher"),
    )
    assert run(["train", *named, "--target", "species, as Fisher", "--quiet", "--epochs", "1"]) == 0
