"""Steps as arrays."""

from __future__ import annotations

import clearprop as cp
from clearprop.training.batching import Memory, planned


def test_a_part_of_steps_is_those_steps() -> None:
    examples = cp.Examples.of([[0.0]] * 17, [[0.0]] * 17)
    problem = cp.Problem(cp.Network(1, [cp.Dense(1)]), examples=examples, settings=cp.Settings(batch_size=5))
    steps = planned(problem, 3, Memory(problem))
    part = steps[1:3]
    assert [step.number for step in part] == [14, 15]
    assert [list(step.rows) for step in part] == [list(step.rows) for step in list(steps)[1:3]]
