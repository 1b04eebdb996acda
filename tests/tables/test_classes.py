"""Classes and the outputs they take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tables.support import refusal, rows, table

import clearprop as cp
from clearprop.errors import UnfitTable
from clearprop.network.data import shown_label
from clearprop.tables.csv_file import read_csv
from clearprop.tables.prepare import with_rows


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
    problem = table(tmp_path, rows("3 7 3"), 1, standardize_target=False)
    assert problem.fitted is not None
    assert problem.fitted.classes is None
    assert targets(problem) == [[3], [7], [3]]


def test_several_columns_of_numbers(tmp_path: Path) -> None:
    problem = table(tmp_path, "y,p,z\n1,2,3\n4,5,6\n", 2, target=("y", "z"), standardize_target=False)
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


@pytest.mark.parametrize("cells", [("10.193,90-", "7,50-", "1.000,25-"), ("2 1/2", "3 1/2", "4 3/4")])
def test_amounts_with_the_minus_behind_and_fractions_are_refused_as_targets(
    tmp_path: Path, cells: tuple[str, ...]
) -> None:
    content = "p;y\n" + "".join(f"{k};{cell}\n" for k, cell in enumerate(cells))
    refused = (
        f'column "y", row 1: expected a number, found "{cells[0]}" (they look like numbers in another form); '
        "write plain numbers, such as 1234.5"
    )
    assert refusal(tmp_path, content, 1) == refused
    # Without a network file the one that is made has no outputs for them either.
    with pytest.raises(UnfitTable) as caught:
        cp.load(tmp_path / "t.csv", target="y")
    assert str(caught.value).endswith(f"{refused}, or use --task classes")


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


def test_codes_are_classes_as_they_are_written_if_the_target_is_categorical(tmp_path: Path) -> None:
    problem = table(tmp_path, rows("01234 10115 01234 02345"), 3, "softmax", categorical=("y",))
    assert problem.fitted is not None
    assert problem.fitted.classes == ("01234", "02345", "10115")
