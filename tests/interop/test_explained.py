from __future__ import annotations

from dataclasses import replace

import pytest

import clearprop as cp
from clearprop.interop.compare import close
from clearprop.interop.cycle_numbers import Numbers
from clearprop.interop.explained import Searched, explained
from clearprop.interop.probe import probe, run
from clearprop.interop.ways import WAYS


def searched(numbers: Numbers, *ways: str) -> Searched:
    return Searched(numbers, run, lambda one, other: close(one, other, 1e-9), None, ways)


def said(theirs: cp.Problem, ways: tuple[str, ...] = ()) -> list[str] | None:
    """The changes that give another problem's numbers, computed in these ways."""
    found = explained(probe(), searched(run(theirs, frozenset(ways)), *WAYS))
    return None if found is None else [each["change"] or each["says"] for each in found]


def test_nothing_is_said_of_the_same_numbers() -> None:
    assert said(probe()) == []


def test_a_constant_beside_a_known_change() -> None:
    base = probe()
    other = replace(base, optimizer=cp.SGD(0.2, momentum=0.8, nesterov=True, schedule=base.optimizer.schedule))
    assert said(other) == ["optimizer.nesterov = true", "optimizer.momentum = 0.8"]


def test_a_way_beside_a_change_of_the_loss() -> None:
    network = cp.Network(2, probe().network.layers, "squared_error")
    found = said(replace(probe(), network=network), ("new_weights",))
    assert found == ['loss.name = "squared_error"', WAYS["new_weights"].says]


@pytest.mark.parametrize("apart", ["errors", "gradients"])
def test_what_a_program_reports_otherwise_than_it_learns_is_explained_alone(apart: str) -> None:
    objective = cp.Objective(cp.loss("half_squared_error"), "sum", "sum")
    summed = replace(probe(), network=cp.Network(2, probe().network.layers, objective))
    numbers = replace(run(probe()), **{apart: getattr(run(summed), apart)})
    (found,) = explained(probe(), searched(numbers)) or []
    assert found["change"] == 'loss.over_examples = "sum"'
    assert found["only"] == apart


def test_numbers_that_nothing_known_gives() -> None:
    numbers = run(probe())
    numbers = replace(numbers, outputs=numbers.outputs + 0.0123)
    assert explained(probe(), searched(numbers)) is None
