"""Mistakes as rewrites of lines."""

from __future__ import annotations

import clearprop as cp
from clearprop.checking.bank import BANK
from clearprop.derivation.lines import Lines
from clearprop.expressions import text
from clearprop.network import names as q
from clearprop.rendering.document import View


def changed(problem: cp.Problem, name: str, example: int | str = 1) -> dict[str, str]:
    lines = Lines(cp.cycle(problem, example))  # type: ignore[arg-type]
    rule, name_of = BANK[name].rewrite(lines), View(lines.cycle.names).name
    found = {name_of(line.quantity): rule(line) for line in lines}
    return {quantity: text(tree, name_of) for quantity, tree in found.items() if tree is not None}


def test_a_mistake_is_another_expression_for_a_kind_of_line() -> None:
    assert changed(cp.load("lecture"), "updated_weights") == {
        "∂E_total/∂output_h1": "∂E_total/∂sum_o1 * new_w5 + ∂E_total/∂sum_o2 * new_w7",
        "∂E_total/∂output_h2": "∂E_total/∂sum_o1 * new_w6 + ∂E_total/∂sum_o2 * new_w8",
    }


def test_in_a_batch_it_is_made_in_the_lines_of_each_example() -> None:
    found = changed(cp.load("xor"), "sign_of_error", "all")
    assert set(found) >= {
        f"∂L/∂a_{name}, example {k}" for name in cp.load("xor").network.unit_names[-1] for k in (1, 4)
    }
    assert changed(cp.load("xor"), "batch_sum_for_mean", "all")


def test_every_mistake_says_what_was_done_and_what_to_do() -> None:
    for each in BANK.values():
        assert each.says.endswith("."), each.name
        assert each.instead, each.name
        assert each.source, each.name
        assert each.name.isidentifier(), each.name
    assert len(BANK) > 60


def test_the_forward_pass_after_the_update_is_wrong_in_the_same_way() -> None:
    lines = Lines(cp.cycle(cp.load("lecture")))
    line = lines[q.Updated(q.Sum(1, 0))]
    names = View(lines.cycle.names).name
    assert text(line.expression, names) == "new_output_h1 * new_w5 + new_output_h2 * new_w6 + new_b2"
    wrong = BANK["bias_left_out"].rewrite(lines)(line)
    assert wrong is not None
    assert text(wrong, names) == "new_output_h1 * new_w5 + new_output_h2 * new_w6"
