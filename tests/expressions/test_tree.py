"""Trees of expressions: what they are made of, and what is put into them."""

from __future__ import annotations

import operator
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.expressions.oracle import ORACLE
from tests.expressions.trees import trees

from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, evaluate
from clearprop.expressions.tree import add, bind, expression, multiply, nodes, renamed, substitute, symbols

a, b = Symbol("a"), Symbol("b")


@pytest.mark.parametrize("sign", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow])
@given(st.floats(0.1, 9), st.floats(-3, 3))
def test_signs_mean_what_they_mean_in_python(sign: Callable[[Any, Any], Any], one: float, other: float) -> None:
    """On both sides of a number, too."""
    values = {"a": one, "b": other}
    for tree in (sign(a, b), sign(one, b), sign(a, other)):
        if other:
            assert float(evaluate(tree, values)) == pytest.approx(sign(one, other), rel=1e-15)
    assert float(evaluate(-a, values)) == -one


def test_every_operator_has_a_definition_elsewhere_and_a_name_of_its_own() -> None:
    """A function has as many arguments as its computation in NumPy takes."""
    assert set(ORACLE) == set(Operator)
    names = [each.value for each in Operator]
    assert len(set(names)) == len(names)
    for each in Operator:
        if isinstance(each.compute, np.ufunc) and each.arity is not None:
            assert each.compute.nin == each.arity


def test_trees_are_equal_by_what_they_are_and_cannot_be_changed() -> None:
    assert a + 1 == Apply(Operator.ADD, (Symbol("a"), Number(1.0)))
    assert len({a + 1, 1 + a, a + 1}) == 2
    with pytest.raises(FrozenInstanceError):
        Number(1.0).value = 2.0  # type: ignore[misc]


def test_a_tree_of_another_process_is_found_in_a_table() -> None:
    """Where the hashes of names are others."""
    made = (
        "import pickle, sys; from clearprop.expressions import Symbol; tree = Symbol('a') + 1; hash(tree);"
        "sys.stdout.buffer.write(pickle.dumps(tree))"
    )
    with_another_seed = {**os.environ, "PYTHONHASHSEED": "20"}
    sent = subprocess.run([sys.executable, "-c", made], env=with_another_seed, capture_output=True, check=True).stdout
    assert pickle.loads(sent) in {a + 1}


@given(trees)
def test_nodes_are_all_of_them_and_symbols_are_among_them(tree: Expression) -> None:
    found = list(nodes(tree))
    assert found[0] is tree
    for node in found:
        if isinstance(node, Apply):
            assert all(any(argument is each for each in found) for argument in node.arguments)
    assert symbols(tree) == {node.key for node in found if isinstance(node, Symbol)}


@given(trees)
def test_nothing_changes_where_nothing_is_replaced(tree: Expression) -> None:
    assert substitute(tree, lambda key: None) == tree
    assert renamed(tree, {}) == tree


def test_symbols_are_replaced_by_expressions_numbers_and_other_names() -> None:
    tree = a * a + b
    assert substitute(tree, lambda key: b + 1 if key == "a" else None) == (b + 1) * (b + 1) + b
    assert bind(tree, {"b": 2.5}) == a * a + 2.5
    assert bind(Symbol("b") * (a + 1), {"b": 1.0}) == a + 1
    assert bind(Symbol("b") * Symbol("b") * a, {"b": 1.0}) == a
    # All at once: what was put in is not replaced again.
    assert renamed(tree, {"a": "b", "b": "a"}) == b * b + a


def test_sums_and_products_of_one_are_that_one() -> None:
    assert add(a) is a
    assert multiply(b) is b
    assert add(a, b, a).arguments == (a, b, a)  # type: ignore[attr-defined]
    assert expression(3) == Number(3.0)
    assert expression(a) is a
