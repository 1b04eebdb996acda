"""Parameters: views of the vector, access by name, random weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument, UnknownName
from clearprop.network.parameters import grown


def test_views_write_through() -> None:
    parameters = cp.Parameters.random(cp.Network(2, [cp.Dense(2)]))
    parameters.weights(0)[1, 0] = 7.0
    parameters.biases(0)[1] = 9.0
    assert (parameters["w3"], parameters["b_y2"], parameters.vector[2], parameters.vector[5]) == (7.0, 9.0, 7.0, 9.0)


@pytest.mark.parametrize("name", ["w0", "w01", "w7", "w-1", "w٣", "w", "W1", "b1", "w" + "9" * 40, ""])
def test_names_that_no_parameter_has(name: str) -> None:
    parameters = cp.Parameters.random(cp.Network(2, [cp.Dense(3)]))
    assert parameters.layout.find(name) is None
    with pytest.raises(UnknownName, match="unknown parameter"):
        parameters[name]


def test_giving_one_layers_weights_leaves_the_others_as_they_were() -> None:
    text = "[inputs]\ncount = 2\n[[layers]]\nunits = 2\n{}[[layers]]\nunits = 2\n"
    free, given_ = cp.read(text.format("")), cp.read(text.format("weights = [[1, 2], [3, 4]]\n"))
    np.testing.assert_array_equal(free.parameters.weights(1), given_.parameters.weights(1))
    assert given_.parameters.weights(0).tolist() == [[1, 2], [3, 4]]
    assert cp.read(text.format("") + "[training]\nseed = 1\n").parameters != free.parameters


def test_only_what_is_not_given_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    network = cp.Network(2, [cp.Dense(2), cp.Dense(1)])
    drawn = cp.Parameters.random(network, seed=3)
    some = cp.Parameters.of(network, [[[1, 2], [3, 4]], None], seed=3)
    np.testing.assert_array_equal(some.weights(1), drawn.weights(1))
    monkeypatch.setattr(np.random, "default_rng", None)
    assert cp.Parameters.of(network, [[[1, 2], [3, 4]], [[5, 6]]]).vector.tolist() == [1, 2, 3, 4, 0, 0, 5, 6, 0]
    assert cp.load("lecture").parameters["w5"] == 0.5


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([[1.0], [2.0]], "expected shape (1, 2), one row per unit and one column per input of the layer, found (2, 1); "
                         "it looks transposed"),
        ([[1.0, 2.0], [3.0]], "expected rows of numbers, all of the same length, found something else in them"),
        ([["a", "b"]], "expected rows of numbers, all of the same length, found text in them"),
    ],
)  # fmt: skip
def test_weights_have_one_row_per_unit(weights: Any, message: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        cp.Parameters.of(cp.Network(2, [cp.Dense(1)]), [weights])
    assert str(error.value) == f"layers[1].weights: {message}"


def test_sklearns_numbers_come_from_one_stream_whatever_is_given() -> None:
    """Layer after layer, weights input by input, then biases; a layer that is given takes its part all the same."""
    network = cp.Network(2, [cp.Dense(3, "tanh", init="sklearn"), cp.Dense(1, init="sklearn")])
    stream = np.random.RandomState(7)
    bounds = [(6 / 5) ** 0.5, (6 / 4) ** 0.5]
    first, first_biases = (stream.uniform(-bounds[0], bounds[0], shape) for shape in ((2, 3), 3))
    second, second_biases = (stream.uniform(-bounds[1], bounds[1], shape) for shape in ((3, 1), 1))
    drawn = cp.Parameters.random(network, 7)
    assert np.array_equal(drawn.weights(0), first.T)
    assert np.array_equal(drawn.biases(0), first_biases)
    for weights in ([None, None], [np.ones((3, 2)), None]):
        parameters = cp.Parameters.of(network, weights, seed=7)
        assert np.array_equal(parameters.weights(1), second.T)
        assert np.array_equal(parameters.biases(1), second_biases)
    given = cp.Parameters.of(network, [None, None], [[1.0, 2.0, 3.0], None], seed=7)
    assert given.biases(0).tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(InvalidArgument, match=r"seed: scikit-learn's random numbers take at most 4,294,967,295, found"):
        cp.Parameters.random(network, 2**32)


@pytest.mark.parametrize("init", ["sklearn", "pytorch", "glorot_uniform"])
def test_what_a_table_makes_is_drawn_as_if_its_columns_had_been_known(init: str) -> None:
    layers = [cp.Dense(3, "tanh", init=init), cp.Dense(2, init=init), cp.Dense(1, bias="shared", init=init)]
    before, after = cp.Network("auto", layers), cp.Network(4, layers)
    given = cp.Parameters.of(before, [None, None, np.full((1, 2), 0.5)], [[1.0, 2.0, 3.0], None, None], seed=3)
    found, expected = grown(given, before, after, 3), cp.Parameters.random(after, 3)
    assert np.array_equal(found.weights(0), expected.weights(0))
    assert np.array_equal(found.weights(1), expected.weights(1))
    assert np.array_equal(found.biases(1), expected.biases(1))
    assert found.biases(0).tolist() == [1.0, 2.0, 3.0]
    assert found.weights(2).tolist() == [[0.5, 0.5]]
