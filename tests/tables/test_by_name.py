"""Names of inputs and outputs that are those of columns and classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clearprop as cp
from clearprop.errors import UnfitTable
from clearprop.tables.csv_file import read_csv
from clearprop.tables.prepare import prepared

ROWS = "size,colour of it,price,rent\n1,red,10,5\n2,blue,20,6\n3,red,30,7\n4,green,40,8\n"


def table(
    folder: Path, inputs: Any, units: Any, target: tuple[str, ...] = ("price", "rent"), **asked: Any
) -> cp.Problem:
    """A problem with the rows above."""
    path = folder / "t.csv"
    path.write_text(ROWS)
    problem = cp.Problem(cp.Network(inputs, [cp.Dense(units)]))
    data = cp.Data("t.csv", target, split=0.0, standardize_target=False, **asked)
    return prepared(problem, data, lambda wanted: read_csv(path, wanted))


def refusal(folder: Path, inputs: Any, units: Any) -> list[str]:
    """What is said of names that do not fit."""
    with pytest.raises(UnfitTable) as caught:
        table(folder, inputs, units)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def examples(problem: cp.Problem) -> cp.Examples:
    """Its examples."""
    assert problem.examples is not None
    return problem.examples


def test_targets_are_taken_by_the_names_of_the_outputs(tmp_path: Path) -> None:
    problem = table(tmp_path, 4, ["rent", "price"])
    assert examples(problem).targets.tolist() == [[5, 10], [6, 20], [7, 30], [8, 40]]
    assert problem.fitted is not None
    assert problem.fitted.targets == ("rent", "price")
    assert examples(table(tmp_path, 4, ["a", "b"])).targets[0].tolist() == [10, 5]
    assert examples(table(tmp_path, 4, 2)).targets[0].tolist() == [10, 5]


def test_standardized_targets_go_with_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(ROWS)
    problem = cp.Problem(cp.Network(4, [cp.Dense(["rent", "price"])]))
    fitted = prepared(problem, cp.Data("t", ("price", "rent"), split=0), lambda wanted: read_csv(path, wanted)).fitted
    assert fitted is not None
    assert [each.mean for each in fitted.standardized] == [6.5, 25]


def test_categories_are_taken_by_the_names_of_the_inputs(tmp_path: Path) -> None:
    names = ["Colour_of_it_red", "colour_of_it_green", "colour_of_it_blue", "size"]
    problem = table(tmp_path, names, 2)
    assert examples(problem).inputs.tolist() == [[1, 0, 0, 1], [0, 0, 1, 2], [1, 0, 0, 3], [0, 1, 0, 4]]
    assert problem.network.input_names == tuple(names)


def test_names_of_which_only_some_are_known_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, ["size", "colour_of_it_red", "colour_of_it_bleu", "colour_of_it_green"], 2) == [
        'inputs.names: unknown column "colour_of_it_bleu"; did you mean "colour of it=blue"? other inputs have the '
        "names of columns: give each input such a name, or none"
    ]
    assert refusal(tmp_path, 4, ["rent", "cost"]) == [
        'layers[1].units: unknown target column "cost"; known: price; other outputs have the names of target columns: '
        "give each output such a name, or none"
    ]
    assert refusal(tmp_path, ["colour_of_it_red", "size", "colour_of_it_blue", "colour_of_it_green"], 2) == [
        'column "colour of it": its categories are not side by side in inputs.names; list them together'
    ]


def test_one_output_stands_for_the_class_that_it_is_called_as() -> None:
    rows, kinds = pd.DataFrame({"p": [1.0, 2, 3, 4]}), ["yes", "no", "no", "yes"]
    for unit, targets in (("yes", [1, 0, 0, 1]), ("no", [0, 1, 1, 0]), ("No", [0, 1, 1, 0]), ("other", [1, 0, 0, 1])):
        network = cp.Network(1, [cp.Dense([unit], "logistic")])
        fit = cp.train(network, rows, kinds, epochs=1)
        assert examples(fit.problem).targets.ravel().tolist() == targets
        assert cp.Examples.of(rows.to_numpy(), np.array(targets)[:, None]) == examples(fit.problem)


def test_outputs_may_be_called_as_classes_are_in_ascii() -> None:
    network = cp.Network(1, [cp.Dense(["Sao_Paulo", "koln"], "softmax")])
    fit = cp.train(network, [[1.0], [2.0]], ["Köln", "São Paulo"], epochs=1)
    assert examples(fit.problem).targets.tolist() == [[0, 1], [1, 0]]


def test_classes_that_are_numbers_go_by_name_too() -> None:
    network = cp.Network(1, [cp.Dense(["2", "0", "1"], "softmax")])
    fit = cp.train(network, [[1.0], [2.0], [3.0]], [0.0, 1.0, 2.0], epochs=1)
    assert examples(fit.problem).targets.tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_columns_without_names_of_their_own_go_by_position() -> None:
    network = cp.Network(["x2", "x1"], [cp.Dense(["y2", "y1"])])
    inputs, targets = np.array([[1.0, 2], [3, 5]]), np.array([[3.0, 4], [6, 8]])
    fit = cp.train(network, inputs, targets, epochs=1, standardize=True)
    assert fit.problem.fitted is not None
    assert [each.name for each in fit.problem.fitted.columns] == ["x1", "x2"]
    assert fit.problem.fitted.targets == ("y1", "y2")


def test_a_frame_of_targets_goes_by_name(tmp_path: Path) -> None:
    network = cp.Network(1, [cp.Dense(["rent", "price"])])
    inputs, targets = np.array([[1.0], [2]]), pd.DataFrame({"price": [10.0, 20], "rent": [5.0, 6]})
    assert examples(cp.train(network, inputs, targets, epochs=1).problem).targets.tolist() == [[5, 10], [6, 20]]
    for table in (inputs, pd.DataFrame({"size": [1.0, 2]})):
        fit = cp.train(network, table, targets, epochs=1, standardize=True)
        assert fit.problem.fitted is not None
        assert fit.problem.fitted.targets == ("rent", "price")
    dummies = pd.get_dummies(pd.Series(["a", "c", "b"]))
    fit = cp.train(cp.Network(1, [cp.Dense(["c", "b", "a"], "softmax")]), [[1.0], [2], [3]], dummies, epochs=1)
    assert examples(fit.problem).targets.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    with pytest.raises(UnfitTable, match='unknown target "cost"; known: price'):
        cp.train(cp.Network(1, [cp.Dense(["rent", "cost"])]), inputs, targets)
    flowers = cp.Network(1, [cp.Dense(["b", "a"], "softmax")])
    fit = cp.train(flowers, inputs, pd.DataFrame({"kind": ["a", "b"]}), epochs=1)
    assert examples(fit.problem).targets.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("units", "classes", "first"),
    [
        (["1", "0"], "True False True", [1, 0]),
        (["yes", "no"], "True False True", [1, 0]),
        (["no", "yes"], "TRUE FALSE TRUE", [0, 1]),
        (["True", "False"], "1 0 1", [1, 0]),
        (["on", "off"], "yes no yes", [1, 0]),
        (["yes"], "True False True", [1]),
        (["no"], "True False True", [0]),
        (["y"], "True False True", [1]),
        (["a", "b"], "True False True", [0, 1]),
    ],
)
def test_outputs_called_as_truth_values_are_those(
    tmp_path: Path, units: list[str], classes: str, first: list[float]
) -> None:
    """What is true in the first row is true in the output of that name, however either writes it."""
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{k},{each}\n" for k, each in enumerate(classes.split())))
    last = cp.Dense(units, "softmax" if len(units) > 1 else "logistic")
    problem = cp.Problem(cp.Network(1, [last], None))
    found = prepared(problem, cp.Data("t.csv", ("y",), split=0.0), lambda wanted: read_csv(path, wanted))
    assert examples(found).targets[0].tolist() == first
