"""Documents as text."""

from __future__ import annotations

from tests.rendering.compiling import compiled
from tests.rendering.explained import explained

import clearprop as cp
from clearprop.expressions import Number, Symbol
from clearprop.rendering.document import Grid, Heading, Paragraph, View
from clearprop.rendering.latex import latex
from clearprop.rendering.markdown import markdown
from clearprop.rendering.text import text


def test_text_keeps_to_80_columns_and_has_no_colour_in_a_pipe() -> None:
    for name in ("lecture", "xor", "deep", "ring"):
        shown = explained(name).text(width=80)
        assert "\x1b" not in shown
        assert max(map(len, shown.split("\n"))) <= 80, max(shown.split("\n"), key=len)
    assert "\x1b[1m" in explained("lecture", "w5").text(colour=True)


HOSTILE = [
    r"\input{/etc/passwd}",
    "$x$ & % # _ ^ ~ {",
    "}",
    "<script>alert(1)</script>",
    "|a|b|",
    "\u202eabc",
    "🙂 é ∂",
]


def test_hostile_text_stays_text() -> None:
    view = View(cp.load("lecture").names)
    blocks = tuple(
        block
        for hostile in HOSTILE
        for block in (Heading(2, hostile), Paragraph(hostile), Grid((hostile, "n"), ((hostile, Number(1.0)),)))
    )
    compiled(latex((*blocks, Paragraph(" ".join(HOSTILE))), view))
    shown = markdown(blocks, view)
    assert "<script>" not in shown
    assert r"\|a\|b\|" in shown
    assert "[red]" in text((Paragraph("[red]not markup[/red]"), Grid(("[red]", ""), (("[bold]x", "y"),))), view)


def test_symbols_that_are_text_are_printed_as_they_are() -> None:
    view = View(cp.load("lecture").names)
    assert "a [b] c" in text((Grid(("", ""), ((Symbol("a [b] c"), Number(0.5)),)),), view)
