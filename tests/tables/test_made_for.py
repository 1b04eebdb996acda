"""Networks made for tables: what the target holds decides outputs and loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument, UnfitTable, UnknownName
from clearprop.network.problem import Problem
from clearprop.tables.csv_file import read_csv
from clearprop.tables.made_for import NoTarget, made_for, without_target
from clearprop.tables.table import TableNotice


def rows(*targets: str) -> str:
    return "p,y\n" + "".join(f"{k},{target}\n" for k, target in enumerate(targets))


def made(folder: Path, content: str, *target: str, **asked: Any) -> Problem:
    path = folder / "t.csv"
    path.write_text(content)
    return made_for("t.csv", target or ("y",), lambda wanted: read_csv(path, wanted), name="t.csv", **asked)[1]


def outputs(problem: Problem) -> tuple[str, int, str]:
    last = problem.network.layers[-1]
    return last.rule.name, last.size, problem.network.loss.rule.name


NUMBER = ("identity", 1, "half_squared_error")
SHARE = ("logistic", 1, "binary_cross_entropy")
THREE = ("softmax", 3, "categorical_cross_entropy")


@pytest.mark.parametrize(
    ("targets", "asked", "expected"),
    [
        (["a", "b", "a"], {}, SHARE),
        (["a", "b", "c"], {}, THREE),
        (["True", "False", "True"], {}, SHARE),
        (["1.5", "2", "3"] * 5, {}, NUMBER),
        (["1", "2", "3"] * 4, {}, NUMBER),  # four times each are too few
        ([*map(str, range(21))] * 5, {}, NUMBER),  # 21 values are too many
        (["7"] * 9, {}, NUMBER),
        (["1", "2", "3"] * 5, {"task": "numbers"}, NUMBER),
        (["1", "2", "3"], {"task": "classes"}, THREE),
        (["1.5", "2", "1.5"], {"task": "classes"}, SHARE),
        (["0.25", "0.5", "0.25"], {"task": "classes"}, ("softmax", 2, "categorical_cross_entropy")),
    ],
)
def test_the_target_decides(
    tmp_path: Path, targets: list[str], asked: dict[str, Any], expected: tuple[str, int, str]
) -> None:
    assert outputs(made(tmp_path, rows(*targets), **asked)) == expected


@pytest.mark.parametrize(("targets", "expected"), [(["1", "2", "3"] * 5, THREE), (["0", "1"] * 5, SHARE)])
def test_few_whole_numbers_are_classes_and_that_is_said(
    tmp_path: Path, targets: list[str], expected: tuple[str, int, str]
) -> None:
    said = rf't.csv: column "y" has {len(set(targets))} whole numbers, each several times, so they are taken as classes'
    with pytest.warns(TableNotice, match=said):
        problem = made(tmp_path, rows(*targets))
    assert outputs(problem) == expected
    assert problem.fitted is not None
    assert problem.fitted.classes == tuple(sorted({float(each) for each in targets}))
    assert problem.network.unit_names[-1] == tuple(sorted(set(targets)))[-expected[1] :]


def test_the_rest_is_the_same_for_all(tmp_path: Path) -> None:
    content = "size,colour,y,z\n" + "".join(f"{k},{'rgb'[k % 3]},{k * 1000},{-k}\n" for k in range(10)) + ",r,5000,5\n"
    problem = made(tmp_path, content, "y", "z")
    assert problem.network.sizes == (4, 64, 2)
    assert problem.network.layers[0].rule.name == "relu"
    assert problem.network.input_names == ("size", "colour_b", "colour_g", "colour_r")
    assert problem.optimizer == cp.Adam()
    assert problem.data == cp.Data("t.csv", ("y", "z"), standardize=True, split=0.2, missing="mean")
    assert problem.settings.seed == 0
    assert problem.examples is not None
    assert problem.examples.validation is not None
    assert len(problem.examples.validation) == 2
    assert problem.fitted is not None
    assert [each.name for each in problem.fitted.standardized] == ["y", "z"]
    assert made(tmp_path, content, "y", hidden=(8, 5)).network.sizes == (5, 8, 5, 1)
    assert made(tmp_path, content, "y", seed=3).settings.seed == 3


@pytest.mark.parametrize(
    ("content", "target", "asked", "kind", "message"),
    [
        (rows("a", "b"), "x", {}, UnknownName, 'unknown column "x"; known: p, y'),
        (rows("a", "b"), "Y", {}, UnknownName, 'unknown column "Y"; did you mean "y"?'),
        (
            rows("a", "b"),
            "y",
            {"task": "numbers"},
            InvalidArgument,
            'task: column "y" holds text, so it is classes',
        ),
        (rows("a", "a"), "y", {}, UnfitTable, 'column "y": contains a single class, "a"; expected at least 2'),
        ("y\n1\n2\n", "y", {}, UnfitTable, "found no column besides the target"),
    ],
)
def test_refused(tmp_path: Path, content: str, target: str, asked: dict[str, Any], kind: type, message: str) -> None:
    with pytest.raises(kind) as caught:
        made(tmp_path, content, target, **asked)
    assert message in str(caught.value)


def test_classes_take_one_column(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="task: classes take one target column, found 2"):
        made(tmp_path, "p,y,z\n1,2,3\n2,3,4\n", "y", "z", task="classes")


def test_a_target_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match='target: "y" is named 2 times; name each column once'):
        made(tmp_path, "p,y,z\n1,2,3\n2,3,4\n", "y", "y", "z")


def test_without_a_target_there_are_columns_to_choose_from(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(rows("1", "2"))
    error = without_target(lambda wanted: read_csv(tmp_path / "t.csv", wanted))
    assert isinstance(error, NoTarget)
    assert error.columns == ("p", "y")
    assert str(error).endswith("t.csv: which column is the target? Name it with --target; found p, y")


@pytest.mark.parametrize(
    ("targets", "found"),
    [
        (["5 kg", "7 kg", "9.5 kg"], "numbers in another form); write plain numbers, such as 1234.5"),
        (
            ["2024-01-02", "2024-01-03", "2024-01-05"],
            "dates); turn them into numbers first, such as days since the first",
        ),
    ],
)
def test_numbers_written_otherwise_are_no_classes_unless_that_is_said(
    tmp_path: Path, targets: list[str], found: str
) -> None:
    with pytest.raises(UnfitTable) as caught:
        made(tmp_path, rows(*targets))
    expected = (
        f'column "y", row 1: expected a number, found "{targets[0]}" (they look like {found}, or use --task classes'
    )
    assert [str(each) for each in caught.value.problems] == [expected]
    assert outputs(made(tmp_path, rows(*targets), task="classes")) == THREE
