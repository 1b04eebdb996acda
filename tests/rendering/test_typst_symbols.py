"""Symbols, numbers and formulas as Typst writes them."""

from __future__ import annotations

import pytest
from tests.rendering.quantities import LECTURE, TOTAL, W5

from clearprop.expressions import Number, parse
from clearprop.network import names as q
from clearprop.rendering.document import Letter, Matrix
from clearprop.rendering.typst_symbols import PIECES, Formula, matrices, number, string


def test_a_string_holds_any_text() -> None:
    assert string('a "b" \\ #c\n\u202e') == r'"a \"b\" \\ #c  "'


@pytest.mark.parametrize(
    ("shown", "set_as"),
    [("-0.5", "-0.5"), ("1.2e-8", "1.2 times attach(10, t: -8)"), ("-inf", "-infinity"), ("nan", '"nan"')],
)
def test_numbers(shown: str, set_as: str) -> None:
    assert number(shown) == set_as


@pytest.mark.parametrize(
    ("quantity", "shown"),
    [
        (W5, 'attach(italic("w"), b: "5")'),
        (q.Sum(0, 0), 'attach(upright("sum"), b: italic("h")"1")'),
        (
            q.Derivative(TOTAL, W5),
            'frac(∂attach(italic("E"), b: upright("total")), ∂attach(italic("w"), b: "5"))',
        ),
        (q.State("m_hat", W5.index), 'attach(hat(italic("m")), b: italic("w")"5")'),
    ],
)
def test_quantities(quantity: q.Quantity, shown: str) -> None:
    assert Formula(LECTURE).symbols.quantity(quantity) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1 / (1 + exp(-a))", 'frac(1, 1 + attach(italic("e"), t: -"a"))'),
        ("max(a, 0)", 'op("max") lr(("a" comma 0))'),
        ("sqrt(a)**2", 'attach(sqrt("a"), t: 2)'),
        ("where(a <= 0, -1, abs(a))", 'cases(-1 & "if " "a"  lt.eq  0, abs("a") & "else")'),
        ("a * (a - 1)", '"a" dot.op lr(("a" - 1))'),
    ],
)
def test_formulas(text: str, shown: str) -> None:
    assert Formula(LECTURE).write(parse(text, {"a": "a"})) == shown


def test_the_length_counts_what_is_printed() -> None:
    formula = Formula(LECTURE)
    assert formula.length(formula.write(Number(0.125))) == len("0.125")
    assert formula.length(formula.symbols.quantity(W5)) == len("w5")


def test_matrices() -> None:
    shown = matrices((Letter("W", 1, "T"), Matrix(((1.0, 2.0),), elided=True)), Formula(LECTURE))
    assert shown == ('attach(attach(bold(upright("W")), b: "1"), t: "T") mat(delim: "[", 1, 2; dots.v, dots.v)')
    assert PIECES.raised("x", "′") == "attach(x, t: prime)"
