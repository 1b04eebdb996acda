"""Verdicts: right, carried, unfollowed, wrong, missing."""

from __future__ import annotations

import pytest
from tests.support import LECTURE, LECTURE_COMPONENTS, LECTURE_GRADIENTS, LECTURE_UPDATED

import clearprop as cp
from clearprop.checking.marked import Marked


def marked(answers: dict[str, str], **options: object) -> Marked:
    found = cp.check(cp.load("lecture"), answers, **options)  # type: ignore[arg-type]
    assert isinstance(found, Marked)
    return found


def verdicts(answers: dict[str, str], **options: object) -> list[str]:
    return [line.verdict.value for line in marked(answers, **options).lines]


def test_the_lectures_own_numbers_are_right() -> None:
    gradients = {f"dE/d{name}": text for name, text in LECTURE_GRADIENTS.items()}
    updated = {f"new_{name}": text for name, text in LECTURE_UPDATED.items()}
    sheet = marked({**LECTURE, **LECTURE_COMPONENTS, **gradients, **updated}, digits=5, rounding="truncate")
    assert sheet.all_right
    assert sheet.marks["of"] == 11 + 5 + 5 + 8


def test_a_right_formula_on_a_wrong_number_is_carried() -> None:
    assert verdicts({"sum_h1": "0.5", "output_h1": "0.6225"}) == ["wrong", "carried"]
    assert verdicts({"sum_h1": "0.5", "output_h1": "0.6011"}) == ["wrong", "unfollowed"]
    assert verdicts({"sum_h1": "0.5", "output_h1": "0.7"}) == ["wrong", "wrong"]
    assert verdicts({"sum_h1": "0.41", "output_h1": "", "new_w5": "0.4519"}) == ["right", "missing", "right"]


def test_a_small_number_is_rightly_0_in_the_decimals_asked() -> None:
    assert verdicts({"dE/dw1": "0"}, digits=2) == ["right"]
    assert verdicts({"dE/dw1": "0"}, digits=3) == verdicts({"dE/dw1": "0"}) == ["wrong"]


def test_a_sum_that_cancels_is_rightly_0() -> None:
    network = cp.read("""
[inputs]
names = ["i1", "i2"]
[[layers]]
units = ["h1"]
activation = "logistic"
weights = [[0.1, 0.3]]
bias = [-0.28]
[[examples]]
inputs = [0.7, 0.7]
targets = [0.1]
""")
    assert cp.cycle(network)["z_h1"] != 0  # float64's own noise
    sheet = cp.check(network, {"sum_h1": "0", "out_h1": "0.5"})
    assert isinstance(sheet, Marked)
    assert sheet.all_right


def test_a_joined_error_signal_may_be_worked_out_in_two_factors_that_are_left_out() -> None:
    network = cp.read("""
[inputs]
names = ["i1"]
[[layers]]
units = ["o1"]
activation = "logistic"
weights = [[1.0]]
bias = false
[loss]
name = "binary_cross_entropy"
[[examples]]
inputs = [1.157]
targets = [0]
""")
    # 1 / (1 - 0.76079) = 4.18043; 0.76079 * (1 - 0.76079) = 0.18199; 4.18043 * 0.18199 = 0.76080
    for left_out in ([], ["dout_o1/dsum_o1"], ["dout_o1/dsum_o1", "dE/dout_o1"], ["out_o1", "dout_o1/dsum_o1"]):
        answers = {"out_o1": "0.76079", "dE/dout_o1": "4.18043", "dout_o1/dsum_o1": "0.18199", "dE/dsum_o1": "0.76080"}
        sheet = cp.check(network, {name: text for name, text in answers.items() if name not in left_out}, digits=5)
        assert isinstance(sheet, Marked)
        assert sheet.all_right


def test_carried_rounding_is_right() -> None:
    assert (
        verdicts({"output_o1": "0.7", "dE/dout_o1": "0.65", "dout_o1/dnet_o1": "0.21", "dE/dnet_o1": "0.1365"})
        == ["right"] * 4
    )


def test_nothing_is_earned_by_carrying_a_zero() -> None:
    answers = {"dE/dout_o1": "0", "dE/dnet_o1": "0", "dE/dw5": "0", "new_w5": "0.5000"}
    sheet = marked(answers)
    assert [line.verdict.value for line in sheet.lines] == ["wrong"] * 4
    assert [line.trivial for line in sheet.lines] == [False, True, True, True]


def test_at_an_exact_half_both_neighbours_are_right() -> None:
    problem = cp.read(cp.write(cp.load("lecture")).replace("bias = 0.25", "bias = 0.255"))  # sum_h1 is 0.415
    for text, verdict in (("0.41", "right"), ("0.42", "right"), ("0.40", "wrong"), ("0.415", "right")):
        found = cp.check(problem, {"sum_h1": text})
        assert isinstance(found, Marked)
        assert found.lines[0].verdict.value == verdict


def test_dropped_zeros_and_tolerances() -> None:
    assert verdicts({"sum_h1": "0.4"}) == ["right"]  # by its own digits
    assert verdicts({"sum_h1": "0.4"}, digits=4) == ["wrong"]
    assert verdicts({"output_h1": "0.6"}, significant=3) == ["wrong"]
    assert verdicts({"output_h1": "0.6011"}, tolerance=1e-6) == ["wrong"]
    assert verdicts({"output_h1": "0.6"}, tolerance=0.01) == ["right"]


@pytest.mark.parametrize("text", ["abc", "=cmd", "9" * 400, "inf", "\x1b[31m0.41"])
def test_what_is_no_number_is_wrong_and_spoils_nothing_below(text: str) -> None:
    assert verdicts({"sum_h1": text, "output_h1": "0.60109"}) == ["wrong", "right"]


def test_factors_and_shares_on_the_sheet_are_followed() -> None:
    answers = {"dE_1/dw1": "0.001", "dE_2/dw1": "0.002", "dE/dw1": "0.003"}
    assert verdicts(answers) == ["wrong", "wrong", "carried"]
    answers = {"dE/dnet_o1": "0.13343", "dnet_o1/dw5": "0.5", "dE/dw5": "0.06672"}
    assert verdicts(answers) == ["right", "wrong", "carried"]


def test_a_joined_loss_may_be_worked_out_in_two_factors() -> None:
    network = cp.Network(1, [cp.Dense(1, "logistic")], loss="binary_cross_entropy")
    problem = cp.Problem(network, examples=cp.Examples.of([[0.5]], [[1.0]]), notation="lecture")
    problem.parameters.vector[:] = [0.8, 0.1]
    found = cp.check(
        problem, {"dE/dout_y1": "1.6065", "dout_y1/dnet_y1": "0.23500", "dE/dnet_y1": "0.37753", "dE/dw1": "0.18876"}
    )
    assert isinstance(found, Marked)
    assert [line.verdict.value for line in found.lines] == ["wrong", "right", "carried", "carried"]
