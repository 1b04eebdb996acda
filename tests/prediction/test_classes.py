"""Classes: which a problem has, the one a row of outputs stands for, and their probabilities."""

from __future__ import annotations

import numpy as np
import pytest

import clearprop as cp
from clearprop.prediction.classes import class_labels, class_shares, gives_probabilities, labelled, most_likely


def test_one_output_tells_two_classes_apart_at_a_half() -> None:
    assert most_likely(np.array([[0.49], [0.5], [0.9]])).tolist() == [0, 1, 1]
    assert most_likely(np.array([[0.2, 0.8], [0.6, 0.4]])).tolist() == [1, 0]


def test_targets_that_are_shares_are_no_classes() -> None:
    xor = cp.load("xor")
    assert class_labels(xor) == (0.0, 1.0)
    assert xor.examples is not None
    soft = cp.Problem(xor.network, examples=cp.Examples(xor.examples.inputs, np.full((4, 1), 0.3)))
    assert class_labels(soft) is None
    assert class_labels(cp.load("lecture")) is None
    assert class_labels(cp.load("iris")) == ("setosa", "versicolor", "virginica")
    assert class_labels(cp.load("penguins")) is None


def test_two_classes_that_share_an_output_have_both_shares() -> None:
    assert class_shares(np.array([[0.25], [1.0]])).tolist() == [[0.75, 0.25], [0.0, 1.0]]
    assert class_shares(np.array([[0.2, 0.8]])).tolist() == [[0.2, 0.8]]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (cp.Dense(3, "softmax"), True),
        (cp.Dense(1, "logistic"), True),
        (cp.Dense(2, "logistic"), False),  # each by itself: they need not sum to 1
        (cp.Dense(1, "tanh"), False),
        (cp.Dense(1), False),
    ],
)
def test_which_outputs_are_probabilities(layer: cp.Dense, expected: bool) -> None:
    assert gives_probabilities(cp.Problem(cp.Network(2, [layer], "half_squared_error"))) is expected


def test_rows_are_labelled_with_their_class() -> None:
    iris = cp.load("iris")
    rows = list(labelled(iris, np.array([[0.1, 0.7, 0.2], [0.5, 0.25, 0.25]])))
    names = ("setosa", "versicolor", "virginica")
    assert rows[0] == ["species", *(f"probability_{name}" for name in names)]
    assert rows[1:] == [["versicolor", 0.1, 0.7, 0.2], ["setosa", 0.5, 0.25, 0.25]]
    assert list(labelled(cp.load("lecture"), np.array([[1.0, 2.0]]))) == [["o1", "o2"], [1.0, 2.0]]
