"""Rows given from Python: by name, with what was fitted applied, and the same numbers as from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.tables.one_row import with_one_row

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

IRIS = cp.load("iris")
FRAME = pd.read_csv(Path(cp.__file__).parent / "examples" / "iris.csv")
CELLS = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
MIXED = pd.DataFrame(
    {"colour": list("rgb" * 10), "size": np.linspace(0, 1, 30), "ok": [k % 2 == 0 for k in range(30)], "y": range(30)}
)


def inputs(problem: cp.Problem) -> list[list[float]]:
    assert problem.examples is not None
    return [list(map(float, row)) for row in problem.examples.inputs]


def targets(problem: cp.Problem) -> list[list[float]]:
    assert problem.examples is not None
    return [list(map(float, row)) for row in problem.examples.targets]


@pytest.fixture(scope="module")
def mixed() -> cp.Problem:
    network = cp.Network("auto", [cp.Dense(3, "tanh"), cp.Dense(1)])
    return cp.train(network, MIXED, "y", standardize=True, epochs=1).problem


@pytest.mark.parametrize(
    "row",
    [
        CELLS,
        dict(reversed(CELLS.items())),
        pd.Series(CELLS),
        pd.DataFrame([CELLS]),
        pd.DataFrame([CELLS])[["petal_width", "petal_length", "sepal_width", "sepal_length"]],
        pl.DataFrame([CELLS]),
        pl.DataFrame([CELLS]).row(0, named=True),
        {**CELLS, "more": "text"},
        [[5.1, 3.5, 1.4, 0.2]],
        np.array([5.1, 3.5, 1.4, 0.2]),
        {name: str(value) for name, value in CELLS.items()},
    ],
)
def test_a_row_is_the_one_of_the_command_line(row: Any) -> None:
    expected = with_one_row(IRIS, "5.1,3.5,1.4,0.2", "setosa")
    found = IRIS.with_examples(row, "setosa")
    assert inputs(found) == inputs(expected)
    assert targets(found) == targets(expected) == [[1, 0, 0]]
    assert cp.cycle(found).gradients["w1"] == cp.cycle(expected).gradients["w1"]
    assert cp.cycle(IRIS.with_examples(row)).learning is None
    assert str(cp.explain(cp.cycle(found), "z_setosa")) == str(cp.explain(cp.cycle(expected), "z_setosa"))


def test_rows_of_the_table_are_those_of_the_training() -> None:
    assert IRIS.examples is not None
    found = IRIS.with_examples(FRAME)
    assert inputs(found) == IRIS.examples.inputs.tolist()
    assert targets(found) == IRIS.examples.targets.tolist()
    (seventh,) = inputs(IRIS.with_examples(FRAME.iloc[6]))
    assert seventh == IRIS.examples.inputs[6].tolist()
    assert inputs(IRIS.with_examples(FRAME.drop(columns="species"), FRAME["species"])) == inputs(found)


def test_words_truth_values_and_missing_ones(mixed: cp.Problem) -> None:
    assert mixed.examples is not None
    for place in (0, 7):
        found = mixed.with_examples(MIXED.iloc[place])
        assert inputs(found) == [mixed.examples.inputs[place].tolist()]
        assert targets(found) == [mixed.examples.targets[place].tolist()]
    row = {"colour": "g", "size": 1, "ok": "TRUE"}
    assert inputs(mixed.with_examples(row))[0][:3] == [0, 1, 0]
    assert np.isnan(targets(mixed.with_examples({**row, "y": None}))).all()
    assert np.isnan(targets(mixed.with_examples({**row, "y": pd.NA}))).all()


def test_a_network_that_learnt_from_no_table() -> None:
    lecture = cp.load("lecture")
    for row in ([0.1, 0.5], {"i2": 0.5, "i1": 0.1}, pd.DataFrame({"i2": [0.5], "i1": [0.1]})):
        found = lecture.with_examples(row, [0.05, 0.95])
        assert cp.cycle(found).error == cp.cycle(lecture).error
        assert targets(lecture.with_examples(row, {"o2": 0.95, "o1": 0.05})) == [[0.05, 0.95]]
    both = pd.DataFrame({"o2": [0.95], "i2": [0.5], "o1": [0.05], "i1": [0.1]})
    assert cp.cycle(lecture.with_examples(both)).error == cp.cycle(lecture).error
    network = cp.Problem(cp.Network(1, [cp.Dense(["no", "yes"], "softmax")]))
    assert targets(network.with_examples([[1.0], [2.0]], ["yes", "no"])) == [[0, 1], [1, 0]]
    assert cp.train(lecture.with_examples([[0.1, 0.5]] * 40, [[0.05, 0.95]] * 40), epochs=1).steps == 2


@pytest.mark.parametrize(
    ("rows", "to_learn", "said"),
    [
        ({"sepal_length": 5.1}, None, 'column "sepal_width": there is no such column; found sepal_length'),
        ({**CELLS, "sepal_width": "wide"}, None, 'column "sepal_width", row 1: expected a number, found "wide"'),
        ({**CELLS, "sepal_width": None}, None, 'column "sepal_width", row 1: expected a finite number, found no value'),
        ([[1.0, 2.0]], None, "inputs: expected rows of 4 numbers, found shape"),
        (CELLS, "tulip", 'expected one of setosa, versicolor, virginica; found "tulip"'),
        ({**CELLS, "species": "setosa"}, "setosa", 'targets: "species" is a column of the rows already'),
        ([[5.1, 3.5, 1.4, 0.2]], ["setosa", "setosa"], "found 1 rows of inputs and 2 rows of targets"),
        (CELLS, ["setosa", "setosa"], 'column "species": 1 row of inputs, but 2 of targets'),
        ("iris.csv", None, "inputs: expected rows of 4 numbers"),
    ],
)
def test_rows_that_do_not_fit_are_refused(rows: Any, to_learn: Any, said: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        IRIS.with_examples(rows, to_learn)
    assert said in str(caught.value)


def test_predict_takes_a_row_by_name(mixed: cp.Problem) -> None:
    whole = cp.predict(mixed, MIXED)
    assert cp.predict(mixed, MIXED.iloc[3]).tolist() == whole[3:4].tolist()
    assert cp.predict(mixed, MIXED.iloc[3].to_dict()).tolist() == whole[3:4].tolist()


def test_the_columns_of_a_frame_are_never_taken_by_place() -> None:
    with pytest.raises(InvalidArgument, match=r"inputs: expected rows of numbers.*found a data frame, whose columns"):
        cp.Examples.of(FRAME[["petal_width", "petal_length"]], [[1.0]] * 150)
    with pytest.raises(InvalidArgument, match="found a data frame"):
        cp.Examples.of(pl.DataFrame({"a": [1.0]}), [[1.0]])
