"""Compiled expressions against evaluated ones."""

from __future__ import annotations

import numpy as np
import pytest

from clearprop.checking.compiled import compiled
from clearprop.expressions import evaluate, parse

NAMES = {name: name for name in "abc"}


@pytest.mark.parametrize(
    "text", ["a + b * c - 2", "logistic(a) / (1 + exp(-b))", "-(a - b)**2 / c", "where(a > b, a, 0.1 * b)", "max(a, c)"]
)
def test_a_compiled_expression_has_the_evaluated_value(text: str) -> None:
    tree = parse(text, NAMES)
    numbers = {"a": np.array([[0.3, -1.2]]), "b": np.array([[0.7, 2.0]])}
    value, size = compiled(tree, {"c": 1.5}.get)
    assert value(numbers) == pytest.approx(evaluate(tree, {**numbers, "c": 1.5}), rel=1e-15)
    assert np.all(size(numbers) >= np.abs(value(numbers)) * (1 - 1e-12))


def test_the_size_of_a_sum_is_that_of_its_terms() -> None:
    _, size = compiled(parse("a - b", NAMES), lambda key: None)
    assert size({"a": np.array(1.0), "b": np.array(1.0)}) == 2.0
    value, size = compiled(parse("a * 0.7 + b * 0.7 - 0.28", NAMES), {"a": 0.1, "b": 0.3}.get)
    assert value({}) == pytest.approx(0, abs=1e-16)
    assert size({}) == pytest.approx(0.56)
