"""What is said about one sheet."""

from __future__ import annotations

import pytest

import clearprop as cp
from clearprop.checking import candidates
from clearprop.checking.marked import Marked


def marked(answers: dict[str, str]) -> Marked:
    found = cp.check(cp.load("lecture"), answers)
    assert isinstance(found, Marked)
    return found


def test_one_mistake_in_two_units_is_one_finding() -> None:
    found = marked({"sum_h1": "0.16", "output_h1": "0.53991", "output_h2": "0.61538", "sum_o2": "0.87024"})
    assert {each.name: each.lines for each in found.mistakes} == {"bias_left_out": ("sum_h1", "sum_o2")}


def test_a_mistake_may_be_made_in_one_line_alone() -> None:
    done = cp.cycle(cp.load("lecture"))
    answers = {f"dE/dw{k}": f"{done.gradients[f'w{k}']:.6f}" for k in range(1, 9)}
    answers["dE/dw5"] = f"{done.gradients['w5'] / done['output_h1'] * done['output_h2']:.6f}"
    assert [(each.name, each.lines) for each in marked(answers).mistakes] == [("neighbours_input", ("∂E_total/∂w5",))]


def test_lines_stand_in_computing_order_whatever_the_file_says() -> None:
    found = marked({"new_w5": "0.45188", "E": "0.24908", "sum_h1": "0.41"})
    assert [line.quantity for line in found.lines] == ["sum_h1", "E_total", "new_w5"]


@pytest.mark.parametrize(("most", "where"), [({2: 1_000}, "units"), ({}, "layers or units")])
def test_a_large_cycle_says_how_far_mistakes_were_looked_for(
    monkeypatch: pytest.MonkeyPatch, most: dict[int, int], where: str
) -> None:
    monkeypatch.setattr(candidates, "MOST_LINES", most)
    assert marked({"sum_h1": "0.16"}).notes == (f"in 1 line, mistakes made in single {where} only are not looked for",)
    assert marked({"sum_h1": "0.41"}).notes == ()
