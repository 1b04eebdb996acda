"""Explanations: every number of the lecture, named quantities."""

from __future__ import annotations

import re

import pytest
from tests.rendering.explained import explained
from tests.support import LECTURE, LECTURE_COMPONENTS, LECTURE_GRADIENTS, LECTURE_UPDATED


@pytest.fixture(scope="module")
def lecture() -> str:
    """The explanation, unwrapped: one equation a line."""
    explanation = explained("lecture", digits=5, rounding="truncate")
    without_remarks = re.sub(r"\n +\([a-z ,]+\)(?=\n)", "", explanation.text(width=80))
    return re.sub(r"\n +(?=[=*+-] )", " ", without_remarks)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        *LECTURE.items(),
        *LECTURE_COMPONENTS.items(),
        *((f"∂E_total/∂{name}", shown) for name, shown in LECTURE_GRADIENTS.items()),
        *((f"new_{name}", shown) for name, shown in LECTURE_UPDATED.items()),
    ],
)
def test_every_number_of_the_lecture_is_printed(lecture: str, name: str, shown: str) -> None:
    assert re.search(rf"^ *{re.escape(name)} = .*= {re.escape(shown)}( |$)", lecture, re.MULTILINE)


@pytest.mark.parametrize(
    "line",
    [
        "sum_h1 = i1 * w1 + i2 * w3 + b1 = 0.1 * 0.1 + 0.5 * 0.3 + 0.25 = 0.41",
        "∂E_total/∂w5 = ∂E_total/∂output_o1 * ∂output_o1/∂sum_o1 * ∂sum_o1/∂w5",
        "= 0.68492 * 0.19480 * 0.60108 = 0.08020",
        "= -0.17044 * 0.17184 * 0.60108 = -0.01760",
        "new_w5 = w5 - n * ∂E_total/∂w5 = 0.5 - 0.6 * 0.08020 = 0.45187",
        "= 0.68492 * 0.19480 * 0.5 * 0.23978 * 0.1 = 0.00159",
        "= -0.17044 * 0.17184 * 0.7 * 0.23978 * 0.1 = -0.00049",
        "∂E_total/∂w1 = ∂E_1/∂w1 + ∂E_2/∂w1 = 0.00159 + (-0.00049) = 0.00110",
        "E_total = 0.24072   (with the new weights)",
        "∂output_o1/∂sum_o1 = 0.19480   (already computed for w5)",
        "= 2 * (1/2) * (target_1 - output_o1) * (-1)",
    ],
)
def test_the_lecture_line_by_line(lecture: str, line: str) -> None:
    assert line in lecture


def test_named_quantities_in_both_notations_and_signals() -> None:
    shown = explained("lecture", "E_total", "z_o1", "∂E_total/∂sum_h1", "new_w5", "dE_1/dw1").text()
    assert "E_total = E_1 + E_2" in shown
    assert "sum_o1 = output_h1 * w5" in shown
    assert "∂E_total/∂sum_h1" in shown
