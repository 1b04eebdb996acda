"""What is fitted on the training rows: split, means, scales, categories, fillings; and what is refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import ClearpropError, UnfitTable
from clearprop.network.data import Column
from clearprop.tables.csv_file import read_csv
from clearprop.tables.prepare import prepared
from clearprop.tables.split import split
from clearprop.tables.table import TableNotice


def table(folder: Path, content: str, width: int = 2, outputs: int = 2, seed: int = 0, **asked: Any) -> cp.Problem:
    """A problem with a table of that content; one output is a number, several are classes."""
    path = folder / "t.csv"
    path.write_text(content)
    network = cp.Network(width, [cp.Dense(outputs, "softmax" if outputs > 1 else "identity")])
    data = cp.Data(**{"file": "t.csv", "target": ("y",), **asked})
    problem = cp.Problem(network, settings=cp.Settings(seed=seed))
    return prepared(problem, data, lambda wanted: read_csv(path, wanted))


def refusal(folder: Path, content: str, **asked: Any) -> str:
    """What is said of a table of that content, the path left out."""
    with pytest.raises(UnfitTable) as caught:
        table(folder, content, **asked)
    return str(caught.value).replace(f"{folder}/", "")


# --- means and scales -------------------------------------------------------------------------------------

NUMBERS = "p,q,y\n" + "".join(f"{(k * 7) % 11},{k * 0.5 - 3},{k % 2}\n" for k in range(20))


def test_means_and_scales_are_those_of_the_training_rows(tmp_path: Path) -> None:
    problem = table(tmp_path, NUMBERS, standardize=True, split=0.3)
    raw = np.loadtxt(NUMBERS.splitlines(), delimiter=",", skiprows=1)
    examples = problem.examples
    assert examples is not None
    assert examples.training is not None
    learnt = raw[examples.training, :2]
    assert problem.fitted is not None
    assert [each.mean for each in problem.fitted.columns] == pytest.approx(learnt.mean(axis=0).tolist())
    assert [each.scale for each in problem.fitted.columns] == pytest.approx(learnt.std(axis=0).tolist())
    assert np.allclose(examples.inputs, (raw[:, :2] - learnt.mean(axis=0)) / learnt.std(axis=0))
    assert np.array_equal(examples.targets, np.eye(2)[raw[:, 2].astype(int)])


def test_numbers_too_small_to_standardize_are_refused_not_taken_for_a_constant(tmp_path: Path) -> None:
    said = refusal(
        tmp_path, "p,q,y\n" + "".join(f"{k}e-300,{k},{k % 2}\n" for k in range(1, 9)), standardize=True, split=0
    )
    assert 'column "p": numbers as small as 8e-300 are too small to standardize; multiply them first' in said


def test_standardized_as_scikit_learn_does(tmp_path: Path) -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing", reason="scikit-learn is what is compared with")
    problem = table(tmp_path, NUMBERS, standardize=True, split=0)
    raw = np.loadtxt(NUMBERS.splitlines(), delimiter=",", skiprows=1)[:, :2]
    assert problem.examples is not None
    assert np.allclose(problem.examples.inputs, preprocessing.StandardScaler().fit_transform(raw))


def test_categories_as_scikit_learn_encodes_them(tmp_path: Path) -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing", reason="scikit-learn is what is compared with")
    cells = [["pear"], ["Apple"], ["fig"], ["apple"], ["pear"], ["date"], ["fig"], ["Ünal"]]
    content = "p,y\n" + "".join(f"{cell},{k % 2}\n" for k, (cell,) in enumerate(cells))
    problem = table(tmp_path, content, 6, split=0)
    assert problem.examples is not None
    expected = preprocessing.OneHotEncoder(sparse_output=False).fit_transform(np.array(cells))
    assert np.array_equal(problem.examples.inputs, expected)


def test_a_changed_validation_row_changes_nothing_fitted(tmp_path: Path) -> None:
    content = "p,q,y\n" + "".join(f"{k},{'ab'[k % 2]},{k % 2}\n" for k in range(20))
    asked: dict[str, Any] = {"standardize": True, "missing": "mean"}
    before = table(tmp_path, content, 3, **asked)
    assert before.examples is not None
    assert before.examples.validation is not None
    lines = content.splitlines()
    for row in before.examples.validation.tolist():
        cells = lines[row + 1].split(",")
        lines[row + 1] = f"{1000 + row},{cells[1]},{cells[2]}"
    after = table(tmp_path, "\n".join(lines) + "\n", 3, **asked)
    assert after.fitted == before.fitted
    assert after.examples is not None
    learnt = before.examples.learnt
    assert np.array_equal(after.examples.learnt, learnt)
    assert np.array_equal(after.examples.inputs[learnt], before.examples.inputs[learnt])


def test_empty_cells_take_the_mean_and_the_most_frequent(tmp_path: Path) -> None:
    content = "p,q,y\n1,a,0\n,b,1\n6,b,0\n2,,1\n"
    problem = table(tmp_path, content, 3, split=0, missing="mean")
    assert problem.examples is not None
    assert problem.examples.inputs.tolist() == [[1, 1, 0], [3, 0, 1], [6, 0, 1], [2, 0, 1]]
    assert problem.fitted is not None
    assert problem.fitted.columns == (Column("p", fill=3.0), Column("q", ("a", "b"), fill="b"))


def test_categories_that_only_validation_rows_have_are_learnt_from(tmp_path: Path) -> None:
    content = "p,y\n" + "".join(f"c{k % 10},{k % 2}\n" for k in range(14))
    for seed in range(10):
        problem = table(tmp_path, content, 10, seed=seed, split=0.5)
        examples = problem.examples
        assert examples is not None
        assert examples.inputs[examples.learnt].any(axis=0).all()
        assert examples.used.tolist() == list(range(14))


def test_rows_without_a_target_are_left_out_where_only_inputs_have_a_mean(tmp_path: Path) -> None:
    said = r'rows without a value are left out: column "y" \(1 of 4 rows has no value, the first is row 1\)$'
    with pytest.warns(TableNotice, match=said):
        problem = table(tmp_path, "p,q,y\n1,2,\n3,,1\n5,6,0\n7,8,1\n", split=0, missing="mean")
    assert problem.examples is not None
    assert problem.examples.learnt.tolist() == [1, 2, 3]
    assert problem.examples.inputs[1].tolist() == [3, 7]  # the mean of the rows that are learnt from


def test_categorical_numbers_are_text(tmp_path: Path) -> None:
    problem = table(tmp_path, "p,q,y\n1,5,0\n02,6,1\n1,7,1\n", 3, split=0, categorical=("p",))
    assert problem.fitted is not None
    assert problem.fitted.features == ("p=02", "p=1", "q")
    assert problem.examples is not None
    assert problem.examples.inputs.tolist() == [[0, 1, 5], [1, 0, 6], [0, 1, 7]]


# --- refusals ---------------------------------------------------------------------------------------------

CONSTANT = "t.csv: the same value in every training row, so it becomes 0: p"


def test_constant_columns_become_0(tmp_path: Path) -> None:
    """As with scikit-learn's scaler, which leaves their scale at 1; they are named."""
    content = "p,q,y\n0.3,1,0\n0.3,2,1\n0.3,3,1\n"
    assert table(tmp_path, content, split=0).fitted is not None
    for first in ("0.3", repr(0.1 + 0.2)):
        with pytest.warns(TableNotice) as said:
            problem = table(tmp_path, content.replace("0.3", first, 1), standardize=True, split=0)
        assert [str(each.message).replace(f"{tmp_path}/", "") for each in said] == [CONSTANT]
        assert problem.fitted is not None
        assert problem.fitted.columns[0] == Column("p", None, float(first), 1.0)
        assert problem.examples is not None
        assert np.allclose(problem.examples.inputs[:, 0], 0)
    apart = table(tmp_path, "p,q,y\n0.3,1,0\n0.3000000001,2,1\n", standardize=True, split=0)
    assert apart.examples is not None
    assert np.allclose(apart.examples.inputs, [[-1, -1], [1, 1]], atol=1e-5)


def test_a_word_that_is_the_same_in_every_row_is_named(tmp_path: Path) -> None:
    with pytest.warns(TableNotice, match="the same value in every training row: p; leave it out with exclude$"):
        table(tmp_path, "p,q,y\nx,1,0\nx,2,1\nx,3,1\n", split=0)


def test_a_column_constant_only_within_the_training_rows(tmp_path: Path) -> None:
    aside = int(split(np.arange(10), 0.1, 0)[1][0])
    content = "p,q,y\n" + "".join(f"{int(k == aside)},{k},{k * 0.5}\n" for k in range(10))
    with pytest.warns(TableNotice, match="so it becomes 0: p$"):
        problem = table(tmp_path, content, outputs=1, standardize=True, split=0.1)
    assert problem.examples is not None
    assert problem.examples.inputs[:, 0].tolist() == [float(k == aside) for k in range(10)]


def test_columns_that_are_left_out(tmp_path: Path) -> None:
    """Those that ``exclude`` names, and those without any value that nobody named."""
    content = "id,p,q,empty,y\n7,1,2,,0\n8,3,5,,1\n9,4,5,,1\n"
    with pytest.warns(TableNotice, match=r"t\.csv: left out, because no row has a value: empty$"):
        problem = table(tmp_path, content, split=0, exclude="id", missing="drop")
    assert problem.fitted is not None
    assert problem.fitted.features == ("p", "q")
    assert problem.fitted.left_out == (("id", "excluded"), ("empty", "no value in any row"))
    found = refusal(tmp_path, content, split=0, exclude=["p", "none"], inputs=["p", "q"])
    assert found == 't.csv has 1 problem:\n  column "none": there is no such column; found id, p, q, empty, y'
    found = refusal(tmp_path, content, split=0, exclude=["p"], inputs=["p", "q"])
    assert found == 't.csv has 1 problem:\n  column "p": is named 2 times under [data]; name it once'


@pytest.mark.parametrize(
    ("content", "asked", "faults"),
    [
        ("p,q,y\n1,,0\n,,1\n3,4,1\n", {}, ['column "p": 1 of 3 rows has no value, the first is row 2',
          'column "q": 2 of 3 rows have no value, the first is row 1; fill them in, or set missing = "mean" or '
          '"drop" under [data]']),
        ("p,q,y\n1,,0\n,2,1\n", {"missing": "drop"}, ["no row is left: every one of 2 has an empty cell (p: 1, q: 1); "
          'leave the columns without values out of inputs, or set missing = "mean"']),
        ("p,q,y\n,1,0\n,2,1\n", {"missing": "mean", "inputs": ["p", "q"]}, ['column "p": has no value in any '
          "training row; leave it out of inputs, or name it under exclude"]),
        ("p,q,y\n1,2,0\n1e400,2,1\n", {}, ['column "p", row 2: expected a finite number, found infinity']),
        ("p,q,y\n1,2,0\n1,2,inf\n", {}, ['column "y", row 2: expected a finite number, found infinity']),
        ("p,q,y\n1,2,0\n1,2,1\n", {"target": ("y", "y")}, ['column "y": is named 2 times under [data]; name it '
          "once"]),
        ("p,q,y\n1,2,0\n1,2,1\n", {"target": ("z",)}, ['column "z": there is no such column; found p, q, y']),
        ("p,q,y\n1,2,0\n1,2,1\n", {"weight_column": "q", "categorical": ("q",)}, ['column "q": is listed under '
          "categorical but is neither an input nor the target", 'column "q": is the weight_column: expected numbers, '
          "found text"]),
        ("y\n0\n1\n", {}, ["found no column besides the target; add columns, or list them under inputs"]),
        ("p,q,r,y\n1,2,3,0\n1,2,3,1\n", {}, ["inputs: 3 columns become 3 inputs (p, q, r), but the network has 2; "
          "leave columns out with exclude under [data], or set count = 3 under [inputs]"]),
        ("p,y\na,0\nb,1\nc,0\n", {}, ["inputs: 1 column becomes 3 inputs (p: 3), but the network has 2; "
          "leave columns out with exclude under [data], or set count = 3 under [inputs]"]),
    ],
)  # fmt: skip
def test_refused(tmp_path: Path, content: str, asked: dict[str, Any], faults: list[str]) -> None:
    count = "1 problem" if len(faults) == 1 else f"{len(faults)} problems"
    assert refusal(tmp_path, content, **{"split": 0, **asked}) == "\n  ".join([f"t.csv has {count}:", *faults])


def test_hostile_names_stay_short_and_plain(tmp_path: Path) -> None:
    name = "\x1b[31m[red]🙂" + "x" * 10_000
    for content, asked in (
        (f"{name},q,y\n1,,0\n,2,1\n", {"missing": "drop"}),
        (f"{name},q,y\n1,2,0\n,2,1\n", {}),
        (f"{name},q,r,y\n1,2,3,0\n1,3,4,1\n", {}),
    ):
        message = refusal(tmp_path, content, split=0, **asked)
        assert len(message) < 400
        assert message.replace("\n", "").isprintable()


@pytest.mark.parametrize("values", [(1.7e308, 1.6e308, 1e308), (-1.7e308, 1.7e308, 0)])
def test_numbers_without_a_mean(tmp_path: Path, values: tuple[float, ...]) -> None:
    content = "p,q,y\n" + "".join(f"{value},{k},{k % 2}\n" for k, value in enumerate(values))
    with pytest.raises(ClearpropError, match='column "p"'):
        table(tmp_path, content, standardize=True, split=0)


def test_a_class_without_a_validation_row_is_said(tmp_path: Path) -> None:
    content = "p,q,y\n" + "".join(f"{k},{-k},{'rare' if k == 3 else 'usual'}\n" for k in range(30))
    with pytest.warns(TableNotice, match=r't\.csv: no validation row has column "y" = rare$'):
        table(tmp_path, content, split=0.2)


def test_without_any_target_no_mean_is_advised(tmp_path: Path) -> None:
    found = refusal(tmp_path, "p,q,y\n1,2,\n3,4,NA\n", missing="mean")
    assert found.endswith("no row is left: every one of 2 has an empty cell (y: 2); fill them in")


def test_a_column_that_a_file_names_otherwise_is_suggested(tmp_path: Path) -> None:
    found = refusal(tmp_path, "Price,q,y\n1,2,0\n3,4,1\n", inputs=["price"])
    assert found.endswith('column "price": there is no such column; found Price, q, y; did you mean "Price"?')


def test_a_target_with_a_class_in_nearly_every_row_is_worth_a_word(tmp_path: Path) -> None:
    rows = [f"{k},n{k}" for k in range(12)]
    with pytest.warns(TableNotice, match='the target, column "y", has 12 classes in 12 rows, too few of each to learn'):
        table(tmp_path, "\n".join(["p,y", *rows]), 1, 12)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table(tmp_path, "\n".join(["p,y", *rows, *rows]), 1, 12)
    assert not any("too few of each" in str(each.message) for each in caught)
