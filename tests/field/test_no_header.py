"""A table without a line of names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.cli import run

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
        f"columns in a line above it, or with {NAMES} under [data]\n"
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


def test_a_table_without_a_network_file_is_told_where_settings_stand(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    case("no-header")
    for target in ([], ["--target", "Iris-setosa"]):
        assert run(["train", "flowers.data", "--quiet", *target]) == 1
        *_, last = capsys.readouterr().err.splitlines()
        assert last == '  such settings belong in a network file, under [data], together with file = "flowers.data"'
    Path("named.csv").write_text("a,b\n1,x\n2,\n3,x\n")
    assert run(["train", "named.csv", "--quiet", "--target", "b"]) == 1
    assert "such settings" not in capsys.readouterr().err
