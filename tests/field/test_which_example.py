"""A table over cycles, of which example? Every heading says so, and who learns from what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.cli import run

Case = Callable[[str], Path]

ONE, ALL = (0.26328, 0.19501, 0.15404, 0.12698), (0.16095, 0.12337, 0.10113, 0.08602)


def shown(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert run(["explain", "network.toml", *options]) == 0
    return " ".join(capsys.readouterr().out.split())


def losses(text: str) -> tuple[float, ...]:
    """The second number of each row of the table."""
    _, _, body = text.partition(" b_y ")
    return tuple(map(float, body.split()[1::4]))


def test_a_table_over_cycles_names_its_example_and_how_to_see_the_training(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    case("which-example")
    text = shown(capsys, "--cycles", "3")
    assert text.startswith("network.toml: the first 3 cycles on example 1 ")
    assert (
        "Every cycle is on example 1 alone. Training uses all 3 examples as one batch; --example all shows its table."
    ) in text
    assert losses(text) == ONE
    text = shown(capsys, "--cycles", "3", "--example", "all")
    assert text.startswith("network.toml: the first 3 cycles on all examples as one batch ")
    assert "Training" not in text
    assert losses(text) == ALL
    assert cp.train(cp.load("network.toml"), epochs=3, dtype="float64").history.loss == pytest.approx(ALL, abs=5e-6)


def test_a_later_cycle_says_whose_updates_came_before(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case("which-example")
    text = shown(capsys, "--steps", "3")
    assert text.startswith("network.toml: cycle 3 on example 1 ")
    assert "old weights after 2 updates of the training, on all 3 examples as one batch " in text
    assert "Training and --steps use all 3 examples as one batch." in shown(capsys)
    text = shown(capsys, "--steps", "3", "--example", "all")
    assert "old weights after 2 updates of the training, on all examples " in text
    assert f"{ALL[2]:.5f}" in text


def test_with_one_example_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    for options in (["--cycles", "2"], ["--steps", "2"], []):
        assert run(["explain", "lecture", *options]) == 0
        text = capsys.readouterr().out
        assert "Training" not in text
        assert "on example" not in text.partition("Conventions")[0]


def test_mini_batches_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "iris", "--cycles", "1", "--example", "all"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith("iris: the first cycle on all training examples as one batch ")
    assert "Training uses batches of 32 of the 120 examples." in text
