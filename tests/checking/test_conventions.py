"""Conventions: sheets that are right in another one."""

from __future__ import annotations

from dataclasses import replace

import pytest

import clearprop as cp
from clearprop.checking.conventions import CONVENTIONS
from clearprop.checking.marked import Marked
from clearprop.derivation.lines import Lines


def worked(problem: cp.Problem, step: int = 1) -> dict[str, str]:
    done = cp.cycle(problem, step=step)
    return {done.names.text(quantity): f"{value:.6f}" for quantity, value in Lines(done).values().items()}


def found(problem: cp.Problem, answers: dict[str, str]) -> Marked:
    sheet = cp.check(problem, answers)
    assert isinstance(sheet, Marked)
    return sheet


@pytest.mark.parametrize(
    ("old", "new", "change", "first"),
    [
        ('"half_squared_error"', '"squared_error"', 'loss.name = "squared_error"', "E_1"),
        ('over_outputs = "sum"', 'over_outputs = "mean"', 'loss.over_outputs = "mean"', "E_1"),
    ],
)
def test_another_declaration_is_named_by_its_key(old: str, new: str, change: str, first: str) -> None:
    text = cp.write(cp.load("lecture"))
    sheet = found(cp.load("lecture"), worked(cp.read(text.replace(old, new))))
    assert [each.change for each in sheet.conventions] == [change]
    assert (sheet.first_wrong, sheet.mistakes, sheet.all_right) == (first, (), False)


def test_a_penalty_without_its_half() -> None:
    problem = replace(cp.load("lecture"), penalty=cp.Penalty(l2=0.1))
    sheet = found(problem, worked(replace(problem, penalty=cp.Penalty(l2=0.2))))
    assert [each.change for each in sheet.conventions] == ["penalty.l2 = 0.2"]


def test_the_other_sign_of_the_error_signal() -> None:
    answers = worked(cp.load("lecture"))
    turned = {
        name: (text.removeprefix("-") if text.startswith("-") else f"-{text}") if name.startswith("∂E_total") else text
        for name, text in answers.items()
    }
    sheet = found(cp.load("lecture"), turned)
    assert [each.name for each in sheet.conventions] == ["signal_of_target_minus_output"]
    assert sheet.mistakes == ()


def test_thresholds_are_biases_with_the_other_sign() -> None:
    text = cp.write(cp.load("lecture"))
    other = cp.read(text.replace("bias = 0.25", "bias = -0.25").replace("bias = 0.35", "bias = -0.35"))
    answers = worked(other)
    for name in ("b1", "b2"):
        answers[f"∂E_total/∂{name}"] = f"{-float(answers[f'∂E_total/∂{name}']):.6f}"
        answers[f"new_{name}"] = answers[f"new_{name}"].removeprefix("-")
    sheet = found(cp.load("lecture"), answers)
    assert [each.name for each in sheet.conventions] == ["thresholds_subtracted"]


def test_weights_numbered_input_by_input() -> None:
    text = cp.write(cp.load("lecture"))
    other = cp.read(
        text.replace('[["w1", "w3"], ["w2", "w4"]]', '[["w1", "w2"], ["w3", "w4"]]')
        .replace("[[0.1, 0.3], [0.2, 0.4]]", "[[0.1, 0.2], [0.3, 0.4]]")
        .replace('[["w5", "w6"], ["w7", "w8"]]', '[["w5", "w7"], ["w6", "w8"]]')
        .replace("[[0.5, 0.6], [0.7, 0.8]]", "[[0.5, 0.7], [0.6, 0.8]]")
    )
    sheet = found(cp.load("lecture"), worked(other))
    assert [each.name for each in sheet.conventions] == ["weights_numbered_by_input"]


@pytest.mark.parametrize("name", ["velocity_of_change", "velocity_as_mean", "epsilon_in_root"])
def test_optimizers_have_conventions_too(name: str) -> None:
    optimizer = cp.Adam(0.1, eps=0.1) if name == "epsilon_in_root" else cp.SGD(0.6, momentum=0.9)
    problem = replace(cp.load("lecture"), optimizer=optimizer)
    done = cp.cycle(problem)
    lines = Lines(done)
    other = lines.rewritten(CONVENTIONS[name].expressions(lines)).values()
    sheet = found(problem, {done.names.text(quantity): f"{value:.6f}" for quantity, value in other.items()})
    assert [each.name for each in sheet.conventions] == [name]
