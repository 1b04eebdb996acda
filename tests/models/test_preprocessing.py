"""What was fitted on a table reads back equal from a model file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.models.model import content
from clearprop.models.read import read_model


@pytest.mark.parametrize("name", ["iris", "penguins", "digits"])
def test_tables_read_back_with_their_preprocessing(name: str, tmp_path: Path) -> None:
    fit = cp.train(cp.load(name), epochs=2, output=tmp_path / "m.safetensors")
    found = read_model(tmp_path / "m.safetensors")
    assert found.problem == replace(fit.problem, examples=None)
    assert found.problem.fitted == fit.problem.fitted
    assert content(found) == (tmp_path / "m.safetensors").read_bytes()
