"""Endings that came too early are told from good ones by their history."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import clearprop as cp
from clearprop.models.history import History
from clearprop.network.problem import Settings
from clearprop.training.stopping import Status
from clearprop.training.too_early import Ended, too_early


def notes_of(name: str = "xor", rate: float | None = None, **options: object) -> tuple[str, ...]:
    problem = cp.load(name)
    if rate is not None:
        problem = replace(problem, optimizer=replace(problem.optimizer, learning_rate=rate))
    return cp.train(problem, engine="reference", **options).notes  # type: ignore[arg-type]


def test_a_learning_rate_of_zero_or_nearly_so_learns_nothing() -> None:
    zero = "Nothing was learnt: the learning rate is 0, so no weight changed. Use one above 0."
    assert notes_of(rate=0.0) == notes_of("lecture", rate=0.0) == (zero,)
    assert notes_of("lecture", rate=1e-12) == (
        "Hardly anything was learnt: in 10 epochs E_total = 0.24909 did not change. The learning rate of 1e-12 is too "
        "small; try a larger one.",
    )
    (note,) = notes_of(rate=1e-7, dtype="float64", epochs=20)
    assert note.startswith("Hardly anything was learnt: in 10 epochs L = 0.701235 changed by ")


@pytest.mark.parametrize("rate", [0.0, 1e-12])
def test_so_it_is_with_a_table(rate: float) -> None:
    x = np.random.default_rng(0).normal(size=(40, 2))
    fit = cp.train(cp.Network(2, [cp.Dense(1)]), x, x @ [1.0, 2.0], optimizer=cp.SGD(rate), split=0.2)
    (note,) = fit.notes
    assert ("learning rate is 0" if rate == 0 else "too small") in note


def test_a_tolerance_above_all_progress_is_said() -> None:
    (note,) = notes_of(tolerance=100.0)
    losses = cp.train(cp.load("xor"), epochs=10, engine="reference").history.loss
    assert note == (
        f"Training stopped while L was still falling: from {losses[0]:.6g} to {losses[-1]:.6g} in the last 10 epochs. "
        "A tolerance of 100 is too large; set tolerance = 1e-8 under [training], or 0 never to stop early."
    )
    (note,) = notes_of(rate=1e-9, tolerance=0.5)
    assert note.startswith("Hardly anything was learnt")
    assert "A tolerance of 0.5 is too large" in note


def test_targets_so_small_that_the_usual_tolerance_is_too_large() -> None:
    network = cp.Network(1, [cp.Dense(1, bias=False)])
    examples = cp.Examples.of([[1.0]], [[1e-4]])
    fit = cp.train(cp.Problem(network, cp.Parameters.of(network, [[[0.0]]]), examples=examples))
    assert fit.epochs == 10
    assert fit.loss_after > 0.1 * fit.loss_before
    assert "A tolerance of 1e-8 is too large; set tolerance = 5e-15 under [training]" in fit.notes[0]


def test_limits_that_are_reached_before_the_first_epoch() -> None:
    assert notes_of(target_loss=1.0) == (
        "Nothing was trained: L of the initial weights is not above target_loss = 1; set a smaller one.",
    )
    (note,) = notes_of(gradient_tolerance=10.0)
    assert note.startswith(
        "Nothing was trained: the gradient of the initial weights is not above gradient_tolerance = 10"
    )
    assert notes_of("lecture", epochs=0) == ()


def test_early_stopping_with_the_initial_weights_is_said() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    y[:20] += 10 * x[:20, 0]  # the rows to validate on say the opposite of those to learn from
    learnt, aside = np.arange(20), np.arange(20, 40)
    network = cp.Network(3, [cp.Dense(1)])
    examples = replace(cp.Examples.of(x, y[:, None]), training=learnt, validation=aside)
    problem = cp.Problem(network, cp.Parameters.of(network, [np.zeros((1, 3))]), examples=examples)
    fit = cp.train(problem, optimizer=cp.SGD(0.1))
    assert fit.status is Status.EARLY_STOPPING
    assert fit.history.best == 0
    assert fit.notes[0].startswith(
        "Nothing was learnt: the validation loss was never below that of the initial weights"
    )


def ended(loss: list[float], rates: list[float], *, rate: float = 0.1, status: Status = Status.CONVERGED) -> Ended:
    return Ended(History(loss, rates), status, Settings(), False, "L", rate)


def test_a_schedule_that_lowered_the_rate_too_far_is_said() -> None:
    loss = [1.0, *(0.5 for _ in range(12))]
    rate = [0.1 * 0.01**k for k in range(12)]
    note = too_early(ended(loss, rate))
    assert note is not None
    assert "its schedule had lowered the learning rate from 0.1 to 1e-23" in note
    assert too_early(ended(loss, rate, rate=np.inf)) is None


def test_good_endings_have_no_note() -> None:
    falls = [0.5**k for k in range(40)]
    assert too_early(ended(falls, [0.1] * 39)) is None
    assert too_early(ended(falls[:3], [0.1] * 2, status=Status.EPOCH_LIMIT)) is None
    # A minimum from the start: the gradient is 0.
    assert too_early(ended([1.0] * 11, [0.1] * 10, rate=np.inf)) is None
    # One epoch of a large table may change little.
    assert too_early(ended([1.0, 0.9999], [0.1], status=Status.EPOCH_LIMIT)) is None
