"""The fit of the cost model's constants, and what is said of how well they do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.comparison import document
from benchmarks.constants import Constants, fitted, not_negative, terms
from benchmarks.plan import PART, Measured, fit, measured, planned, problem, table, verdict

import clearprop as cp
from clearprop.engine import machine, plan


def of(sizes: tuple[int, ...], batch: int, one: float = 1.0, many: float = 1.0) -> Measured:
    given = problem(sizes, batch, "relu", cp.Adam(0.001))
    return Measured(
        "a network", plan.program(given, "float32", machine.host(), batch), given.network, batch, 2, one, many
    )


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


def test_the_constants_with_which_times_were_made_are_found_again(shapes: list[Measured]) -> None:
    planted = Constants((1e-9, 2e-9, 4e-9, 3e-8), 5e-6)
    before = Constants.present()
    with planted.in_place():
        exact = [Measured("", e.program, e.network, e.batch, 2, e.model(1)(), e.model(2)()) for e in shapes]
    assert fit(exact).vector == pytest.approx(planted.vector, rel=1e-6)
    assert Constants.present() == before


def test_a_model_that_is_no_sum_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "seconds", lambda *_: max(plan.SECONDS.products, 2 * plan.BARRIER))
    with pytest.raises(ValueError, match="not linear"):
        terms([lambda: plan.seconds(None, None, 1, 1), lambda: plan.SECONDS.moved])  # type: ignore[arg-type]


def test_twice_too_much_counts_as_half_and_small_as_large() -> None:
    assert fitted(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([1.0, 4.0])).seconds == pytest.approx((2,), rel=1e-3)
    matrix = np.array([[1.0, 0.0], [1e4, 0.0]])
    assert fitted(matrix, np.array([2e-6, 0.5e-2])).seconds == pytest.approx((1e-6,), rel=1e-3)


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
    expected = small.model(1)()
    found = [
        Measured("right", small.program, small.network, 32, 2, expected / 2, expected),
        Measured("wrong", large.program, large.network, 256, 2, 4 * large.model(1)(), 5 * large.model(1)()),
    ]
    one, two, planned = verdict(found)
    assert "0.50 to 4.00, typically off by 3.00×, at worst by 4.00×" in one
    assert "on 2 threads" in two
    assert "1 of 2 times" in planned
    assert "11.8 % longer" in planned  # the root of 1.25
    right, wrong = table(found)[2:]
    assert "as fast" not in right
    assert "1 would be 1.25× as fast" in wrong


def test_a_network_is_measured() -> None:
    found = measured((3, 4, 2), 5, "logistic", cp.SGD(0.01))
    assert found.name == "3-4-2, batch 5, logistic, sgd"
    assert 1e-8 < found.one < 1
    assert planned(5, 3).order.shape == (15,)


def test_the_page_of_the_documentation_has_its_part() -> None:
    assert document.missing(Path(__file__).parents[2] / "docs" / "benchmarks.md", [PART]) is None
