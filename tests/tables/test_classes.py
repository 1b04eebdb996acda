"""Targets and weights: classes and the outputs they take, and how much each row counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument, UnfitTable
from clearprop.network.data import shown_label
from clearprop.tables.csv_file import read_csv
from clearprop.tables.prepare import prepared, with_rows


def table(
    folder: Path, content: str, *layer: Any, loss: str | None = None, inputs: int = 1, **asked: Any
) -> cp.Problem:
    """A problem with a table of that content, whose last layer is ``layer``."""
    path = folder / "t.csv"
    path.write_text(content)
    network = cp.Network(inputs, [cp.Dense(*layer)], *([loss] if loss else []))
    data = cp.Data(**{"file": "t.csv", "target": ("y",), "split": 0.0, **asked})
    return prepared(cp.Problem(network), data, lambda wanted: read_csv(path, wanted))


def refusal(folder: Path, content: str, *layer: Any, **asked: Any) -> str:
    """What is said of a table of that content, the first line left out."""
    with pytest.raises(UnfitTable) as caught:
        table(folder, content, *layer, **asked)
    return str(caught.value).split("\n  ", 1)[1]


def rows(labels: str) -> str:
    """A table of one input and these classes, separated by spaces."""
    return "p,y\n" + "".join(f"{k},{label}\n" for k, label in enumerate(labels.split(" ")))


def targets(problem: cp.Problem) -> list[list[float]]:
    """The targets of its examples."""
    assert problem.examples is not None
    found: list[list[float]] = problem.examples.targets.tolist()
    return found


def test_classes_are_one_hot_in_order(tmp_path: Path) -> None:
    problem = table(tmp_path, rows("c a b a"), 3, "softmax")
    assert problem.fitted is not None
    assert problem.fitted.classes == ("a", "b", "c")
    assert targets(problem) == [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("labels", ["no yes no", "3 7 3", "-1 1.5 -1"])
def test_two_classes_as_one_output_and_as_two(tmp_path: Path, labels: str) -> None:
    one = table(tmp_path, rows(labels), 1, "logistic", loss="binary_cross_entropy")
    two = table(tmp_path, rows(labels), 2, "softmax")
    assert targets(one) == [[0], [1], [0]]
    assert targets(two) == [[1, 0], [0, 1], [1, 0]]
    for problem in (one, two):
        assert problem.fitted is not None
        assert problem.fitted.classes is not None
        assert [shown_label(label) for label in problem.fitted.classes] == sorted(set(labels.split(" ")))


def test_numbers_are_targets_where_one_output_has_no_loss_of_probabilities(tmp_path: Path) -> None:
    problem = table(tmp_path, rows("3 7 3"), 1)
    assert problem.fitted is not None
    assert problem.fitted.classes is None
    assert targets(problem) == [[3], [7], [3]]


def test_several_columns_of_numbers(tmp_path: Path) -> None:
    problem = table(tmp_path, "y,p,z\n1,2,3\n4,5,6\n", 2, target=("y", "z"))
    assert targets(problem) == [[1, 3], [4, 6]]
    assert problem.examples is not None
    assert problem.examples.inputs.tolist() == [[2], [5]]


@pytest.mark.parametrize(
    ("content", "layer", "asked", "message"),
    [
        (rows("a a"), (2, "softmax"), {}, 'column "y": contains a single class, "a"; expected at least 2'),
        (rows("3 3"), (2, "softmax"), {}, 'column "y": contains a single class, "3"; expected at least 2'),
        (rows("1 2 3"), (2, "softmax"), {}, 'column "y": holds 3 classes (1, 2, 3), which take 3 outputs but the '
         "network has 2 outputs; change the units of its last layer"),
        (rows("a b"), (3, "softmax"), {}, 'column "y": holds 2 classes (a, b), which take 2 outputs but the '
         "network has 3 outputs; change the units of its last layer"),
        (rows("a b c"), (1, "logistic"), {}, 'column "y": holds 3 classes (a, b, c), which take 3 outputs but the '
         "network has 1 output; change the units of its last layer"),
        (rows("1 2 3 4 5 6 7 8"), (2, "softmax"), {}, 'column "y": holds 8 classes (1, 2, 3, 4, 5, 6, …), which take 8 '
         "outputs but the network has 2 outputs; change the units of its last layer"),
        ("p,y,z\n1,2,a\n1,3,b\n", (2,), {"target": ("y", "z")}, 'column "z": is one of several targets: expected '
         "numbers, found text; classes take one column"),
        ("p,y,z\n1,2,2\n1,3,3\n", (3,), {"target": ("y", "z")}, "target: 2 columns, but the network has 3 outputs"),
        (rows("1 inf"), (1,), {}, 'column "y", row 2: expected a finite number, found infinity'),
        (rows("1 inf"), (2, "softmax"), {}, 'column "y", row 2: expected a finite number, found infinity'),
    ],
)  # fmt: skip
def test_refused(tmp_path: Path, content: str, layer: tuple[Any, ...], asked: dict[str, Any], message: str) -> None:
    assert refusal(tmp_path, content, *layer, **asked) == message


def test_hostile_classes_stay_short_and_plain(tmp_path: Path) -> None:
    label = "\x1b[31m[red]🙂" + "x" * 10_000
    known = table(tmp_path, rows("a b"), 2, "softmax")
    (tmp_path / "new.csv").write_text(rows(f"a {label}"))
    with pytest.raises(UnfitTable) as caught:
        with_rows(known, lambda wanted: read_csv(tmp_path / "new.csv", wanted))
    for message in (
        str(caught.value).replace(str(tmp_path), ""),
        refusal(tmp_path, rows(f"{label} {label}"), 2, "softmax"),
        refusal(tmp_path, rows(f"{label} b c"), 2, "softmax"),
        refusal(tmp_path, rows(f"{label} b"), 2, "softmax", class_weights={f"{label}!": 1.0}),
    ):
        assert len(message) < 300
        assert message.replace("\n", "").isprintable()


def test_a_class_that_training_never_saw(tmp_path: Path) -> None:
    for labels, other, shown in (("a b", "c", "a, b"), ("3 7", "5", "3, 7")):
        known = table(tmp_path, rows(labels), 2, "softmax")
        (tmp_path / "new.csv").write_text(rows(f"{labels} {other}"))
        with pytest.raises(UnfitTable) as caught:
            with_rows(known, lambda wanted: read_csv(tmp_path / "new.csv", wanted))
        assert str(caught.value).split("\n  ")[1:] == [
            f'column "y", row 3: expected one of {shown}; found "{other}", which training never saw'
        ]


# --- weights ----------------------------------------------------------------------------------------------


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
        (["a", "b"], "weights: expected one number per row, found something else"),
    ):
        with pytest.raises(InvalidArgument, match=f"^{message}$"):
            cp.train(network, np.eye(2), ["a", "b"], weights=wrong, epochs=1)


def test_two_shares_are_targets_and_no_classes() -> None:
    """0.2 and 0.8 are probabilities to be learnt; 0 and 1, or 1 and 2, are two classes."""
    network = cp.Network(1, [cp.Dense(1, "logistic")], "binary_cross_entropy")
    for pair, classes in (((0.2, 0.8), None), ((0.0, 1.0), (0.0, 1.0)), ((1.0, 2.0), (1.0, 2.0))):
        fit = cp.train(network, np.array([[0.0], [1.0]]), [*pair], epochs=1, standardize=True)
        assert fit.problem.fitted is not None
        assert fit.problem.fitted.classes == classes
        assert fit.problem.examples is not None
        expected = pair if classes is None else (0.0, 1.0)
        assert fit.problem.examples.targets[:, 0].tolist() == [*expected]
