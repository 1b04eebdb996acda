"""Problems made ready for a table: names of inputs, numbers of rows, and other tables afterwards."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import command

import clearprop as cp
from clearprop.errors import InvalidArgument, UnfitTable, UnknownName
from clearprop.network.names import Parameter, Sum
from clearprop.tables.csv_file import read_csv
from clearprop.tables.prepare import inputs_of, prepared, with_rows
from clearprop.tables.table import TableNotice


def table(folder: Path, content: str, inputs: Any = 2, units: Any = 2, columns: Any = None, **asked: Any) -> cp.Problem:
    """A problem of classes with a table of that content, learnt from these columns or from all."""
    path = folder / "t.csv"
    path.write_text(content)
    problem = cp.Problem(cp.Network(inputs, [cp.Dense(units, "softmax")]))
    data = cp.Data(**{"file": "t.csv", "target": ("y",), "inputs": columns, "split": 0.0, **asked})
    return prepared(problem, data, lambda wanted: read_csv(path, wanted))


def of(problem: cp.Problem) -> cp.Examples:
    """Its examples."""
    assert problem.examples is not None
    return problem.examples


ROWS = "p,q,y\n1,2,a\n3,4,b\n5,6,a\n"


# --- names ------------------------------------------------------------------------------------------------


def test_counted_inputs_are_called_as_the_columns(tmp_path: Path) -> None:
    content = "petal length (cm),größe,2nd,color,y\n1,2,3,light blue,a\n4,5,6,,b\n".replace(",,", ",[red],")
    problem = table(tmp_path, content, 5)
    assert problem.network.input_names == ("petal_length_cm", "größe", "2nd", "color_red", "color_light_blue")


@pytest.mark.parametrize(
    ("labels", "units", "activation", "expected"),
    [
        ("red green red", 2, "softmax", ("green", "red")),
        ("no yes no", 1, "logistic", ("yes",)),  # near 1 for the second
        ("3 5 9", 3, "softmax", ("3", "5", "9")),
        ("-1 0 1", 3, "softmax", ("minus_1", "0", "1")),
        ("New_York Köln(West) x", 3, "softmax", ("Köln_West", "New_York", "x")),
        ("+ * x", 3, "softmax", ("y1", "y2", "y3")),  # names that would be one
        ("h1_1 b h1_1", 2, "softmax", ("y1", "y2")),  # the name of a hidden unit
        ("red green red", ["u", "v"], "softmax", ("u", "v")),
    ],
)
def test_outputs_are_called_as_the_classes(
    tmp_path: Path, labels: str, units: Any, activation: str, expected: tuple[str, ...]
) -> None:
    (tmp_path / "t.csv").write_text("p,y\n" + "".join(f"{k},{each}\n" for k, each in enumerate(labels.split())))
    network = cp.Network("auto", [cp.Dense(1, "tanh"), cp.Dense(units, activation)])
    data = cp.Data("t.csv", ("y",), split=0.0)
    problem = prepared(cp.Problem(network), data, lambda wanted: read_csv(tmp_path / "t.csv", wanted))
    assert problem.network.unit_names[-1] == expected
    # Only names change: the weights are those of a network whose names are given.
    plain = cp.Problem(cp.Network(1, [cp.Dense(1, "tanh"), cp.Dense(units, activation)]))
    assert np.array_equal(problem.parameters.vector, plain.parameters.vector)
    # Learnt again from the same table, now that the outputs have names: these are found.
    again = prepared(problem, data, lambda wanted: read_csv(tmp_path / "t.csv", wanted))
    if not isinstance(units, list):
        assert again == problem


def test_the_loss_of_a_share_of_two_classes_is_the_cross_entropy_unless_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"

    def loss(labels: str, given: Any = None, activation: str = "logistic") -> str:
        path.write_text("p,y\n" + "".join(f"{k},{each}\n" for k, each in enumerate(labels.split())))
        network = cp.Network(1, [cp.Dense(1, activation)], given)
        data = cp.Data("t.csv", ("y",), split=0.0)
        problem = prepared(cp.Problem(network), data, lambda wanted: read_csv(path, wanted))
        return problem.network.loss.rule.name

    assert loss("no yes no") == loss("0 1 1") == "binary_cross_entropy"
    assert loss("0.1 0.7 1") == loss("no yes no", activation="tanh") == "half_squared_error"
    assert loss("no yes no", "half_squared_error") == "half_squared_error"
    assert loss("no yes no", "squared_error") == "squared_error"


@pytest.mark.parametrize("inputs", ["", "[inputs]\n", '[inputs]\ncount = "auto"\n'])
def test_the_columns_say_how_many_inputs_there_are(tmp_path: Path, inputs: str) -> None:
    (tmp_path / "t.csv").write_text("size,colour,y\n1,red,5\n2,green,6\n3,blue,7\n4,red,9\n")
    layers = """
[[layers]]
units = 3
activation = "relu"
bias = [1, 2, 3]
[[layers]]
units = 1
weights = [[1, 2, 3]]
bias = 4
[data]
file = "t.csv"
target = "y"
[training]
seed = 5
"""
    (tmp_path / "counted.toml").write_text("[inputs]\ncount = 4\n" + layers)
    (tmp_path / "auto.toml").write_text(inputs + layers)
    counted, auto = cp.load(tmp_path / "counted.toml"), cp.load(tmp_path / "auto.toml")
    assert auto == counted
    assert auto.network.input_names == ("size", "colour_blue", "colour_green", "colour_red")
    assert cp.load(tmp_path / "auto.toml", seed=6) == cp.load(tmp_path / "counted.toml", seed=6)
    cp.save(auto, tmp_path / "again.toml")
    assert cp.load(tmp_path / "again.toml").parameters == counted.parameters


@pytest.mark.filterwarnings("ignore:column .* is called")
def test_names_are_unique_among_inputs_units_and_parameters(tmp_path: Path) -> None:
    columns = ["w1", "y1", "b_y1", "setosa", "a b", "a-b", "a_b", "?", "!", "x" * 200, "x" * 199]
    content = ",".join(columns) + ",y\n" + ",".join(["1"] * 11) + ",a\n" + ",".join(["2"] * 11) + ",b\n"
    problem = table(tmp_path, content, 11, ["setosa", "other"])
    names = problem.network.input_names
    assert len(set(names)) == 11
    assert not {"w1", "setosa", "b_setosa"} & set(names)
    assert names[1:3] == ("y1", "b_y1")
    assert all(len(name) < 160 for name in names)
    path = tmp_path / "n.toml"
    cp.save(cp.Problem(problem.network, problem.parameters), path)
    assert cp.load(path).network.input_names == names


def test_a_column_that_is_a_name_is_called_so(tmp_path: Path) -> None:
    content = "x y,x-y,x_y,y\n" + "".join(f"{k},{k % 3},{k % 2},{'ab'[k % 2]}\n" for k in range(6))
    assert table(tmp_path, content, 3).network.input_names == ("x_y_2", "x_y_3", "x_y")


@pytest.mark.filterwarnings("ignore:column .* is called")
@given(st.lists(st.text("ab_ -é1w", max_size=4).map(str.strip).filter(bool), min_size=1, max_size=8, unique=True))
def test_any_names_become_names_of_inputs(tmp_path_factory: pytest.TempPathFactory, columns: list[str]) -> None:
    columns = [name for name in columns if name not in ("", "y", "1") and not name.strip("-").isdigit()] or ["p"]
    content = ",".join(columns) + ",y\n" + ",".join("1" for _ in columns) + ",a\n" + ",".join("2" for _ in columns)
    names = table(tmp_path_factory.mktemp("t"), content + ",b\n", len(columns)).network.input_names
    assert len(set(names)) == len(columns)
    assert all(name.replace("_", "").isalnum() or set(name) == {"_"} for name in names)
    assert names == tuple(unicodedata.normalize("NFC", name) for name in names)


@pytest.mark.parametrize("columns", [None, ("p", "q")])
def test_inputs_called_as_columns_are_taken_by_name(tmp_path: Path, columns: Any) -> None:
    problem = table(tmp_path, ROWS, ["q", "p"], columns=columns)
    assert problem.network.input_names == ("q", "p")
    assert of(problem).inputs.tolist() == [[2, 1], [4, 3], [6, 5]]


def test_inputs_called_otherwise_are_taken_by_position(tmp_path: Path) -> None:
    problem = table(tmp_path, ROWS, ["i1", "i2"])
    assert problem.network.input_names == ("i1", "i2")
    assert of(problem).inputs.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_chosen_columns_in_their_order(tmp_path: Path) -> None:
    problem = table(tmp_path, "a,b,c,y\n1,2,3,u\n4,5,6,v\n", columns=("c", "a"))
    assert problem.network.input_names == ("c", "a")
    assert of(problem).inputs.tolist() == [[3, 1], [6, 4]]


# --- rows -------------------------------------------------------------------------------------------------


def test_rows_keep_their_numbers_whichever_part_they_are_in(tmp_path: Path) -> None:
    content = "p,y\n" + "\n".join(f"{k},{'ab'[k % 2]}" for k in range(1, 21)) + "\n"
    examples = of(table(tmp_path, content, 1, split=0.3))
    assert examples.validation is not None
    assert len(examples.validation) == 6
    for number in range(1, 21):
        assert examples.only(number).inputs.tolist() == [[number]]
        assert examples.only(number).targets.tolist() == np.eye(2)[[number % 2]].tolist()


def test_a_dropped_row_is_refused_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    content = "p,y\n1,a\n\n2,b\n,a\n4,\n5,b\n"
    examples = of(table(tmp_path, content, 1, missing="drop"))
    assert examples.used.tolist() == [0, 1, 4]
    assert examples.only(5).inputs.tolist() == [[5]]
    with pytest.raises(InvalidArgument) as caught:
        examples.only(3)
    assert str(caught.value) == "example 3 was left out, since a value is missing in it; choose another"
    assert examples.without_target is not None
    assert examples.without_target.tolist() == [3]  # its input is whole: it has a forward pass
    assert examples.only(4).inputs.tolist() == [[4]]
    with pytest.raises(InvalidArgument, match=r"^example: expected 1 to 5, found 6$"):
        examples.only(6)


# --- other tables -----------------------------------------------------------------------------------------


def again(folder: Path, problem: cp.Problem, content: str, *, targets: bool = False) -> Any:
    """What another table makes for a problem that was fitted: inputs, or examples with its targets."""
    path = folder / "new.csv"
    path.write_text(content)
    assert problem.fitted is not None
    if targets:
        return of(with_rows(problem, lambda wanted: read_csv(path, wanted)))
    return inputs_of(problem.fitted, lambda wanted: read_csv(path, wanted)).tolist()


def refusal(folder: Path, problem: cp.Problem, content: str) -> str:
    """What is said of another table, the first line left out."""
    with pytest.raises(UnfitTable) as caught:
        again(folder, problem, content)
    return str(caught.value).split("\n  ", 1)[1]


def test_what_was_fitted_is_applied_to_other_tables(tmp_path: Path) -> None:
    problem = table(tmp_path, "p,q,y\n0,u,a\n4,v,b\n", 3, standardize=True, missing="mean")
    assert of(problem).inputs.tolist() == [[-1, 1, 0], [1, 0, 1]]
    assert again(tmp_path, problem, "extra,q,p\n?,v,6\nx,,\n") == [[2, 0, 1], [0, 1, 0]]
    examples = again(tmp_path, problem, "y,q,p\nb,u,2\n", targets=True)
    assert (examples.inputs.tolist(), examples.targets.tolist()) == ([[0, 1, 0]], [[0, 1]])


def test_numbers_of_a_fitted_column_of_text_stay_text(tmp_path: Path) -> None:
    problem = table(tmp_path, "p,q,y\n1,5,a\n02,6,b\n", 3, categorical=("p",))
    assert again(tmp_path, problem, "p,q\n1,7\n1,8\n") == [[0, 1, 7], [0, 1, 8]]


def test_other_tables_with_missing_rows(tmp_path: Path) -> None:
    problem = table(tmp_path, ROWS, missing="drop")
    with pytest.warns(TableNotice, match=r"1 of 3 rows have no target, the first is row 3; they have no error$"):
        examples = again(tmp_path, problem, "p,q,y\n1,,a\n3,4,b\n5,6,\n7,8,a\n", targets=True)
    assert examples.used.tolist() == [1, 3]
    assert examples.only(4).inputs.tolist() == [[7, 8]]


def test_other_tables_refused(tmp_path: Path) -> None:
    problem = table(tmp_path, "p,q,y\n0,u,a\n4,v,b\n", 3)
    unseen = 'column "q", row 2: expected one of u, v; found "w", which training never saw'
    assert refusal(tmp_path, problem, "p,q\n1,u\n2,w\n") == unseen
    empty = 'column "q", row 1: expected one of u, v; found no value'
    assert refusal(tmp_path, problem, "p,q\n1,\n2,w\n") == empty
    assert refusal(tmp_path, problem, "p,q\n1,\n2,\n") == empty
    assert refusal(tmp_path, problem, "p,q\n1,u\n,v\n") == 'column "p", row 2: expected a finite number, found no value'
    assert refusal(tmp_path, problem, "p\n1\n") == 'column "q": there is no such column; found p'
    both = refusal(tmp_path, problem, "p,q\n1e999,w\n")
    assert both.split("\n  ") == [
        'column "p", row 1: expected a finite number, found infinity',
        'column "q", row 1: expected one of u, v; found "w", which training never saw',
    ]


def test_numbers_too_far_from_those_of_training(tmp_path: Path) -> None:
    problem = table(tmp_path, "p,q,y\n0,1,a\n0.1,2,b\n", standardize=True)
    assert refusal(tmp_path, problem, "p,q\n1.7e308,1\n").startswith('column "p", row 1: expected a number like those')


# --- the commands -----------------------------------------------------------------------------------------


def test_commands(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("p,y\n" + "".join(f"{k},{'ab'[k % 2]}\n" for k in range(10)) + ",a\n")
    (tmp_path / "net.toml").write_text(
        '[inputs]\ncount = 1\n[[layers]]\nunits = 2\nactivation = "softmax"\n'
        '[data]\nfile = "t.csv"\ntarget = "y"\nmissing = "drop"\n[training]\nepochs = 1\n'
    )
    trained = command("train", "net.toml", "--output", "m.model", "--quiet", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    left_out = command("explain", "net.toml", "--example", "11", cwd=tmp_path)
    assert (left_out.returncode, left_out.stdout) == (2, "")
    assert "example 11 was left out, since a value is missing in it; choose another" in left_out.stderr
    (tmp_path / "new.csv").write_text("p\n1\n\n2\nNA\n")
    unfit = command("predict", "m.model", "--data", "new.csv", "--quiet", cwd=tmp_path)
    assert (unfit.returncode, unfit.stdout) == (1, "")
    assert 'column "p", row 3: expected a finite number, found no value' in unfit.stderr


@pytest.mark.parametrize("name", ["z_{}", "a_{}", "b_{}", "∂L/∂z_{}", "dL_1/dz_{}", "b_{}⁺"])
def test_outputs_named_by_classes_are_found_by_their_default_names_too(name: str, tmp_path: Path) -> None:
    names = table(tmp_path, ROWS).names
    assert names.find(name.format("y2")) == names.find(name.format("b"))
    with pytest.raises(UnknownName):
        names.find(name.format("y3"))


def test_an_exact_name_wins_over_a_default_one(tmp_path: Path) -> None:
    names = table(tmp_path, "p,q,y\n1,2,y2\n3,4,y1\n5,6,y2\n").names
    assert names.network.unit_names[-1] == ("y1", "y2")
    assert names.find("z_y1") == Sum(0, 0)


def test_a_class_that_clashes_with_a_name_in_the_file_names_no_output(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(ROWS)
    layer = cp.Dense(2, "softmax", weight_names=[["b_a", "w2"], ["w3", "w4"]])
    made = prepared(
        cp.Problem(cp.Network(2, [layer])), cp.Data("t.csv", ("y",), split=0.0), lambda wanted: read_csv(path, wanted)
    )
    assert made.network.unit_names[-1] == ("y1", "y2")
    assert made.names.find("b_a") == Parameter(0)
