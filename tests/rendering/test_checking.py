"""Marked sheets in every format."""

from __future__ import annotations

import csv
import io
import json

import pytest

import clearprop as cp
from clearprop.checking.marked import Marked, MarkedClass
from clearprop.rendering.checking import check_csv, check_result, harmless
from clearprop.rendering.formats import FORMATS, write

HOSTILE = "<b>\x1b[2J$\\input{x}$</b>"


def sheet() -> Marked:
    found = cp.check(
        cp.load("lecture"),
        {"output_o1": "0.73493", "dE/dout_o1": "0.68493", "dout_o1/dnet_o1": "0.19481", "dE/dnet_o1": "0.68493",
         "dE/dw5": "0.41170", "new_w5": ""},
    )  # fmt: skip
    assert isinstance(found, Marked)
    return found


def test_the_feedback_sheet_derives_the_first_wrong_line_with_the_students_numbers() -> None:
    shown = write(check_result(sheet()))
    for part in (
        "lecture: the sheet, 4 of 6 right",
        "The first wrong line: ∂E_total/∂sum_o1",
        "= 0.68493 * 0.19481",
        "With the mistake slope_left_out:",
        "Multiply by ∂output/∂sum. (slope_left_out: ∂E_total/∂sum_o1)",
        "all right: forward propagation",
        "0.41170  carried",
        "missing",
    ):
        assert part in shown


@pytest.mark.parametrize("format", list(FORMATS))
def test_text_of_a_sheet_is_never_markup(format: str) -> None:
    found = cp.check(cp.load("lecture"), {HOSTILE: {"sum_h1": HOSTILE, "E": "=cmd|x"}, "Bo": {"sum_h1": "0.16"}})
    assert isinstance(found, MarkedClass)
    for each in (found, found.students[HOSTILE]):
        shown = write(check_result(each), format)
        assert "\x1b" not in shown
        assert format != "latex" or "\\input{x}" not in shown
        assert format != "html" or "<b>" not in shown


def test_csv_has_a_row_for_each_line_or_student_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(check_csv(sheet()))))
    assert [row["verdict"] for row in rows] == ["right", "right", "right", "wrong", "carried", "missing"]
    assert rows[3]["mistakes"] == "slope_left_out"
    found = cp.check(cp.load("lecture"), {"=1+1": {"sum_h1": "0.41"}, "-Ana": {"sum_h1": "0.16"}})
    rows = list(csv.DictReader(io.StringIO(check_csv(found))))
    assert [row["name"] for row in rows] == ["'=1+1", "'-Ana"]
    assert [row["mistakes"] for row in rows] == ["", "bias_left_out or bias_after_activation"]


def test_what_a_spreadsheet_takes_for_a_formula() -> None:
    given = ["=1", "@x", "+cmd", "-0.5", "-1,5e-3", "x\x1b[2J", "\tx"]
    assert [harmless(text) for text in given] == ["'=1", "'@x", "'+cmd", "-0.5", "-1,5e-3", "x�[2J", "�x"]


def test_json_is_the_structure() -> None:
    assert json.loads(write(check_result(sheet()), "json"))["first_wrong"] == "∂E_total/∂sum_o1"
