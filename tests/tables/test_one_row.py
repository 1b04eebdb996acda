"""An example as the cells of a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument, RequestError, UnknownName
from clearprop.tables.one_row import with_one_row
from clearprop.tables.table import TableNotice

ROWS = "size,colour,n,price\n1.5,red,1,10\n2,blue,2,20\n3,red,1,30\n4,green,2,40\n"
NETWORK = """
[inputs]
count = 4
[[layers]]
units = 1
[data]
file = "t.csv"
target = "price"
standardize = true
split = 0
weight_column = "n"
"""


def example(problem: cp.Problem) -> tuple[list[float], list[float]]:
    """The inputs and targets of the only example."""
    assert problem.examples is not None
    assert len(problem.examples) == 1
    return problem.examples.inputs[0].tolist(), problem.examples.targets[0].tolist()


@pytest.fixture
def prices(tmp_path: Path) -> cp.Problem:
    """A network file with its table."""
    (tmp_path / "t.csv").write_text(ROWS)
    (tmp_path / "n.toml").write_text(NETWORK)
    return cp.load(tmp_path / "n.toml")


def test_numbers_are_those_of_the_network() -> None:
    lecture = cp.load("lecture")
    given = with_one_row(lecture, "0.1,0.5", "0.05,0.95")
    assert given == lecture
    assert cp.cycle(given).gradients["w5"] == cp.cycle(lecture).gradients["w5"]
    assert example(with_one_row(lecture, "-1e-3, -2", "0,1"))[0] == [-0.001, -2]
    assert cp.cycle(with_one_row(lecture, "0.1,0.5", None)).learning is None


def test_cells_are_those_of_the_table(prices: cp.Problem) -> None:
    table = prices.examples
    assert table is not None
    for cells, target in (("3,red", "30"), ('"3",  "red"', '"30"'), ("3;red", "30")):
        inputs, targets = example(with_one_row(prices, cells, target))
        assert inputs == table.inputs[2].tolist()
        assert targets == table.targets[2].tolist()
    with pytest.warns(TableNotice, match=r'size \("3,0" as 3\)'):
        assert example(with_one_row(prices, '"3,0";red', "30"))[0] == table.inputs[2].tolist()
    assert with_one_row(prices, "3,red", "30").examples.unweighted == "no column n"  # type: ignore[union-attr]
    assert np.isnan(example(with_one_row(prices, "3,red", None))[1]).all()


def test_a_comma_within_a_cell_is_a_decimal_one_where_others_separate_cells(prices: cp.Problem) -> None:
    """Both ways there are two cells."""
    with pytest.warns(TableNotice, match='"1,5" as 1.5'):
        assert example(with_one_row(prices, "1,5;red", "10")) == example(with_one_row(prices, "1.5,red", "10"))


def test_cells_are_in_the_order_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(ROWS)
    names = 'names = ["colour_red", "colour_blue", "colour_green", "size"]'
    (tmp_path / "n.toml").write_text(NETWORK.replace("count = 4", names))
    fit = cp.train(cp.load(tmp_path / "n.toml"), epochs=0, output=tmp_path / "m.safetensors")
    table = fit.problem.examples
    assert table is not None
    for problem in (fit.problem, cp.load(tmp_path / "m.safetensors")):
        assert problem.network.input_names[0] == "colour_red"
        assert example(with_one_row(problem, "3,red", "30"))[0] == table.inputs[2].tolist()


def test_classes_are_given_by_name() -> None:
    iris = cp.load("iris")
    assert example(with_one_row(iris, "5.1,3.5,1.4,0.2", "setosa"))[1] == [1, 0, 0]
    with pytest.raises(UnknownName, match='--targets: unknown class "tulip"; known: setosa, versicolor, virginica'):
        with_one_row(iris, "5.1,3.5,1.4,0.2", "tulip")
    network = cp.Network(1, [cp.Dense(["no", "yes"], "softmax")])
    assert example(with_one_row(cp.Problem(network), "2", "yes"))[1] == [0, 1]
    assert example(with_one_row(cp.Problem(network), "2", "0.25,0.75"))[1] == [0.25, 0.75]
    with pytest.raises(UnknownName, match="known: no, yes"):
        with_one_row(cp.Problem(network), "2", "maybe")
    fit = cp.train(cp.Network(1, [cp.Dense(2, "softmax")]), [[1.0], [2.0]], [3.0, 7.0], epochs=0)
    assert example(with_one_row(fit.problem, "2", "7"))[1] == [0, 1]


@pytest.mark.parametrize(
    ("inputs", "targets", "said"),
    [
        ("3", "30", r"--inputs: expected 2 cells \(size, colour\), found 1"),
        ("3,red,4", "30", r"--inputs: expected 2 cells \(size, colour\), found 3"),
        ("3,red", "30,1", r"--targets: expected 1 cell \(price\), found 2"),
        ("x,red", "30", 'column "size", row 1: expected a number, found "x"'),
        ("3,pink", "30", 'column "colour", row 1: expected one of blue, green, red; found "pink"'),
        ('"3,red', "30", "unexpected end of data"),
        ("", "30", r"expected 2 cells \(size, colour\), found|expected cells, found nothing"),
    ],
)
def test_cells_that_do_not_fit_are_refused(prices: cp.Problem, inputs: str, targets: str, said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        with_one_row(prices, inputs, targets)
    assert isinstance(caught.value, InvalidArgument)
