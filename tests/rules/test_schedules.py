"""Schedules against PyTorch's, and what is particular to them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from clearprop.errors import InvalidArgument
from clearprop.rules.schedules import SCHEDULES, UNWATCHED, rate_at, schedule, watched


@pytest.mark.parametrize(
    ("chosen", "theirs", "options"),
    [
        (schedule("step", size=3, gamma=0.5), "StepLR", {"step_size": 3, "gamma": 0.5}),
        (schedule("exponential", gamma=0.9), "ExponentialLR", {"gamma": 0.9}),
        (schedule("cosine", epochs=20, minimum=0.01), "CosineAnnealingLR", {"T_max": 20, "eta_min": 0.01}),
        (schedule("polynomial", epochs=9, power=2), "PolynomialLR", {"total_iters": 9, "power": 2}),
    ],
)
def test_schedules_agree_with_pytorch(chosen: Any, theirs: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: schedules are not compared with it")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = getattr(torch.optim.lr_scheduler, theirs)(optimizer, **options)
    for epoch in range(20):
        assert rate_at(chosen, 0.3, epoch, 1) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-10)
        optimizer.step()
        scheduler.step()


def test_by_steps_it_counts_steps_in_place_of_epochs() -> None:
    by_step = schedule("step", size=3, gamma=0.5, by="step")
    assert [float(rate_at(by_step, 1.0, 0, step)) for step in range(1, 8)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]
    with pytest.raises(InvalidArgument, match="the schedule plateau looks at each epoch"):
        schedule("plateau", by="step")


def test_warmup_rises_evenly_to_the_rate() -> None:
    chosen = schedule("constant", warmup=4)
    rates = [rate_at(chosen, 1.0, 0, step) for step in range(1, 8)]
    assert all(later >= earlier for earlier, later in pairwise(rates))
    assert 0 < rates[0] < 0.5
    assert rates[4:] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_start_at_the_rate(name: str) -> None:
    assert rate_at(schedule(name), 0.3, 0, 1) == 0.3


@pytest.mark.parametrize(("base", "lowered"), [(1.2e-7, True), (1e-8, False)])
def test_a_plateau_leaves_a_rate_alone_that_would_change_by_next_to_nothing(base: float, lowered: bool) -> None:
    """By 1e-8 or less, as in PyTorch: 1.2e-7 becomes 1.2e-8, but 1e-8 stays."""
    state = {**UNWATCHED, "best": 1.0, "bad": 1.0}
    # The rule compares factors of the base rate as rates.
    chosen = schedule("plateau", factor=0.1, patience=0)
    assert (watched(chosen, base, state, 2.0)["scale"] < 1) is lowered


def test_cosine_takes_a_hundred_epochs_unless_told_otherwise() -> None:
    chosen = schedule("cosine")
    assert rate_at(chosen, 1.0, 50, 1) == pytest.approx(0.5)
    assert rate_at(chosen, 1.0, 99, 1) > 0
    assert rate_at(chosen, 1.0, 100, 1) == 0
