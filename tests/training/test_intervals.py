"""How many steps are made between two looks at callbacks, limits and interrupts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from clearprop.training import intervals
from clearprop.training.planned_steps import PlannedStep, PlannedSteps


def steps_of(count: int) -> PlannedSteps:
    return PlannedSteps.of(PlannedStep(np.array([k]), k + 1, 0.1) for k in range(count))


def test_the_loop_looks_up_about_ten_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    paced, spent, seen = intervals.Pace(), list[float](), list[int]()
    for cost in (1e-3, 1e-5, 4e-2):
        spent.clear()
        for part in paced.parts(steps_of(3000 if cost < 1e-2 else 50)):
            clock[0] += cost * len(part)
            spent.append(cost * len(part))
            seen += part.numbers.tolist()
        # It learns at once that steps are slower, and by and by that they are faster.
        assert max(spent[1:], default=0.0) <= 0.2 + 1e-9
    assert all(after == before + 1 or after == 1 for before, after in pairwise(seen))


def test_a_fixed_pace_is_kept() -> None:
    assert [len(part) for part in intervals.Pace(steps=1).parts(steps_of(4))] == [1, 1, 1, 1]


def test_the_first_part_is_as_long_as_a_step_is_estimated() -> None:
    assert [intervals.Pace(seconds=seconds).steps for seconds in (1.0, 0.001, 1e-6)] == [1, 4, 4000]
    assert intervals.Pace(1, 1e-6).steps == 1
    assert intervals.Pace().steps == 1
