"""The exported lines are enough to compute a cycle: evaluated by a few lines of their own, they give its numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest

import clearprop as cp
from clearprop.derivation.lines import Lines
from clearprop.explorer.lines import exported_lines
from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, evaluate
from clearprop.network import names as q

OPERATORS = {operator.value: operator for operator in Operator}


def read(tree: Any) -> Expression:
    match tree:
        case str():
            return Symbol(tree)
        case [operator, *arguments]:
            return Apply(OPERATORS[operator], tuple(map(read, arguments)))
    return Number(float(tree))


@pytest.mark.parametrize(("name", "example"), [("lecture", 1), ("xor", "all"), ("deep", 2)])
def test_exported_lines_give_the_numbers_of_the_cycle(name: str, example: Any) -> None:
    done = cp.cycle(cp.load(name), example)
    lines = Lines(done)
    exported = json.loads(json.dumps(exported_lines(lines), ensure_ascii=False))
    computed = {line["quantity"] for line in exported}
    numbers: dict[str, float] = {}
    for line in lines:  # the numbers that are given
        for key in line.uses:
            if done.names.text(key) not in computed:
                numbers[done.names.text(key)] = done.value(key)
    for line in exported:
        numbers[line["quantity"]] = float(evaluate(read(line["expression"]), numbers))
    for index, new in enumerate(done.updated.vector):
        assert numbers[done.names.text(q.Updated(q.Parameter(index)))] == pytest.approx(new, rel=1e-12)
