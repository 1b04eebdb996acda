"""Explanations of wrong numbers: alone, in pairs, in one place only, tied."""

from __future__ import annotations

import numpy as np
import pytest
from tests.checking.exercises import random_exercise
from tests.checking.planted import DIGITS, exercises, foreign, marked, says, sheets
from tests.checking.students import Student
from tests.checking.written_down import asked, texts

import clearprop as cp
from clearprop.checking.answers import answers_of
from clearprop.checking.candidates import UNIT, candidates
from clearprop.checking.check import Marking
from clearprop.checking.explained import explain, widest
from clearprop.checking.marked import Marked, MarkedClass
from clearprop.checking.order import Order
from clearprop.checking.sheet import chosen
from clearprop.checking.spelling import meant
from clearprop.checking.verdicts import judge
from clearprop.checking.written import Asked
from clearprop.derivation.lines import Lines


def sheet_of(*mistakes: str, exercise: str = "logistic") -> Marked:
    made = exercises()[exercise]
    found = cp.check(made.problem, texts(Student(made, frozenset(mistakes)).work(), DIGITS))
    assert isinstance(found, Marked)
    return found


def test_a_mistake_explains_its_numbers_that_are_close_to_the_right_ones() -> None:
    network = cp.read("""
[inputs]
names = ["i1"]
[[layers]]
units = ["h1", "h2", "h3"]
activation = "tanh"
weights = [[0.85], [0.1], [0.07]]
bias = false
[[layers]]
units = ["o1", "o2"]
weights = [[-0.4, -0.4, 0.2], [-0.5, 0.9, -0.1]]
bias = false
[[examples]]
inputs = [1.0]
targets = [0.2, 0.1]
""")
    sums, outputs = ("0.85000", "0.10000", "0.07000"), ("0.69107", "0.09967", "0.06989")
    given = {f"sum_h{k}": text for k, text in enumerate(sums, 1)}
    given |= {f"out_h{k}": text for k, text in enumerate(outputs, 1)} | {
        "dE/dsum_o1": "0.03743",
        "dE/dsum_o2": "0.02281",
    }
    # 0.02281 * 0.06989 is 0.00159, and 0.02281 * 0.07 is 0.00160: hardly another number, but the same mistake
    given |= {"dE/dw4": "0.03182", "dE/dw5": "0.00374", "dE/dw6": "0.00262"}
    given |= {"dE/dw7": "0.01939", "dE/dw8": "0.00228", "dE/dw9": "0.00160"}
    sheet = cp.check(network, given, digits=5)
    assert isinstance(sheet, Marked)
    assert [each.name for each in sheet.mistakes] == ["sum_for_output"]
    assert "∂L/∂w9" in sheet.mistakes[0].lines


def test_two_mistakes_are_both_named() -> None:
    made = exercises()["logistic"]
    pairs = [
        ("bias_left_out", "sign_of_error"), ("half_left_out", "added"), ("slope_left_out", "updated_weights"),
        ("transposed", "no_rate"), ("neighbours_input", "one_output_only"), ("targets_swapped", "weights_left_out"),
        ("sum_passed_on", "shared_bias_one_unit"), ("exponent_sign", "row_for_column"), ("factor_two", "rate_squared"),
    ]  # fmt: skip
    answers = {" ".join(pair): texts(Student(made, frozenset(pair)).work(), DIGITS) for pair in pairs}
    found = cp.check(made.problem, answers)
    assert isinstance(found, MarkedClass)
    for pair in pairs:
        assert set(pair) <= says(found.students[" ".join(pair)]), pair
        assert not foreign(found.students[" ".join(pair)], *pair), pair


def test_a_gradient_table_alone_is_enough_for_most() -> None:
    kinds = ("∂E_total/∂w", "∂E_total/∂b")
    traces, named, wrongly = 0, 0, 0
    for exercise in ("logistic", "tanh"):
        right = asked(texts(Student(exercises()[exercise]).work(), DIGITS), kinds)
        for name, sheet in sheets(exercise).items():
            if asked(sheet, kinds) != right:
                found = marked(exercise, kinds).students[name]
                traces += not found.all_right
                named += name in says(found)
                wrongly += bool(foreign(found, name))
    assert traces > 60
    assert named >= 0.95 * traces
    assert wrongly <= 0.02 * traces


def test_a_pair_is_found_through_a_gradient_table() -> None:
    made = random_exercise(np.random.default_rng(5), sizes=[3, 3, 2], activations=["logistic"] * 2, shared=False)
    answers = asked(texts(Student(made, frozenset(["slope_left_out", "transposed"])).work(), 6), ("∂E_total/∂",))
    answers = {name: text for name, text in answers.items() if "/∂w" in name}
    found = cp.check(made.problem, answers)
    assert isinstance(found, Marked)
    assert says(found) == {"slope_left_out", "transposed"}


@pytest.mark.parametrize(("unit", "lines"), [("o1", 1), ("h2", 1)])
def test_a_mistake_for_one_unit_is_named(unit: str, lines: int) -> None:
    problem = cp.load("lecture")
    done = cp.cycle(problem)
    right = {f"{kind}_{unit}": f"{done[f'{kind}_{unit}']:.5f}" for kind in ("sum", "output")}
    slope = float(right[f"output_{unit}"])
    found = cp.check(problem, {**right, f"dout_{unit}/dnet_{unit}": f"{slope:.5f}"})
    assert isinstance(found, Marked)
    assert says(found) == {"slope_is_output"}


def test_a_tie_says_which_line_would_tell() -> None:
    made = exercises()["logistic"]
    sheet = texts(Student(made, frozenset(["sign_of_error"])).work(), DIGITS)
    found = cp.check(made.problem, {name: text for name, text in sheet.items() if name.startswith("new_w")})
    assert isinstance(found, Marked)
    by = {each.name: each for each in found.mistakes}
    assert set(by) >= {"sign_of_error", "added"}
    assert "added" in by["sign_of_error"].tied_with
    assert by["added"].separated_by == "∂E_total/∂output_y1"


def test_what_nothing_gives_is_said() -> None:
    found = cp.check(cp.load("lecture"), {"sum_h1": "0.41", "output_h1": "7.3512"})
    assert isinstance(found, Marked)
    assert (found.unexplained, found.mistakes) == (("output_h1",), ())


def test_one_mistake_named_alone_keeps_what_was_carried() -> None:
    found = sheet_of("slope_left_out")
    assert [each.name for each in found.mistakes] == ["slope_left_out"]
    assert found.marks["carried"] > 10
    assert found.marks["wrong"] == len(found.mistakes[0].lines) == 4


def test_what_contradicts_a_right_line_is_no_explanation() -> None:
    done = cp.cycle(cp.load("lecture"))
    right = {f"dE/dnet_{unit}": f"{done.value(meant(done, f'dE/dnet_{unit}')):.5f}" for unit in ("o1", "o2")}
    found = cp.check(cp.load("lecture"), {**right, "dE/dout_o1": "0.68493", "dE/dnet_o1": "0.68493"})
    assert isinstance(found, Marked)
    by = {each.name: each.candidate for each in found.mistakes}
    assert (candidate := by["slope_left_out"]) is not None
    assert candidate.width == UNIT


def test_what_is_explained_is_set_aside() -> None:
    made = exercises()["logistic"]
    done = cp.cycle(made.problem)
    sheet = texts(Student(made, frozenset(["bias_left_out", "slope_left_out"])).work(), DIGITS)
    marking = Marking(done, answers_of(done, sheet), Asked())
    sheets, unreadable = marking._sheets(marking.answers.rows)
    order = marking.exercise.order
    judged = judge(order, sheets, unreadable)
    (found,) = explain(order, *chosen(sheets, judged, [0]), marking.exercise.candidates)
    assert [{each.of.name for each in part.by} for part in found] == [{"bias_left_out"}, {"slope_left_out"}]


def test_conventions_stand_before_mistakes_that_give_the_same() -> None:
    lines = Lines(cp.cycle(cp.load("lecture")))
    found = candidates(Order(lines, tuple(lines.quantities())))
    mistake = next(each for each in found if not each.is_convention)
    convention = next(each for each in found if each.is_convention)
    assert widest([mistake, convention]) == (convention, mistake)
