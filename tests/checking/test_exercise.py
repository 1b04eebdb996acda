"""What all sheets of an exercise share."""

from __future__ import annotations

import clearprop as cp
from clearprop.checking.exercise import Exercise
from clearprop.checking.spelling import meant
from clearprop.checking.written import Asked


def test_other_examples_have_their_own_numbers_for_the_same_lines() -> None:
    done = cp.cycle(cp.load("xor"), 2)
    exercise = Exercise(done, (meant(done, "L"),), Asked())
    others = dict(exercise.others)
    assert sorted(others) == [1, 3, 4]
    at = exercise.order.position[meant(done, "L")]
    assert others[3][at] == cp.cycle(done.problem, 3).error


def test_a_batch_is_not_compared_with_others() -> None:
    done = cp.cycle(cp.load("xor"), "all")
    assert Exercise(done, (meant(done, "L"),), Asked()).others == []
