"""Expression trees as JSON."""

from __future__ import annotations

import pytest
from tests.explorer.node import Node

import clearprop as cp
from clearprop.explorer.export import exported
from clearprop.explorer.trees import tree
from clearprop.expressions import Number, Symbol, evaluate
from clearprop.network import names as q
from clearprop.rules.activations import ACTIVATIONS, Activation
from clearprop.rules.roles import Role


def test_a_symbol_that_could_be_taken_for_a_role_is_refused() -> None:
    with pytest.raises(cp.ClearpropError, match="cannot be told from a role"):
        tree(Symbol("z") * 2)


def test_roles_constants_and_quantities_have_different_names() -> None:
    shown = tree(Symbol(Role.SUM) * Symbol("delta") + Symbol(q.Named("weight")) / Number(2.0))
    assert shown == ["+", ["*", "z", "delta"], ["/", "#weight", 2.0]]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_page_computes_what_the_expression_does(node: Node, name: str) -> None:
    rule = ACTIVATIONS[name]
    if not isinstance(rule, Activation):
        pytest.skip("not an expression of one sum")
    node.evaluate(
        "(data) => clearprop.run(data).error", exported(cp.load("lecture"))
    )  # hands over the coefficients of erf
    found = node.evaluate("(tree) => clearprop.evaluate(tree, { z: 0.375 })", tree(rule.formula))
    assert found == pytest.approx(float(evaluate(rule.formula, {Role.SUM: 0.375})), rel=1e-15)
