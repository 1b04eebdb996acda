"""Factors of softmax: each is derived, or is where its name is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import clearprop as cp

BY_SUMS = [
    [-0.11418945525711427, 0.04429810493050633, 0.06989135032660797],
    [0.1287158171143286, -0.2335528426042405, 0.10483702548991196],
    [0.21452636185721435, 0.11074526232626582, -0.3252716241834801],
]
BY_H1 = [-0.019136671959241548, 0.05829499206113768, -0.0028416798981038723]


def numbers(cycle: cp.Cycle, *names: str) -> dict[str, float]:
    derivations = cp.explain(cycle, *names).structure()["derivations"]
    return {name: derivation["gradient"] for name, derivation in derivations.items()}


def test_every_factor_is_found_by_the_name_it_is_shown_under(case: Callable[[str], Path]) -> None:
    cycle = cp.cycle(cp.load(case("softmax-factors") / "network.toml"))
    asked = [f"dL_{k}/dz_y{j}" for k in (1, 2, 3) for j in (1, 2, 3)]
    expected = {f"∂L_{k + 1}/∂z_y{j + 1}": value for k, row in enumerate(BY_SUMS) for j, value in enumerate(row)}
    assert numbers(cycle, *asked) == pytest.approx(expected, rel=1e-13)
    found = numbers(cycle, *(f"dL_{k}/da_h1" for k in (1, 2, 3)))
    assert found == pytest.approx({f"∂L_{k + 1}/∂a_h1": value for k, value in enumerate(BY_H1)}, rel=1e-13)


def test_the_derivation_of_a_hidden_weight_derives_them(case: Callable[[str], Path]) -> None:
    cycle = cp.cycle(cp.load(case("softmax-factors") / "network.toml"))
    text = cp.explain(cycle, "w1").text()
    assert "∂L_1/∂z_y2 = ∂L_1/∂a_y1 · ∂a_y1/∂z_y2\n" in text
    assert "= t_1 · a_y2\n" in text
    assert "= 0.2 · 0.22149\n             = 0.04430\n" in text


def test_an_error_signal_shows_why_it_collapses(case: Callable[[str], Path]) -> None:
    """The terms that the targets' sum of 1 takes out stand there before it does."""
    cycle = cp.cycle(cp.load(case("softmax-factors") / "network.toml"))
    text = cp.explain(cycle, "delta_y1").text()
    steps = [
        "= -t_1 · (1 - a_y1) + t_2 · a_y1 + t_3 · a_y1",
        "= a_y1 · (t_1 + t_2 + t_3) - t_1",
        "= a_y1 - t_1   (the targets add up to 1)",
    ]
    places = [text.index(step) for step in steps]
    assert places == sorted(places)


def test_where_the_targets_do_not_quite_add_up_to_1_their_sum_stays(tmp_path: Path) -> None:
    source = Path(__file__).parent / "softmax-factors" / "network.toml"
    network = tmp_path / "network.toml"
    network.write_text(source.read_text().replace("[0.2, 0.3, 0.5]", "[0.3333333, 0.3333333, 0.3333333]"))
    cycle = cp.cycle(cp.load(network))
    text = cp.explain(cycle, "delta_y1").text()
    assert "= a_y1 · (t_1 + t_2 + t_3) - t_1\n" in text
    assert "add up to 1" not in text


def test_the_lecture_too() -> None:
    cycle = cp.cycle(cp.load("lecture"))
    found = numbers(cycle, "dE_1/doutput_h1", "∂E_1/∂output_o1", "dE_1/dsum_o1", "∂sum_o1/∂w5", "doutput_h1/dsum_h1")
    expected = {
        "∂E_1/∂output_h1": 0.06671497389601551,
        "∂E_1/∂output_o1": cycle["output_o1"] - 0.05,
        "∂E_1/∂sum_o1": (cycle["output_o1"] - 0.05) * cycle["output_o1"] * (1 - cycle["output_o1"]),
        "∂sum_o1/∂w5": cycle["output_h1"],
        "∂output_h1/∂sum_h1": cycle["output_h1"] * (1 - cycle["output_h1"]),
    }
    assert found == pytest.approx(expected, rel=1e-13)
