"""Where formulas are broken: every format breaks the same tree at the same places, and changes no value."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import clearprop as cp
from clearprop.expressions import Expression, evaluate, parse
from clearprop.network import names as q
from clearprop.rendering import latex_symbols, mathml, text
from clearprop.rendering.document import View
from clearprop.rendering.line_breaks import Breakable

VIEW = View(cp.load("lecture").names, digits=17)
SYMBOLS = {name: name for name in ("a", "b", "c", "d")}
VALUES = {"a": 0.5, "b": -1.25, "c": 3.0, "d": 0.125}
FORMATS: list[Breakable] = [text.Formula(VIEW), latex_symbols.Formula(VIEW), mathml.Formula(VIEW)]


def trees() -> st.SearchStrategy[str]:
    leaf = st.sampled_from([*SYMBOLS, "2", "0.75", "-3"])
    more: list[Callable[[Any], Any]] = [
        lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        lambda inner: inner.map(lambda u: f"-({u})"),
        lambda inner: inner.map(lambda u: f"({u})**2"),
        lambda inner: inner.map(lambda u: f"tanh({u})"),
        lambda inner: st.tuples(inner, inner).map(lambda t: f"max({t[0]}, {t[1]})"),
    ]
    return st.recursive(leaf, lambda inner: st.one_of(*(each(inner) for each in more)), max_leaves=12)


def tree(source: str) -> Expression:
    return parse(source, dict(SYMBOLS))


@given(trees(), st.integers(12, 60))
def test_what_is_broken_still_has_the_same_value(source: str, room: int) -> None:
    """Lines of text, put together again, are read as the same formula."""
    whole = tree(source)
    lines = text.Formula(VIEW).lines(whole, room)
    joined = re.sub(r"²", "**2", " ".join(lines))
    expected, found = (evaluate(each, VALUES) for each in (whole, tree(joined)))
    assert found == pytest.approx(expected, nan_ok=True)


@given(trees(), st.integers(20, 60))
def test_a_line_is_too_long_only_where_nothing_can_be_broken(source: str, room: int) -> None:
    for line in text.Formula(VIEW).lines(tree(source), room):
        assert len(line) <= room or not re.search(r"\w [-+*/·] \w", line)


def test_terms_are_broken_before_factors() -> None:
    formula = text.Formula(VIEW)
    shown = formula.lines(tree("a * b * c + b * c * d + c * d * a"), 20)
    assert shown == [f"a {formula.words.times} b {formula.words.times} c", *shown[1:]]
    assert [line[0] for line in shown[1:]] == ["+", "+"]


def test_long_factors_get_parentheses_around_what_is_broken() -> None:
    source = "(a + b + c + d + a + b) * d"
    expected: dict[type[Breakable], Any] = {
        text.Formula: ["(a", "+ b", "+ c", "+ d", "+ a", "+ b)"],
        latex_symbols.Formula: [r"\bigl(a", "+ b", "+ c", "+ d", "+ a", r"+ b\bigr)"],
    }
    for formula in FORMATS[:2]:
        chunks = formula.broken(tree(source), 15)
        flat = [re.sub(r"\\text\{(.)\}", r"\1", chunk.sign + chunk.shown) for chunk in chunks]
        assert flat[:-1] == expected[type(formula)]
    chunks = FORMATS[2].broken(tree(source), 2)
    assert [chunk.sign for chunk in chunks] == ["", *"+++++", chunks[-1].sign]
    assert chunks[0].shown.startswith('<mo form="prefix" stretchy="false">(')
    assert chunks[5].shown.endswith(")</mo>")


@pytest.mark.parametrize("formula", FORMATS, ids=["text", "latex", "mathml"])
def test_a_formula_that_fits_is_one_chunk_and_a_symbol_keeps_its_key(formula: Breakable) -> None:
    (chunk,) = formula.chunks(tree("a"), 100)
    assert chunk == ("", formula.write(tree("a")), "a")
    (chunk,) = formula.chunks(tree("a + b"), 1000)
    assert (chunk.sign, chunk.key) == ("", None)


def test_a_case_within_a_case_keeps_its_parentheses_where_it_is_broken() -> None:
    sign = "where(z > 0, 1, where(z < 0, -1, 0))"
    tree = parse(f"where(abs(z) > 1, {sign}, z)", {"z": q.Sum(0, 0)})
    formula = text.Formula(VIEW)
    whole = formula.write(tree)
    assert " ".join(formula.lines(tree, 40)) == whole
    assert whole.startswith("(1 if sum_h1 > 0 else -1 if sum_h1 < 0 else 0) if abs(sum_h1) > 1")
