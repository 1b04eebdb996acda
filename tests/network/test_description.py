"""Descriptions of networks: defaults, and everything that is wrong with one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from typing import Any, cast

import numpy as np
import pytest
from tests.support import few_calls

import clearprop as cp
from clearprop.errors import InvalidArgument, InvalidNetwork


def test_defaults() -> None:
    network = cp.Network(3, [cp.Dense(4, "relu"), cp.Dense(2)])
    assert [layer.init for layer in network.layers] == ["he_normal", "glorot_uniform"]
    assert [layer.rule.name for layer in network.layers] == ["relu", "identity"]
    assert [layer.bias for layer in network.layers] == ["unit", "unit"]
    assert all(layer.train_bias for layer in network.layers)
    assert (network.loss.rule.name, network.loss.over_outputs, network.loss.over_examples) == (
        "half_squared_error",
        "sum",
        "mean",
    )
    assert cp.Network(3, [cp.Dense(2, "softmax")]).loss.rule.name == "categorical_cross_entropy"
    assert (network.sizes, network.depth, network.parameter_count) == ((3, 4, 2), 2, 3 * 4 + 4 + 4 * 2 + 2)


def test_default_names() -> None:
    network = cp.Network(2, [cp.Dense(2, bias="shared"), cp.Dense(("u", "v"), bias=False), cp.Dense(2)])
    assert network.input_names == ("x1", "x2")
    assert network.unit_names == (("h1_1", "h1_2"), ("u", "v"), ("y1", "y2"))
    expected = ["w1", "w2", "w3", "w4", "b1", "w5", "w6", "w7", "w8", "w9", "w10", "w11", "w12", "b_y1", "b_y2"]
    assert list(cp.Parameters.random(network)) == expected


@pytest.mark.parametrize(
    ("make", "faults"),
    [
        (lambda: cp.Network(2, []), ["layers: a network needs at least one layer, found none"]),
        (
            lambda: cp.Network(0, [cp.Dense(1)]),
            ["inputs: expected 1 to 1,000,000 inputs, found 0"],
        ),
        (
            lambda: cp.Network(1000, [cp.Dense(10**6)]),
            ["layers: 1,001,000,000 weights and biases are more than the 200,000,000 that fit; use fewer units"],
        ),
        (lambda: cp.Network(1, [cp.Dense(1)] * 1001), ["layers: at most 1000 layers, found 1001"]),
        (
            lambda: cp.Network(("a", "b", "a"), [cp.Dense(1)]),
            ['inputs: the unit name "a" is used 2 times; names must be unique'],
        ),
        (
            lambda: cp.Network(2, [cp.Dense(("x1", "h"))]),
            ['layers[1].units, a default name: the unit name "x1" is used 2 times; names must be unique'],
        ),
        (
            lambda: cp.Network(1, [cp.Dense(1, weight_names=(("w2",),)), cp.Dense(1)]),
            [
                'layers[1].weight_names, a default name: the parameter name "w2" is used 2 times; names must be unique',
            ],
        ),
        (
            lambda: cp.Network(1, [cp.Dense(("u",), weight_names=(("k",),), bias_names=("k",))]),
            [
                'layers[1].weight_names, layers[1].bias_names: the parameter name "k" is used 2 times; names must be '
                "unique"
            ],
        ),
        (
            lambda: cp.Network(("a b",), [cp.Dense(("ü\u202e",))]),
            [
                'inputs: "a b" is not a name: expected 1 to 200 letters (of any script), digits and _',
                'layers[1].units: "ü\ufffd" is not a name: expected 1 to 200 letters (of any script), digits and _',
            ],
        ),
        (
            lambda: cp.Network(2, [cp.Dense(2, weight_names=(("a", "b"),))]),
            ["layers[1].weight_names: expected 2 rows of 2 names (one row per unit), found 1 row of 2"],
        ),
        (
            lambda: cp.Network(2, [cp.Dense(2, bias=False, bias_names="b")]),
            ["layers[1].bias_names: the layer has no bias to name; remove bias_names, or give it a bias"],
        ),
        (
            lambda: cp.Network(2, [cp.Dense(2, bias_names="b")]),
            ['layers[1].bias_names: expected a list of 2 names, found the single name "b"'],
        ),
        (
            lambda: cp.Network(2, [cp.Dense(2, bias_names=("b", "c", "d"))]),
            ["layers[1].bias_names: expected 2 names, one per unit, found 3"],
        ),
        (
            lambda: cp.Network(2, [cp.Dense(2, "relu")], "categorical_cross_entropy"),
            [
                "loss: categorical_cross_entropy needs outputs that sum to 1, so activation softmax in the last "
                "layer; found relu; use softmax, or the loss half_squared_error"
            ],
        ),
    ],
)
def test_everything_wrong_with_a_description(make: Callable[[], Any], faults: list[str]) -> None:
    with few_calls(50_000):
        with pytest.raises(InvalidNetwork) as error:
            make()
        assert [str(problem) for problem in error.value.problems] == faults


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: cp.Dense(2, bias=cast(Any, "one")),
            'bias: expected "unit", "shared" or "none", found "one"',
        ),
        (lambda: cp.Dense(2, dropout=1.0), "dropout: expected a number of at least 0 and below 1, found 1.0"),
        (
            lambda: cp.Objective(cp.loss("huber"), cast(Any, "total")),
            'over_outputs: expected "sum" or "mean", found "total"',
        ),
        (lambda: cp.load("lecture").examples.only(2), "example: expected 1, found 2"),  # type: ignore[union-attr]
        (lambda: cp.Examples.of([[1], [2]], [[1]]), "found 2 rows of inputs and 1 row of targets"),
        (
            lambda: cp.Parameters.of(cp.Network(2, [cp.Dense(1)]), [[[1.0], [2.0]]]),
            "layers[1].weights: expected shape (1, 2), one row per unit and one column per input of the layer, "
            "found (2, 1); it looks transposed",
        ),
        (
            lambda: cp.Parameters.of(cp.Network(1, [cp.Dense(2)]), [[[1.0], [np.nan]]]),
            "the value of w2 is not a finite number",
        ),
        (
            lambda: cp.Parameters.of(cp.Network(1, [cp.Dense(2)]), [[[1.0], [2.0]]], [[1.0]]),
            "layers[1].bias: expected 2 numbers, found 1",
        ),
    ],
)  # fmt: skip
def test_values_that_make_no_sense(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        make()
    assert str(error.value) == message


def test_sizes_may_be_whole_numbers_of_any_kind() -> None:
    assert cp.Network(np.int64(3), [cp.Dense(np.int64(2))]).sizes == (3, 2)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"units: expected a whole number or a list of names, found 2\.0"):
        cp.Dense(2.0)  # type: ignore[arg-type]


def test_printed_short() -> None:
    network = cp.Network(2, [cp.Dense(16, "relu", dropout=0.2), cp.Dense(("a", "b", "c"), "softmax", "shared")])
    assert repr(network) == "Network(2-16-3: relu, softmax)"
    assert repr(network.layers) == "(Dense(16, relu, dropout 0.2), Dense(3, softmax, bias shared))"
    assert repr(cp.Dense(2, bias="shared", train_bias=False)) == "Dense(2, identity, bias shared, biases not trained)"
    assert repr(cp.load("lecture")) == "Problem(lecture: Network(2-2-2: logistic, logistic), sgd, 1 example)"


def test_descriptions_are_frozen_and_compared_by_what_they_say() -> None:
    dense = cp.Dense(2, "relu")
    assert dense == cp.Dense(np.int64(2), cp.activation("relu"), bias=True)  # type: ignore[arg-type]
    assert replace(dense, dropout=0.5) == cp.Dense(2, "relu", dropout=0.5)
    assert cp.Network(2, [dense]) == cp.Network(2, [cp.Dense(2, "relu")])
    with pytest.raises(FrozenInstanceError):
        dense.units = 3  # type: ignore[misc]
