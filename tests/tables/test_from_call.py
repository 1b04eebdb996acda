"""Examples from a call: the forms in which people have their data, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import polars
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument, UnfitTable, UnreadableFile

FRAME = pandas.DataFrame({"size": [1.0, 2.0, 3.0, 4.0], "q": [0.5, 1.5, 0.5, 2.5], "kind": ["a", "b", "a", "b"]})
NETWORK = cp.Network(2, [cp.Dense(2, "softmax")])


def targets(fit: cp.Fit) -> list[list[float]]:
    assert fit.problem.examples is not None
    found: list[list[float]] = fit.problem.examples.targets.tolist()
    return found


@pytest.mark.parametrize(
    "kinds",
    [
        FRAME["kind"],
        ["a", "b", "a", "b"],
        np.array(["a", "b", "a", "b"]),
        polars.Series("kind", ["a", "b", "a", "b"]),
        ("a", "b", "a", "b"),
        [0, 1, 0, 1],
        np.array([False, True, False, True]),
    ],
    ids=["series", "list", "array", "polars", "tuple", "numbers", "truth values"],
)
def test_targets_beside_a_data_frame(kinds: Any) -> None:
    by_name = cp.train(NETWORK, FRAME, "kind", epochs=2)
    beside = cp.train(NETWORK, FRAME[["size", "q"]], kinds, epochs=2)
    assert targets(beside) == targets(by_name) == [[1, 0], [0, 1], [1, 0], [0, 1]]
    assert beside.problem.parameters.vector.tolist() == by_name.problem.parameters.vector.tolist()
    assert beside.predict(FRAME).tolist() == by_name.predict(FRAME).tolist()


def test_numbers_beside_a_data_frame_and_lists_of_columns() -> None:
    regression = cp.Network(2, [cp.Dense(1)])
    fit = cp.train(regression, FRAME[["size", "q"]], [5.0, 6.0, 7.0, 8.0], epochs=1, standardize_target=False)
    assert targets(fit) == [[5], [6], [7], [8]]
    several = cp.Network(1, [cp.Dense(2)])
    both = FRAME.assign(other=[1.0, 1.0, 2.0, 2.0])
    fit = cp.train(several, both, ["size", "q"], columns="other", epochs=1, standardize_target=False)
    assert targets(fit) == [[1, 0.5], [2, 1.5], [3, 0.5], [4, 2.5]]
    assert fit.problem.network.input_names == ("other",)


def test_a_list_of_numbers_is_a_row_each_where_there_is_one_input() -> None:
    network = cp.Network(1, [cp.Dense(2, "softmax")])
    fit = cp.train(network, [1.0, 2.0, 3.0], ["a", "b", "a"], epochs=1)
    assert fit.problem.examples is not None
    assert fit.problem.examples.inputs.tolist() == [[1], [2], [3]]


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((FRAME, None), {}, "training a network needs inputs and targets: train(network, inputs, targets), or a data"),
        ((FRAME, []), {}, 'targets: a data frame takes the name of its target column, such as "species"'),
        ((FRAME, "kind"), {"split": "x"}, 'split: expected a number, found "x"'),
        ((FRAME, "kind"), {"weight_column": ["q"]}, "weight_column: expected text in quotes, found a list of 1"),
        ((FRAME, "kind"), {"categorical": [0]}, "categorical: entry 1: expected text in quotes, found 0"),
        ((FRAME, "kind"), {"columns": 3}, "columns: expected a list of column names, found 3"),
        (
            (FRAME, "kind"),
            {"class_weights": {None: 1}},
            "class_weights: expected classes, text or numbers, found",
        ),
        ((FRAME, "kind"), {"standardize": "yes"}, 'standardize: expected true or false, found "yes"'),
        ((FRAME, "kind"), {"weights": [1] * 4}, "weights: a data frame has them in a column; name it with weight_colu"),
        (
            (np.ones((4, 2)), [[1], [2, 3], [1], [1]]),
            {"standardize": True},
            "targets: expected rows of numbers, all of",
        ),
    ],
)
def test_what_makes_no_sense(arguments: tuple[Any, ...], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        cp.train(NETWORK, *arguments, **settings)
    assert str(caught.value).startswith(message)


def test_what_does_not_fit() -> None:
    with pytest.raises(UnfitTable) as caught:
        cp.train(NETWORK, FRAME[["size", "q"]], FRAME["kind"][:3])
    assert str(caught.value) == ('the data frame has 1 problem:\n  column "kind": 4 rows of inputs, but 3 of targets')
    one = cp.Network(2, [cp.Dense(1, "softmax")])
    with pytest.raises(UnfitTable, match=r"holds 2 classes .a, b., which take 2 outputs but the network has 1 output"):
        cp.train(one, FRAME, "kind")
    with pytest.raises(UnreadableFile, match=r"the data frame: .*none\.csv"):
        cp.train(NETWORK, polars.scan_csv("none.csv"), "kind")


@pytest.mark.parametrize("more", [{}, {"split": 0.25}, {"standardize": True}])
def test_targets_in_arrays_are_standardized_only_on_request(more: dict[str, Any]) -> None:
    """With options of a table and without them, a loss is in the unit of the targets that were given."""
    network, inputs, targets = cp.Network(1, [cp.Dense(1)]), [[0.0], [1.0], [2.0], [3.0]], [500.0, 700, 900, 1100]
    as_given = cp.train(network, inputs, targets, epochs=0, **more).problem
    assert as_given.examples is not None
    assert as_given.examples.targets[:, 0].tolist() == targets
    asked = cp.train(network, inputs, targets, epochs=0, standardize_target=True, **more).problem
    assert asked.examples is not None
    assert abs(asked.examples.targets).max() < 2
