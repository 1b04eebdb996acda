"""A cycle with a mistake beside the right one."""

from __future__ import annotations

import pytest
from tests.checking.planted import exercises
from tests.checking.students import STAGES, Student

import clearprop as cp
from clearprop.checking.wrong_cycle import wrong_cycle
from clearprop.errors import InvalidArgument, UnknownName


def test_both_cycles_stand_side_by_side() -> None:
    found = wrong_cycle(cp.cycle(cp.load("lecture")), "slope_left_out")
    names = found.cycle.names.text
    lines = {names(line.quantity): line for line in found.lines}
    assert lines["∂E_total/∂sum_o1"].wrong_value == lines["∂E_total/∂output_o1"].right_value
    assert not lines["sum_h1"].differs
    assert lines["new_w5"].differs
    assert lines["new_w5"].wrong is None


@pytest.mark.parametrize("name", [name for names in STAGES.values() for name in names][::4])
def test_it_is_what_a_student_with_the_mistake_writes(name: str) -> None:
    for exercise in exercises().values():
        done = cp.cycle(exercise.problem)
        try:
            found = wrong_cycle(done, name)
        except InvalidArgument:
            continue
        sheet = Student(exercise, frozenset([name])).work()
        for line in found.lines:
            assert line.wrong_value == pytest.approx(
                sheet[done.names.text(line.quantity)], rel=1e-9, abs=1e-12, nan_ok=True
            )
        return
    pytest.fail(f"{name} can be made in none of the exercises")


def test_what_cannot_be_made_here_is_refused() -> None:
    done = cp.cycle(cp.load("lecture"))
    with pytest.raises(InvalidArgument, match="relu_on_gradient cannot be made in this cycle"):
        wrong_cycle(done, "relu_on_gradient")
    with pytest.raises(UnknownName, match='did you mean "updated_weights"'):
        wrong_cycle(done, "updated_weight")
