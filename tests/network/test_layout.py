"""The layout of the flat vector: every place once, every name found, however many there are."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from tests.support import few_calls, problems

import clearprop as cp
from clearprop.network import names as q
from clearprop.network.layout import Place
from clearprop.network.names import Names


@given(problems(max_depth=5))
def test_layout_covers_the_vector_once(problem: cp.Problem) -> None:
    network, layout = problem.network, problem.parameters.layout
    assert layout.size == network.parameter_count == len(problem.parameters.vector)
    counted = cp.Parameters(layout, np.arange(float(layout.size)))
    seen = []
    for layer in range(network.depth):
        matrix, biases = counted.weights(layer), counted.biases(layer)
        assert matrix.shape == (network.sizes[layer + 1], network.sizes[layer])
        for unit, row in enumerate(matrix):
            for source, value in enumerate(row):
                assert layout.place(int(value)) == Place(layer, unit, source)
                assert layout.index(Place(layer, unit, source)) == value
        for unit, value in enumerate(biases):
            assert layout.place(int(value)) == Place(layer, unit, None)
            assert layout.index(Place(layer, unit, None)) == value
        seen += [*matrix.ravel(), *biases]
    assert seen == list(range(layout.size))
    names = list(layout.names())
    assert len(set(names)) == layout.size
    assert [layout.name(k) for k in range(layout.size)] == names
    assert [layout.find(name) for name in names] == list(range(layout.size))


def test_a_million_default_names_are_found_at_once() -> None:
    network = cp.Network(1000, [cp.Dense(1000, "relu"), cp.Dense(1000)])
    layout = network.layout
    with few_calls(50_000):
        assert layout.find("w1000000") == 999_999
        assert layout.find("w1000001") == 1_001_000
        assert layout.find("b_h1_1000") == 1_000_999
        assert layout.name(2_001_999) == "b_y1000"
        assert Names(network).find("∂L/∂w2000000") == q.Derivative(q.TotalError(), q.Parameter(2_000_999))


def test_default_names_and_weights_are_numbered_through() -> None:
    network = cp.Network(2, [cp.Dense(2, "tanh"), cp.Dense(1, "tanh", bias="shared")])
    parameters = cp.Parameters.random(network)
    assert list(parameters) == ["w1", "w2", "w3", "w4", "b_h1_1", "b_h1_2", "w5", "w6", "b2"]
    assert (network.input_names, network.unit_names) == (("x1", "x2"), (("h1_1", "h1_2"), ("y1",)))


def test_large_networks_are_described_and_searched_quickly() -> None:
    network = cp.Network(784, [cp.Dense(512, "relu"), cp.Dense(512, "relu"), cp.Dense(10, "softmax")])
    layout = cp.Parameters.random(network).layout
    assert layout.size == 669706
    assert layout.find("w668672") == layout.weights[2].stop - 1
    assert layout.find("w668673") is None
    assert np.isfinite(cp.Parameters.random(network).vector).all()


def test_layout_index_and_place_are_inverse() -> None:
    layout = cp.load("deep").network.layout
    assert [layout.index(layout.place(index)) for index in range(layout.size)] == list(range(layout.size))
    assert [layout.find(layout.name(index)) for index in range(layout.size)] == list(range(layout.size))
