"""The benchmark of first fits: what it times, and what it makes of that."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.everything import PAGE
from benchmarks.first_fit import CASES, PART, fit, summary
from benchmarks.fitting import NETWORKS, ROWS, problem
from benchmarks.measure import Failed

from benchmarks import report
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


def test_what_misses_its_target_is_bold() -> None:
    times = dict(zip(CASES, ([200.0, 250.0, 400.0], [20.0, 40.0, 500.0], [1000.0], [500.0]), strict=True))
    heads, _, line = ([cell.strip() for cell in line.split("|")][1:-1] for line in summary({"a network": times}))
    assert heads[1:3] == [
        "after another fit, compiled, ms (fastest; to reach: 300)",
        "after another fit, from the disk, ms (fastest; to reach: 30.0)",
    ]
    assert line == ["a network", "250 (200)", "**40.0 (20.0)**", "1,000 (1,000)", "500 (500)"]


def test_what_one_process_compiles_the_next_one_finds(tmp_path: Path) -> None:
    for code in ("compiled", "disk"):
        assert fit(str(tmp_path), "4-10-3, softmax", "warm", code) > 0
    with pytest.raises(Failed, match='expected code from "compiled", found "disk"'):
        fit(str(tmp_path), "4-10-3, softmax", "first", "compiled")


def test_the_page_of_the_documentation_has_its_part() -> None:
    assert report.missing(PAGE, [PART]) is None
