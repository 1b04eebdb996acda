"""Targets of classes, and how much each row counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.tables.support import refusal, rows, table

import clearprop as cp
from clearprop.errors import InvalidArgument, UnfitTable
from clearprop.tables.csv_file import read_csv
from clearprop.tables.prepare import with_rows


def test_a_class_that_training_never_saw(tmp_path: Path) -> None:
    for labels, other, shown in (("a b", "c", "a, b"), ("3 7", "5", "3, 7")):
        known = table(tmp_path, rows(labels), 2, "softmax")
        (tmp_path / "new.csv").write_text(rows(f"{labels} {other}"))
        with pytest.raises(UnfitTable) as caught:
            with_rows(known, lambda wanted: read_csv(tmp_path / "new.csv", wanted))
        assert str(caught.value).split("\n  ")[1:] == [
            f'column "y", row 3: expected one of {shown}; found "{other}", which training never saw'
        ]


def weights(problem: cp.Problem) -> list[float]:
    """How much its examples count."""
    assert problem.examples is not None
    assert problem.examples.weights is not None
    found: list[float] = problem.examples.weights.tolist()
    return found


def test_balanced_by_hand(tmp_path: Path) -> None:
    problem = table(tmp_path, rows("a a a b"), 2, "softmax", class_weights="balanced")
    assert weights(problem) == pytest.approx([4 / 6, 4 / 6, 4 / 6, 2])


def test_balanced_counts_the_training_rows_alone(tmp_path: Path) -> None:
    problem = table(tmp_path, rows(" ".join("aaaaaaaabbb")), 2, "softmax", class_weights="balanced", split=0.4)
    assert problem.examples is not None
    classes, learnt = problem.examples.targets.argmax(axis=1), problem.examples.learnt
    counts = np.bincount(classes[learnt])
    assert problem.examples.validation is not None
    assert weights(problem) == pytest.approx((len(learnt) / (2 * counts))[classes].tolist())


def test_class_weights_and_a_column_multiply(tmp_path: Path) -> None:
    content = "p,w,y\n1,2,3\n1,3,7\n1,0,3\n"
    problem = table(tmp_path, content, 2, "softmax", class_weights={"7": 5.0}, weight_column="w")
    assert weights(problem) == [2, 15, 0]
    assert problem.examples is not None
    assert problem.examples.inputs.tolist() == [[1], [1], [1]]


def test_dropped_rows_weigh_nothing(tmp_path: Path) -> None:
    content = "p,w,y\n1,2,a\n,3,b\n1,,b\n2,4,b\n"
    problem = table(tmp_path, content, 2, "softmax", weight_column="w", missing="drop")
    assert weights(problem) == [2, 0, 0, 4]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("1 -2 3", 'column "w", row 2: expected at least 0, found -2'),
        ("1 inf 3", 'column "w", row 2: expected a finite number, found infinity'),
        ("a b c", 'column "w": is the weight_column: expected numbers, found text'),
        ("0 0 0", "weights: every training row has weight 0"),
        ("1 NA 3", 'column "w": 1 of 3 rows has no value, the first is row 2; fill them in, or set missing = "mean" '
         'or "drop" under [data]'),
    ],
)  # fmt: skip
def test_weight_columns_refused(tmp_path: Path, cells: str, message: str) -> None:
    content = "p,w,y\n" + "".join(f"{k},{cell},{'ab'[k % 2]}\n" for k, cell in enumerate(cells.split(" ")))
    assert refusal(tmp_path, content, 2, "softmax", weight_column="w") == message


def test_class_weights_refused(tmp_path: Path) -> None:
    found = refusal(tmp_path, rows("a b"), 2, "softmax", class_weights={"c": 1.0})
    assert found == 'class_weights: there is no class "c"; found a, b'
    found = refusal(tmp_path, rows("red blue"), 2, "softmax", class_weights={"Red": 1.0})
    assert found == 'class_weights: there is no class "Red"; did you mean "red"?'
    found = refusal(tmp_path, rows("1 2"), 1, class_weights="balanced")
    assert found == "class_weights: there are no classes: the target holds numbers; leave class_weights out"
    for wrong, what in ((-1, "a number of at least 0"), (float("inf"), "a finite number"), ("x", "a number")):
        with pytest.raises(InvalidArgument, match=f'^class_weights: "a": expected {what}, found "?{wrong}'):
            table(tmp_path, rows("a b"), 2, "softmax", class_weights={"a": wrong})


def test_from_python_a_class_may_be_its_number() -> None:
    network = cp.Network(2, [cp.Dense(2, "softmax")])
    fit = cp.train(network, np.eye(2), [0, 1], class_weights={0: 1, 1: 5}, epochs=1)
    assert weights(fit.problem) == [1, 5]


def test_sample_weights() -> None:
    network = cp.Network(2, [cp.Dense(2, "softmax")])
    assert weights(cp.train(network, np.eye(2), ["a", "b"], weights=[1, 2], epochs=1).problem) == [1, 2]
    for wrong, message in (
        ([1], r"weights: expected 2 numbers, one per row, found shape \(1,\)"),
        ([1, -1], "weights: expected finite numbers of at least 0, not all of them 0"),
        (["a", "b"], "weights: expected one number per row, found text in them"),
    ):
        with pytest.raises(InvalidArgument, match=f"^{message}$"):
            cp.train(network, np.eye(2), ["a", "b"], weights=wrong, epochs=1)
