"""A problem is given examples by what the top of the package sets; it knows nothing that reads rows."""

from __future__ import annotations

import clearprop as cp
from clearprop.takes_examples import TakesExamples


def test_a_problem_asks_what_was_set() -> None:
    lecture = cp.load("lecture")
    assert lecture.with_examples([0.1, 0.5], [0.05, 0.95]) == TakesExamples.take(lecture, [0.1, 0.5], [0.05, 0.95])
    assert lecture.with_examples([0.1, 0.5], [0.05, 0.95]).network == lecture.network
