"""Ids within a page: short, plain, each once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import clearprop as cp
from clearprop.expressions import symbols
from clearprop.network import names as q
from clearprop.rendering.anchors import Anchors
from clearprop.rendering.document import Equation, Heading, View

PROBLEM = cp.load("lecture")


VIEW = View(PROBLEM.names)


def test_ids_are_short_plain_and_unique_whatever_the_names() -> None:
    texts = ["∂E_total/∂w5", "∂E_total/∂w5", "", "é ü", "<x>\"'&", "a" * 300, "a" * 400, "w5⁺", "δ_h1", "x-2", "x", "x"]
    anchors = Anchors(tuple(Heading(2, text) for text in texts), VIEW, "p-")
    ids = list(anchors.ids.values())
    assert ids[:3] == ["p-dE_total-dw5", "p-dE_total-dw5-2", "p-part"]
    assert len(set(ids)) == len(texts)
    assert all(name.isascii() and len(name) < 80 and " " not in name for name in ids)


@given(st.lists(st.text("ab-2 ", max_size=4) | st.text(max_size=80), max_size=12))
def test_ids_never_repeat(texts: list[str]) -> None:
    ids = list(Anchors(tuple(Heading(2, text) for text in texts), VIEW).ids.values())
    assert len(set(ids)) == len(texts)


@pytest.mark.parametrize("net", ["lecture", "deep"])
def test_every_factor_leads_to_the_equation_that_computes_it(net: str) -> None:
    cycle = cp.cycle(cp.load(net))
    document = cp.explain(cycle).document
    anchors = Anchors(document, View(cycle.names))
    dead = [
        (str(block.left), str(key))
        for position, block in enumerate(document)
        if isinstance(block, Equation)
        for line in block.lines
        for key in symbols(line.side)
        if isinstance(key, q.Derivative) and anchors.computed(key, position) is None and str(key) != str(block.left)
    ]
    assert not dead
