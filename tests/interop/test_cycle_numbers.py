from __future__ import annotations

import clearprop as cp
from clearprop.interop.cycle_numbers import numbers_of


def test_they_are_those_of_the_cycle() -> None:
    done = cp.cycle(cp.load("lecture"))
    found = numbers_of(done)
    assert found.errors is not None
    assert found.errors.tolist() == [done["E_1"], done["E_2"], done["E_total"]]
    assert found.updated is done.updated.vector
