"""Markdown: a reader of GitHub-flavoured markdown sees the text, and nothing in it is markup."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from tests.rendering.explained import explained

import clearprop as cp
from clearprop.expressions import Number, Symbol, parse
from clearprop.network import names as q
from clearprop.rendering.document import Block, Diagram, Equation, Grid, Heading, Line, Paragraph, View
from clearprop.rendering.markdown import escaped, markdown

PROBLEM = cp.load("lecture")
VIEW = View(PROBLEM.names)
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = [
    "# heading", "- item", "+ item", "1. item", "2) item", "> quote", "    code", "```", "~~~", "---", "===", "a\r===",
    "a\r\n\r\n# b", "| a | b |", "*a* _b_ ~~c~~ `d` $e$ $$", "<b>&lt;&amp;", "[a](b) ![c](d) [e]: f", "a\\", "\\*",
    "@x #1",
]  # fmt: skip


def tokens(*blocks: Block) -> list[Token]:
    return READER.parse(markdown(blocks, VIEW))


def seen(inline: Token) -> str:
    """The text of a heading, paragraph or cell that consists of text alone."""
    children = inline.children or []
    assert {child.type for child in children} <= {"text", "text_special"}, inline.content
    return "".join(child.content for child in children)


def plain(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@given(st.text(max_size=30) | st.text("#*_-+=.)1>|`~$<&[]()!\\ \n\ra:", max_size=15))
@example(" ".join(HOSTILE))
def test_text_is_never_markup(text: str) -> None:
    found = tokens(Heading(2, text + "x"), Paragraph(text + "x"), Grid((text, "n"), ((text, Number(1.0)),)))
    kinds = [token.type for token in found if token.level == 0 and token.type.endswith("_open")]
    assert kinds == ["heading_open", "paragraph_open", "table_open"]
    inlines = [token for token in found if token.type == "inline"]
    assert [seen(token) for token in inlines[:3]] == [plain(text + "x"), plain(text + "x"), plain(text)]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_alone(text: str) -> None:
    found = tokens(Paragraph(text))
    assert [token.type for token in found] == ["paragraph_open", "inline", "paragraph_close"]
    assert seen(found[1]) == plain(text)


@given(st.text(max_size=30))
@example("".join(HOSTILE))
def test_dollars_are_always_escaped(text: str) -> None:
    assert not re.search(r"(?<!\\)(\\\\)*\$", escaped(text))


def test_ordinary_prose_stays_readable() -> None:
    assert escaped("lecture: one cycle - 0.5 (of 2), 1e-8!") == "lecture: one cycle - 0.5 (of 2), 1e-8!"


def test_an_equation_is_a_block_of_aligned_lines() -> None:
    block = Equation(Symbol(q.Sum(0, 0)), (Line(parse("1 + exp(2)", {})), Line(Number(0.5), "a_b")))
    assert markdown((block,), VIEW) == (
        "$$\n\\begin{aligned}\n\\mathrm{sum}_{h1} &= 1 + e^{2} \\\\\n"
        "&= 0.5 \\qquad {\\color{gray}\\text{(a}\\_\\text{b)}}\n\\end{aligned}\n$$\n"
    )


def test_nothing_is_used_that_github_forbids() -> None:
    for notation in ("lecture", "standard"):
        shown = cp.explain(cp.cycle(cp.load("deep")), notation=notation).markdown()
        assert not re.search(r"\\(operatorname|ensuremath|parbox|resizebox|small|textbackslash)\b", shown)


def test_tables_have_one_cell_per_column() -> None:
    table = Grid(("a|b", ""), ((Symbol("x | y"), parse("abs(z)", {"z": q.Sum(0, 0)})), ("only one",)))
    header, rule, first, second = markdown((table,), VIEW).strip().split("\n")
    assert header == r"| a\|b |  |"
    assert rule == "| --- | ---: |"
    assert first == r"| x \| y | $\left\vert \mathrm{sum}_{h1}\right\vert $ |"
    assert second == "| only one |  |"
    assert markdown((Grid((), ()),), VIEW) == "\n"


def test_the_diagram_is_a_fence() -> None:
    found = tokens(Diagram(PROBLEM.network))
    assert [(token.type, token.info) for token in found] == [("fence", "text")]


def test_markdown_has_mathematics_and_tables() -> None:
    shown = explained("lecture").markdown()
    assert shown.startswith("# lecture: one cycle\n\n```text\n")
    assert "| $w_{5}$ | $0.5$ | $0.08020$ | $0.45188$ |" in shown
    assert shown.count("$$") % 2 == 0
