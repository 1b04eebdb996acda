"""Checking from Python: options, examples, published numbers, no false alarms."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.checking.exercises import FUNCTIONS, LOSSES, random_exercise
from tests.checking.students import Student
from tests.checking.written_down import rounded, significant, texts

import clearprop as cp
from clearprop.checking.marked import Marked
from clearprop.derivation.lines import Lines
from clearprop.errors import InvalidArgument

PUBLISHED = Path(__file__).parent / "published"


def marked(problem: cp.Problem, answers: Any, **options: Any) -> Marked:
    found = cp.check(problem, answers, **options)
    assert isinstance(found, Marked)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_right_sheets_are_right_however_they_are_rounded(seed: int) -> None:
    rng = np.random.default_rng(seed)
    loss = list(LOSSES)[seed % len(LOSSES)]
    kinds = [str(rng.choice(list(FUNCTIONS))) for _ in range(int(rng.integers(1, 4)))]
    exercise = random_exercise(
        rng,
        activations=kinds,
        sizes=[int(n) for n in rng.integers(1, 4, len(kinds) + 1)],
        loss=loss,
        mean=seed % 2 == 0,
    )
    if loss.endswith("cross_entropy"):
        exercise.activations[-1] = "logistic"
    for digits, of_value, truncated, carried in (
        (3, False, False, True),
        (4, True, False, True),
        (5, False, True, True),
    ):
        keep = (significant if of_value else rounded)(digits, truncated)
        sheet = Student(exercise, keep=keep if carried else lambda number: number).work()
        written = texts(sheet, digits, significant_digits=of_value, truncated=truncated)
        found = marked(exercise.problem, written, rounding="truncate" if truncated else "nearest")
        assert found.all_right, [line for line in found.lines if line.verdict.value != "right"]


def test_the_famous_two_two_two_network() -> None:
    problem = cp.load(PUBLISHED / "two_two_two.toml")
    found = marked(problem, PUBLISHED / "two_two_two.csv")
    said = {each.name: each.lines for each in found.mistakes}
    assert said == {"updated_weights": ("new_E_total",), "last_digit": ("∂E_2/∂output_h1",)}
    assert found.marks["right"] == 28


@pytest.mark.parametrize(("name", "first"), [("data_mining", "∂E_total/∂sum_6"), ("exclusive_or", "∂E_total/∂sum_5")])
def test_textbooks_whose_error_signals_have_the_other_sign(name: str, first: str) -> None:
    """Their numbers as printed: all of them right, in the convention that is named."""
    found = marked(cp.load(PUBLISHED / f"{name}.toml"), PUBLISHED / f"{name}.csv")
    assert [each.says for each in found.conventions] == [
        "the error signal has the sign of target - output, and the update is added"
    ]
    assert not found.mistakes
    assert not found.unexplained
    assert found.first_wrong == first
    assert (found.marks["wrong"], found.marks["missing"]) == (1, 0)


def test_answers_to_another_example_are_recognised() -> None:
    problem = cp.load("xor")
    other = cp.cycle(problem, 3)
    answers = {other.names.text(quantity): f"{value:.5f}" for quantity, value in Lines(other).values().items()}
    assert marked(problem, answers, example=3).all_right
    assert marked(problem, answers, example=2).notes == ("these look like the numbers of example 3",)


def test_a_batch_is_checked_line_by_line() -> None:
    problem = cp.load("xor")
    done = cp.cycle(problem, "all")
    answers = {done.names.text(quantity): f"{value:.6f}" for quantity, value in Lines(done).values().items()}
    assert marked(problem, answers, example="all").all_right
    wrong = {name: text for name, text in answers.items() if name.startswith("∂L/∂w") and "," not in name}
    wrong = {name: f"{4 * float(text):.6f}" for name, text in wrong.items()}
    found = marked(problem, wrong, example="all")
    assert "batch_sum_for_mean" in {each.name for each in found.mistakes}
    assert [each.change for each in found.conventions] == ['loss.over_examples = "sum"']


@pytest.mark.parametrize("optimizer", [cp.Adam(0.1), cp.SGD(0.5, momentum=0.9, clip_norm=0.1), cp.AdamW(0.1)])
def test_any_optimizer_has_its_lines(optimizer: Any) -> None:
    problem = replace(cp.load("lecture"), optimizer=optimizer)
    done = cp.cycle(problem)
    answers = {done.names.text(quantity): f"{value:.9f}" for quantity, value in Lines(done).values().items()}
    assert marked(problem, answers).all_right


def test_a_saturated_unit_is_checked_with_all_its_digits() -> None:
    text = cp.write(cp.load("lecture")).replace("bias = 0.35", "bias = 20.0")
    problem = cp.read(text)
    done = cp.cycle(problem)
    answers = {done.names.text(quantity): f"{value:.6e}" for quantity, value in Lines(done).values().items()}
    assert marked(problem, answers).all_right
    gradient = done.gradients["w5"]
    assert not marked(problem, {"dE/dw5": f"{2 * gradient:.6e}"}).all_right


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"digits": 3, "significant": 3}, "digits and significant: a sheet asks for one or the other"),
        ({"digits": 18}, "digits: expected a whole number of at most 17"),
        ({"rounding": "up"}, 'rounding: expected "nearest" or "truncate"'),
        ({"tolerance": -1.0}, "tolerance: expected a number of at least 0"),
        ({"tolerance": math.inf}, "tolerance: expected"),
        ({"example": 2}, "example: expected 1, found 2"),
        ({"digts": 3}, 'did you mean "digits"'),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        cp.check(cp.load("lecture"), {"sum_h1": "0.41"}, **options)


def test_without_targets_the_forward_pass_is_checked() -> None:
    problem = cp.load("iris")
    found = marked(problem, {"a_h1_1": "0.5"}, example=1)
    assert found.marks["of"] == 1
