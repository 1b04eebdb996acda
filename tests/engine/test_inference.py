"""Outputs and errors by native code: the lecture's digits, and the same bits in any company."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engine.support.networks import drawn, native, outputs, problem_of
from tests.engine.support.planted import compile_anew

import clearprop as cp
from clearprop.engine.inference import Errors
from clearprop.engine.native import Native


def test_the_lectures_outputs_and_error() -> None:
    engine = native(cp.load("lecture"), "float64")
    assert outputs(engine, np.array([0]))[0].round(5).tolist() == [0.73493, 0.77955]
    assert engine.error(np.array([0])) == pytest.approx(0.24909, abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_an_example_has_the_same_outputs_in_any_company(seed: int) -> None:
    """To the same bits in any tile; a few examples are computed one by one, which adds up in another order."""
    problem = drawn(seed, weights=4000)
    engine = native(problem, "float64", 2)
    assert problem.examples is not None
    rows = np.arange(min(len(problem.examples), 40))
    together = outputs(engine, rows)
    assert np.array_equal(outputs(engine, rows[::-1])[::-1], together)
    for row in rows[:5]:
        assert np.abs(outputs(engine, rows[row : row + 1])[0] - together[row]).max() <= 1e-13


def adds_up(engine: Native) -> bool:
    """Whether the error of many examples is the mean of each one's error, however many there are."""
    rows = np.arange(300)
    each = [engine.error(rows[k : k + 1]) for k in rows]
    return all(
        engine.error(rows[:count]) == pytest.approx(np.mean(each[:count]), rel=1e-13)
        for count in (1, 2, 127, 128, 129, 300)
    )


def test_errors_of_examples_add_up() -> None:
    assert adds_up(native(problem_of((3, 5, 2), 300, 8), "float64", 2))


def test_an_example_that_is_left_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Errors.block
    monkeypatch.setattr(Errors, "block", lambda self, first, examples: real(self, self.b.integer(0), examples))
    engine = native(problem_of((3, 5, 2), 300, 8), "float64", 2)
    compile_anew(engine, "errors")
    assert not adds_up(engine)
