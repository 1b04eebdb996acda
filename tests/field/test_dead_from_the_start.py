"""Every hidden unit is at or below zero for every example."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.cli import run

Case = Callable[[str], Path]

DEAD = (
    "Layer 1: h1 and h2 are dead: the slope of relu is 0 for all 4 examples, so no error flows back through them and "
    "the weights into them do not change. No input reaches the output through this layer. Try other initial weights "
    "(another seed), a smaller learning rate, or leaky_relu."
)


def test_the_numbers_of_the_case(case: Case) -> None:
    case("dead-from-the-start")
    problem = cp.load("network.toml")
    done = cp.cycle(problem, "all")
    assert done.trace.sums[0].T.tolist() == [
        pytest.approx([-0.1, -0.6, -1.1, -1.6]),
        pytest.approx([0, -2, -0.2, -2.2]),
    ]
    assert [name for name in done.parameters.layout.names() if done.gradients[name]] == ["b_y"]
    fit = cp.train(problem)
    assert fit.loss_after == pytest.approx(0.125, abs=1e-6)
    assert fit.predict([[0, 0], [0, 1], [1, 0], [1, 1]]).ravel() == pytest.approx([0.5] * 4, abs=1e-4)


def test_train_says_that_nothing_was_learnt_and_why(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case("dead-from-the-start")
    assert run(["train", "network.toml", "--format", "json", "--quiet"]) == 0
    same, dead = json.loads(capsys.readouterr().out)["notes"]
    assert same.startswith("Nothing was learnt: the output y is the same for all 4 examples, 0.49999")
    assert same.endswith(", the mean of the targets.")
    assert dead == DEAD
    assert run(["train", "network.toml", "--quiet"]) == 0
    assert DEAD in " ".join(capsys.readouterr().out.split())
    fit = cp.train(cp.load("network.toml"))
    assert fit.notes == (same, dead)
    assert repr(fit).endswith(", 2 notes)")
    assert DEAD in " ".join(str(fit).split())


def test_verify_says_which_gradients_are_zero_and_why(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case("dead-from-the-start")
    assert run(["verify", "network.toml"]) == 0
    shown = capsys.readouterr().out
    assert (
        "\n  all 6 gradients are exactly 0 (w1, w2, w3, w4 and 2 more): the slope of relu is 0 for all 4 examples in "
        "h1 and h2\n"
    ) in shown
    assert "\n  2 of 3 gradients are exactly 0 (w5 and w6): h1 and h2 are 0 for all 4 examples\n" in shown
    assert run(["verify", "network.toml", "--format", "json"]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    assert [layer["zero"] for layer in layers] == [["w1", "w2", "w3", "w4", "b_h1", "b_h2"], ["w5", "w6"]]
