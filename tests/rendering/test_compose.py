"""Derivations as blocks."""

from __future__ import annotations

import re

import pytest
from tests.rendering.explained import explained

import clearprop as cp
from clearprop.expressions import Symbol, symbols
from clearprop.network import names as q
from clearprop.rendering.document import Equation


def test_batches_are_shown_per_example_then_reduced() -> None:
    shown = explained("xor", "w7", example="all").text()
    assert "∂L/∂w7, example 4 = " in shown
    assert re.search(r"∂L/∂w7 = \(.* \+ .*\) / 4", shown)
    assert shown.count('(to derive a factor, ask for its name followed by ", example 1")') == 1


def test_factors_of_an_example_in_a_batch_are_derived_under_their_names() -> None:
    name = "∂L_1/∂z_either, example 1"
    assert "∂L/∂w1, example 1 = ∂L_1/∂z_either · " in explained("xor", "w1", example="all").text()
    assert "= a_either - t_1" in explained("xor", name, example="all").text()


def test_the_gradient_of_the_one_error_is_that_of_all() -> None:
    shown = explained("xor", "w1", example=3).text(width=200)
    assert re.search(r"\n  ∂L_1/∂w1 = .* = (\S+)\n  ∂L/∂w1 = ∂L_1/∂w1 = \1\n", shown)


def test_all_factors_of_a_product_that_is_zero_are_derived() -> None:
    layers = [cp.Dense(2, "relu"), cp.Dense(2)]
    off = cp.Parameters.of(cp.Network(1, layers), [[[-1.0], [1.0]], [[0.5, 0.6], [0.7, 0.8]]])
    problem = cp.Problem(cp.Network(1, layers), off, examples=cp.Examples.of([[1.0]], [[0.2, 0.4]]))
    shown = cp.explain(cp.cycle(problem), "w1").text()
    assert "∂L_1/∂w1 + ∂L_2/∂w1 = 0   (because ∂a_h1_1/∂z_h1_1 = 0)" in shown
    for factor in ("∂L_1/∂a_y1", "∂a_y1/∂z_y1", "∂z_y1/∂a_h1_1 = w3 = 0.5", "∂z_h1_1/∂w1 = x1 = 1"):
        assert f"\n  {factor}" in shown


NETWORKS = {
    "five layers": [*[cp.Dense(3, "tanh")] * 4, cp.Dense(2, "logistic")],
    "five layers, softmax at the end": [*[cp.Dense(3, "elu")] * 4, cp.Dense(3, "softmax")],
    "softmax within": [cp.Dense(3, "tanh"), cp.Dense(3, "softmax"), cp.Dense(3, "silu"), cp.Dense(2)],
    "softmax twice": [*[cp.Dense(3, "tanh")] * 3, cp.Dense(2, "softmax"), cp.Dense(2, "softmax")],
}


def many(layers: list[cp.Dense]) -> cp.Cycle:
    """A cycle of a network with random weights."""
    target = [1.0, *[0.0] * (layers[-1].size - 1)]
    examples = cp.Examples.of([[0.5, -1.0]], [target])
    return cp.cycle(cp.Problem(cp.Network(2, layers, "squared_error"), examples=examples))


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("names", [("w1",), ()], ids=["one weight", "whole"])
def test_every_factor_that_is_shown_is_derived_in_the_same_document(layers: list[cp.Dense], names: list[str]) -> None:
    document = cp.explain(many(layers), *names).document
    equations = [block for block in document if isinstance(block, Equation)]
    derived = {equation.left.key for equation in equations if isinstance(equation.left, Symbol)}
    shown = {key for equation in equations for line in equation.lines for key in symbols(line.side)}
    factors = {key for key in shown if isinstance(key, q.Derivative)}
    assert len(factors) > 20
    assert not factors - derived


def test_where_that_would_be_too_long_the_derivation_says_how_to_get_it() -> None:
    text = cp.explain(many([*[cp.Dense(9, "tanh")] * 4, cp.Dense(2, "logistic")]), "w1").text()
    assert "path 1 = ∂L_1/∂z_h2_1 · ∂z_h2_1/∂a_h1_1" in text
    assert text.count("(ask for the first factor by name to derive it)") == 2
