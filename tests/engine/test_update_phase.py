"""The second half of a step: the same weights by either way, and the same once more transposed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from llvmlite import ir
from tests.engine.support.networks import by_engine, native, problem_of
from tests.engine.support.planted import compile_anew

import clearprop as cp
from clearprop.engine.native import Native
from clearprop.engine.update_phase import Weights
from clearprop.network.problem import Problem

SHAPES = [(3, 5, 2), (40, 70, 33, 10)]


def whole(problem: Problem) -> Problem:
    """The same problem with a limit of the gradient's norm that is never reached: the whole gradient comes first."""
    return replace(problem, optimizer=replace(problem.optimizer, clip_norm=1e9))


@pytest.mark.parametrize("sizes", SHAPES)
@pytest.mark.parametrize("chosen", [cp.SGD(0.1, momentum=0.9), cp.Adam(0.01)], ids=lambda each: each.name)
def test_tiles_updated_at_once_and_the_whole_gradient_give_the_same_weights(
    sizes: tuple[int, ...], chosen: cp.Optimizer
) -> None:
    problem = problem_of(sizes, 30, 7, chosen=chosen)
    one, other = (by_engine(native(each, "float64", 2)) for each in (problem, whole(problem)))
    assert np.abs(one.vector - other.vector).max() <= 1e-13
    assert all(np.abs(one.state[name] - other.state[name]).max() <= 1e-13 for name in one.state)


def transposed_is_right(engine: Native) -> bool:
    """Whether each weight that the way back reads is the one that the way forward reads."""
    panels = engine.panels
    return np.array_equal(engine.training.arrays["transposed"], panels.transpose(engine.training.arrays["parameters"]))


@pytest.mark.parametrize("sizes", SHAPES)
@pytest.mark.parametrize("limited", [False, True])
def test_weights_are_written_transposed_as_well(sizes: tuple[int, ...], limited: bool) -> None:
    problem = problem_of(sizes, 30, 7)
    engine = native(whole(problem) if limited else problem, "float64", 2)
    before = engine.vector
    by_engine(engine)
    assert not np.array_equal(engine.vector, before)
    assert transposed_is_right(engine)


def test_transposed_weights_that_are_out_of_date_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(self: Weights, layer: ir.Value, p: ir.Value, k: ir.Value, g: ir.Value) -> None:
        w = self.b.at(self.parameters, self.place(layer, p, k))
        self.update(layer, p, w, g, self.units_of(self.before(layer), k), weights=True)

    monkeypatch.setattr(Weights, "update_tile", without)
    engine = native(problem_of(SHAPES[1], 30, 7), "float64")
    compile_anew(engine, "train", "errors")
    by_engine(engine)
    assert not transposed_is_right(engine)
