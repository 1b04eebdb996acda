"""The compiled engine as training uses it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engine import workers
from clearprop.engine.native import Native
from clearprop.training.reference import Reference


def test_long_looks_at_all_examples_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, together = [], workers.together

    def counted(*given: Any, **options: Any) -> None:
        calls.append(given)
        together(*given, **options)

    monkeypatch.setattr("clearprop.engine.plan.PART", 0.0)
    monkeypatch.setattr("clearprop.engine.memory.together", counted)
    rng = np.random.default_rng(0)
    network = cp.Network(3, [cp.Dense(5, "tanh"), cp.Dense(2)])
    problem = cp.Problem(network, examples=cp.Examples.of(rng.normal(size=(1000, 3)), rng.normal(size=(1000, 2))))
    engine = Native(problem, "float64", 32, problem.parameters.vector, {}, 1)
    assert engine.error(np.arange(1000)) == pytest.approx(Reference(problem, "float64").loss(), rel=1e-13)
    assert len(calls) == 8


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise")
def test_threads_change_no_bit_of_a_model(tmp_path: Path) -> None:
    models = []
    for threads in (1, 2, 3):
        path = tmp_path / f"{threads}.safetensors"
        cp.train(cp.load("digits"), epochs=2, threads=threads, output=path)
        models.append(path.read_bytes())
    assert models[0] == models[1] == models[2]
