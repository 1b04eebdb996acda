"""A training that diverges in float32 and not in float64: the cross entropy written as an expression."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.cli import run


@pytest.fixture
def network(case: Callable[[str], Path]) -> Path:
    return case("diverges-in-float32") / "network.toml"


def test_training_says_that_only_single_precision_is_to_blame(network: Path) -> None:
    fit = cp.train(cp.load(network))
    assert fit.status.value == "diverged"
    assert fit.reason == (
        "diverged in epoch 208, after its last step: L_1 is nan; example 3; log(1 - a_y) is not finite at a_y = 1, "
        't_1 = 1; a_y is 1 only in float32; try dtype = "float64" under [training], or the loss binary_cross_entropy, '
        "which is computed from z_y"
    )


def test_what_it_advises_cures_it(network: Path) -> None:
    problem = cp.load(network)
    double = cp.train(replace(problem, settings=replace(problem.settings, dtype="float64")))
    assert (double.status.value, double.epochs) == ("converged", 7996)
    text = network.read_text().replace("-t * log(y) - (1 - t) * log(1 - y)", "binary_cross_entropy")
    built_in = cp.train(cp.read(text))
    assert built_in.status.value == "converged"
    assert built_in.epochs == pytest.approx(7992, abs=5)


def test_a_later_cycle_says_that_the_training_never_had_it(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = "training in float32 has numbers that are not finite\nfrom step 209 on, so it never reaches step 250."
    assert run(["explain", str(network), "w1", "--steps", "250"]) == 0
    assert said in capsys.readouterr().out
    assert run(["explain", str(network), "--steps", "250"]) == 0
    assert "never reaches step 250" in " ".join(capsys.readouterr().out.split())
    assert run(["explain", str(network), "w1", "--steps", "250", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["ended"] == {"dtype": "float32", "step": 209}
    assert run(["explain", str(network), "w1", "--steps", "208"]) == 0
    assert "never reaches" not in capsys.readouterr().out
