"""The bank as data for the page."""

from __future__ import annotations

import json
from typing import Any

import pytest

import clearprop as cp
from clearprop.checking.wrong_cycle import wrong_cycle
from clearprop.explorer.mistakes import exported_lines, exported_mistakes
from clearprop.expressions.tree import Operator

OPERATORS = {operator.value: operator for operator in Operator}


def value(tree: Any, numbers: dict[str, float]) -> float:
    if isinstance(tree, list):
        return float(OPERATORS[tree[0]].compute(*(value(each, numbers) for each in tree[1:])))
    return numbers[tree] if isinstance(tree, str) else tree


@pytest.mark.parametrize("name", ["slope_left_out", "updated_weights", "bias_left_out", "added"])
def test_the_page_can_compute_a_wrong_cycle_from_the_data_alone(name: str) -> None:
    done = cp.cycle(cp.load("lecture"))
    data = json.loads(json.dumps({"lines": exported_lines(done), "mistakes": exported_mistakes(done)}))
    wrong = next(each for each in data["mistakes"] if each["name"] == name)["lines"]
    numbers = {**dict(done.parameters.items()), "i1": 0.1, "i2": 0.5, "target_1": 0.05, "target_2": 0.95, "n": 0.6}
    for line in data["lines"]:
        numbers[line["quantity"]] = value(wrong.get(line["quantity"], line["tree"]), numbers)
    for each in wrong_cycle(done, name).lines:
        assert numbers[done.names.text(each.quantity)] == pytest.approx(each.wrong_value, rel=1e-12, abs=1e-15)


def test_conventions_are_told_apart_from_mistakes() -> None:
    found = {each["name"]: each for each in exported_mistakes(cp.cycle(cp.load("lecture")))}
    assert found["error_without_half"]["convention"]
    assert not found["half_left_out"]["convention"]
    assert len(found) > 70
