"""The fit of the cost model's constants, and what is said of how well they do."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.everything import PAGE
from benchmarks.measure import Length
from benchmarks.plan import PART, Measured, fit, fitted, measured, not_negative, problem, table, verdict

import clearprop as cp
from benchmarks import report
from clearprop.engine import machine, plan
from clearprop.engine.native import Native
from clearprop.types import Array


def of(sizes: tuple[int, ...], batch: int, one: float = 1.0, many: float = 1.0) -> Measured:
    given = problem(sizes, batch, "relu", cp.Adam(0.001))
    program = plan.program(given, "float32", machine.host(), batch)
    return Measured("a network", program, given.network, batch, 2, one, many)


@pytest.fixture(scope="module")
def shapes() -> list[Measured]:
    """Enough of them to tell the constants apart."""
    sizes = (
        ((4, 16, 3), 32),
        ((30, 8), 64),
        ((64, 3, 3, 3), 20),
        ((2, 40, 2), 7),
        ((9, 20, 20, 20, 4), 16),
        ((50, 50), 3),
    )
    return [of(*each) for each in sizes]


def test_the_constants_with_which_times_were_made_are_found_again(
    shapes: list[Measured], monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = plan.Counts(1e-9, 2e-9, 4e-9, 3e-8, 5e-6)
    monkeypatch.setattr(plan, "SECONDS", planted)
    exact = [Measured("", e.program, e.network, e.batch, 2, e.expected(1), e.expected(2)) for e in shapes]
    assert fit(exact) == pytest.approx(planted, rel=1e-6)


def test_twice_too_much_counts_as_half_and_small_as_large() -> None:
    assert fitted(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([1.0, 4.0])) == pytest.approx([2, 0], rel=1e-3)
    matrix = np.array([[1.0, 0.0], [1e4, 0.0]])
    assert fitted(matrix, np.array([2e-6, 0.5e-2])) == pytest.approx([1e-6, 0], rel=1e-3)


def test_no_constant_is_negative() -> None:
    random = np.random.default_rng(0)
    matrix = random.uniform(size=(20, 4)) * [1, 1e6, 1e-3, 1]
    wanted = matrix @ [1.0, 2e-6, -50.0, 0.5]
    found = not_negative(matrix, wanted)
    assert found.min() == 0
    rest = matrix @ found - wanted
    # Kuhn and Tucker: no step that is allowed makes it better.
    slopes = matrix.T @ rest / np.linalg.norm(matrix, axis=0)
    assert np.all(np.abs(slopes[found > 0]) < 1e-9)
    assert np.all(slopes[found == 0] > 0)


def test_the_verdict_says_how_far_off_and_which_number_of_threads_was_the_faster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan, "threads", lambda program, network, batch: 1 if batch == 32 else 2)
    small, large = of((4, 16, 3), 32), of((300, 300, 300), 256)
    expected = small.expected(1)
    found = [
        Measured("right", small.program, small.network, 32, 2, expected / 2, expected),
        Measured("wrong", large.program, large.network, 256, 2, 4 * large.expected(1), 5 * large.expected(1)),
    ]
    one, two, planned = verdict(found)
    assert "0.50 to 4.00, typically off by 3.00×, at worst by 4.00×" in one
    assert "on 2 threads" in two
    assert "1 of 2 times" in planned
    assert "11.8 % longer" in planned  # the root of 1.25
    right, wrong = table(found)[2:]
    assert "as fast" not in right
    assert "1 would be 1.25× as fast" in wrong


def test_a_network_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock on which each step takes a quarter of a second."""
    clock, usual = [0.0], Native.run

    def run(self: Native, order: Array, bounds: Array, steps: Array, rates: Array) -> Array:
        clock[0] += len(steps) / 4
        return usual(self, order, bounds, steps, rates)

    monkeypatch.setattr(Native, "run", run)
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    monkeypatch.setattr("benchmarks.plan.LENGTH", Length(1, 10.0))
    found = measured((3, 4, 2), 5, "logistic", cp.SGD(0.01))
    assert found.name == "3-4-2, batch 5, logistic, sgd"
    assert (found.one, found.many) == (0.25, 0.25)


def test_the_page_of_the_documentation_has_its_part() -> None:
    assert report.missing(PAGE, [PART]) is None
