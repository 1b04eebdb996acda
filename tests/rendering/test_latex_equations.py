"""Equations as LaTeX: long formulas are broken, and fit the page."""

from __future__ import annotations

import re

import pytest
from tests.rendering.compiling import balanced, compiled, too_wide
from tests.rendering.quantities import CHAIN, LECTURE, TOTAL, W5

from clearprop.expressions import Apply, Expression, Number, Operator, Symbol
from clearprop.expressions.tree import add, multiply
from clearprop.network import names as q
from clearprop.rendering.document import (
    Equation,
    Line,
)
from clearprop.rendering.latex import latex
from clearprop.rendering.latex_symbols import (
    Formula,
)
from clearprop.rendering.latex_width import width

NUMBERS = [Number(0.12345 + k) for k in range(16)]


LONG: dict[str, Expression] = {
    "sum": add(*NUMBERS, *NUMBERS),
    "product": CHAIN,
    "mean": add(*NUMBERS) / 16,
    "difference": Symbol(W5) - Number(0.6) * multiply(*NUMBERS),
    "sum of products": add(CHAIN, -CHAIN, CHAIN),
    "negative": -add(*NUMBERS),
    "power": add(*NUMBERS) ** 2 * multiply(*NUMBERS),
    "quotient": Number(1.0) / add(*NUMBERS, CHAIN),
    "exponential": Apply(Operator.EXP, (add(*NUMBERS),)),
    "unbreakable": Apply(Operator.TANH, (add(*NUMBERS),)),
}


def test_long_formulas_fit_the_page() -> None:
    whole = Symbol(q.Derivative(TOTAL, q.Output(1, 0)))
    blocks = [Equation(whole, (Line(tree, "a remark beside it"), Line(Number(1.0)))) for tree in LONG.values()]
    words = Equation(Symbol("a long left side " * 10), (Line(Number(1.0), "a long remark " * 20),))
    assert too_wide(compiled(latex((*blocks, words), LECTURE))) == 0


@pytest.mark.parametrize("name", LONG)
def test_broken_formulas_have_everything_once(name: str) -> None:
    formula = Formula(LECTURE)
    shown = formula.lines(LONG[name], 300)
    assert all(balanced(piece) for piece in shown)
    joined = " ".join(shown)
    whole = formula.write(LONG[name])
    assert re.findall(r"\d+\.\d+|partial", joined) == re.findall(r"\d+\.\d+|partial", whole)
    assert joined.count(r"\bigl(") == joined.count(r"\bigr)")
    if name != "unbreakable":
        assert all(width(piece) <= 300 for piece in shown)


def test_a_mean_that_is_broken_stays_in_parentheses() -> None:
    first, *_, last = Formula(LECTURE).lines(LONG["mean"], 200)
    assert first.startswith(r"\bigl(0.12345 + ")
    assert last.endswith(r"\bigr) / 16")
