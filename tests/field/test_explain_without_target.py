"""The forward pass of a row whose target nobody knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.support import command

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.tables.table import TableNotice

Case = Callable[[str], Path]
NEEDS = 'error and gradients need the target, the column "species"'
LECTURE = """
notation = "lecture"
[inputs]
names = ["i1", "i2"]
[[layers]]
units = ["o1"]
weights = [[0.5, 2]]
[[examples]]
inputs = [1, 2]
"""


@pytest.fixture
def model(case: Case) -> Path:
    """The model of the case, in the folder of the case."""
    folder = case("explain-without-target")
    cp.train(cp.load("iris"), output="iris.safetensors")
    return folder


def test_a_new_flower_is_explained_up_to_the_outputs(model: Path) -> None:
    done = command("explain", "iris.safetensors", "--data", "rows.csv", "--example", "1", "a_setosa")
    assert done.returncode == 0, done.stderr
    assert "= 0.99994\n" in done.stdout
    assert NEEDS in " ".join(done.stdout.split())
    found = json.loads(command("explain", "iris.safetensors", "--data", "rows.csv", "--format", "json").stdout)
    assert found["values"]["a_setosa"] == pytest.approx(0.99994, abs=5e-6)
    assert not {"gradients", "updated", "after", "examples"} & found.keys()
    assert not [name for name in found["values"] if name.startswith(("L", "t_"))]
    for kind in ("markdown", "latex", "html"):
        text = command("explain", "iris.safetensors", "--data", "rows.csv", "--format", kind).stdout
        assert "error and gradients need the target, the column" in " ".join(text.split())
        assert "nan" not in text


@pytest.mark.parametrize(
    "asked", [["w1"], ["L"], ["t_1"], ["new_w1"], ["δ_setosa"], ["--cycles", "2"], ["--paths", "2", "w1"]]
)
def test_what_needs_the_target_names_its_column(model: Path, asked: list[str]) -> None:
    done = command("explain", "iris.safetensors", "--data", "rows.csv", *asked)
    assert done.returncode == 2
    assert done.stderr.strip() == f"clearprop: iris.safetensors: {NEEDS}; add it to the rows, or give it with --targets"


@pytest.mark.parametrize("asked", [["verify"], ["explore", "--no-open"], ["engine"]])
def test_other_commands_say_that_they_need_it(model: Path, asked: list[str]) -> None:
    done = command(asked[0], "iris.safetensors", "--data", "rows.csv", *asked[1:])
    assert done.returncode == 2
    assert "target" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cycle_without_targets_is_honest(model: Path) -> None:
    cycle = cp.cycle(cp.load("iris.safetensors", data="rows.csv"))
    assert cycle.learning is None
    assert cycle["a_setosa"] == pytest.approx(0.99994, abs=5e-6)
    assert repr(cycle) == "Cycle('iris.safetensors', example=1, without targets)"
    for name in ("error", "gradients", "updated", "error_after", "errors", "batch", "after"):
        with pytest.raises(InvalidArgument, match=NEEDS):
            getattr(cycle, name)
    assert NEEDS in " ".join(str(cycle).split())


def test_rows_with_an_empty_target_stand_among_the_others(model: Path) -> None:
    rows = Path("rows.csv").read_text().splitlines()
    known = [rows[0] + ",species", rows[1] + ",setosa", rows[1] + ",", "6.0,2.9,4.5,1.5,versicolor"]
    Path("some.csv").write_text("\n".join(known) + "\n")
    done = command("explain", "iris.safetensors", "--data", "some.csv", "--example", "2", "a_setosa")
    assert "= 0.99994\n" in done.stdout
    assert "1 of 3 rows have no target, the first is row 2; they have no error" in done.stderr
    with pytest.warns(TableNotice, match="1 of 3 rows have no target"):
        problem = cp.load("iris.safetensors", data="some.csv")
    batch = cp.cycle(problem, "all")
    assert batch.numbers.tolist() == [1, 3]
    assert batch.error > 0


def test_an_example_of_a_network_file_may_have_no_targets(tmp_path: Path) -> None:
    path = tmp_path / "n.toml"
    path.write_text(LECTURE)
    problem = cp.load(path)
    assert cp.cycle(problem)["output_o1"] == 4.5
    assert cp.read(cp.write(problem)) == problem
    with pytest.raises(InvalidArgument, match="no example has a target"):
        cp.train(problem)
    path.write_text(LECTURE + "targets = [4]\n[[examples]]\ninputs = [3, 4]\n")
    fit = cp.train(cp.load(path), epochs=2, output=tmp_path / "m.safetensors")
    again = cp.load(tmp_path / "m.safetensors").examples
    assert fit.problem.examples is not None
    assert fit.problem.examples.learnt.tolist() == [0]
    assert again == fit.problem.examples
    assert cp.cycle(cp.load(path), 2)["output_o1"] == 9.5
    with pytest.raises(InvalidArgument, match="error and gradients need the targets of this example"):
        cp.cycle(cp.load(path), 2)["E_total"]
    path.write_text(LECTURE + "targets = []\n")
    with pytest.raises(cp.ClearpropError, match="expected 1 number, one per output, found 0"):
        cp.load(path)


def test_rows_of_its_own_table_that_lack_the_target(tmp_path: Path) -> None:
    rows = "size,colour,price\n1,red,2\n2,blue,3\n3,red,\n,red,\n4,green,\n5,blue,6\n"
    (tmp_path / "t.csv").write_text(rows)
    (tmp_path / "n.toml").write_text(
        "[inputs]\ncount = 3\n[[layers]]\nunits = 1\n"
        '[data]\nfile = "t.csv"\ntarget = "price"\nmissing = "drop"\nsplit = 0\n'
    )
    problem = cp.load(tmp_path / "n.toml")
    assert problem.examples is not None
    assert problem.examples.without_target is not None
    assert problem.examples.without_target.tolist() == [2]  # row 4 has no size, and training never saw green
    assert cp.cycle(problem, 3).learning is None
    assert cp.cycle(problem, "all").numbers.tolist() == [1, 2, 6]
    for number in (4, 5):
        with pytest.raises(InvalidArgument, match=f"example {number} was left out"):
            cp.cycle(problem, number)


def test_targets_that_are_not_finite_are_still_refused() -> None:
    with pytest.raises(cp.ClearpropError, match=r"examples\[1\].targets\[1\]: expected a finite number, found nan"):
        cp.train(cp.Network(1, [cp.Dense(1)]), np.array([[1.0]]), np.array([[np.nan]]))
