"""The benchmark of first fits: what it times, and what it makes of that."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from benchmarks.comparison import document
from benchmarks.first_fit import CASES, PART, Timed, asked, parts, summary
from benchmarks.fitting import FUNCTIONS, NETWORKS, PHASES, ROWS, Clock, place, problem

from clearprop.training.batching import batch_size


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_fitted_in_two_steps(name: str) -> None:
    given = problem(*NETWORKS[name])
    assert given.examples is not None
    assert len(given.examples) == ROWS == 2 * batch_size(given)
    assert given.settings.epochs == 1


def test_the_ten_layers_are_what_their_names_say() -> None:
    widths = {width for width, _ in NETWORKS["ten layers of ten widths"][1]}
    activations = {activation for _, activation in NETWORKS["ten layers, nine activations"][1]}
    assert (len(widths), len(activations)) == (10, 9)
    assert {len(layers) for name, (_, layers) in NETWORKS.items() if name.startswith("ten")} == {10}


@pytest.mark.parametrize(("phase", "module", "name"), FUNCTIONS)
def test_the_functions_whose_time_is_taken_are_there(phase: str, module: str, name: str) -> None:
    owner, function = place(module, name)
    assert callable(getattr(owner, function))
    assert phase in PHASES


def test_a_second_counts_for_the_innermost_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((0.0, 1.0, 3.0, 7.0))
    monkeypatch.setattr(time, "perf_counter", lambda: next(now))
    clock = Clock()
    inner = clock.of("imports", lambda: 5)
    assert clock.of("LLVM", inner)() == 5
    assert {name: seconds for name, seconds in clock.parts.items() if seconds} == {"imports": 2.0, "LLVM": 5.0}


def timed(*seconds: float) -> Timed:
    return Timed(
        list(seconds),
        [dict.fromkeys(PHASES[:2], 0.25 * each) | dict.fromkeys(PHASES[2:], 0.0) for each in seconds],
    )


def test_what_misses_its_target_is_bold() -> None:
    times = dict(zip(CASES, (timed(0.2, 0.25, 0.4), timed(0.02, 0.04, 0.5), timed(1.0), timed(0.5)), strict=True))
    cells = [cell.strip() for cell in summary({"a network": times})[2].split("|")]
    assert cells[1:-1] == ["a network", "250 (200)", "**40.0 (20.0)**", "1,000 (1,000)", "500 (500)"]
    line = [cell.strip() for cell in parts({"a network": times})[2].split("|")]
    assert line[1:-1] == ["a network", "after another fit, compiled", "62.5", "62.5", "125", "250"]


def test_code_from_elsewhere_is_not_counted() -> None:
    found = Timed()
    with pytest.raises(RuntimeError, match='expected code from "disk", found "compiled"'):
        found.add({"seconds": 1.0, "origin": "compiled", "parts": {}}, "disk")
    assert not found.seconds


def test_what_one_process_compiles_the_next_one_finds(tmp_path: Path) -> None:
    for code in ("compiled", "disk"):
        answer = asked("4-10-3, softmax", "warm", str(tmp_path), True)
        assert answer["origin"] == code
        assert (answer["parts"]["LLVM"] > 0) is (code == "compiled")
        assert 0 < answer["parts"]["steps"] < sum(answer["parts"].values()) <= answer["seconds"]


def test_the_page_of_the_documentation_has_its_part() -> None:
    assert document.missing(Path(__file__).parents[2] / "docs" / "benchmarks.md", [PART]) is None
