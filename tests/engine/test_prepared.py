"""What is prepared once for trainings of the same rules."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

import clearprop as cp
from clearprop.engine import prepared as module
from clearprop.engine.prepared import prepared


def problem() -> cp.Problem:
    network = cp.Network(3, [cp.Dense(4, "tanh"), cp.Dense(2)])
    rng = np.random.default_rng(0)
    return cp.Problem(network, examples=cp.Examples(rng.normal(size=(6, 3)), rng.normal(size=(6, 2))))


def test_trainings_of_the_same_rules_share_it() -> None:
    """Whatever their weights, rows and settings."""
    one = problem()
    rows = cp.Examples(np.ones((9, 3)), np.ones((9, 2)))
    other = replace(
        one,
        parameters=one.parameters.with_vector(one.parameters.vector + 1),
        examples=rows,
        settings=cp.Settings(seed=4),
    )
    assert prepared(one, "float32", 3) is prepared(other, "float32", 3)


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": cp.Adam()},
        {"penalty": cp.Penalty(l2=0.1)},
        {"network": problem().network},
        {"examples": cp.Examples(np.ones((2, 3)), np.ones((2, 2)), np.array([1.0, 2.0]))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_others_do_not(change: dict[str, object]) -> None:
    one = problem()
    known = prepared(one, "float64", 3)
    assert prepared(one, "float64", 3) is known
    assert prepared(replace(one, **change), "float64", 3) is not known  # type: ignore[arg-type]


def test_the_least_time_of_a_step_counts() -> None:
    known = prepared(problem(), "float32", 3)
    assert known.seconds == known.planned
    for seconds, expected in ((10.0, known.planned), (2e-6, 2e-9), (1e-3, 2e-9), (0.0, 1e-9)):
        known.learn(1000, seconds)
        assert known.seconds == pytest.approx(expected)


def test_nor_do_other_precisions_and_batches() -> None:
    one = problem()
    assert len({id(prepared(one, dtype, batch)) for dtype in ("float32", "float64") for batch in (2, 3)}) == 4


def test_examples_are_not_kept() -> None:
    one = problem()
    prepared(one, "float32", 3)
    gone = weakref.ref(one.examples)
    del one
    gc.collect()
    assert gone() is None


def test_what_is_large_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALL", 5)
    one = problem()
    assert prepared(one, "float32", 3) is not prepared(one, "float32", 3)
