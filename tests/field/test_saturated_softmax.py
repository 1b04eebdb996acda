"""A softmax output that is exactly 0 for the class that is the target."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

import clearprop as cp


@pytest.fixture
def cycle(case: Callable[[str], Path]) -> Callable[[int | Literal["all"]], cp.Cycle]:
    problem = cp.load(case("saturated-softmax") / "network.toml")
    return lambda example: cp.cycle(problem, example)


@pytest.mark.parametrize(
    ("example", "error", "gradients", "after"),
    [
        (1, 2000, [1000, -1000, 7.124576406741286e-215], 0),
        (2, 850, [800, -300, -500], 32350.032),
        ("all", 1425, [900, -650, -250], None),
    ],
)
def test_its_numbers_are_right(cycle: Any, example: Any, error: float, gradients: list[float], after: Any) -> None:
    explanation = cp.explain(cycle(example)).structure()
    assert explanation["values"]["L"] == pytest.approx(error, rel=1e-12)
    found = [explanation["gradients"][f"w{k}"] for k in (1, 2, 3)]
    assert found == pytest.approx(gradients, rel=1e-12)
    assert [explanation["derivations"][f"w{k}"]["gradient"] for k in (1, 2, 3)] == found
    if after is not None:
        assert explanation["after"]["L"] == pytest.approx(after, rel=1e-9)


def test_its_error_signals_and_new_weights(cycle: Any) -> None:
    done = cycle(1)
    assert [done[f"delta_y{k}"] for k in (1, 2, 3)] == pytest.approx([1, -1, 7.124576406741286e-218], rel=1e-12)
    assert [done.updated[f"w{k}"] for k in (1, 2, 3)] == pytest.approx([-99, 99, 0.5], rel=1e-12)


@pytest.mark.parametrize("example", [1, 2, "all"])
@pytest.mark.parametrize("format", ["text", "markdown", "latex", "html", "json"])
def test_every_format_is_written(cycle: Any, example: Any, format: str) -> None:
    done = cycle(example)
    assert cp.explain(done).write(format)
    assert cp.explain(done, "w1", "w2", "b_y2").write(format)
    if example != "all":
        assert cp.explain(done, "w1", paths=3).write(format)
        assert cp.explain(done, "dL_2/dz_y2", "dL/dx", "dL_2/dx").write(format)


def test_a_quotient_by_zero_is_shown_as_what_it_is(cycle: Any) -> None:
    text = cp.explain(cycle(1), "dL_2/da_y2", "dL_2/dz_y2").text()
    assert "= -1/0\n             = -inf\n" in text
    assert "= -t_2 · (1 - a_y2)\n" in text
    assert "= -1 · (1 - 0)\n             = -1\n" in text


def test_the_same_in_everyday_use(case: Callable[[str], Path]) -> None:
    problem = cp.load(case("saturated-softmax") / "table.toml")
    for example in range(1, 16, 4):
        done = cp.cycle(problem, example)
        assert cp.explain(done).text()
        assert cp.explain(done, "w1", "delta_y1").json()
