"""The whole cycle as a document."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.rendering.explained import explained

import clearprop as cp


def test_standard_notation_has_the_matrix_form() -> None:
    shown = explained("lecture", notation="standard").text()
    for line in ("z1 = W1 x + b1", "a2 = f(z2)", "δ1 = ( W2ᵀ δ2 ) ∘ f′(z1)", "∂L/∂W1 = δ1 xᵀ", "w5⁺ = w5 - η · ∂L/∂w5"):
        assert line in shown


def test_an_update_derives_what_its_lines_share() -> None:
    optimizer = cp.SGD(0.5, schedule="exponential", clip_norm=0.01)
    shown = cp.explain(cp.cycle(replace(cp.load("lecture"), optimizer=optimizer))).text(width=200)
    update = shown[shown.index("\nUpdate\n") : shown.index("All parameters are updated at once")]
    assert "n = base * gamma^epoch = 0.5 * 0.99^0 = 0.5   (schedule exponential; the first epoch is 0)" in update
    assert "norm = sqrt((∂E_total/∂w1)² + " in update
    assert "clip_factor = min(1, 0.01 / (norm + 1e-6)) = " in update


def test_large_networks_are_summarised() -> None:
    network = cp.Network(784, [cp.Dense(300, "relu"), cp.Dense(10, "softmax")])
    problem = cp.Problem(network, examples=cp.Examples.of([[0.5] * 784], [[1.0] + [0.0] * 9]))
    shown = cp.explain(cp.cycle(problem)).text()
    assert "238,510 parameters are too many to derive each here; name those to derive" in shown
    assert "784 inputs → 300 relu → 10 softmax" in shown
    named = cp.explain(cp.cycle(problem), "w1", "z_h1_1").text()
    assert "… (778 more)" in named
    assert "smaller" in named or "path 1" in named or "∂L/∂w1" in named


def test_a_large_batch_is_summed_up_and_what_is_named_is_derived() -> None:
    iris = cp.cycle(cp.load("iris"), "all")
    text = str(cp.explain(iris))
    assert "131 parameters over 120 examples are too many to derive each here; name those" in text
    assert text.count("\n") < 120
    assert "∂L/∂w1" in str(cp.explain(iris, "w1"))


def test_tables_over_examples_stay_readable() -> None:
    """A layer of 9 units is two tables; of 24 examples 20 are shown and the others counted."""
    rng = np.random.default_rng(0)
    network = cp.Network(2, [cp.Dense(9, "tanh"), cp.Dense(1)])
    problem = cp.Problem(network, examples=cp.Examples(rng.normal(size=(24, 2)), np.zeros((24, 1))))
    text = str(cp.explain(cp.cycle(problem, "all")))
    headers = [line.split() for line in text.splitlines() if line.startswith("example ")]
    assert headers[:2] == [["example", *(f"z_h1_{k}" for k in range(1, 7))], ["example", "z_h1_7", "z_h1_8", "z_h1_9"]]
    assert text.count("… and 4 more examples") == 4  # sums and outputs of each layer
    assert max(map(len, text.splitlines())) <= 80
