"""The same answer for every row: columns of all sizes before logistic units."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.cli import run

Case = Callable[[str], Path]


def test_train_says_what_is_the_same_and_which_units_are_saturated(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    case("same-answer-for-all")
    assert run(["train", "network.toml", "--format", "json", "--quiet", "--output", "m.safetensors"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["training"]["r2"] == pytest.approx(0, abs=1e-4)
    assert result["notes"] == [
        "Nothing was learnt: the output y1 is the same for all 7 rows, 171.329, the mean of the targets.",
        "Layer 1: all 16 units are saturated: the slope of logistic is practically 0 for all 7 rows, so hardly any "
        "error flows back through them. Try standardize = true under [data]: the inputs are too large for these "
        "weights.",
    ]
    predicted = cp.predict(cp.load("m.safetensors"), "forces.csv")
    assert predicted == pytest.approx(np.full((7, 1), 171.3285), abs=1e-3)


def test_r2_that_is_zero_but_for_rounding_is_shown_as_zero(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case("same-answer-for-all")
    assert run(["train", "network.toml", "--quiet"]) == 0
    assert "training: R² 0, RMSE 45.61" in capsys.readouterr().out


def test_standardized_the_same_network_learns(case: Case) -> None:
    folder = case("same-answer-for-all")
    text = (
        (folder / "network.toml")
        .read_text()
        .replace("standardize = false", 'standardize = true\nexclude = ["c11", "c12"]')
    )
    problem = cp.read(text.replace("count = 12", "count = 10"))
    fit = cp.train(problem)
    metrics = fit.metrics()
    assert metrics is not None
    assert metrics.r2 == pytest.approx(1, abs=1e-3)
    assert fit.notes == ()
