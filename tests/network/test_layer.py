"""Layers: how many numbers they have, what may be left out, and what is refused."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import RequestError


@pytest.mark.parametrize(
    ("bias", "policy", "count"),
    [("unit", "unit", 3), (True, "unit", 3), ("shared", "shared", 1), ("none", "none", 0), (False, "none", 0)],
)
def test_biases_are_one_per_unit_one_for_all_or_none(bias: Any, policy: str, count: int) -> None:
    layer = cp.Dense(3, bias=bias)
    assert (layer.bias, layer.biases, layer.size) == (policy, count, 3)
    # So many parameters does a network of it have, beside three times two weights.
    assert cp.Network(2, [layer]).parameter_count == 6 + count


def test_a_layer_given_names_has_as_many_units() -> None:
    layer = cp.Dense(("left", "right"), "tanh")
    assert layer.size == 2
    assert cp.Network(1, [layer]).unit_names == (("left", "right"),)


def test_activations_by_name_by_expression_and_by_rule() -> None:
    assert cp.Dense(1, "relu").rule.name == "relu"
    assert cp.Dense(1, cp.activation("leaky_relu", slope=0.2)).rule == cp.activation("leaky_relu", slope=0.2)
    swish = cp.Dense(1, "z * logistic(z)").rule
    assert swish.outputs(np.array([2.0]))[0] == pytest.approx(1.7615941559557649)


def test_a_layer_is_shown_by_what_is_special_about_it() -> None:
    assert repr(cp.Dense(2)) == "Dense(2, identity)"
    layer = cp.Dense(4, "tanh", bias="shared", train_bias=False, dropout=0.25)
    assert repr(layer) == "Dense(4, tanh, bias shared, biases not trained, dropout 0.25)"


def test_a_layer_cannot_be_changed_and_equals_another_of_the_same() -> None:
    layer = cp.Dense(2, "tanh")
    with pytest.raises(FrozenInstanceError):
        layer.dropout = 0.5  # type: ignore[misc]
    assert layer == cp.Dense(2, "tanh")
    assert layer != cp.Dense(2, "tanh", dropout=0.5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"activation": "tanhh"}, 'unknown activation "tanhh"; did you mean "tanh"?'),
        ({"init": "zero"}, 'unknown initializer "zero"'),
        ({"bias": "two"}, 'bias: expected "unit", "shared" or "none", found "two"'),
        ({"dropout": 1.0}, "dropout: expected a number of at least 0 and below 1, found 1.0"),
        ({"train_bias": "no"}, 'train_bias: expected true or false, found "no"'),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError) as caught:
        cp.Dense(2, **wrong)
    assert str(caught.value).startswith(message)
