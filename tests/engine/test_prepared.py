"""What is prepared once for trainings of the same rules, and for predictions."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

import clearprop as cp
from clearprop.engine import prepared as module
from clearprop.engine.predictor import Predictor
from clearprop.engine.prepared import inference, prepared
from clearprop.propagation.forward import forward
from clearprop.types import Array


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


# --- parts of the optimizer's rule -----------------------------------------------------------------------------


def consecutive(first: int, count: int, *rates: float) -> tuple[Array, Array]:
    return np.arange(first, first + count), np.resize(rates, count)


@pytest.mark.parametrize(
    ("steps", "rates"),
    [
        consecutive(1, 3, 0.1),
        consecutive(510, 5, 0.1),
        consecutive(2, 3, 0.1),
        consecutive(2, 3, 0.2),
        consecutive(2, 4, 0.1, 0.2),
        consecutive(1, 700, 0.1),
        (np.array([7, 8, 3]), np.full(3, 0.1)),
        (np.array([9, 2, 11]), np.full(3, 0.1)),
        consecutive(2**40, 2, 0.1),
    ],
    ids=str,
)
def test_parts_found_ahead_are_those_of_the_steps(steps: Array, rates: Array) -> None:
    """Whichever steps were asked for before."""
    known = prepared(replace(problem(), optimizer=cp.Adam()), "float64", 3)
    for asked in (consecutive(1, 10, 0.1), (steps, rates), consecutive(5, 20, 0.1), (steps, rates)):
        assert np.array_equal(known.parts(*asked), known.program.rule.at(*asked))


# --- predictions -----------------------------------------------------------------------------------------------


def test_predictions_of_a_network_share_what_they_need_whatever_its_weights() -> None:
    one = problem()
    other = replace(one, parameters=one.parameters.with_vector(one.parameters.vector + 1))
    known = inference(one, "float32")
    assert inference(other, "float32") is known
    assert inference(one, "float64") is not known
    assert inference(problem(), "float32") is not known


def test_predictors_that_share_it_have_their_own_weights() -> None:
    one = problem()
    other = one.parameters.with_vector(one.parameters.vector + 1)
    rows = np.ones((3, 3))
    first, second = (Predictor(one, each, "float64") for each in (one.parameters, other))
    assert first.built is second.built
    for predictor, parameters in ((first, one.parameters), (second, other), (first, one.parameters)):
        expected = forward(one.network, parameters, rows).outputs[-1]
        np.testing.assert_allclose(predictor(rows)[0], expected, rtol=1e-12)
