"""Rows pasted into the page of a model that was trained on a table are prepared as ``predict`` prepares them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.explorer.conftest import Visit
from tests.explorer.node import Node
from tests.explorer.steps import press, state
from tests.field.conftest import case  # noqa: F401  # a fixture

import clearprop as cp
from clearprop.tables.table import TableNotice

Case = Callable[[str], Path]
ROWS = "size,colour,price,k,rent\n1.5,red,10,1,yes\n2,blue,20,2,no\n3.25,red,30,3,yes\n4,true,40,1,no\n"


@pytest.fixture
def model(case: Case) -> cp.Problem:  # noqa: F811
    """The model of the case, with its rows."""
    case("page-rows-of-a-table")
    cp.train(cp.load("iris"), output="iris.safetensors")
    return cp.load("iris.safetensors", data="rows.csv")


def pasted(node: Node, problem: cp.Problem, text: str) -> Any:
    """The inputs, targets, weights and what is noted of pasted rows, or why they are refused."""
    return node.on_page(
        problem,
        f"""(store) => {{
            try {{
                const rows = clearprop.rowsFrom({json.dumps(text)}, store.network);
                return [[...rows.inputs], [...rows.targets], rows.weights, rows.note ?? ""];
            }} catch (error) {{ return error.message }}
        }}""",
    )


def test_pasted_rows_are_standardized(node: Node, model: cp.Problem) -> None:
    text = Path("rows.csv").read_text()
    inputs, targets, weights, note = pasted(node, model, text)
    assert [round(value, 5) for value in inputs[:4]] == [-0.89201, 1.12457, -1.34686, -1.33364]
    assert model.examples is not None
    assert inputs == model.examples.inputs.ravel().tolist()
    assert targets == np.eye(3).ravel().tolist()
    assert (weights, note) == (None, "")
    without_header = text.split("\n", 1)[1]
    assert pasted(node, model, without_header)[0] == inputs
    turned = "\n".join(",".join(line.split(",")[::-1]) for line in text.splitlines())
    assert pasted(node, model, turned)[:2] == [inputs, targets]


def test_the_page_says_what_predict_says(model: cp.Problem, visit: Visit) -> None:
    page = visit.open(model)
    page.locator("summary", has_text="Your own data").click()
    page.locator("textarea").fill(Path("rows.csv").read_text())
    press(page, "Use these rows")
    assert state(page, "setup.isOwn")
    found = np.array(json.loads(page.evaluate("JSON.stringify([...clearprop.app.store.current.trace.outputs[1]])")))
    assert np.abs(found.reshape(3, 3) - cp.predict(model, "rows.csv")).max() < 1e-12
    assert found.reshape(3, 3).diagonal().round(5).tolist() == [0.99994, 0.97937, 0.99999]
    page.locator("summary", has_text="All numbers as tables").click()
    assert "5.1" in page.locator("table", has_text="in the table").first.inner_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sepal_length,petal_length\n1,2\n", 'there is no column "sepal_width"; found sepal_length, petal_length'),
        ("5.1,3.5,1.4,0.2\n", 'these rows lack the target, "species"; the page shows errors and gradients'),
        ("5.1,3.5,1.4,0.2,tulip\n", 'row 1, column "species": expected one of setosa, versicolor, virginica; found'),
        ("5.1,3.5,,0.2,setosa\n", 'row 1, column "petal_length": there is no value'),
        ("5.1,3.5,x,0.2,setosa\n", 'row 1, column "petal_length": "x" is not a number'),
        ("5.1,3.5,0.2\n", "expected 5 columns (sepal_length, sepal_width, petal_length, petal_width, species); found"),
    ],
)  # fmt: skip
def test_rows_that_do_not_fit_are_refused(node: Node, text: str, said: str) -> None:
    found = pasted(node, cp.load("iris"), text)
    assert isinstance(found, str)
    assert said in found


def made(folder: Path, units: str, data: str) -> cp.Problem:
    """A network file with a table of words and numbers."""
    (folder / "t.csv").write_text(ROWS)
    (folder / "n.toml").write_text(f'[inputs]\ncount = "auto"\n[[layers]]\n{units}\n[data]\nfile = "t.csv"\n{data}\n')
    return cp.load(folder / "n.toml")


@pytest.mark.parametrize(
    ("units", "data"),
    [
        ("units = 1", 'target = "price"\nexclude = ["k", "rent"]\nstandardize = true\nsplit = 0'),
        ("units = 2", 'target = ["k", "price"]\nexclude = "rent"\nsplit = 0\nstandardize_target = false'),
        (
            'units = ["no"]\nactivation = "logistic"',
            'target = "rent"\nclass_weights = {yes = 3}\nweight_column = "k"\nsplit = 0',
        ),
        (
            'units = ["yes", "no"]\nactivation = "softmax"',
            'target = "rent"\nmissing = "mean"\nstandardize = true\nsplit = 0',
        ),
    ],
)
def test_pasted_rows_are_those_of_the_file(node: Node, tmp_path: Path, units: str, data: str) -> None:
    problem = made(tmp_path, units, data)
    examples = problem.examples
    assert examples is not None
    found = pasted(node, problem, ROWS)
    assert isinstance(found, list), found
    inputs, targets, weights, note = found
    assert inputs == examples.inputs.ravel().tolist()
    assert targets == examples.targets.ravel().tolist()
    assert weights == (None if examples.weights is None else examples.weights.tolist())
    assert note == ""


def test_rows_without_a_header_are_in_the_order_of_the_table(node: Node, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("p,q,y\n1,2,3\n4,5,6\n")
    network = '[inputs]\nnames = ["q", "p"]\n[[layers]]\nunits = 1\n[data]\nfile = "t.csv"\ntarget = "y"\nsplit = 0\n'
    (tmp_path / "n.toml").write_text(network)
    problem = cp.load(tmp_path / "n.toml")
    assert problem.examples is not None
    for text in ("1,2,3\n4,5,6\n", "y,q,p\n3,2,1\n6,5,4\n"):
        assert pasted(node, problem, text)[0] == problem.examples.inputs.ravel().tolist() == [2, 1, 5, 4]


def test_missing_values_are_filled_as_the_model_says(node: Node, tmp_path: Path) -> None:
    problem = made(tmp_path, "units = 1", 'target = "price"\nexclude = ["k", "rent"]\nmissing = "mean"\nsplit = 0')
    (tmp_path / "new.csv").write_text("price,colour,size\n10,,\n10,red,n/a\n")
    fit = cp.train(problem, epochs=0, output=tmp_path / "m.safetensors")
    expected = cp.load(tmp_path / "m.safetensors", data=tmp_path / "new.csv").examples
    assert expected is not None
    found = pasted(node, fit.problem, (tmp_path / "new.csv").read_text())
    assert found[0] == expected.inputs.ravel().tolist()


def test_what_the_rows_lack_is_said(node: Node, tmp_path: Path) -> None:
    problem = made(tmp_path, "units = 1", 'target = "price"\nexclude = "rent"\nweight_column = "k"\nsplit = 0')
    found = pasted(node, problem, "size,colour,price\n1,red,3\n")
    assert found[2:] == [None, "weights: left out (no column k)"]


def test_names_of_a_network_without_a_table_count_too(node: Node) -> None:
    assert pasted(node, cp.load("lecture"), "o2,i2,o1,i1\n4,2,3,1\n")[:2] == [[1, 2], [3, 4]]
    assert pasted(node, cp.load("lecture"), "kind,i2,i1\nleft,2,1\nright,4,3\n")[:2] == [[1, 2, 3, 4], [1, 0, 0, 1]]
    assert pasted(node, cp.load("lecture"), "i1,j2,o1,o2\n1,2,3,4\n") == 'there is no column "i2"; found i1, j2, o1, o2'


def test_classes_of_which_only_some_are_outputs_are_refused(node: Node) -> None:
    found = pasted(node, cp.load("lecture"), "1,2,o1\n3,4,o3\n")
    assert found == 'no output is called "o3" as other classes are; found o1, o2'
    assert pasted(node, cp.load("xor"), "1,2,either\n3,4,neither\n")[1] == [1, 0]


def test_pasted_numbers_in_another_currency_are_refused(node: Node, tmp_path: Path) -> None:
    rows = "\n".join(f"${k},{k % 5},${3 * k + k % 4}" for k in range(1, 40))
    (tmp_path / "t.csv").write_text(f"size,age,price\n{rows}\n")
    with pytest.warns(TableNotice, match="read as numbers"):
        problem = cp.load(str(tmp_path / "t.csv"), target="price")
    page = "size,age,price\n{},1,{}\n"
    assert len(pasted(node, problem, page.format("$3", "$9"))) == 4
    assert len(pasted(node, problem, page.format("3", "9"))) == 4
    euros = "found numbers in €, but those of training were in $"
    assert pasted(node, problem, page.format("€3", "$9")) == f'column "size": {euros}'
    assert pasted(node, problem, page.format("3", "9 €")) == f'column "price": {euros}'
    percent = pasted(node, problem, "size,age,price\n3,1%,9\n")
    assert percent == 'column "age": found numbers in %, but those of training were without a sign'
